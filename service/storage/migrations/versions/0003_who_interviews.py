"""Who interviews: a mark on turns, and whether such turns are coded."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the marks; nobody is marked."""
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("interviewer", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("code_interviewer", sa.Boolean(), server_default=sa.false(), nullable=False)
        )


def downgrade() -> None:
    """Forget who interviews."""
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.drop_column("code_interviewer")
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_column("interviewer")

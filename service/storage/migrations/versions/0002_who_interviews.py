"""Who interviews: a mark on turns, and whether such turns are coded."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


# Not as a batch: that would make the tables of SQLite anew, and dropping the old ones takes along
# every row that hangs off them.


def upgrade() -> None:
    """Add the marks; nobody is marked."""
    for table, column in (("turns", "interviewer"), ("studies", "code_interviewer")):
        op.add_column(
            table, sa.Column(column, sa.Boolean(), server_default=sa.false(), nullable=False)
        )


def downgrade() -> None:
    """Forget who interviews."""
    op.drop_column("studies", "code_interviewer")
    op.drop_column("turns", "interviewer")

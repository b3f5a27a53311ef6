"""Choices after a split that were made with the model's proposal in sight."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Choices that there are count as people's own until the next sync looks at them again."""
    op.add_column(
        "coding_choices",
        sa.Column("assisted", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    """Forget which they were."""
    op.drop_column("coding_choices", "assisted")

"""Samples in which what the model doubts is likelier to be drawn."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """All samples that there are were drawn with even chances."""
    op.add_column("draws", sa.Column("unsure_of", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Forget whose doubts decided; every transcript's probability stays."""
    op.drop_column("draws", "unsure_of")

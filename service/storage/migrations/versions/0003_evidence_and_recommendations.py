"""The sentence that carries a suggestion, and what was recommended to be coded next."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Suggestions made before have no evidence."""
    op.add_column("suggestions", sa.Column("evidence_start", sa.Integer(), nullable=True))
    op.add_column("suggestions", sa.Column("evidence_end", sa.Integer(), nullable=True))
    op.create_table(
        "recommendations",
        sa.Column("transcript_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name=op.f("fk_recommendations_transcript_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("transcript_id", name=op.f("pk_recommendations")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("recommendations")
    op.drop_column("suggestions", "evidence_end")
    op.drop_column("suggestions", "evidence_start")

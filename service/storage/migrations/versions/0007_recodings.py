"""Old excerpts drawn to be coded again, apart from all codings of the study."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was coded again before."""
    op.create_table(
        "recode_draws",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("coder", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_recode_draws_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recode_draws")),
    )
    op.create_index(op.f("ix_recode_draws_study_id"), "recode_draws", ["study_id"])
    op.create_table(
        "recode_excerpts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draw_id", sa.Integer(), nullable=False),
        sa.Column("transcript_id", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("coded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recoded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("annotator", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["draw_id"],
            ["recode_draws.id"],
            name=op.f("fk_recode_excerpts_draw_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name=op.f("fk_recode_excerpts_transcript_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recode_excerpts")),
    )
    op.create_index(op.f("ix_recode_excerpts_draw_id"), "recode_excerpts", ["draw_id"])
    op.create_index(op.f("ix_recode_excerpts_transcript_id"), "recode_excerpts", ["transcript_id"])
    op.create_table(
        "recode_codings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("excerpt_id", sa.Integer(), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("code_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["code_id"], ["codes.id"], name=op.f("fk_recode_codings_code_id")
        ),
        sa.ForeignKeyConstraint(
            ["excerpt_id"],
            ["recode_excerpts.id"],
            name=op.f("fk_recode_codings_excerpt_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recode_codings")),
    )
    op.create_index(op.f("ix_recode_codings_excerpt_id"), "recode_codings", ["excerpt_id"])
    op.create_index(op.f("ix_recode_codings_code_id"), "recode_codings", ["code_id"])


def downgrade() -> None:
    """Forget what was coded again."""
    op.drop_table("recode_codings")
    op.drop_table("recode_excerpts")
    op.drop_table("recode_draws")

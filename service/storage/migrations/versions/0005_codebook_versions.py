"""Codebooks are sequences of versions, and codings know the one that they were made under."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_VERSIONED = ("codings", "readings")


def upgrade() -> None:
    """Make the tables, and each study's codebook its version 1."""
    op.create_table(
        "codebook_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("operations", sa.JSON(), nullable=False),
        sa.Column("passages", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
            name=op.f("fk_codebook_versions_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_codebook_versions")),
        sa.UniqueConstraint(
            "study_id", "number", name=op.f("uq_codebook_versions_study_id_number")
        ),
    )
    op.create_table(
        "codebook_proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("operation", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
            name=op.f("fk_codebook_proposals_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_codebook_proposals")),
    )
    op.create_index(op.f("ix_codebook_proposals_study_id"), "codebook_proposals", ["study_id"])
    op.create_table(
        "coding_choices",
        sa.Column("coding_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["coding_id"],
            ["codings.id"],
            name=op.f("fk_coding_choices_coding_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("coding_id", "version", name=op.f("pk_coding_choices")),
    )
    op.add_column("codes", sa.Column("state", sa.String(), nullable=False, server_default="live"))
    for table in _VERSIONED:
        op.add_column(table, sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(
        "models",
        sa.Column("codebook_version", sa.Integer(), nullable=False, server_default="1"),
    )
    op.add_column("connections", sa.Column("labels_version", sa.Integer(), nullable=True))
    op.add_column("connections", sa.Column("label_config", sa.String(), nullable=True))
    op.add_column("connections", sa.Column("label_config_next", sa.String(), nullable=True))
    _record_first_versions()
    op.execute("UPDATE connections SET labels_version = 1")


def _record_first_versions() -> None:
    connection = op.get_bind()
    metadata = sa.MetaData()
    codes, studies, versions = (
        sa.Table(name, metadata, autoload_with=connection)
        for name in ("codes", "studies", "codebook_versions")
    )
    # As the newer tables add columns to codes, each is taken along.
    described = [
        column.name
        for column in codes.c
        if column.name not in ("id", "study_id", "position", "state")
    ]
    for study in connection.execute(sa.select(studies.c.id, studies.c.created_at)).all():
        found = connection.execute(
            sa.select(codes).where(codes.c.study_id == study.id).order_by(codes.c.position)
        ).mappings()
        content = [
            {
                "id": row["id"],
                "state": "live",
                "code": {name: row[name] for name in described},
            }
            for row in found
        ]
        if content:
            connection.execute(
                versions.insert().values(
                    study_id=study.id,
                    number=1,
                    created_at=study.created_at or datetime.now(UTC),
                    author="",
                    reason="the codebook when versions began",
                    codes=content,
                    operations=[],
                    passages=[],
                )
            )


def downgrade() -> None:
    """Drop what only versions need; the newest codebook stays."""
    op.drop_column("connections", "label_config_next")
    op.drop_column("connections", "label_config")
    op.drop_column("connections", "labels_version")
    op.drop_column("models", "codebook_version")
    for table in _VERSIONED:
        op.drop_column(table, "version")
    op.drop_column("codes", "state")
    op.drop_table("coding_choices")
    op.drop_table("codebook_proposals")
    op.drop_table("codebook_versions")

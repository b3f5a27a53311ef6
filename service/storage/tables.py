"""The tables. Only `service.storage` knows them; everything else sees records and core types.

Offsets count Unicode code points; times are UTC. Names and texts are as they were given.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base

SECRET = {"secret": True}
"""Marks a column that no backup holds unless that is asked for."""

CODE_KEYS = {"code_keys": True}
"""Marks a JSON column in which every whole number is the key of a code."""


def _parent(target: str) -> Any:
    return mapped_column(ForeignKey(target, ondelete="CASCADE"))


class StudyRow(Base):
    """A study. `declared` says whether its codebook was given or gathered from codings.

    `code_interviewer`: the turns of interviewers are coded like all others.
    """

    __tablename__ = "studies"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    declared: Mapped[bool]
    code_interviewer: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]


class CodeRow(Base):
    """A code. Codings point at the row, so that a renamed code stays the same code.

    This is the newest version of the codebook; `state` is live, retired or gone. The path of a
    gone one is put aside, so that another code may have it.
    """

    __tablename__ = "codes"
    __table_args__ = (UniqueConstraint("study_id", "path"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    path: Mapped[str]
    position: Mapped[int]
    definition: Mapped[str]
    include: Mapped[str]
    exclude: Mapped[str]
    examples: Mapped[list[Any]]
    color: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="live")


class CodebookVersionRow(Base):
    """A version of a codebook: all its codes, and the edits that made it."""

    __tablename__ = "codebook_versions"
    __table_args__ = (UniqueConstraint("study_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    number: Mapped[int]
    created_at: Mapped[datetime]
    author: Mapped[str]
    reason: Mapped[str]
    codes: Mapped[list[Any]] = mapped_column(info=CODE_KEYS)
    operations: Mapped[list[Any]]
    passages: Mapped[list[Any]] = mapped_column(info=CODE_KEYS)


class CodebookProposalRow(Base):
    """An edit found in Label Studio's labels: open, accepted or declined."""

    __tablename__ = "codebook_proposals"
    __table_args__ = (Index(None, "study_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    operation: Mapped[dict[str, Any]]
    state: Mapped[str]
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class TranscriptRow(Base):
    """A transcript; `words` is counted once, when it comes in."""

    __tablename__ = "transcripts"
    __table_args__ = (UniqueConstraint("study_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    name: Mapped[str]
    words: Mapped[int]
    attributes: Mapped[dict[str, Any]]


class TurnRow(Base):
    """A turn of a transcript; `interviewer` marks those of whoever asks the questions."""

    __tablename__ = "turns"
    transcript_id: Mapped[int] = mapped_column(
        ForeignKey("transcripts.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    speaker: Mapped[str]
    text: Mapped[str]
    interviewer: Mapped[bool] = mapped_column(default=False, server_default=false())


class AnnotationRow(Base):
    """Mirror of one Label Studio annotation; its codings, readings and decisions hang off it."""

    __tablename__ = "annotations"
    __table_args__ = (UniqueConstraint("study_id", "annotation_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    annotation_id: Mapped[int] = mapped_column(BigInteger)
    task_id: Mapped[int] = mapped_column(BigInteger)
    transcript_id: Mapped[int] = _parent("transcripts.id")
    coder: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    mirrored_at: Mapped[datetime]
    cancelled: Mapped[bool]
    assisted: Mapped[bool]
    parent_prediction: Mapped[int | None] = mapped_column(BigInteger)
    shown_version: Mapped[str | None]
    lead_time: Mapped[float | None]
    result: Mapped[list[Any]]


class CodingRow(Base):
    """A code applied to a span, as it was applied: later versions of the codebook read it.

    `annotation_id` is null where it came from a file.
    """

    __tablename__ = "codings"
    __table_args__ = (
        # NULLs differ from each other in a unique index, hence one index for each case.
        Index(
            "uq_codings_of_files",
            *("transcript_id", "turn", "start", "end", "code_id", "coder"),
            unique=True,
            sqlite_where=text("annotation_id IS NULL"),
            postgresql_where=text("annotation_id IS NULL"),
        ),
        Index(
            "uq_codings_of_annotations",
            *("annotation_id", "turn", "start", "end", "code_id", "coder"),
            unique=True,
            sqlite_where=text("annotation_id IS NOT NULL"),
            postgresql_where=text("annotation_id IS NOT NULL"),
        ),
        Index(None, "transcript_id"),
        Index(None, "code_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    transcript_id: Mapped[int] = _parent("transcripts.id")
    turn: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"))
    coder: Mapped[str]
    coded_at: Mapped[datetime | None]
    annotation_id: Mapped[int | None] = _parent("annotations.id")
    memo: Mapped[str] = mapped_column(server_default="")
    continues: Mapped[bool] = mapped_column(server_default=false())
    version: Mapped[int] = mapped_column(server_default="1")


class MemoRow(Base):
    """A memo on a transcript, a passage of one, a code, or on the study where all are null."""

    __tablename__ = "memos"
    __table_args__ = (Index(None, "study_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    title: Mapped[str]
    text: Mapped[str]
    author: Mapped[str]
    transcript_id: Mapped[int | None] = _parent("transcripts.id")
    code_id: Mapped[int | None] = mapped_column(ForeignKey("codes.id", ondelete="SET NULL"))
    turn: Mapped[int | None]
    start: Mapped[int | None]
    end: Mapped[int | None]


class SetRow(Base):
    """A set of codes and transcripts that was kept under a name."""

    __tablename__ = "sets"
    __table_args__ = (UniqueConstraint("study_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    name: Mapped[str]
    description: Mapped[str]


class SetMemberRow(Base):
    """A code or a transcript in a set; the other is null."""

    __tablename__ = "set_members"
    __table_args__ = (Index(None, "set_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = _parent("sets.id")
    code_id: Mapped[int | None] = _parent("codes.id")
    transcript_id: Mapped[int | None] = _parent("transcripts.id")


class CodingChoiceRow(Base):
    """What somebody chose, under a version, for a coding whose code was split: codes or none.

    `assisted`: the model's proposal was in sight.
    """

    __tablename__ = "coding_choices"
    coding_id: Mapped[int] = mapped_column(
        ForeignKey("codings.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    codes: Mapped[list[Any]] = mapped_column(info=CODE_KEYS)
    chosen_by: Mapped[str]
    chosen_at: Mapped[datetime]
    assisted: Mapped[bool] = mapped_column(default=False, server_default=false())


class ReadingRow(Base):
    """A coder read a turn; `annotation_id` is null where a file said so."""

    __tablename__ = "readings"
    __table_args__ = (
        Index(
            "uq_readings_of_files",
            *("transcript_id", "turn", "coder"),
            unique=True,
            sqlite_where=text("annotation_id IS NULL"),
            postgresql_where=text("annotation_id IS NULL"),
        ),
        Index(
            "uq_readings_of_annotations",
            *("annotation_id", "turn", "coder"),
            unique=True,
            sqlite_where=text("annotation_id IS NOT NULL"),
            postgresql_where=text("annotation_id IS NOT NULL"),
        ),
        Index(None, "transcript_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    transcript_id: Mapped[int] = _parent("transcripts.id")
    turn: Mapped[int]
    coder: Mapped[str]
    assisted: Mapped[bool]
    annotation_id: Mapped[int | None] = _parent("annotations.id")
    version: Mapped[int] = mapped_column(server_default="1")


class DecisionRow(Base):
    """What a coder did with one suggestion, or what they added.

    Coder, time and model version are the annotation's. `shown_*` is the suggestion's place,
    null for what was added.
    """

    __tablename__ = "decisions"
    __table_args__ = (Index(None, "annotation_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    annotation_id: Mapped[int] = _parent("annotations.id")
    turn: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"))
    kind: Mapped[str]
    shown_turn: Mapped[int | None]
    shown_start: Mapped[int | None]
    shown_end: Mapped[int | None]


class ModelRow(Base):
    """A published model version of a study; at most one is active.

    `codebook_version` is the codebook's whose codes it knows.
    """

    __tablename__ = "models"
    __table_args__ = (
        UniqueConstraint("study_id", "version"),
        Index(
            "uq_models_active",
            "study_id",
            unique=True,
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    version: Mapped[str]
    encoder: Mapped[str]
    created_at: Mapped[datetime]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    figures: Mapped[dict[str, Any]]
    active: Mapped[bool]
    codebook_version: Mapped[int] = mapped_column(server_default="1")


class BatchRow(Base):
    """One model version's look at one transcript. It is there even if nothing was suggested."""

    __tablename__ = "suggestion_batches"
    __table_args__ = (UniqueConstraint("transcript_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    transcript_id: Mapped[int] = _parent("transcripts.id")
    version: Mapped[str]
    shown: Mapped[bool]
    created_at: Mapped[datetime]


class RecommendationRow(Base):
    """A transcript that was recommended to be coded next, and since when.

    Chosen for its use to a model, it is no part of a probability sample.
    """

    __tablename__ = "recommendations"
    transcript_id: Mapped[int] = mapped_column(
        ForeignKey("transcripts.id", ondelete="CASCADE"), primary_key=True
    )
    created_at: Mapped[datetime]


class DrawRow(Base):
    """A sample of transcripts that was drawn for people to code; the newest one counts.

    `version` is the model that was in use: it had learned nothing from the sample. `unsure_of` are
    the codes whose doubtful transcripts were likelier, empty for all codes, null for even chances.
    """

    __tablename__ = "draws"
    __table_args__ = (Index(None, "study_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    size: Mapped[int]
    by: Mapped[list[Any]]
    allocation: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[str | None]
    unsure_of: Mapped[list[Any] | None]
    created_at: Mapped[datetime]


class DrawMemberRow(Base):
    """A transcript that a draw reckoned with: its stratum and its probability, drawn or not."""

    __tablename__ = "draw_members"
    draw_id: Mapped[int] = mapped_column(
        ForeignKey("draws.id", ondelete="CASCADE"), primary_key=True
    )
    transcript_id: Mapped[int] = mapped_column(
        ForeignKey("transcripts.id", ondelete="CASCADE"), primary_key=True
    )
    stratum: Mapped[list[Any]]
    probability: Mapped[float]
    drawn: Mapped[bool]


class RecodeDrawRow(Base):
    """A coder's old excerpts that were drawn to be coded again, blind; the newest draw is last.

    `key` names it in Label Studio, where it is the project `project_id` once it was pushed.
    `days` is how old the coding had to be.
    """

    __tablename__ = "recode_draws"
    __table_args__ = (Index(None, "study_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    coder: Mapped[str]
    size: Mapped[int | None]
    seed: Mapped[int] = mapped_column(BigInteger)
    days: Mapped[int]
    key: Mapped[str]
    created_at: Mapped[datetime]
    project_id: Mapped[int | None] = mapped_column(BigInteger)


class RecodeExcerptRow(Base):
    """A drawn excerpt, a whole turn; `key` names it in its task, `recoded_at` says it came back.

    `version` is the codebook's under which it was read first, `stratum` the path of its rarest
    code when it was drawn, empty where it had none.
    """

    __tablename__ = "recode_excerpts"
    __table_args__ = (Index(None, "draw_id"), Index(None, "transcript_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    draw_id: Mapped[int] = _parent("recode_draws.id")
    transcript_id: Mapped[int] = _parent("transcripts.id")
    turn: Mapped[int]
    version: Mapped[int]
    key: Mapped[str]
    stratum: Mapped[str]
    probability: Mapped[float]
    coded_at: Mapped[datetime | None]
    recoded_at: Mapped[datetime | None]
    annotator: Mapped[str | None]


class RecodeCodingRow(Base):
    """A code on a drawn excerpt: as it stood when it was drawn, or `again`.

    Neither is a coding of the study: nothing but the coder's agreement with themself reads them.
    """

    __tablename__ = "recode_codings"
    __table_args__ = (Index(None, "excerpt_id"), Index(None, "code_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    excerpt_id: Mapped[int] = _parent("recode_excerpts.id")
    again: Mapped[bool]
    start: Mapped[int]
    end: Mapped[int]
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"))
    version: Mapped[int]


class SuggestionRow(Base):
    """A suggestion, shown or withheld; its evidence is a sentence of the span, or null."""

    __tablename__ = "suggestions"
    __table_args__ = (Index(None, "batch_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = _parent("suggestion_batches.id")
    turn: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"))
    score: Mapped[float]
    threshold: Mapped[float]
    because: Mapped[list[Any]]
    region_id: Mapped[str | None]
    evidence_start: Mapped[int | None]
    evidence_end: Mapped[int | None]


class ConnectionRow(Base):
    """A study's Label Studio project and the secrets shared with it.

    `labels_version` is the codebook's whose labels its annotations have, `label_config` what
    was written there last, and `label_config_next` what is being written.
    """

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("url", "project_id"),)
    study_id: Mapped[int] = mapped_column(
        ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True
    )
    url: Mapped[str]
    token: Mapped[str] = mapped_column(info=SECRET)
    project_id: Mapped[int] = mapped_column(BigInteger)
    ml_url: Mapped[str | None]
    webhook_id: Mapped[int | None] = mapped_column(BigInteger)
    webhook_secret: Mapped[str] = mapped_column(info=SECRET)
    blind_share: Mapped[float]
    seed: Mapped[int] = mapped_column(BigInteger)
    labels_version: Mapped[int | None]
    label_config: Mapped[str | None]
    label_config_next: Mapped[str | None]


class TaskRow(Base):
    """A Label Studio task and the transcript in it."""

    __tablename__ = "tasks"
    __table_args__ = (UniqueConstraint("study_id", "task_id"), Index(None, "transcript_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    task_id: Mapped[int] = mapped_column(BigInteger)
    transcript_id: Mapped[int] = _parent("transcripts.id")
    blind: Mapped[bool]
    pushed_version: Mapped[str | None]
    prediction_id: Mapped[int | None] = mapped_column(BigInteger)
    pushed_at: Mapped[datetime | None]


class JobRow(Base):
    """Slow work: queued, running, finished, failed or cancelled."""

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "study_id", "kind", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _parent("studies.id")
    kind: Mapped[str]
    state: Mapped[str]
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int]
    worker: Mapped[str | None]
    stage: Mapped[str]
    done: Mapped[int]
    total: Mapped[int]
    cancel_requested: Mapped[bool]
    result: Mapped[dict[str, Any] | None]
    message: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

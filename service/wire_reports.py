"""What the service tells about studies: their content, models and decisions."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class EstimateOut(BaseModel):
    """A statistic with its 95% interval."""

    value: float | None = Field(description="Null where the statistic is undefined.")
    low: float | None
    high: float | None
    n: int = Field(description="Units that entered.")
    clusters: int = Field(description="Transcripts that they come from.")
    method: str
    reason: str | None = Field(default=None, description="Why a figure or interval is missing.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "value": 0.62,
                    "low": 0.55,
                    "high": 0.69,
                    "n": 1240,
                    "clusters": 31,
                    "method": "jackknife over transcripts",
                    "reason": None,
                }
            ]
        }
    )


class StudyLine(BaseModel):
    """One study in the list."""

    study: str
    transcripts: int
    coded: int = Field(description="Transcripts that somebody read.")
    coders: int
    codes: int
    codings: int
    model: str | None = Field(description="The model version in use.")


class StudiesOut(BaseModel):
    """All studies."""

    studies: list[StudyLine]


class CoderOut(BaseModel):
    """One coder's share of a study."""

    coder: str
    transcripts: int
    turns: int = Field(description="Turns read.")
    codings: int


class DecisionCountsOut(BaseModel):
    """How often each kind of decision fell on one code."""

    code: str
    accepted: int
    changed: int
    rejected: int
    added: int


class DecisionOut(BaseModel):
    """What a coder did with one suggestion, or what they added."""

    annotation_id: int
    transcript: str
    turn: int
    start: int
    end: int
    code: str
    kind: Literal["accepted", "changed", "rejected", "added"]
    coder: str
    model_version: str | None
    decided_at: datetime


class DecisionsOut(BaseModel):
    """What coders did with suggestions. How much they accepted is no measure of reliability."""

    study: str
    codes: list[DecisionCountsOut]
    decisions: list[DecisionOut]


class StaleCodeOut(BaseModel):
    """A code that a model does not know as it is now, and why."""

    code: str
    reason: str


class ModelOut(BaseModel):
    """A model version with its held-out figures; `figures` is the report of its training."""

    version: str
    created_at: datetime
    encoder: str
    size: int = Field(description="Bytes.")
    active: bool
    kappa: float | None
    macro_f1: float | None
    micro_f1: float | None
    figures: dict[str, Any]
    codebook_version: int = Field(description="The codebook version whose codes it knows.")
    retrain: list[StaleCodeOut] = Field(description="Codes that changed since.")


class ModelsOut(BaseModel):
    """A study's model versions, the newest first."""

    models: list[ModelOut]


class UnreadOut(BaseModel):
    """Codings that a version of the codebook leaves out of its table."""

    waiting: int = Field(description="For a choice: their code was split.")
    beside: int = Field(
        description="Of other codes, on a coder's turns with such a choice; of everybody, where "
        "it is the adjudicated coding's."
    )
    unsettled: int = Field(description="Turns on which the adjudicated coding waits.")
    retired: int
    later: int = Field(description="Their code is younger than the version.")


class StudyOut(BaseModel):
    """A study in full; `blind` are the transcripts whose suggestions are withheld."""

    study: str
    created_at: datetime
    transcripts: int
    coded: int
    turns: int
    words: int
    codes: int
    codings: int
    model_codings: int = Field(description="By models; they came in with files.")
    coders: list[CoderOut]
    models: list[ModelOut]
    decisions: list[DecisionCountsOut]
    blind: list[str]
    codebook_version: int
    unread: UnreadOut


class CodeOut(BaseModel):
    """A code, and how often it was applied."""

    code: str = Field(examples=["Networks > Support"])
    name: str
    parent: str | None
    level: int
    definition: str
    include: str
    exclude: str
    examples: list[str]
    codings: int
    transcripts: int


class CodebookOut(BaseModel):
    """The codebook in the order of the tree; `declared`: it was given, not gathered."""

    study: str
    declared: bool
    codes: list[CodeOut]
    version: int
    retired: list[str]


class NextLine(BaseModel):
    """A transcript to be coded, and why; parts are 0 to 1, null where they could not be had."""

    transcript: str
    rank: int
    value: float
    use: float | None = Field(description="How unsure the model is, most of codes lacking support.")
    diversity: float | None = Field(description="How unlike it is to what is coded.")
    coverage: float = Field(description="1 / (1 + transcripts of its cell coded or ranked before).")
    unsure_of: list[str]
    cell: list[str]
    cell_coded: int
    cell_size: int


class NextOut(BaseModel):
    """What to code next; `blind` are left out, since chosen they would be no random sample."""

    study: str
    model_version: str | None
    attributes: list[str]
    uncoded: int
    transcripts: list[NextLine]
    blind: list[str]
    notes: list[str]

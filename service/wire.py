"""What the service's own HTTP interface takes and gives, with examples for OpenAPI."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Text = Annotated[str, StringConstraints(max_length=1_000_000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Given(BaseModel):
    """Something a caller sends. A field nobody knows is a mistake worth hearing about."""

    model_config = ConfigDict(extra="forbid")


class ErrorOut(BaseModel):
    """Why a request was not answered as asked."""

    code: str = Field(description="For programs: the kind of error.", examples=["not_found"])
    message: str = Field(
        description="For people: what was given, what was expected, what to do next.",
        examples=["There is no study called 'care'. Studies: trust, leoka."],
    )
    detail: list[dict[str, Any]] | None = Field(
        default=None, description="Where there are several problems, each with its place."
    )


class ErrorBody(BaseModel):
    """The one shape of every error."""

    error: ErrorOut


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


class TurnIn(Given):
    """One speaker's uninterrupted speech."""

    speaker: Annotated[str, StringConstraints(max_length=200)] = ""
    text: Text


class TranscriptIn(Given):
    """A transcript to be coded: either plain text, one turn, or turns in order."""

    name: Name = "text"
    text: Text | None = None
    turns: Annotated[list[TurnIn], Field(min_length=1, max_length=20_000)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "TranscriptIn":
        if (self.text is None) == (self.turns is None):
            raise ValueError("give either text or turns")
        return self


class SuggestIn(Given):
    """What to suggest codes for."""

    transcripts: Annotated[list[TranscriptIn], Field(min_length=1, max_length=1000)]
    all_codes: bool = Field(
        default=False, description="Every code's score for every segment, gated or not."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "transcripts": [
                        {
                            "name": "interview 12",
                            "turns": [
                                {"speaker": "Interviewer", "text": "Who do you turn to?"},
                                {"speaker": "Manager", "text": "The other managers, mostly."},
                            ],
                        }
                    ]
                },
                {"transcripts": [{"text": "The other managers, mostly."}], "all_codes": True},
            ]
        }
    )

    @model_validator(mode="after")
    def _names_differ(self) -> "SuggestIn":
        names = [item.name for item in self.transcripts]
        if len(set(names)) < len(names):
            raise ValueError("give each transcript a name of its own")
        return self


class ExemplarOut(BaseModel):
    """An excerpt that a coder coded so."""

    transcript: str
    turn: int
    text: str
    coder: str


class SuggestionOut(BaseModel):
    """A code proposed for a span; offsets count Unicode code points."""

    transcript: str
    turn: int
    start: int
    end: int
    text: str
    code: str
    score: float
    threshold: float
    because: list[ExemplarOut]


class SuggestionsOut(BaseModel):
    """Suggestions of one model version."""

    model_version: str
    suggestions: list[SuggestionOut]
    scores: list[dict[str, Any]] | None = Field(
        default=None, description="With all_codes: every code's score for every segment."
    )


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


class ModelsOut(BaseModel):
    """A study's model versions, the newest first."""

    models: list[ModelOut]


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
    coders: list[CoderOut]
    models: list[ModelOut]
    decisions: list[DecisionCountsOut]
    blind: list[str]


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


class PairOut(BaseModel):
    """Two coders."""

    coders: list[str]
    percent: EstimateOut
    kappa: EstimateOut = Field(description="Cohen's kappa.")


class CodeAgreementOut(BaseModel):
    """All coders on one code."""

    code: str
    prevalence: EstimateOut
    percent: EstimateOut
    alpha: EstimateOut = Field(description="Krippendorff's alpha, nominal.")


class PooledOut(BaseModel):
    """All coders, every unit times every code being one decision."""

    percent: EstimateOut
    alpha: EstimateOut


class AgainstOut(BaseModel):
    """The model and one coder, or the majority of coders."""

    coder: str
    percent: EstimateOut
    kappa: EstimateOut
    alpha: EstimateOut


class ModelAgreementOut(BaseModel):
    """A model version against coders, on what they coded without its suggestions in sight."""

    version: str
    transcripts: int
    against: list[AgainstOut]


class AgreementOut(BaseModel):
    """How far coders agree with each other, and the model with them."""

    study: str
    unit: str
    coders: list[str]
    pairs: list[PairOut]
    codes: list[CodeAgreementOut]
    pooled: PooledOut
    model: ModelAgreementOut | None
    notes: list[str]


class JobIn(Given):
    """Slow work to be done. One that waits already takes it in."""

    kind: Literal["train", "sync", "push"]

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "train"}]})


class JobOut(BaseModel):
    """A job and how far it is."""

    id: int
    study: str
    kind: str
    state: str = Field(examples=["running"])
    stage: str = Field(examples=["folds"])
    done: int
    total: int
    cancel_requested: bool
    attempts: int
    message: str | None = Field(description="Why it failed.")
    result: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobsOut(BaseModel):
    """A study's jobs, the newest first."""

    jobs: list[JobOut]


class UseModelIn(Given):
    """The version to use from now on."""

    version: Name

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "3f9c2ab15d0e"}]})


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": text}
    for status, text in {
        400: "The request cannot be read.",
        401: "The token is missing or wrong.",
        404: "No such study, model or job.",
        409: "The study is not in the state that this needs.",
        413: "The body is too large.",
        422: "The input was refused.",
        500: "The service failed.",
    }.items()
}
"""The errors that every route of the service's own interface may answer with."""

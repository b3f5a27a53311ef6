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
    start: int
    end: int
    text: str
    coder: str


class EvidenceOut(BaseModel):
    """The sentence of a suggestion that carries its code."""

    start: int
    end: int
    text: str


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
    evidence: EvidenceOut | None = Field(
        default=None, description="Null where the span is a single sentence."
    )


class SuggestionsOut(BaseModel):
    """Suggestions of one model version."""

    model_version: str
    suggestions: list[SuggestionOut]
    scores: list[dict[str, Any]] | None = Field(
        default=None, description="With all_codes: every code's score for every segment."
    )
    certainty: dict[str, float] = Field(
        default_factory=dict,
        description="By transcript, 0 to 1: how sure the model is of what applies and what not.",
    )


class JobIn(Given):
    """Slow work to be done. One that waits already takes it in."""

    kind: Literal["train", "sync", "push"]
    full: bool = Field(
        default=False,
        description="Of a training: choose and cross-validate everything anew, and do not refresh "
        "the model in use.",
    )

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

PAGE_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": error["description"],
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
    }
    for status, error in ERRORS.items()
}
"""The same for routes that otherwise answer with something else than JSON."""

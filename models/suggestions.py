"""What a model says: suggestions with their score and the reason for them. Needs no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Exemplar:
    """An excerpt that a coder coded so: the reason for a suggestion."""

    transcript: str
    turn: int
    start: int
    end: int
    text: str
    coder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A proposed coding; `score` and `threshold` are calibrated probabilities."""

    transcript: str
    turn: int
    start: int
    end: int
    text: str
    code: str
    score: float
    threshold: float
    model_version: str
    because: tuple[Exemplar, ...] = ()

"""What a model says: suggestions with their score and the reason for them. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Exemplar:
    """An excerpt that a coder coded so: the reason for a suggestion."""

    transcript: str
    turn: int
    start: int
    end: int
    text: str
    coder: str


CODEBOOK = "codebook"
"""Whose excerpt a definition is, where that is the reason for a suggestion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """The sentence that carries a code: characters `start` to `end` of the suggestion's turn."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A proposed coding; `score` and `threshold` are calibrated probabilities.

    Neighbouring segments of a turn with the same code are one suggestion, with the score of
    the surest and the reason for that one. `evidence` is None where it is a single sentence.
    """

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
    evidence: Evidence | None = None

    @property
    def from_definition(self) -> bool:
        """Whether the code's definition is the reason, for want of codings."""
        return any(one.coder == CODEBOOK for one in self.because)


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentScores:
    """The calibrated probability (0 to 1) of every code of the model on one segment."""

    transcript: str
    turn: int
    start: int
    end: int
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentCodes:
    """The model's own coding of one segment: every code that reaches its threshold.

    Codes that the gate keeps silent are among them: this is what agreement is measured on.
    """

    transcript: str
    turn: int
    start: int
    end: int
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CodedSegments:
    """A model's own coding of many segments. `keys` are (transcript, turn, start, end).

    *Shapes:* `scores` (segments, codes) calibrated probabilities, `applied` the decisions.
    """

    keys: tuple[tuple[str, int, int, int], ...]
    codes: tuple[str, ...]
    scores: NDArray[np.float32]
    applied: NDArray[np.bool_]

    def decisions(self) -> list[SegmentCodes]:
        """The codes that reach their thresholds, also those that the gate keeps silent."""
        return [
            SegmentCodes(
                transcript=key[0],
                turn=key[1],
                start=key[2],
                end=key[3],
                codes=tuple(self.codes[code] for code in np.flatnonzero(row)),
            )
            for key, row in zip(self.keys, self.applied, strict=True)
        ]

    def only(self, rows: Sequence[int]) -> "CodedSegments":
        """Some of the segments, by their rows."""
        return CodedSegments(
            keys=tuple(self.keys[row] for row in rows),
            codes=self.codes,
            scores=self.scores[list(rows)],
            applied=self.applied[list(rows)],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SuggestionBatch:
    """Suggestions of one model version, in the order of the text and of the codebook.

    `scores` has one item for each segment where every code's score was asked for, else None.
    `certainty` says of each transcript (0 to 1) how sure the model is of what applies there and
    what does not: whoever wants to teach it codes the least certain first.
    """

    model_version: str
    suggestions: tuple[Suggestion, ...]
    scores: tuple[SegmentScores, ...] | None = None
    certainty: Mapping[str, float] = field(default_factory=dict)

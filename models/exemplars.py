"""The reason for a suggestion: the nearest excerpt that a coder coded so."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.suggestions import Exemplar

Floats32 = NDArray[np.float32]

PER_CODE = 50
"""Excerpts kept for each code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """An excerpt that could be shown: row `segment` of the vectors, agreed on by `share`."""

    exemplar: Exemplar
    segment: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeExemplars:
    """A code's excerpts; *shape:* `vectors` (excerpts, dimension), rows of length 1."""

    exemplars: tuple[Exemplar, ...]
    vectors: Floats32

    def nearest(self, vector: Floats32, *, but: tuple[str, int, int, int]) -> tuple[Exemplar, ...]:
        """The excerpt with the highest cosine to a vector, none if there is only `but`.

        `but` is the key (transcript, turn, start, end) of the segment that asks.
        """
        order = np.argsort(-(self.vectors @ vector), kind="stable")
        for place in order:
            found = self.exemplars[int(place)]
            if (found.transcript, found.turn, found.start, found.end) != but:
                return (found,)
        return ()


def choose_exemplars(candidates: Sequence[Candidate], vectors: Floats32) -> CodeExemplars:
    """Keep the excerpts that most readers agreed on, among equals by a hash of their place.

    *Shape:* `vectors` (segments, dimension).
    """

    def rank(candidate: Candidate) -> tuple[float, str]:
        one = candidate.exemplar
        place = f"{one.transcript}\0{one.turn}\0{one.start}\0{one.end}"
        return (-candidate.share, hashlib.sha256(place.encode("utf-8", "replace")).hexdigest())

    kept = sorted(candidates, key=rank)[:PER_CODE]
    return CodeExemplars(
        exemplars=tuple(candidate.exemplar for candidate in kept),
        vectors=vectors[[candidate.segment for candidate in kept]],
    )

"""A model's own coding of whole transcripts: what it decides, and how likely it holds each code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotations.codings import Coding
from annotations.reliability.estimate import Floats
from annotations.transcripts import Segment

Place = tuple[str, int, int, int]
"""Transcript, turn, and the characters `start` to `end` of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FullCoding:
    """The `codings` by `coder`, a model, and its probability of every code on every segment.

    *Shape:* `chances` (segments, codes), 0 to 1, of the `segments` as the model cuts turns.
    """

    coder: str
    codings: tuple[Coding, ...]
    segments: tuple[Place, ...]
    codes: tuple[str, ...]
    chances: Floats

    def renamed(self, called: Callable[[str], str | None]) -> "FullCoding":
        """In other codes; without those that are `called` None.

        Where several become one, a segment is coded where any of them was, and as likely as the
        likeliest of them.
        """
        names = [called(code) for code in self.codes]
        codes = tuple(dict.fromkeys(name for name in names if name is not None))
        place = {code: at for at, code in enumerate(codes)}
        chances = np.zeros((len(self.segments), len(codes)))
        for name, column in zip(names, self.chances.T, strict=True):
            if name is not None:
                np.maximum(chances[:, place[name]], column, out=chances[:, place[name]])
        found = ((one, called(one.code)) for one in self.codings)
        return replace(
            self,
            codings=tuple(
                dict.fromkeys(replace(one, code=name) for one, name in found if name is not None)
            ),
            codes=codes,
            chances=chances,
        )

    def chances_on(self, units: Sequence[Segment], codes: Sequence[str]) -> Floats:
        """The highest probability of the segments that touch each unit; *shape:* (units, codes).

        The same segments have their own; what the model does not know is 0.
        """
        by_turn: dict[tuple[str, int], list[int]] = {}
        for row, (transcript, turn, _, _) in enumerate(self.segments):
            by_turn.setdefault((transcript, turn), []).append(row)
        known = [
            (at, self.codes.index(code)) for at, code in enumerate(codes) if code in self.codes
        ]
        found = np.zeros((len(units), len(codes)))
        to, source = [at for at, _ in known], [at for _, at in known]
        for at, unit in enumerate(units):
            rows = [
                row
                for row in by_turn.get((unit.transcript, unit.turn), ())
                if self._touches(row, unit)
            ]
            if rows and known:
                found[at, to] = self.chances[rows][:, source].max(axis=0)
        return found

    def _touches(self, row: int, unit: Segment) -> bool:
        _, _, start, end = self.segments[row]
        return (start, end) == (unit.start, unit.end) or (start < unit.end and unit.start < end)

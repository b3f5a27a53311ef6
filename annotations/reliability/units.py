"""One study in other units: whole transcripts, characters, codes further up the tree."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from annotations.codebook import SEPARATOR
from annotations.codings import Coding, CodingTable, is_model
from annotations.errors import StateError
from annotations.reliability.agreement import ModelCoding
from annotations.reliability.estimate import Bools
from annotations.reliability.tallies import Ints
from annotations.transcripts import Segment, Segmentation, Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs(Segmentation):
    """Turns cut wherever a coding begins or ends.

    All characters of a piece carry the same codes of every coder, so that a table of pieces
    weighted by their length is a table of characters.
    """

    cuts: Mapping[tuple[str, int], Sequence[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, codings: Iterable[Coding]) -> "Runs":
        """Cut at every coding's start and end."""
        cuts: dict[tuple[str, int], set[int]] = {}
        for coding in codings:
            cuts.setdefault((coding.transcript, coding.turn), set()).update(
                (coding.start, coding.end)
            )
        return cls(cuts={turn: sorted(places) for turn, places in cuts.items()})

    def segments(self, transcript: Transcript) -> Iterator[Segment]:
        """Yield the pieces in order; a turn of an interviewer or without a character has none."""
        for turn in transcript.turns:
            if turn.interviewer:
                continue
            inner = self.cuts.get((transcript.name, turn.index), ())
            size = len(turn.text)
            places = [0, *(place for place in inner if 0 < place < size), size]
            for start, end in pairwise(places):
                if end > start:
                    yield Segment(
                        transcript=transcript.name,
                        turn=turn.index,
                        start=start,
                        end=end,
                        speaker=turn.speaker,
                        text=turn.text[start:end],
                    )


def weighted_by_length(table: CodingTable) -> CodingTable:
    """The same units, each counting as often as it has characters."""
    return replace(
        table, weights=np.array([unit.end - unit.start for unit in table.units], dtype=np.float64)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """Which units make up each transcript, for tables of whole transcripts.

    A coder read a transcript where they read all that any person read of it: of less, it would
    be unknown whether they would have applied a code.
    """

    units: Ints
    starts: Ints
    clusters: Ints

    @classmethod
    def of(cls, table: CodingTable) -> "Whole":
        """The units that a person read, transcript by transcript."""
        people = [at for at, name in enumerate(table.coders) if not is_model(name)]
        read = np.flatnonzero(table.read[people].any(axis=0))
        units = read[np.argsort(table.clusters[read], kind="stable")]
        clusters, starts = np.unique(table.clusters[units], return_index=True)
        return cls(units=units, starts=starts, clusters=clusters)

    def all_of(self, marks: Bools) -> Bools:
        """Whether all units of a transcript are marked. *Shape:* (..., units)."""
        found: Bools = np.logical_and.reduceat(marks[..., self.units], self.starts, axis=-1)
        return found

    def any_of(self, marks: Bools, axis: int) -> Bools:
        """Whether any unit of a transcript is marked, the units along `axis`."""
        taken = np.take(marks, self.units, axis=axis)
        found: Bools = np.logical_or.reduceat(taken, self.starts, axis=axis)
        return found

    def table(self, table: CodingTable) -> CodingTable:
        """One unit for each transcript; it carries each code that any part of it carries."""
        read = self.all_of(table.read)
        words: dict[int, list[str]] = {}
        for at in self.units.tolist():
            words.setdefault(int(table.clusters[at]), []).append(table.units[at].text)
        return replace(
            table,
            units=tuple(
                Segment(
                    transcript=table.transcripts[cluster],
                    turn=0,
                    start=0,
                    end=0,
                    speaker="",
                    text=" ".join(words[cluster]),
                )
                for cluster in self.clusters.tolist()
            ),
            clusters=self.clusters,
            read=read,
            assisted=self.any_of(table.assisted, 1),
            applied=self.any_of(table.applied, 1) & read[..., np.newaxis],
        )

    def model(self, model: ModelCoding) -> ModelCoding:
        """The same of a model's coding."""
        read = self.all_of(model.read)
        applied = self.any_of(model.applied, 0) & read[:, np.newaxis]
        return replace(model, read=read, applied=applied)


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Codes further up the tree: `codes`, and for each code below, `place` in them."""

    level: int
    codes: tuple[str, ...]
    place: tuple[int, ...]

    @classmethod
    def of(cls, codes: Sequence[str], level: int) -> "Level":
        """Each code becomes its ancestor at the level, or stays where it lies higher up."""
        paths = [above(path, level) for path in codes]
        kept = tuple(dict.fromkeys(paths))
        return cls(level=level, codes=kept, place=tuple(kept.index(path) for path in paths))

    def table(self, table: CodingTable) -> CodingTable:
        """A unit carries a code where it carries any code below it."""
        return replace(table, codes=self.codes, applied=self._up(table.applied))

    def model(self, model: ModelCoding) -> ModelCoding:
        """The same of a model's coding."""
        return replace(model, applied=self._up(model.applied))

    def coding(self, coding: Coding) -> Coding:
        """The same coding with the code above."""
        return replace(coding, code=self.code(coding.code))

    def code(self, path: str) -> str:
        """What a code becomes."""
        return above(path, self.level)

    def _up(self, applied: Bools) -> Bools:
        found = np.zeros((*applied.shape[:-1], len(self.codes)), dtype=np.bool_)
        for below, above in enumerate(self.place):
            found[..., above] |= applied[..., below]
        return found


def above(path: str, level: int) -> str:
    """The ancestor of a code at a level; the code itself where it lies no deeper."""
    return SEPARATOR.join(path.split(SEPARATOR)[:level])


def check_level(study: str, codes: Sequence[str], level: int | None) -> None:
    """StateError where a level is asked for that the tree of these codes does not have."""
    depth = depth_of(codes)
    if level is not None and not 1 <= level <= max(depth, 1):
        raise StateError(
            f"level {level} was asked for; the codes of {study} have levels 1 to {depth}"
        )


def depth_of(codes: Sequence[str]) -> int:
    """How many levels the tree has, 0 without a code."""
    return max((path.count(SEPARATOR) + 1 for path in codes), default=0)

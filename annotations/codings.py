"""Codings, readings, and the table of units x codes x coders made from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from annotations.transcripts import Segment, Segmentation, Transcript

ADJUDICATED = "adjudicated"
"""The coder whose codings are the team's agreed ones."""

MODEL_PREFIX = "model:"
"""How the name of a coder that is a model version begins; the version follows."""

PART_TURN_WORDS = 40
"""Segment length where people code parts of turns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coding:
    """One code applied to characters `start` to `end` (exclusive) of one turn by one coder.

    `continues`: it goes on from the end of the turn before, as a part of one passage that was
    coded across turns. `memo` is what the coder noted beside it.
    """

    transcript: str
    turn: int
    start: int
    end: int
    code: str
    coder: str
    coded_at: datetime | None = None
    memo: str = ""
    continues: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A coder has read a turn, whether or not they applied a code to it.

    `assisted` says that a model's suggestions were visible to the coder at the time: such a
    reading may train a model and is never used to score one.
    """

    transcript: str
    turn: int
    coder: str
    assisted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CodingTable:
    """Who read which unit and which codes they applied.

    *Shapes:* `read` and `assisted` (coders, units), `applied` (coders, units, codes), all
    boolean; `clusters` (units,) gives each unit's index in `transcripts`. `applied` is False
    wherever `read` is; only `read` tells "did not apply" from "did not look". `weights`
    (units,), where units differ in size, is how often each counts (its characters).
    """

    units: tuple[Segment, ...]
    codes: tuple[str, ...]
    coders: tuple[str, ...]
    transcripts: tuple[str, ...]
    clusters: NDArray[np.int64]
    read: NDArray[np.bool_]
    assisted: NDArray[np.bool_]
    applied: NDArray[np.bool_]
    weights: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        *,
        transcripts: Sequence[Transcript],
        codings: Iterable[Coding],
        readings: Iterable[Reading],
        codes: Sequence[str],
        coders: Sequence[str],
        segmentation: Segmentation,
    ) -> "CodingTable":
        """Lay codings over segments.

        A segment carries a code when a coding covers at least half of the segment, or at
        least half of the coding lies in it. Codings of codes or coders that are not listed
        are left out, as are codings of turns without a reading.
        """
        units = tuple(unit for item in transcripts for unit in segmentation.segments(item))
        names = tuple(item.name for item in transcripts)
        number = {name: position for position, name in enumerate(names)}
        by_turn: dict[tuple[str, int], list[int]] = {}
        for position, unit in enumerate(units):
            by_turn.setdefault((unit.transcript, unit.turn), []).append(position)
        coder_at = {coder: position for position, coder in enumerate(coders)}
        code_at = {code: position for position, code in enumerate(codes)}
        read = np.zeros((len(coders), len(units)), dtype=np.bool_)
        assisted = np.zeros_like(read)
        applied = np.zeros((len(coders), len(units), len(codes)), dtype=np.bool_)
        for reading in readings:
            coder = coder_at.get(reading.coder)
            places = by_turn.get((reading.transcript, reading.turn))
            if coder is not None and places:
                read[coder, places] = True
                assisted[coder, places] |= reading.assisted
        for coding in codings:
            coder, code = coder_at.get(coding.coder), code_at.get(coding.code)
            if coder is None or code is None:
                continue
            for place in by_turn.get((coding.transcript, coding.turn), ()):
                if read[coder, place] and carries(units[place], coding.start, coding.end):
                    applied[coder, place, code] = True
        return cls(
            units=units,
            codes=tuple(codes),
            coders=tuple(coders),
            transcripts=names,
            clusters=np.array([number[unit.transcript] for unit in units], dtype=np.int64),
            read=read,
            assisted=assisted,
            applied=applied,
        )

    def of_coders(self, coders: Sequence[str]) -> "CodingTable":
        """The same units with only these coders, in this order."""
        chosen = [self.coders.index(coder) for coder in coders]
        return replace(
            self,
            coders=tuple(coders),
            read=self.read[chosen],
            assisted=self.assisted[chosen],
            applied=self.applied[chosen],
        )

    def unassisted(self) -> "CodingTable":
        """The same table in which assisted readings count as not made."""
        read = self.read & ~self.assisted
        return replace(
            self,
            read=read,
            assisted=np.zeros_like(self.assisted),
            applied=self.applied & read[:, :, np.newaxis],
        )

    def majority(self) -> NDArray[np.float64]:
        """The label of each unit for each code: what most of its readers said.

        *Shape:* (units, codes), values 0, 1, 0.5 for a tie, NaN where nobody read the unit.
        Where the `adjudicated` coder read a unit, only that reading counts.
        """
        votes = self.read.copy()
        if ADJUDICATED in self.coders:
            agreed = self.coders.index(ADJUDICATED)
            votes[:, self.read[agreed]] = False
            votes[agreed] = self.read[agreed]
        readers = votes.sum(axis=0, dtype=np.float64)[:, np.newaxis]
        yes = (self.applied & votes[:, :, np.newaxis]).sum(axis=0, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            share = yes / readers
        label = np.where(share > 0.5, 1.0, np.where(share < 0.5, 0.0, 0.5))
        return np.where(readers > 0, label, np.nan)


def is_model(coder: str) -> bool:
    """Whether the coder is a model version and not a person."""
    return coder.startswith(MODEL_PREFIX)


def carries(segment: Segment, start: int, end: int) -> bool:
    """Whether a coding of characters `start` to `end` of its turn counts for the segment."""
    if start <= segment.start and end >= segment.end:
        return True
    shared = min(end, segment.end) - max(start, segment.start)
    return shared > 0 and (2 * shared >= segment.end - segment.start or 2 * shared >= end - start)


def natural_segmentation(
    transcripts: Mapping[str, Transcript], codings: Iterable[Coding]
) -> Segmentation:
    """The segmentation that fits how people coded.

    Turns of up to `PART_TURN_WORDS` words are segments in any case. Where most codings of
    longer turns cover the whole turn, the turn is what people judged, so it is the segment;
    where most cover a part, long turns are cut between sentences.
    """
    parts = wholes = 0
    for coding in codings:
        turn = transcripts[coding.transcript].turns[coding.turn]
        text = turn.text
        if len(text.split()) > PART_TURN_WORDS and not turn.interviewer:
            whole = coding.start <= 0 and coding.end >= len(text)
            wholes += whole
            parts += not whole
    return Segmentation(max_words=PART_TURN_WORDS) if parts > wholes else Segmentation()

"""Which excerpts a coder is to code again, drawn so that each one's probability is known."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from annotations.codings import Coding
from annotations.errors import StateError
from annotations.numerals import many
from annotations.study import Study
from annotations.transcripts import CONTEXT_TURNS, Transcript

NO_CODE = ""
"""The stratum of excerpts that the coder read and gave no code."""

SIZE = 60
"""Excerpts a coder codes again where nothing else is asked for."""

UNCODED_SHARE = 0.25
"""How much of a draw goes to excerpts without a code: a code may be added as well as dropped."""

_EACH = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class OldExcerpt:
    """A turn that a coder read without suggestions in sight, and all that they applied to it.

    `coded_at` is None where no file and no annotation told a time.
    """

    transcript: str
    turn: int
    codings: tuple[Coding, ...]
    coded_at: datetime | None

    @property
    def codes(self) -> frozenset[str]:
        """The codes on it, at any place."""
        return frozenset(one.code for one in self.codings)


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnExcerpt:
    """An excerpt to be coded again: the `stratum` is its rarest code, `NO_CODE` without one.

    `probability` is that of being drawn, from all the coder's excerpts that there were to draw.
    """

    old: OldExcerpt
    stratum: str
    probability: float


def old_excerpts(study: Study, coder: str) -> tuple[OldExcerpt, ...]:
    """What the coder coded without suggestions in sight, in the order of the transcripts.

    Turns of interviewers and turns without words are left out. A turn without codings is as old
    as the last thing that the coder applied to its transcript.
    """
    applied: dict[tuple[str, int], list[Coding]] = {}
    latest: dict[str, datetime] = {}
    for one in study.codings:
        if one.coder == coder:
            applied.setdefault((one.transcript, one.turn), []).append(one)
            if one.coded_at is not None:
                before = latest.get(one.transcript, one.coded_at)
                latest[one.transcript] = max(before, one.coded_at)
    read = {
        (one.transcript, one.turn)
        for one in study.readings
        if one.coder == coder and not one.assisted
    }
    found = []
    for transcript in study.transcripts:
        for turn in transcript.turns:
            place = (transcript.name, turn.index)
            if place not in read or turn.interviewer or not turn.text.strip():
                continue
            codings = tuple(applied.get(place, ()))
            times = [one.coded_at for one in codings if one.coded_at is not None]
            found.append(
                OldExcerpt(
                    transcript=transcript.name,
                    turn=turn.index,
                    codings=codings,
                    coded_at=max(times, default=latest.get(transcript.name)),
                )
            )
    return tuple(found)


def draw_excerpts(
    candidates: Sequence[OldExcerpt], *, size: int | None, seed: int
) -> tuple[DrawnExcerpt, ...]:
    """Draw `size` excerpts (`SIZE`: None), stratified by their rarest code, in a random order.

    A quarter goes to excerpts without a code, the rest in equal parts to the codes, so that the
    rare ones are reached; what a stratum lacks goes to the others. Within one, those with the
    lowest hash of seed and place are drawn: the same seed draws the same from the same
    candidates. Raises StateError where `size` does not give each stratum one.
    """
    carried = Counter(code for one in candidates for code in one.codes)
    strata: dict[str, list[OldExcerpt]] = {}
    for one in candidates:
        rarest = min(one.codes, key=lambda code: (carried[code], code), default=NO_CODE)
        strata.setdefault(rarest, []).append(one)
    if size is None:
        size = max(SIZE, _EACH * len(strata))
    sizes = _allotted({stratum: len(members) for stratum, members in strata.items()}, size)
    drawn = [
        DrawnExcerpt(old=one, stratum=stratum, probability=sizes[stratum] / len(members))
        for stratum, members in strata.items()
        for one in sorted(members, key=lambda one: _lot("draw", seed, one))[: sizes[stratum]]
    ]
    return tuple(sorted(drawn, key=lambda one: _lot("order", seed, one.old)))


def excerpt_of(transcript: Transcript, turn: int) -> Transcript:
    """A turn as its own small transcript, last, after the few turns that it answers to."""
    first = max(0, turn - CONTEXT_TURNS)
    turns = transcript.turns[first : turn + 1]
    return Transcript(name="", turns=tuple(replace(one, index=at) for at, one in enumerate(turns)))


def _allotted(sizes: dict[str, int], wanted: int) -> dict[str, int]:
    if wanted < len(sizes):
        coded = len(sizes) - (NO_CODE in sizes)
        raise StateError(
            f"{many(wanted, 'excerpt was', 'excerpts were')} asked for, and this coder's have "
            f"{many(coded, 'code')}"
            f"{' and none' if NO_CODE in sizes else ''}: ask for --size {len(sizes)} at least, one "
            "of each."
        )
    found = dict.fromkeys(sizes, 1)
    if NO_CODE in sizes:
        share = min(round(UNCODED_SHARE * wanted), wanted - len(sizes) + 1)
        found[NO_CODE] = max(1, min(sizes[NO_CODE], share))
    for _ in range(min(wanted, sum(sizes.values())) - sum(found.values())):
        lacking = [one for one in sizes if found[one] < sizes[one]]
        # Excerpts without a code have had their part, and take what the codes leave over.
        found[min(lacking, key=lambda one: (one == NO_CODE, found[one], one))] += 1
    return found


def _lot(what: str, seed: int, one: OldExcerpt) -> tuple[bytes, str, int]:
    """A place by chance, of no use to guess the coding by."""
    words = f"recode\0{what}\0{seed}\0{one.transcript}\0{one.turn}"
    drawn = hashlib.sha256(words.encode("utf-8", "replace")).digest()
    return (drawn, one.transcript, one.turn)


def not_drawn_yet(
    candidates: Iterable[OldExcerpt], drawn: Collection[tuple[str, int]]
) -> tuple[OldExcerpt, ...]:
    """Those that no earlier round has drawn: who codes a third time remembers the second."""
    return tuple(one for one in candidates if (one.transcript, one.turn) not in drawn)

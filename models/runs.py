"""Suggested spans no longer than needed: neighbours become one, and their sentences are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from annotations.transcripts import Segment, Transcript, sentences


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Segments `first` to `last` (inclusive), neighbours in one turn that carry one code.

    `best` is the one with the highest score, the first of equals. All are positions in the
    sequence of segments, `code` one in that of codes.
    """

    code: int
    first: int
    last: int
    best: int


def runs_of(
    segments: Sequence[Segment], shown: NDArray[np.bool_], scores: NDArray[np.float64]
) -> list[Run]:
    """The runs of all codes, in order of their beginning and of the codebook.

    *Shapes:* `shown`, `scores` (segments, codes). Each `shown` decision is in exactly one run.
    """
    found: list[Run] = []
    place: dict[int, int] = {}
    for row, segment in enumerate(segments):
        goes_on = row > 0 and segments[row - 1].key[:2] == segment.key[:2]
        held, place = (place if goes_on else {}), {}
        for code in map(int, np.flatnonzero(shown[row])):
            if code not in held:
                place[code] = len(found)
                found.append(Run(code=code, first=row, last=row, best=row))
                continue
            at = place[code] = held[code]
            best = row if scores[row, code] > scores[found[at].best, code] else found[at].best
            found[at] = replace(found[at], last=row, best=best)
    return found


def whole_of(
    run: Run, segments: Sequence[Segment], transcripts: Mapping[str, Transcript]
) -> Segment:
    """A run as one segment, with the white space between its parts."""
    first, last = segments[run.first], segments[run.last]
    text = transcripts[first.transcript].turns[first.turn].text[first.start : last.end]
    return replace(first, end=last.end, text=text)


def sentences_of(segment: Segment) -> tuple[Segment, ...]:
    """The sentences of a segment that hold a word, without the white space around them."""
    found = []
    for left, right in sentences(segment.text):
        said = segment.text[left:right]
        if words := said.strip():
            start = segment.start + left + said.index(words)
            found.append(replace(segment, start=start, end=start + len(words), text=words))
    return tuple(found)

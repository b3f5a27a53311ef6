"""Continua: what several coders marked along one text, and the same rearranged at random."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotations.codings import Coding, Reading
from annotations.reliability.estimate import Floats
from annotations.transcripts import Transcript, Turn


@dataclass(frozen=True, kw_only=True, slots=True)
class Continuum:
    """The turns of a transcript that the same `readers` read, one after the other.

    *Shape:* `spans`, for each coder (spans, 3): start, end, code, in an order that depends on
    neither the names of coders nor of codes.
    """

    readers: frozenset[str]
    length: int
    spans: tuple[Floats, ...]
    whole_turns: bool


def continua_of(
    transcripts: Sequence[Transcript],
    codings: Iterable[Coding],
    readings: Iterable[Reading],
    people: Sequence[str],
    codes: Collection[str] | None,
) -> dict[str, list[Continuum]]:
    """By name, the transcripts that two or more people read in part, in the order given."""
    blind: dict[tuple[str, int, str], bool] = {}
    for reading in readings:
        key = (reading.transcript, reading.turn, reading.coder)
        blind[key] = blind.get(key, True) and not reading.assisted
    readers: dict[tuple[str, int], set[str]] = {}
    for (name, turn, coder), unassisted in blind.items():
        if unassisted and coder in people:
            readers.setdefault((name, turn), set()).add(coder)
    applied: dict[tuple[str, int, str], set[tuple[int, int, str]]] = {}
    for coding in codings:
        if codes is None or coding.code in codes:
            applied.setdefault((coding.transcript, coding.turn, coding.coder), set()).add(
                (coding.start, coding.end, coding.code)
            )
    result: dict[str, list[Continuum]] = {}
    for transcript in transcripts:
        sets: dict[frozenset[str], list[Turn]] = {}
        for said in transcript.turns:
            group = frozenset(readers.get((transcript.name, said.index), ()))
            if len(group) > 1 and not said.interviewer:
                sets.setdefault(group, []).append(said)
        if sets:
            result[transcript.name] = [
                _continuum(transcript.name, group, turns, applied) for group, turns in sets.items()
            ]
    return result


def _continuum(
    name: str,
    readers: frozenset[str],
    turns: Sequence[Turn],
    applied: Mapping[tuple[str, int, str], Collection[tuple[int, int, str]]],
) -> Continuum:
    spans: dict[str, list[tuple[int, int, str]]] = {coder: [] for coder in readers}
    places: dict[str, list[tuple[int, int]]] = {}
    length = 0
    whole = True
    for turn in turns:
        size = len(turn.text)
        for coder in readers:
            for start, end, code in applied.get((name, turn.index, coder), ()):
                if start < min(end, size):
                    whole = whole and start == 0 and end >= size
                    place = (length + start, length + min(end, size))
                    spans[coder].append((*place, code))
                    places.setdefault(code, []).append(place)
        length += size
    # Codes and coders are put in order by where they are, so that their names do not matter.
    ordered = sorted(places, key=lambda code: (sorted(places[code]), code))
    rank = {code: number for number, code in enumerate(ordered)}
    parts = sorted(
        sorted((start, end, rank[code]) for start, end, code in part) for part in spans.values()
    )
    return Continuum(
        readers=readers,
        length=length,
        spans=tuple(np.array(part, dtype=np.float64).reshape(-1, 3) for part in parts),
        whole_turns=whole,
    )


def rearranged(continuum: Continuum, random: np.random.Generator) -> tuple[Floats, ...]:
    """One random continuum: for each coder somebody's spans, moved along and around the end.

    As in the paper, whose spans is drawn anew for each coder, and two moves differ by at least
    the mean length of a span (less where the text is too short for that). A span is not cut.
    """
    coders, spans = len(continuum.spans), continuum.spans
    whose = random.integers(coders, size=coders)
    while not any(len(spans[coder]) for coder in whose):
        whose = random.integers(coders, size=coders)
    together = np.concatenate(spans)
    least = min((together[:, 1] - together[:, 0]).mean(), continuum.length / (2 * coders))
    free = continuum.length - coders * least
    moves = np.append(0.0, np.sort(random.random(coders - 1)) * free) + least * np.arange(coders)
    moves = random.permutation(moves) + random.random() * continuum.length
    result = []
    for coder, move in zip(whose, moves, strict=True):
        part = spans[coder].copy()
        part[:, 0] = (spans[coder][:, 0] + move) % continuum.length
        part[:, 1] = part[:, 0] + spans[coder][:, 1] - spans[coder][:, 0]
        result.append(part)
    return tuple(result)

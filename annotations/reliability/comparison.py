"""The coding comparison by characters for every pair of a study's coders."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from annotations.codings import Coding, Reading
from annotations.reliability.spans import CharacterComparison, compare_characters
from annotations.reliability.units import Level
from annotations.study import Study

MAX_PAIRS = 10
"""Pairs of coders beyond which single sources are left out."""


def compare_pairs(
    study: Study, coders: Sequence[str], codes: Sequence[str], level: Level | None
) -> tuple[CharacterComparison, ...]:
    """One comparison for each pair of coders that read a transcript in common.

    Of single sources only those are kept in which one of the two applied the code, and none
    where there are more than `MAX_PAIRS` pairs.
    """
    read: dict[tuple[str, str], list[Reading]] = {}
    for reading in study.human_readings:
        read.setdefault((reading.coder, reading.transcript), []).append(reading)
    coded: dict[tuple[str, str], list[Coding]] = {}
    for coding in study.human_codings:
        one = coding if level is None else level.coding(coding)
        coded.setdefault((coding.coder, coding.transcript), []).append(one)
    pairs = list(combinations(coders, 2))
    found = []
    for pair in pairs:
        shared = [
            item for item in study.transcripts if all((who, item.name) in read for who in pair)
        ]
        if not shared:
            continue
        keys = [(who, item.name) for who in pair for item in shared]
        compared = compare_characters(
            transcripts=shared,
            codings=[coding for key in keys for coding in coded.get(key, ())],
            readings=[reading for key in keys for reading in read[key]],
            codes=codes,
            first=pair[:1],
            second=pair[1:],
        )
        sources = tuple(
            one
            for one in compared.sources
            if len(pairs) <= MAX_PAIRS and one.both + one.first_only + one.second_only
        )
        found.append(replace(compared, sources=sources))
    return tuple(found)

"""Agreement by characters: NVivo's coding comparison, a code and a source at a time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotations.codings import Coding, Reading
from annotations.reliability import coefficients
from annotations.reliability.estimate import (
    Bools,
    Estimate,
    Floats,
    Scale,
    insufficient_transcripts,
    jackknife,
    leave_one_out,
)
from annotations.transcripts import Transcript

NVIVO_NOBODY = "nobody coded a character here, so there is nothing to agree on; NVivo prints 1"
NVIVO_ALL = "both coded every character, so chance explains everything; NVivo prints 1"
NOTHING_READ = "the two sides read no turn in common"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceComparison:
    """Two sides on one code in one source, over the characters that both sides read.

    `both`, `first_only`, `second_only` and `neither` count characters (Unicode code points).
    `kappa` is undefined where chance explains everything; `nvivo_kappa` is what NVivo prints,
    1 in that case. A single source has no interval.
    """

    code: str
    transcript: str
    both: int
    first_only: int
    second_only: int
    neither: int
    percent: Estimate
    kappa: Estimate
    nvivo_kappa: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeComparison:
    """Two sides on one code over the characters of all sources; `n` counts characters."""

    code: str
    percent: Estimate
    kappa: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class CharacterComparison:
    """A coding comparison; `sources` holds every code in every source that both sides read."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    codes: tuple[CodeComparison, ...]
    sources: tuple[SourceComparison, ...]


def compare_characters(
    *,
    transcripts: Sequence[Transcript],
    codings: Iterable[Coding],
    readings: Iterable[Reading],
    codes: Sequence[str],
    first: Collection[str],
    second: Collection[str],
) -> CharacterComparison:
    """Compare two coders, or two groups of coders, by characters.

    A group applied a code to a character where any of its members did, and read a turn where
    any of them did. Expected agreement is (A·B + notA·notB)/N², so kappa is Cohen's. Assisted
    readings, and the codings of turns read so, are left out. The interval over sources leaves
    out one at a time; NVivo itself gives none.
    """
    sides = (frozenset(first), frozenset(second))
    shared = sides[0] & sides[1]
    if shared:
        raise ValueError(f"{', '.join(sorted(shared))} is on both sides of the comparison")
    seen = {(item.transcript, item.turn, item.coder) for item in readings if not item.assisted}
    by_transcript: dict[str, list[Coding]] = {}
    for coding in codings:
        if (coding.transcript, coding.turn, coding.coder) in seen:
            by_transcript.setdefault(coding.transcript, []).append(coding)
    read: dict[str, tuple[set[int], set[int]]] = {}
    for name, turn, coder in seen:
        for side, members in enumerate(sides):
            if coder in members:
                read.setdefault(name, (set(), set()))[side].add(turn)

    sums = np.zeros((len(transcripts), len(codes), 2, 2))
    for at, transcript in enumerate(transcripts):
        sums[at] = _tables(
            transcript,
            by_transcript.get(transcript.name, []),
            {code: number for number, code in enumerate(codes)},
            sides,
            read.get(transcript.name, (set(), set())),
        )
    return CharacterComparison(
        first=tuple(first),
        second=tuple(second),
        codes=_over_sources(codes, sums),
        sources=tuple(
            _source(code, transcript.name, sums[row, column])
            for row, transcript in enumerate(transcripts)
            if sums[row].any()
            for column, code in enumerate(codes)
        ),
    )


def _tables(
    transcript: Transcript,
    codings: Sequence[Coding],
    code_at: Mapping[str, int],
    sides: tuple[frozenset[str], frozenset[str]],
    read: tuple[set[int], set[int]],
) -> Floats:
    """Cross tables of characters, (codes, 2, 2), over the turns that both sides read."""
    starts: dict[int, int] = {}
    length = 0
    for turn in transcript.turns:
        if turn.index in read[0] and turn.index in read[1] and not turn.interviewer:
            starts[turn.index] = length
            length += len(turn.text)
    marked: dict[int, Bools] = {}
    for coding in codings:
        code, start = code_at.get(coding.code), starts.get(coding.turn)
        if code is None or start is None:
            continue
        end = min(coding.end, len(transcript.turns[coding.turn].text))
        for side, members in enumerate(sides):
            if coding.coder in members:
                spans = marked.setdefault(code, np.zeros((2, length), dtype=np.bool_))
                spans[side, start + coding.start : start + end] = True
    tables = np.zeros((len(code_at), 2, 2))
    tables[:, 0, 0] = length
    for code, (one, other) in marked.items():
        both, some, others = (int(part.sum()) for part in (one & other, one, other))
        tables[code] = [
            [length - some - others + both, others - both],
            [some - both, both],
        ]
    return tables


def _source(code: str, name: str, table: Floats) -> SourceComparison:
    size = int(table.sum())
    (neither, second_only), (first_only, both) = table.astype(int).tolist()
    kappa = float(coefficients.cohen(table))
    single = "one source: an interval needs several"
    undefined = NVIVO_ALL if both else NVIVO_NOBODY
    return SourceComparison(
        code=code,
        transcript=name,
        both=both,
        first_only=first_only,
        second_only=second_only,
        neither=neither,
        percent=Estimate.bare(float(coefficients.pair_percent(table)), single, n=size, clusters=1),
        kappa=Estimate.undefined(undefined, n=size, clusters=1)
        if np.isnan(kappa)
        else Estimate.bare(kappa, single, n=size, clusters=1),
        nvivo_kappa=1.0 if np.isnan(kappa) else kappa,
    )


def _over_sources(codes: Sequence[str], sums: Floats) -> tuple[CodeComparison, ...]:
    used = sums.sum(axis=(-2, -1)) > 0
    total = sums.sum(axis=0)
    characters = total.sum(axis=(-2, -1)).astype(int).tolist()
    # Characters of one passage are one event, so what must not be few is the sources coded.
    coded = [(sums.sum(axis=side)[..., 1] > 0).sum(axis=0) for side in (-2, -1)]
    shortage = [
        why and f"{why}, in which both sides applied the code"
        for why in map(insufficient_transcripts, np.minimum(*coded).tolist())
    ]
    undefined = [
        NOTHING_READ if not size else NVIVO_ALL if table[1, 1] else NVIVO_NOBODY
        for size, table in zip(characters, total, strict=True)
    ]
    percent, kappa = (
        jackknife(
            leave_one_out(sums, statistic, used=used),
            scale=scale,
            n=characters,
            shortage=shortage,
            undefined=undefined,
        )
        for statistic, scale in (
            (coefficients.pair_percent, Scale.LOGIT),
            (coefficients.cohen, Scale.ATANH),
        )
    )
    return tuple(
        CodeComparison(code=code, percent=one, kappa=other)
        for code, one, other in zip(codes, percent, kappa, strict=True)
    )

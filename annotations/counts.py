"""References by code and attribute, and codes that meet: counts, without any inference."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from annotations.codebook import Codebook, ancestors
from annotations.codings import Coding, CodingTable
from annotations.errors import StateError
from annotations.transcripts import Segmentation, Transcript
from annotations.work import Work

NOT_GIVEN = "(not given)"
"""Stands for the value of an attribute that a transcript does not have."""

PER_WORDS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """The transcripts that share these attribute values; no values: all transcripts.

    `transcripts` were read, and `words` are those of the turns read in them.
    """

    name: str
    values: Mapping[str, str]
    transcripts: int
    words: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A code in a column: references, transcripts with at least one, references per 1,000 words.

    `per_1000` is None where no word was read.
    """

    references: int
    transcripts: int
    per_1000: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A code with a cell a column. A parent's cells count the codes below it too.

    `own` are the references of the code itself, in all transcripts.
    """

    code: str
    name: str
    level: int
    own: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """References and transcripts by code (rows, in the order of the tree) and attribute.

    Columns: every value of each attribute, then, for several attributes, every combination
    that occurs, then all transcripts. `coded_by` says whose codings were counted.
    """

    by: tuple[str, ...]
    coded_by: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Meeting:
    """Two codes that one coder applied to the same segment.

    `segments` is on how many; `both` and `either` count readings (a segment by a coder), and
    `jaccard` is both / either.
    """

    codes: tuple[str, str]
    segments: int
    both: int
    either: int
    jaccard: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeUse:
    """On how many segments a code was applied by anybody counted."""

    code: str
    segments: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cooccurrence:
    """The codes that meet on a segment; `pairs` that never meet are left out.

    `codes` are those applied, in the order of the tree; `segments` and `readings` are how many
    there were to meet on.
    """

    coded_by: str
    segments: int
    readings: int
    codes: tuple[CodeUse, ...]
    pairs: tuple[Meeting, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A stretch of a turn that carries a code."""

    transcript: str
    turn: int
    start: int
    end: int
    code: str


def references_of(codings: Iterable[Coding]) -> tuple[Reference, ...]:
    """The stretches that carry a code: codings of it that share a character are one.

    So a passage that several coders coded the same, or nearly so, counts once.
    """
    spans: dict[tuple[str, int, str], list[tuple[int, int]]] = {}
    for coding in codings:
        key = (coding.transcript, coding.turn, coding.code)
        spans.setdefault(key, []).append((coding.start, coding.end))
    found: list[Reference] = []
    for (transcript, turn, code), of_code in spans.items():
        merged: list[tuple[int, int]] = []
        for start, end in sorted(of_code):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        found.extend(
            Reference(transcript=transcript, turn=turn, start=start, end=end, code=code)
            for start, end in merged
        )
    return tuple(found)


def matrix_of(
    work: Work, *, codebook: Codebook, transcripts: Sequence[Transcript], by: Sequence[str]
) -> Matrix:
    """Count references by code and by the transcripts' attributes.

    Only turns that the work's coders read enter: a turn nobody looked at has no words here.
    Raises StateError where no transcript has an attribute named in `by`.
    """
    by = tuple(dict.fromkeys(by))
    check_attributes(transcripts, by)
    words = _words_read(work, transcripts)
    read = [item for item in transcripts if item.name in words]
    groups = _groups(read, by)
    columns = tuple(
        Column(
            name=" × ".join(values.values()) if values else "all",
            values=values,
            transcripts=len(names),
            words=sum(words[name] for name in names),
        )
        for values, names in groups
    )
    count: dict[str, dict[str, int]] = {path: {} for path in codebook.paths}
    own = dict.fromkeys(codebook.paths, 0)
    for reference in references_of(work.codings):
        own[reference.code] = own.get(reference.code, 0) + 1
        for path in (*ancestors(reference.code), reference.code):
            of_code = count.setdefault(path, {})
            of_code[reference.transcript] = of_code.get(reference.transcript, 0) + 1
    return Matrix(
        by=by,
        coded_by=work.name,
        columns=columns,
        rows=tuple(
            Row(
                code=code.path,
                name=code.name,
                level=code.level,
                own=own[code.path],
                cells=tuple(
                    _cell(count[code.path], names, column.words)
                    for (_, names), column in zip(groups, columns, strict=True)
                ),
            )
            for code in codebook.codes
        ),
        notes=work.notes,
    )


def check_attributes(transcripts: Sequence[Transcript], by: Sequence[str]) -> None:
    """StateError that lists the attributes there are, where one named in `by` is not."""
    there = list(dict.fromkeys(name for item in transcripts for name in item.attributes))
    unknown = [name for name in by if name not in there]
    if unknown:
        known = f"there are {', '.join(there)}" if there else "the transcripts have none"
        raise StateError(
            f"no transcript has an attribute {' or '.join(map(repr, unknown))}; {known}. "
            "Attributes come in with attributes.csv, or with the facesheet."
        )


def cooccurrence_of(
    work: Work,
    *,
    codebook: Codebook,
    transcripts: Sequence[Transcript],
    segmentation: Segmentation,
) -> Cooccurrence:
    """Count the codes that one coder applied to the same segment, the commonest pair first.

    Within a coder, so that two coders who chose different codes for a segment do not make
    the codes meet. Codes count as they were applied, not for their parents.
    """
    read = {reading.transcript for reading in work.readings}
    used = {coding.code for coding in work.codings}
    codes = [path for path in codebook.paths if path in used]
    table = CodingTable.of(
        transcripts=[item for item in transcripts if item.name in read],
        codings=work.codings,
        readings=work.readings,
        codes=codes,
        coders=work.coders,
        segmentation=segmentation,
    )
    readings = table.applied.reshape(-1, len(codes)).astype(np.float64)
    met = readings.T @ readings
    segments: dict[tuple[int, int], int] = {}
    shared = table.applied & (table.applied.sum(axis=2, keepdims=True) > 1)
    for unit in np.flatnonzero(shared.any(axis=(0, 2))):
        pairs: set[tuple[int, int]] = set()
        for of_coder in shared[:, unit]:
            pairs.update(combinations(np.flatnonzero(of_coder).tolist(), 2))
        for pair in pairs:
            segments[pair] = segments.get(pair, 0) + 1
    found = []
    for (one, other), number in segments.items():
        both = int(met[one, other])
        either = int(met[one, one] + met[other, other]) - both
        found.append(
            Meeting(
                codes=(codes[one], codes[other]),
                segments=number,
                both=both,
                either=either,
                jaccard=both / either,
            )
        )
    return Cooccurrence(
        coded_by=work.name,
        segments=int(table.read.any(axis=0).sum()),
        readings=int(table.read.sum()),
        codes=tuple(
            CodeUse(code=code, segments=int(table.applied[:, :, at].any(axis=0).sum()))
            for at, code in enumerate(codes)
        ),
        pairs=tuple(sorted(found, key=lambda pair: (-pair.segments, -pair.jaccard, pair.codes))),
        notes=work.notes,
    )


def _words_read(work: Work, transcripts: Sequence[Transcript]) -> dict[str, int]:
    """Words of the turns read, by transcript; one of which nothing was read is not there."""
    turns: dict[str, set[int]] = {}
    for reading in work.readings:
        turns.setdefault(reading.transcript, set()).add(reading.turn)
    return {
        item.name: sum(len(item.turns[turn].text.split()) for turn in turns[item.name])
        for item in transcripts
        if item.name in turns
    }


def _groups(
    transcripts: Sequence[Transcript], by: Sequence[str]
) -> list[tuple[dict[str, str], list[str]]]:
    """The columns' attribute values, and the names of the transcripts that have them."""
    values = {
        name: sorted(
            {item.attributes.get(name) or NOT_GIVEN for item in transcripts},
            key=lambda value: (value == NOT_GIVEN, _as_number(value), value),
        )
        for name in by
    }
    wanted = [{name: value} for name in by for value in values[name]]
    if len(by) > 1:
        wanted += [
            dict(zip(by, chosen, strict=True)) for chosen in product(*(values[n] for n in by))
        ]
    groups = []
    for one in [*wanted, {}]:
        names = [
            item.name
            for item in transcripts
            if all((item.attributes.get(key) or NOT_GIVEN) == value for key, value in one.items())
        ]
        # Combinations are those that occur.
        if names or not one:
            groups.append((one, names))
    return groups


def _as_number(value: str) -> float:
    """Wave 10 comes after wave 9; words come after numbers."""
    try:
        number = float(value)
    except ValueError:
        return float("inf")
    return number if number == number else float("inf")


def _cell(counts: Mapping[str, int], names: Sequence[str], words: int) -> Cell:
    references = sum(counts.get(name, 0) for name in names)
    return Cell(
        references=references,
        transcripts=sum(name in counts for name in names),
        per_1000=PER_WORDS * references / words if words else None,
    )

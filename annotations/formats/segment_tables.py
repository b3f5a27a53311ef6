"""Tables of coded segments, as MAXQDA and Dedoose export them to Excel and CSV.

A row is a segment with its document, words, code (MAXQDA) or codes (Dedoose), and coder. Where a
segment is in its transcript is found by its words, so the transcripts come first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotations.codebook import SEPARATOR, Code, normal_path
from annotations.codings import Coding, Reading
from annotations.formats.coded_documents import document_name, time_of
from annotations.formats.colors import color_of
from annotations.formats.csv_table import Row, Table, read_table
from annotations.formats.intake import Intake, Place
from annotations.formats.passages import Found, Passages
from annotations.numerals import many

_DOCUMENT = ("document name", "document", "dokumentname", "dokument", "media title")
_SEGMENT = ("segment", "excerpt copy", "excerpt", "coded segment", "codiertes segment")
_CODE = ("code", "codes", "codes applied combined")
_CODER = (
    *("created by", "author", "coder", "excerpt creator", "user", "modified by"),
    *("erstellt von", "autor", "geändert von"),
)
_WHEN = (
    *("created", "creation date", "excerpt date", "modified", "modification date"),
    *("erstellt am", "erstellt", "geändert am"),
)
_COMMENT = ("comment", "comments", "kommentar", "coded segment comment", "memo", "memos")
_WEIGHT = ("weight score", "weight", "gewicht", "codegewicht")
_COLOR = ("color", "colour", "farbe")
_PLACES = (
    *("beginning", "begin", "end", "anfang", "ende", "area", "fläche", "coverage %"),
    *("abdeckungsgrad %", "abdeckung %", "preview", "vorschau", "excerpt range"),
)
"""What the words and the transcript tell already."""

_OF_CODE = re.compile(r"code:\s*(?P<path>\S(?:.*?\S)?)\s+(?P<what>weight|range)", re.IGNORECASE)
_APPLIED = re.compile(r"code:\s*(?P<path>\S(?:.*?\S)?)\s+applied", re.IGNORECASE)
_YES = ("true", "yes", "1", "wahr", "ja")
_MOST_TOLD = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    """Which column holds what; `applied` are Dedoose's columns of one code each."""

    document: str
    segment: str
    code: str | None
    coder: str | None
    when: str | None
    comment: str | None
    weight: str | None
    color: str | None
    applied: Mapping[str, str]
    weights: Mapping[str, str]
    """Dedoose's columns of weights, by the path that the code has there."""
    unread: tuple[str, ...]
    many: bool
    """The code column holds several, separated by commas."""


def recognise(file: str, text: str) -> Table | None:
    """The table in a CSV file, where it is one of segments; None where it is something else."""
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    if not any(name in header.lower() for name in _SEGMENT):
        return None
    table = read_table(file, text, delimiter=delimiter)
    return table if _layout(table) is not None else None


def is_one(table: Table) -> bool:
    """Whether a table has the columns of one of segments."""
    return _layout(table) is not None


def read(table: Table, intake: Intake) -> None:
    """Put in the codings of a table; segments that are not found, or twice, are listed."""
    layout = _layout(table)
    if layout is None:
        raise ValueError("only tables that were recognised are read")
    intake.problems(table.problems)
    if layout.unread:
        columns = ", ".join(map(repr, layout.unread[:_MOST_TOLD]))
        intake.refuse(Place(file=table.file, line=1), f"columns not read: {columns}")
    listed = intake.listed
    passages: dict[str, Passages] = {}
    unknown: dict[str, int] = {}
    coders: dict[tuple[str, str], None] = {}
    for row in table.rows:
        place = Place(file=table.file, line=row.line)
        name = _transcript(row.fields[layout.document], intake.names)
        coder = row.fields.get(layout.coder or "", "").strip() or intake.coder or ""
        codes = _codes(row, layout)
        if name is None:
            unknown.setdefault(row.fields[layout.document].strip(), row.line)
            continue
        if not coder:
            intake.problem(place, "no coder; fill in the column, or say --coder NAME")
            continue
        if not codes:
            intake.refuse(place, "a segment without a code")
            continue
        transcript = intake.known(name)
        if transcript is None:
            continue
        if name not in passages:
            passages[name] = Passages(transcript)
        found = passages[name].find(row.fields[layout.segment])
        if not found.parts:
            intake.refuse(place, _why(found, name))
            continue
        coders.setdefault((name, coder))
        for given, code in codes.items():
            color = color_of(row.fields.get(layout.color or "", ""))
            if color:
                intake.gather_code(Code(path=code, color=color), place)
            for part in found.parts:
                coding = Coding(
                    transcript=name,
                    turn=part.turn,
                    start=part.start,
                    end=part.end,
                    code=code,
                    coder=coder,
                    coded_at=time_of(row.fields.get(layout.when or "", "")),
                    memo="" if part.continues else _memo(row, layout, given),
                    continues=part.continues,
                )
                intake.add_coding(coding, place, listed)
    # Who coded a document is taken to have read it: the table tells nothing else.
    for name, coder in coders:
        found_in = intake.known(name)
        for turn in found_in.turns if found_in is not None else ():
            intake.add_reading(Reading(transcript=name, turn=turn.index, coder=coder))
    for name, line in list(unknown.items())[:_MOST_TOLD]:
        intake.problem(
            Place(file=table.file, line=line),
            f"document {name!r} is no transcript of the study; a table of segments does not hold "
            "the transcripts: import them first, under the same names, or together with it",
        )


def _why(found: Found, name: str) -> str:
    if found.times:
        return f"its words occur {many(found.times, 'time')} in {name!r}, so its place is not sure"
    return f"its words are not in {name!r}"


def _layout(table: Table) -> _Layout | None:
    by_name = {name.strip().lower(): name for name in table.columns}

    def first(names: Sequence[str]) -> str | None:
        return next((by_name[name] for name in names if name in by_name), None)

    document, segment, code = first(_DOCUMENT), first(_SEGMENT), first(_CODE)
    applied = {
        column: match["path"]
        for column in table.columns
        if (match := _APPLIED.fullmatch(column.strip()))
    }
    if document is None or segment is None or (code is None and not applied):
        return None
    weights = {
        match["path"].strip().casefold(): column
        for column in table.columns
        if (match := _OF_CODE.fullmatch(column.strip())) and match["what"].lower() == "weight"
    }
    coder, when = first(_CODER), first(_WHEN)
    comment, weight, color = first(_COMMENT), first(_WEIGHT), first(_COLOR)
    used = {document, segment, code, coder, when, comment, weight, color, *applied}
    unread = tuple(
        column
        for column in table.columns
        if column not in used
        and column.strip().lower() not in (*_PLACES, *_CODE)
        and not _OF_CODE.fullmatch(column.strip())
        and any(row.fields.get(column, "").strip() for row in table.rows)
    )
    return _Layout(
        document=document,
        segment=segment,
        code=code,
        coder=coder,
        when=when,
        comment=comment,
        weight=weight,
        color=color,
        applied=applied,
        weights=weights,
        unread=unread,
        many=code is not None and code.strip().lower() == "codes applied combined",
    )


def _memo(row: Row, layout: _Layout, given: str) -> str:
    """The comment on a segment, and its weight where it has one."""
    weight = row.fields.get(layout.weights.get(given.strip().casefold(), layout.weight or ""), "")
    weight = weight.strip()
    told = f"Weight: {weight}" if weight not in ("", "0", "-") else ""
    comment = row.fields.get(layout.comment or "", "").strip()
    return "\n".join(text for text in (comment, told) if text)


def _codes(row: Row, layout: _Layout) -> dict[str, str]:
    """The paths of a row's codes, by how they are given.

    MAXQDA and Dedoose join levels by > or a backslash.
    """
    if layout.applied:
        given = [
            path
            for column, path in layout.applied.items()
            if row.fields[column].strip().lower() in _YES
        ]
    else:
        cell = row.fields[layout.code or ""]
        given = cell.split(",") if layout.many else [cell]
    paths = {one: normal_path(SEPARATOR.join(one.split("\\"))) for one in given}
    return {one: path for one, path in paths.items() if path}


def _transcript(document: str, names: Sequence[str]) -> str | None:
    """The transcript that a document's name means: the same but for its file's end or case."""
    document = document.strip()
    if document in names:
        return document
    wanted = document_name(document).casefold()
    near = [name for name in names if document_name(name).casefold() == wanted]
    return near[0] if len(near) == 1 else None

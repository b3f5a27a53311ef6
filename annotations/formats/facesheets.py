"""Facesheets: tables with a row a participant, from CSV and Excel files, as attributes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotations.formats.csv_table import Row, Table
from annotations.formats.intake import Intake, Place
from annotations.numerals import many

_NAMED = 10
_KEYS = (
    re.compile(r"(?:transcript|interview|document|file)(?: ?(?:name|id|file|no|number))?"),
    re.compile(r"(?:participant|respondent|case|person|pseudonym|speaker|subject|id|name|code)s?"
               r"(?: ?(?:name|id|no|number|code))?"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Match:
    """A column that names transcripts: which row belongs to which transcript."""

    column: str
    rows: Mapping[int, str]
    """Transcript by the row's position."""


def could_be(table: Table) -> bool:
    """Whether a CSV table that is none of the tidy files may be a facesheet."""
    columns = {name.lower() for name in table.columns}
    return len(columns) > 1 and not columns & {"turn", "start", "end", "code", "coder", "text"}


def read(tables: Sequence[Table], intake: Intake) -> None:
    """Put the rows of facesheets as attributes to the transcripts that they name.

    The column that names transcripts is found by its values: the one whose values are most
    often a transcript's name, or a part of it that no other transcript has (`Kelly` of
    `interview_kelly`); of equals, the one whose header says so. Rows that match no transcript
    are told, and so is a table without such a column.
    """
    for table in tables:
        place = Place(file=table.file, line=1)
        found = _best(table, intake.names)
        if found is None:
            known = ", ".join(sorted(intake.names)[:_NAMED]) or "none yet"
            intake.problem(
                place,
                f"none of the columns {', '.join(table.columns[:_NAMED])} names a transcript, so "
                f"this is no facesheet of them (transcripts: {known}). Add a column 'transcript' "
                "with their names, or leave the file out",
            )
            continue
        seen: dict[str, int] = {}
        strangers: list[str] = []
        for position, row in enumerate(table.rows):
            here = Place(file=table.file, line=row.line)
            name = found.rows.get(position)
            if name is None:
                strangers.append(row.fields[found.column] or f"row {row.line}")
            elif name in seen:
                intake.refuse(
                    here, f"is of {name!r}, as row {seen[name]} is already; only that one is read"
                )
            else:
                seen[name] = row.line
                intake.add_attributes(name, _attributes(row, found.column, name), here)
        intake.note(place, f"column {found.column!r} names the transcripts: {len(seen)} matched")
        if strangers:
            more = f" and {len(strangers) - _NAMED} more" if len(strangers) > _NAMED else ""
            intake.refuse(
                place,
                f"{many(len(strangers), 'row that matches', 'rows that match')} no transcript: "
                f"{', '.join(strangers[:_NAMED])}{more}",
            )


def _attributes(row: Row, key: str, transcript: str) -> dict[str, str]:
    return {
        column: text.strip()
        for column, text in row.fields.items()
        if column and text.strip() and not (column == key and text.strip() == transcript)
    }


def _best(table: Table, names: Sequence[str]) -> _Match | None:
    matches = [match for column in table.columns if (match := _match(table, column, names)).rows]
    if not matches:
        return None
    return max(matches, key=lambda match: (len(set(match.rows.values())), -_rank(match.column)))


def _match(table: Table, column: str, names: Sequence[str]) -> _Match:
    tokens = {name: _tokens(name) for name in names}
    rows: dict[int, str] = {}
    for position, row in enumerate(table.rows):
        wanted = _tokens(
            re.sub(r"\.(?:docx?|txt|pdf|odt|vtt|srt)$", "", row.fields[column], flags=re.I)
        )
        exact = [name for name in names if tokens[name] == wanted]
        within = exact or [name for name in names if wanted and _holds(tokens[name], wanted)]
        if len(within) == 1:
            rows[position] = within[0]
    return _Match(column=column, rows=rows)


def _rank(column: str) -> int:
    """How likely a header names transcripts, 0 first; `TranscriptName` is read as two words."""
    words = " ".join(_tokens(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)))
    return next((at for at, pattern in enumerate(_KEYS) if pattern.fullmatch(words)), len(_KEYS))


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\d+|[^\W\d_]+", text.casefold()))


def _holds(whole: tuple[str, ...], part: tuple[str, ...]) -> bool:
    last = len(whole) - len(part)
    return any(whole[at : at + len(part)] == part for at in range(last + 1))

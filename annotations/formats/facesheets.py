"""Facesheets: tables with a row a participant, from CSV and Excel files, as attributes."""

import datetime
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from annotations.errors import InputError, Problem
from annotations.formats.archive import MEBIBYTE, Archive, Limits
from annotations.formats.csv_table import Row, Table
from annotations.formats.intake import Intake, Place

MOST_ROWS = 20_000
MOST_COLUMNS = 500
MOST_SHEETS = 50

_LIMITS = Limits(entries=2_000, entry_bytes=16 * MEBIBYTE, total_bytes=64 * MEBIBYTE)
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


def read_workbook(path: Path) -> tuple[Table, ...]:
    """The sheets of an Excel file that hold something, their cells as readable text.

    InputError where it cannot be read. The first row that holds something is the header.
    """
    with Archive(path, _LIMITS) as archive:
        for name in archive.names:
            # openpyxl opens the file itself; this reads all of it once, within the limits.
            if name.endswith((".xml", ".rels", ".vml")):
                archive.xml(name)
            else:
                for _ in archive.pieces(name):
                    pass
    try:
        with warnings.catch_warnings():
            # Styles and validations that it drops are nothing to us.
            warnings.simplefilter("ignore")
            return tuple(_sheets(path))
    except InputError:
        raise
    except (
        InvalidFileException, zipfile.BadZipFile, ParseError, OSError, ValueError, TypeError,
        KeyError, IndexError, AttributeError, OverflowError, RecursionError, AssertionError,
    ) as error:  # fmt: skip
        raise _refused(
            str(path),
            f"the file is damaged or no Excel workbook ({type(error).__name__}); "
            "save it as .xlsx again",
        ) from error


def _sheets(path: Path) -> Iterator[Table]:
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets[:MOST_SHEETS]:
            file = f"{path}, sheet {sheet.title!r}"
            # What a sheet says of its own size is not believed.
            sheet.reset_dimensions()
            columns: tuple[str, ...] = ()
            rows: list[Row] = []
            for line, cells in enumerate(
                sheet.iter_rows(values_only=True, max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS), 1
            ):
                texts = [_readable(cell) for cell in cells]
                if not any(texts):
                    continue
                if line > MOST_ROWS:
                    raise _refused(file, f"more than {MOST_ROWS} rows; a facesheet has one a case")
                if not columns:
                    columns = tuple(_apart(texts))
                else:
                    texts += [""] * (len(columns) - len(texts))
                    named = zip(columns, texts, strict=False)
                    rows.append(Row(line=line, fields={name: text for name, text in named if name}))
            if columns:
                names = tuple(name for name in columns if name)
                yield Table(file=file, columns=names, rows=tuple(rows), problems=())
    finally:
        book.close()


def _apart(names: Sequence[str]) -> Iterator[str]:
    """Headers, each once: a second 'age' is 'age (2)'."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name.lower()] = number = seen.get(name.lower(), 0) + 1
        yield name if number == 1 or not name else f"{name} ({number})"


def _readable(cell: object) -> str:
    """A cell as a person would write it: 3, 2.5, 2024-05-01, 10:30:00, yes."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.12g}"
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ", "seconds")
    if isinstance(cell, datetime.timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(cell, datetime.time):
        return cell.isoformat("seconds")
    return " ".join(str(cell).replace("\0", "").split())


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
                f"{len(strangers)} row{'s' * (len(strangers) > 1)} that match no transcript: "
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


def _refused(file: str, message: str) -> InputError:
    return InputError(Problem(file=file, line=None, message=message))

"""The sheets of an Excel workbook as tables, whatever they hold."""

import datetime
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from annotations.errors import InputError, Problem
from annotations.formats.archive import MEBIBYTE, Archive, Limits
from annotations.formats.csv_table import Row, Table

MOST_ROWS = 100_000
MOST_COLUMNS = 500
MOST_SHEETS = 50

_LIMITS = Limits(entries=2_000, entry_bytes=24 * MEBIBYTE, total_bytes=64 * MEBIBYTE)


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
            found = tuple(_sheets(path))
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
    if not found:
        raise _refused(str(path), "no sheet of it holds anything")
    return found


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
                    raise _refused(file, f"more than {MOST_ROWS:,} rows; cut it into several files")
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


def _refused(file: str, message: str) -> InputError:
    return InputError(Problem(file=file, line=None, message=message))

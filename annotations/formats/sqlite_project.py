"""Other tools' projects that are SQLite files: read from a copy, within limits.

The file comes from anywhere. Only tables that it really stores are read (no view, nothing
virtual, no trigger runs), values and rows are limited, and a query that takes too long is broken
off. The file itself is never opened by SQLite: that could replay a journal into it.
"""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from annotations.errors import InputError, Problem
from annotations.formats.files import unreadable
from annotations.formats.intake import Intake, Place

MEBIBYTE = 2**20
MOST_BYTES = 1024 * MEBIBYTE
MOST_TEXT = 64 * MEBIBYTE
"""Characters of all values together."""

_LONGEST_VALUE = 32 * MEBIBYTE
_MOST_ROWS = 1_000_000
_SECONDS = 60
_STEPS = 100_000
_MAGIC = b"SQLite format 3\0"

Row = Mapping[str, object]


class SqliteProject:
    """The tables of a project's file."""

    def __init__(self, file: str, connection: sqlite3.Connection) -> None:
        self._file = file
        self._connection = connection
        self._text = 0
        # NUL is no text, and is replaced by something as long: offsets stay.
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace").replace("\0", "\ufffd")
        stored = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 LIMIT 1000"
        )
        self.tables = frozenset(str(row[0]) for row in stored)

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns; none where there is no such table."""
        if table not in self.tables:
            return frozenset()
        found = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return frozenset(str(row[0]) for row in found)

    def count(self, table: str) -> int:
        """How many rows a table has, 0 where there is none."""
        if table not in self.tables:
            return 0
        # A name of our own, not the file's.
        query = f'SELECT count(*) FROM "{table}"'  # noqa: S608
        return int(self._connection.execute(query).fetchone()[0])

    def rows(self, table: str, columns: Sequence[str]) -> list[Row]:
        """The rows of a table in the order of storing; a column that is not there is None."""
        there = self.columns(table)
        read = [name for name in columns if name in there]
        if not read:
            return []
        names = ", ".join(f'"{name}"' for name in read)
        query = f'SELECT {names} FROM "{table}" LIMIT {_MOST_ROWS + 1}'  # noqa: S608 - our names
        rows: list[Row] = []
        for values in self._connection.execute(query):
            self._text += sum(len(value) for value in values if isinstance(value, str | bytes))
            if self._text > MOST_TEXT or len(rows) == _MOST_ROWS:
                raise _refused(
                    self._file,
                    f"holds more than {MOST_TEXT // MEBIBYTE} million characters or {_MOST_ROWS} "
                    "rows in a table; export a part of it",
                )
            found = dict(zip(read, values, strict=True))
            rows.append({name: found.get(name) for name in columns})
        return rows


@contextmanager
def open_project(path: Path) -> Iterator[SqliteProject]:
    """Open a project's file; InputError where it is none or goes beyond the limits."""
    file = str(path)
    try:
        with path.open("rb") as raw:
            magic = raw.read(len(_MAGIC))
        size = path.stat().st_size
    except OSError as error:
        raise _refused(file, unreadable(error)) from error
    if magic != _MAGIC:
        raise _refused(file, "not an SQLite file; choose the project that the program saved")
    if size > MOST_BYTES:
        raise _refused(file, f"larger than {MOST_BYTES // MEBIBYTE} MB; remove its media first")
    for end in ("-wal", "-journal"):
        beside = path.with_name(path.name + end)
        if beside.exists() and beside.stat().st_size:
            raise _refused(
                file, "is open in another program, or was not closed; open it there and close it"
            )
    try:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "project.sqlite"
            shutil.copyfile(path, copy)
            with closing(_connect(copy)) as connection:
                yield SqliteProject(file, connection)
    except (sqlite3.Error, OverflowError, ValueError, AssertionError, MemoryError) as error:
        raise _refused(
            file, f"damaged, or no project that can be read ({error}); save it again"
        ) from error


def _connect(copy: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    until = time.monotonic() + _SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    return connection


def _refused(file: str, message: str) -> InputError:
    return InputError(Problem(file=file, line=None, message=message))


def whole(value: object) -> int | None:
    """A value as a number, None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def words(value: object) -> str:
    """A value as text, empty where there is none."""
    return value.strip() if isinstance(value, str) else ""


def read_project(
    path: Path,
    intake: Intake,
    *,
    tool: str,
    needed: frozenset[str],
    read: Callable[[SqliteProject, Place, Intake], None],
) -> None:
    """Put in the project of a `tool`, which has the tables `needed`, with its own `read`."""
    place = Place(file=str(path))
    try:
        with open_project(path) as project:
            if project.tables >= needed:
                read(project, place, intake)
            else:
                missing = ", ".join(sorted(needed - project.tables))
                intake.problem(place, f"no {tool} project: it has no table {missing}")
                intake.lost_transcript(None)
    except InputError as error:
        intake.problems(error.problems)
        intake.lost_transcript(None)

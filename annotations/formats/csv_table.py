"""A CSV file as a table whose rows know their line."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from annotations.errors import Problem
from annotations.numerals import many

MOST_ROWS = 400_000
MOST_COLUMNS = 10_000
MOST_FIELDS = 8_000_000
"""Fields of a table, empty ones too: each takes its place in memory."""

MOST_PROBLEMS = 1_000
"""Faulty rows after which a table is given up."""

_LONGEST_FIELD = 2**31 - 1  # the largest C long everywhere


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One record: the line it starts on, counted from 1, and its fields by column."""

    line: int
    fields: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The header and the records of a CSV file, with what could not be read of it.

    `columns` are as written, trimmed; `rows` leaves out the records in `problems`.
    """

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def read_table(file: str, text: str, *, delimiter: str = ",") -> Table:
    """Parse RFC 4180 text. Column names are compared in lower case by whoever reads the rows."""
    rows: list[Row] = []
    problems: list[Problem] = []
    columns: tuple[str, ...] = ()
    with _long_fields():
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
        line = 1
        try:
            for fields in reader:
                if not any(field.strip() for field in fields):
                    pass
                elif not columns:
                    columns = tuple(field.strip() for field in fields)
                    if len(columns) > MOST_COLUMNS:
                        message = f"{len(columns):,} columns, more than {MOST_COLUMNS:,}"
                        problems.append(Problem(file=file, line=line, message=message))
                        columns = columns[:MOST_COLUMNS]
                        break
                elif len(rows) * len(columns) > MOST_FIELDS:
                    message = f"more than {MOST_FIELDS:,} fields; cut it into several files"
                    problems.append(Problem(file=file, line=line, message=message))
                    break
                elif len(rows) == MOST_ROWS:
                    message = f"more than {MOST_ROWS:,} rows; cut it into several files"
                    problems.append(Problem(file=file, line=line, message=message))
                    break
                elif len(problems) == MOST_PROBLEMS:
                    break
                elif len(fields) == len(columns):
                    rows.append(Row(line=line, fields=dict(zip(columns, fields, strict=True))))
                else:
                    problems.append(
                        Problem(
                            file=file,
                            line=line,
                            message=f"{many(len(fields), 'field')}, expected {len(columns)} as in "
                            "the header; put double quotes around a field that holds a comma",
                        )
                    )
                line = reader.line_num + 1
        except csv.Error as error:
            problems.append(
                Problem(
                    file=file,
                    line=line,
                    message=f"not valid CSV ({error}); a double quote inside a field is written "
                    "twice, and the field stands in double quotes",
                )
            )
    times = Counter(name.lower() for name in columns)
    twice = sorted({name for name in columns if times[name.lower()] > 1})
    if twice:
        problems.append(
            Problem(
                file=file,
                line=1,
                message=f"column {', '.join(map(repr, twice))} occurs more than once; "
                "rename or remove one",
            )
        )
    return Table(file=file, columns=columns, rows=tuple(rows), problems=tuple(problems))


@contextmanager
def _long_fields() -> Iterator[None]:
    """Allow fields beyond 131,072 characters: a document without turns is one field."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)

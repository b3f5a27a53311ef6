"""Writing CSV, and what spreadsheets make of it.

A spreadsheet runs a cell that begins with =, +, - or @ as a formula. What is written to be read
by programs, and to come back, stays as it is: an added apostrophe would move every offset. What
is written for people to look at takes `for_spreadsheet`.
"""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """RFC 4180 text; None is an empty field, True and False are true and false."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_written(value) for value in row] for row in rows)
    return text.getvalue()


def is_formula(value: str) -> bool:
    """Whether a spreadsheet would take the text for a formula."""
    return value.startswith(_FORMULA)


def for_spreadsheet(value: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{value}" if is_formula(value) else value


def _written(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value

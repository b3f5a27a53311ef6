"""The reliability report as long CSV: one row a figure."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from annotations.formats.csv_out import for_spreadsheet
from annotations.reliability.report import ReliabilityReport
from service.documents import document

COLUMNS = (
    *("scope", "level", "code", "coder", "transcript", "measure"),
    *("value", "low", "high", "n", "clusters", "method", "reason"),
)
_LEFT_OUT = {"extent", "versions", "seed", "level"}
_NAMES = {
    "level": "level",
    "code": "code",
    "codes": "code",
    "group": "code",
    "coder": "coder",
    "coders": "coder",
    "first": "coder",
    "second": "coder",
    "transcript": "transcript",
}
"""Fields that say what the figures beside them are about, and their column."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where in the report a figure stands."""

    scope: str
    about: Mapping[str, str]
    measure: tuple[str, ...] = ()


def write_csv(path: Path, report: ReliabilityReport) -> int:
    """Write every figure of the report; how many. Empty cells: not defined, or no interval."""
    rows = list(rows_of(report))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def rows_of(report: ReliabilityReport) -> Iterator[dict[str, Any]]:
    """The figures in the order of the report, as the JSON document has them."""
    for scope, value in document(report).items():
        if scope not in _LEFT_OUT:
            yield from _rows(value, _Place(scope=scope, about={}))


def _rows(value: Any, place: _Place) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _rows(item, place)
    elif isinstance(value, dict) and "clusters" in value and "method" in value:
        yield _row(place, value)
    elif isinstance(value, dict):
        names: dict[str, list[str]] = {}
        if "verdict" in value:
            # A test on many codes is known by its branch of the tree.
            value = {key: found for key, found in value.items() if key != "codes"}
        for key, found in value.items():
            if key in _NAMES and (words := _words(found)) and not _is_all(key, place):
                names.setdefault(_NAMES[key], []).extend(words)
        about = {**place.about, **{key: " and ".join(words) for key, words in names.items()}}
        for key, found in value.items():
            if key not in _NAMES or not _words(found):
                inner = (*place.measure, key) if _is_step(found) else place.measure
                yield from _rows(found, replace(place, about=about, measure=inner))
    elif isinstance(value, bool) or (isinstance(value, (int, float)) and place.measure):
        yield _row(place, {"value": int(value) if isinstance(value, bool) else value})


def _row(place: _Place, figure: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "scope": place.scope,
        **{key: for_spreadsheet(name) for key, name in place.about.items()},
        "measure": ".".join(place.measure),
        **{name: figure.get(name) for name in COLUMNS[6:-1]},
        "reason": for_spreadsheet(figure.get("reason") or ""),
    }


def _is_all(key: str, place: _Place) -> bool:
    """Whether `coders` lists everybody, and not a pair that a figure is about."""
    return key == "coders" and place.scope != "pairs"


def _is_step(value: Any) -> bool:
    """Whether a field's name is part of what is measured, and not a mere list of things."""
    return not isinstance(value, list)


def _words(value: Any) -> list[str]:
    """The names in a field, empty where it holds figures."""
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in found):
        return []
    return [str(one) for one in found]

"""Which tidy CSV file a table is, and whether it has the columns for it."""

import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePath

from annotations.formats.csv_table import Row, Table
from annotations.formats.intake import Intake, Place
from annotations.numerals import form


class Kind(Enum):
    """What a tidy CSV file holds; the value begins the name of such a file."""

    TRANSCRIPTS = "transcripts"
    CODINGS = "codings"
    ATTRIBUTES = "attributes"
    CODEBOOK = "codebook"
    READINGS = "readings"


_REQUIRED = {
    Kind.TRANSCRIPTS: ("transcript", "turn", "speaker", "text"),
    Kind.CODINGS: ("transcript", "turn", "start", "end", "code"),
    Kind.ATTRIBUTES: ("transcript",),
    Kind.CODEBOOK: ("code",),
    Kind.READINGS: ("transcript", "turn", "coder", "assisted"),
}
_OPTIONAL = {
    Kind.TRANSCRIPTS: ("interviewer",),
    Kind.CODINGS: ("coder", "coded_at", "memo", "continues"),
    Kind.CODEBOOK: ("definition", "include", "exclude", "examples", "color", "declared"),
    Kind.READINGS: ("model",),
}
_FOR_ANALYSIS = re.compile(r"(?:suggestions|decisions|dictionary)\.csv", re.IGNORECASE)
"""Files of an export that tell what a model and Label Studio did: they are not read back."""


def is_known(table: Table) -> bool:
    """Whether a table is one of the tidy files or of an export, be it a faulty one."""
    if _FOR_ANALYSIS.fullmatch(PurePath(table.file).name):
        return True
    return _kind(table.file, frozenset(name.lower() for name in table.columns)) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class TidyFile:
    """A table whose kind is known and whose required columns are there, under these names."""

    kind: Kind
    table: Table


def recognise(table: Table, intake: Intake) -> TidyFile | None:
    """Tell what a table holds by its file's name, else by its columns; note what it lacks."""
    place = Place(file=table.file, line=1)
    if _FOR_ANALYSIS.fullmatch(PurePath(table.file).name):
        intake.refuse(Place(file=table.file), "not read: a file of an export that is for analysis")
        return None
    columns = [name.lower() for name in table.columns]
    kind = _kind(table.file, frozenset(columns))
    intake.problems(table.problems)
    if kind is None:
        expected = "; ".join(f"{kind.value}: {', '.join(_REQUIRED[kind])}" for kind in Kind)
        intake.problem(
            place,
            f"columns {', '.join(table.columns)} are those of no known file; expected one of "
            f"{expected}{_separator_hint(table)}",
        )
        intake.lost_transcript(None)
        return None
    missing = [name for name in _REQUIRED[kind] if name not in columns]
    if len(set(columns)) < len(columns):
        intake.lost_transcript(None)
        return None
    if missing:
        intake.problem(
            place,
            f"{form(len(missing), 'column', 'columns')} {', '.join(map(repr, missing))} missing; a "
            f"{kind.value} file has {', '.join(_REQUIRED[kind])}, this one has "
            f"{', '.join(table.columns)}{_separator_hint(table)}",
        )
    if missing or table.problems:
        if kind is Kind.TRANSCRIPTS:
            intake.lost_transcript(None)
        if missing:
            return None
    if kind is not Kind.ATTRIBUTES:
        wanted = (*_REQUIRED[kind], *_OPTIONAL[kind])
        ignored = [name for name in table.columns if name.lower() not in wanted]
        if ignored:
            names = ", ".join(map(repr, ignored))
            intake.refuse(place, f"{form(len(ignored), 'column', 'columns')} {names} not read")
        rows = tuple(
            Row(line=row.line, fields=dict(zip(columns, row.fields.values(), strict=True)))
            for row in table.rows
        )
        table = replace(table, columns=tuple(columns), rows=rows)
    if not table.rows and kind is Kind.TRANSCRIPTS:
        intake.problem(place, "only a header, no turns; remove the file or export it again")
    elif not table.rows:
        intake.refuse(place, f"only a header: no {kind.value} in it")
    return TidyFile(kind=kind, table=table)


def _kind(file: str, columns: frozenset[str]) -> Kind | None:
    stem = PurePath(file).name.lower()
    for kind in Kind:
        if re.match(rf"{kind.value}(?![a-z])", stem):
            return kind
    for kind in (Kind.TRANSCRIPTS, Kind.CODINGS):
        if columns.issuperset(_REQUIRED[kind]):
            return kind
    if columns & {"turn", "text", "start", "end"}:
        return None
    if "transcript" in columns:
        return Kind.ATTRIBUTES if "code" not in columns else None
    return Kind.CODEBOOK if "code" in columns else None


def _separator_hint(table: Table) -> str:
    if len(table.columns) == 1 and table.columns[0].count(";") + table.columns[0].count("\t") > 0:
        return ". The columns are not separated by commas; save the file as comma-separated"
    return ""

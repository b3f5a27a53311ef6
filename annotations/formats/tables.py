"""A study as tables for analysis: every column with its type and meaning; Parquet and CSV."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.parquet as pq

from annotations.codings import Coding, is_model
from annotations.formats.csv_out import csv_text, is_formula
from annotations.formats.tidy_csv import EXAMPLES_SEPARATOR
from annotations.numerals import many
from annotations.study import Study


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    YES_NO = "true or false"
    TIME = "time (ISO 8601)"


_ARROW = {
    Kind.TEXT: pa.string(),
    Kind.WHOLE: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.YES_NO: pa.bool_(),
    Kind.TIME: pa.string(),
}
# Times stay text: some carry a zone and some, as coded by hand, do not.


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column, what it holds, and what that means."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DataTable:
    """A table to be written: `rows` have one value a column, None where there is none."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def csv(self) -> str:
        """As CSV; None is an empty field, a yes or no is true or false."""
        return csv_text(self.header, self.rows)

    def parquet(self) -> bytes:
        """As Parquet, every column described in its metadata."""
        schema = pa.schema(
            [
                pa.field(one.name, _ARROW[one.kind], metadata={"meaning": one.meaning})
                for one in self.columns
            ],
            metadata={"meaning": self.meaning},
        )
        arrays = [
            pa.array([row[at] for row in self.rows], type=_ARROW[one.kind])
            for at, one in enumerate(self.columns)
        ]
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), sink)
        return sink.getvalue()


def text(name: str, meaning: str) -> Column:
    """A column of text."""
    return Column(name=name, kind=Kind.TEXT, meaning=meaning)


def whole(name: str, meaning: str) -> Column:
    """A column of whole numbers."""
    return Column(name=name, kind=Kind.WHOLE, meaning=meaning)


TRANSCRIPT = text("transcript", "Name of the transcript.")
TURN = whole("turn", "Number of the turn in its transcript, from 0.")
START = whole("start", "First character coded, in Unicode code points from the turn's start.")
END = whole("end", "Character after the last one coded. Start and end empty: the whole turn.")
CODE = text("code", "Path of the code, levels joined by ' > '.")
CODINGS = "codings"
"""The table of codings."""

CODER = text("coder", "Who coded; model:VERSION is a model, adjudicated the agreed coding.")


def tables_of(study: Study) -> tuple[DataTable, ...]:
    """Transcripts, attributes, codebook, codings and readings."""
    return (
        _transcripts(study),
        _attributes(study),
        _codebook(study),
        _codings(study),
        _readings(study),
    )


def dictionary_of(tables: Iterable[DataTable]) -> DataTable:
    """The table that names every table, column, type and meaning."""
    return DataTable(
        name="dictionary",
        meaning="Every table and column of this export, with type and meaning.",
        columns=(
            text("table", "Name of the table, which is that of its file."),
            text("column", "Name of the column; empty for the table as a whole."),
            text("type", "What the column holds."),
            text("meaning", "What it means."),
        ),
        rows=tuple(
            row
            for table in tables
            for row in (
                (table.name, "", many(len(table.rows), "row"), table.meaning),
                *((table.name, one.name, one.kind.value, one.meaning) for one in table.columns),
            )
        ),
    )


def _transcripts(study: Study) -> DataTable:
    return DataTable(
        name="transcripts",
        meaning="A row a turn of every transcript.",
        columns=(
            TRANSCRIPT,
            TURN,
            text("speaker", "Who spoke; empty where it is not known."),
            text("text", "The words of the turn."),
            Column(
                name="interviewer",
                kind=Kind.YES_NO,
                meaning="Said by an interviewer: context, which is not coded.",
            ),
        ),
        rows=tuple(
            (item.name, turn.index, turn.speaker, turn.text, turn.interviewer)
            for item in study.transcripts
            for turn in item.turns
        ),
    )


def _attributes(study: Study) -> DataTable:
    names = list(dict.fromkeys(name for item in study.transcripts for name in item.attributes))
    return DataTable(
        name="attributes",
        meaning="A row a transcript, a column an attribute; empty where it has none.",
        columns=(TRANSCRIPT, *(text(name, "Attribute of the transcript.") for name in names)),
        rows=tuple(
            (item.name, *(item.attributes.get(name) for name in names))
            for item in study.transcripts
        ),
    )


def _codebook(study: Study) -> DataTable:
    declared = study.codebook.declared
    return DataTable(
        name="codebook",
        meaning="A row a code, in the order of the tree, parents before their codes.",
        columns=(
            CODE,
            text("definition", "What the code means."),
            text("include", "When it is to be applied."),
            text("exclude", "When it is not."),
            text("examples", f"Excerpts, joined by '{EXAMPLES_SEPARATOR}'."),
            text("color", "As other tools show the code, #RRGGBB; empty where none was given."),
            Column(
                name="declared",
                kind=Kind.YES_NO,
                meaning="False: nobody gave a codebook, the codes were gathered from codings.",
            ),
        ),
        rows=tuple(
            (
                one.path,
                one.definition,
                one.include,
                one.exclude,
                EXAMPLES_SEPARATOR.join(one.examples),
                one.color or None,
                declared,
            )
            for one in study.codebook.codes
        ),
    )


def _codings(study: Study) -> DataTable:
    return DataTable(
        name=CODINGS,
        meaning="A row a coding: a code on a span by a coder. Who read what: readings.",
        columns=(
            *(TRANSCRIPT, TURN, START, END, CODE, CODER),
            Column(name="coded_at", kind=Kind.TIME, meaning="When it was coded, where known."),
            text("memo", "What the coder noted beside it."),
            Column(
                name="continues",
                kind=Kind.YES_NO,
                meaning="It goes on from the turn before: a part of one passage across turns.",
            ),
        ),
        rows=tuple(
            (
                *(one.transcript, one.turn, *_span(one), one.code, one.coder),
                one.coded_at.isoformat() if one.coded_at else None,
                one.memo or None,
                one.continues,
            )
            for one in study.codings
        ),
    )


def _span(coding: Coding) -> tuple[int | None, int | None]:
    """The characters coded; a turn without a character is coded as a whole."""
    return (coding.start, coding.end) if coding.end > coding.start else (None, None)


def _readings(study: Study) -> DataTable:
    return DataTable(
        name="readings",
        meaning="A row a turn that a coder read, whether or not they coded it.",
        columns=(
            *(TRANSCRIPT, TURN, CODER),
            Column(
                name="assisted",
                kind=Kind.YES_NO,
                meaning="A model's suggestions were visible to the coder.",
            ),
            Column(name="model", kind=Kind.YES_NO, meaning="The coder is a model."),
        ),
        rows=tuple(
            (one.transcript, one.turn, one.coder, one.assisted, is_model(one.coder))
            for one in study.readings
        ),
    )


def formula_cells(tables: Sequence[DataTable]) -> int:
    """How many cells a spreadsheet would take for a formula (see `csv_out.is_formula`)."""
    return sum(
        isinstance(value, str) and is_formula(value)
        for table in tables
        for row in table.rows
        for value in row
    )

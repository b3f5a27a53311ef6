"""Counts as long CSV: one row a figure."""

from annotations.counts import Cooccurrence, Matrix
from annotations.formats.csv_out import csv_text, for_spreadsheet

_FIGURES = ("references", "transcripts", "per_1000_words", "transcripts_read", "words_read")


def matrix_csv(matrix: Matrix) -> str:
    """A row for each code in each group of transcripts; an attribute not grouped by is empty."""
    return csv_text(
        ("code", "level", *map(for_spreadsheet, matrix.by), *_FIGURES),
        (
            (
                *(for_spreadsheet(row.code), row.level),
                *(for_spreadsheet(column.values.get(name, "")) for name in matrix.by),
                *(cell.references, cell.transcripts, cell.per_1000),
                *(column.transcripts, column.words),
            )
            for row in matrix.rows
            for column, cell in zip(matrix.columns, row.cells, strict=True)
        ),
    )


def cooccurrence_csv(found: Cooccurrence) -> str:
    """A row a pair of codes that meet."""
    return csv_text(
        ("code", "and_code", "segments", "readings", "either", "jaccard"),
        (
            (*map(for_spreadsheet, pair.codes), pair.segments, pair.both, pair.either, pair.jaccard)
            for pair in found.pairs
        ),
    )

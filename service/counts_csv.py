"""Counts as long CSV: one row a figure."""

import csv
import io

from annotations.counts import Cooccurrence, Matrix


def matrix_csv(matrix: Matrix) -> str:
    """A row for each code in each group of transcripts; an attribute not grouped by is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(
        (
            *("code", "level", *matrix.by),
            *("references", "transcripts", "per_1000_words", "transcripts_read", "words_read"),
        )
    )
    for row in matrix.rows:
        for column, cell in zip(matrix.columns, row.cells, strict=True):
            writer.writerow(
                (
                    *(row.code, row.level, *(column.values.get(name, "") for name in matrix.by)),
                    *(cell.references, cell.transcripts, cell.per_1000),
                    *(column.transcripts, column.words),
                )
            )
    return text.getvalue()


def cooccurrence_csv(found: Cooccurrence) -> str:
    """A row a pair of codes that meet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("code", "and_code", "segments", "readings", "either", "jaccard"))
    writer.writerows(
        (*pair.codes, pair.segments, pair.both, pair.either, pair.jaccard) for pair in found.pairs
    )
    return text.getvalue()

"""Writing tidy CSV: what `tidy_csv` reads back as it was."""

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from annotations.codebook import Codebook
from annotations.codings import Coding, Reading
from annotations.formats.tidy_csv import EXAMPLES_SEPARATOR
from annotations.transcripts import Transcript


def write_codings(
    path: Path,
    codings: Iterable[Coding],
    transcripts: Mapping[str, Transcript],
    readings: Iterable[Reading] = (),
) -> None:
    """Write `codings.csv`.

    A coding of a whole turn has empty offsets, and a reading without a coding an empty code.
    """
    rows: list[tuple[object, ...]] = []
    coded = set()
    for coding in codings:
        coded.add((coding.transcript, coding.turn, coding.coder))
        length = len(transcripts[coding.transcript].turns[coding.turn].text)
        whole = (coding.start, coding.end) == (0, length)
        rows.append(
            (
                coding.transcript,
                coding.turn,
                "" if whole else coding.start,
                "" if whole else coding.end,
                coding.code,
                coding.coder,
                coding.coded_at.isoformat() if coding.coded_at else "",
            )
        )
    rows.extend(
        (reading.transcript, reading.turn, "", "", "", reading.coder, "")
        for reading in readings
        if (reading.transcript, reading.turn, reading.coder) not in coded
    )
    _write(path, ("transcript", "turn", "start", "end", "code", "coder", "coded_at"), rows)


def write_codebook(path: Path, codebook: Codebook) -> None:
    """Write `codebook.csv`, a row a code in the order of the tree."""
    _write(
        path,
        ("code", "definition", "include", "exclude", "examples", "color"),
        (
            (
                code.path,
                code.definition,
                code.include,
                code.exclude,
                EXAMPLES_SEPARATOR.join(code.examples),
                code.color,
            )
            for code in codebook.codes
        ),
    )


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write to a temporary file and rename it, so that no reader meets half a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
        # mkstemp makes the file private to its owner; interviews are confidential, leave it so.
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

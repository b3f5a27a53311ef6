"""Any number of transcripts, one after the other, and what could not be read among them.

For what is too much to hold at once. Unlike an import, a file that cannot be read is told and
left out, and the rest is read.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from annotations.codebook import Codebook
from annotations.errors import InputError, Problem
from annotations.formats.interviewers import folded, marked
from annotations.formats.reading import Format, format_of, is_hidden, read_paths
from annotations.transcripts import Transcript, Turn

PARQUET = ".parquet"
_TURN_COLUMNS = ("transcript", "turn", "speaker", "text")
_BATCH = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A transcript or a problem, never both. `share` of the input (0 to 1) was for this one."""

    file: str
    share: float
    transcript: Transcript | None = None
    problem: Problem | None = None


def read_corpus(paths: Sequence[Path], *, interviewing: Sequence[str] = ()) -> Iterator[Found]:
    """Yield the transcripts of files and folders, in the order of the paths and of their names.

    Folders are searched to the bottom. A Parquet file has a row a turn, in order (`transcript`,
    `turn`, `speaker`, `text`, perhaps `interviewer`), and is read piece by piece; its other
    columns are attributes. Other files of transcripts are read one by one, tables and projects
    together with their like in the same folder. A transcript whose name came before is a
    problem. The turns of speakers named as `interviewing` are marked.
    """
    wanted = frozenset(folded(name) for name in interviewing)
    # The names may be many more than fit: eight bytes of a digest stand for each.
    seen: set[bytes] = set()
    for found in _everything(paths):
        transcript = found.transcript
        if transcript is None:
            yield found
            continue
        name = hashlib.sha256(transcript.name.encode("utf-8", "surrogatepass")).digest()[:8]
        if name in seen:
            message = (
                f"transcript {transcript.name!r} was left out: one of this name came before; give "
                "it another name (in a Parquet file, the rows of a transcript stand together)"
            )
            yield _problem(found.file, message, found.share)
            continue
        seen.add(name)
        yield replace(found, transcript=marked(transcript, wanted)) if wanted else found


def _everything(paths: Sequence[Path]) -> Iterator[Found]:
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            yield _problem(str(path), "there is no such file or folder")
            continue
        files += _in_folder(path) if path.is_dir() else [path]
    files = list({file.resolve(): file for file in files}.values())
    total = max(1, sum(file.stat().st_size for file in files))
    for _, some in groupby(files, key=_together):
        group = list(some)
        share = sum(file.stat().st_size for file in group) / total
        if group[0].name.lower().endswith(PARQUET):
            yield from _parquet(group[0], share)
        else:
            yield from _others(group, share)


def _in_folder(folder: Path) -> list[Path]:
    inside = (
        file
        for file in folder.rglob("*")
        if file.is_file() and not any(is_hidden(part) for part in file.relative_to(folder).parts)
    )
    # What is read together stands together.
    return sorted(inside, key=lambda file: (file.parent, not _alone(file), file.name))


def _alone(file: Path) -> bool:
    return file.name.lower().endswith(PARQUET) or format_of(file) in (None, Format.TRANSCRIPT)


def _together(file: Path) -> Path:
    return file if _alone(file) else file.parent


def _others(files: Sequence[Path], share: float) -> Iterator[Found]:
    try:
        material = read_paths(files, known={}, codebook=Codebook(), coder="unknown")
    except InputError as error:
        for problem in error.problems:
            yield Found(file=problem.file, share=share / len(error.problems), problem=problem)
        return
    if not material.transcripts:
        yield _problem(str(files[0]), "no transcript in it", share)
    for one in material.transcripts:
        file = material.files.get(one.name, str(files[0]))
        yield Found(file=file, share=share / len(material.transcripts), transcript=one)


def _parquet(path: Path, share: float) -> Iterator[Found]:
    try:
        # Not mapped into memory: what was read would count as held.
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as source:
            yield from _of_parquet(str(path), source, share)
    except (pa.ArrowException, OSError) as error:
        yield _problem(str(path), f"cannot be read as Parquet ({error}); write it again")


def _of_parquet(path: str, source: pq.ParquetFile, share: float) -> Iterator[Found]:
    names = source.schema_arrow.names
    missing = [name for name in _TURN_COLUMNS if name not in names]
    if missing:
        message = (
            f"has the columns {', '.join(names[:20])}; expected a row a turn with "
            f"{', '.join(_TURN_COLUMNS)}"
        )
        yield _problem(path, message, share)
        return
    each = share / max(1, source.metadata.num_rows)
    rows = (row for batch in source.iter_batches(batch_size=_BATCH) for row in batch.to_pylist())
    for name, turns in groupby(rows, key=lambda row: row["transcript"]):
        held = list(turns)
        try:
            transcript = _transcript(name, held)
        except ValueError as wrong:
            yield _problem(path, f"transcript {name!r} was left out: {wrong}", each * len(held))
        else:
            yield Found(file=path, share=each * len(held), transcript=transcript)


def _transcript(name: object, rows: Sequence[Mapping[str, object]]) -> Transcript:
    if not isinstance(name, str) or not name.strip():
        raise ValueError("it has no name")
    turns = []
    for place, row in enumerate(rows):
        if row["turn"] != place:
            raise ValueError(f"turn {row['turn']} stands where turn {place} is expected")
        if not isinstance(row["text"], str):
            raise ValueError(f"turn {place} has no text")
        turns.append(
            Turn(
                index=place,
                speaker=str(row["speaker"] or ""),
                text=row["text"],
                interviewer=bool(row.get("interviewer")),
            )
        )
    more = (key for key in rows[0] if key not in (*_TURN_COLUMNS, "interviewer"))
    attributes = {key: str(rows[0][key]) for key in more if rows[0][key] is not None}
    return Transcript(name=name, turns=tuple(turns), attributes=attributes)


def _problem(file: str, message: str, share: float = 0.0) -> Found:
    return Found(file=file, share=share, problem=Problem(file=file, line=None, message=message))

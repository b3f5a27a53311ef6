"""Reading files and folders of any known format into one checked whole."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path

from annotations.codebook import Codebook
from annotations.formats import (
    csv_table,
    label_studio,
    plain_text,
    qualcoder,
    segment_tables,
    taguette,
    tidy_csv,
)
from annotations.formats.files import read_text
from annotations.formats.intake import Intake, Place
from annotations.formats.tidy_kinds import Kind, TidyFile, recognise
from annotations.study import Material
from annotations.transcripts import Transcript


class Format(Enum):
    """The formats by the ends of their files' names."""

    TIDY_CSV = (".csv", ".csv.gz")
    LABEL_STUDIO = (".json", ".json.gz")
    PLAIN_TEXT = (".txt", ".txt.gz")
    WORKBOOK = (".xlsx", ".xlsm")
    QUALCODER = (".qda",)
    TAGUETTE = (".sqlite3",)


_QUALCODER_DATA = "data.qda"
_PROJECTS: Mapping[Format, Callable[[Path, Intake], None]] = {
    Format.QUALCODER: qualcoder.read,
    Format.TAGUETTE: taguette.read,
}
_ABOUT = re.compile(r"(?:readme|licen[cs]e|notice)\b.*", re.IGNORECASE)


def read_paths(
    paths: Sequence[Path],
    *,
    known: Mapping[str, Transcript],
    codebook: Codebook,
    coder: str | None,
) -> Material:
    """Read files and folders, all of them or nothing.

    A folder stands for the files in it; its own subfolders are searched only where it holds
    no files but those. `known` are the study's transcripts, which codings may refer to, and
    `codebook` its codes; `coder` is who coded where a file names nobody. The material's
    codebook is the study's after the import; it holds only transcripts that the files name.

    InputError lists what is wrong in all files, with file and line.
    """
    intake = Intake(known=known, codebook=codebook, coder=coder)
    tables: list[TidyFile] = []
    exports: list[tuple[str, str]] = []
    tasks: list[label_studio.Task] = []
    segments: list[csv_table.Table] = []
    projects: list[Path] = []
    for path in _files(paths, intake):
        kind = _format(path)
        if kind is None:
            known_ends = ", ".join(end for one in Format for end in one.value)
            intake.problem(
                Place(file=str(path)), f"not a kind of file that is read; expected {known_ends}"
            )
            continue
        if kind in _PROJECTS:
            projects.append(path)
            continue
        if kind is Format.WORKBOOK:
            segments.extend(segment_tables.read_workbook(path, intake))
            continue
        content = read_text(path)
        if content.problem is not None:
            intake.problems([content.problem])
            intake.lost_transcript(None)
        elif kind is Format.TIDY_CSV and (
            found := segment_tables.recognise(str(path), content.text)
        ):
            segments.append(found)
        elif kind is Format.TIDY_CSV:
            table = recognise(csv_table.read_table(str(path), content.text), intake)
            tables.extend([table] if table is not None else [])
        elif kind is Format.LABEL_STUDIO:
            exports.append((str(path), content.text))
        else:
            _read_plain_text(path, content.text, intake)
    # Codings refer to codes, attributes and codings to transcripts, whatever the files' order.
    _read_tables(tables, Kind.TRANSCRIPTS, tidy_csv.read_transcripts, intake)
    for file, text in exports:
        tasks.extend(label_studio.read_tasks(file, text, intake))
    for path in projects:
        _PROJECTS[Format(_format(path))](path, intake)
    _read_tables(tables, Kind.ATTRIBUTES, tidy_csv.read_attributes, intake)
    _read_tables(tables, Kind.CODEBOOK, tidy_csv.read_codebook, intake)
    _read_tables(tables, Kind.CODINGS, tidy_csv.read_codings, intake)
    _read_tables(tables, Kind.READINGS, tidy_csv.read_readings, intake)
    label_studio.read_annotations(tasks, intake)
    for one in segments:
        segment_tables.read(one, intake)
    return intake.material()


def _read_tables(
    tables: Sequence[TidyFile],
    kind: Kind,
    read: Callable[[csv_table.Table, Intake], None],
    intake: Intake,
) -> None:
    for tidy in tables:
        if tidy.kind is kind:
            read(tidy.table, intake)


def _read_plain_text(path: Path, text: str, intake: Intake) -> None:
    name = re.sub(r"\.txt(?:\.gz)?$", "", path.name, flags=re.IGNORECASE)
    transcript = plain_text.read(name, text)
    if transcript.turns:
        intake.add_transcript(transcript, Place(file=str(path)))
    else:
        intake.problem(Place(file=str(path)), "speakers but no words; expected 'Speaker: words'")


def _format(path: Path) -> Format | None:
    name = path.name.lower()
    return next((one for one in Format if name.endswith(one.value)), None)


def _files(paths: Sequence[Path], intake: Intake) -> list[Path]:
    """The files that the paths stand for, each once."""
    if not paths:
        intake.problem(Place(file="nothing"), "no file or folder was given; name at least one")
    found: dict[Path, Path] = {}
    for path in paths:
        if (path / _QUALCODER_DATA).is_file():
            # A QualCoder project is a folder; what lies beside its data is what was coded.
            files = [path / _QUALCODER_DATA]
        elif path.is_dir():
            files = _in_folder(path, intake)
            if not files:
                intake.problem(Place(file=str(path)), "no file in this folder can be read")
                intake.lost_transcript(None)
        elif path.exists():
            files = [path]
        else:
            files = []
            intake.problem(Place(file=str(path)), "there is no such file or folder")
            intake.lost_transcript(None)
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _in_folder(folder: Path, intake: Intake) -> list[Path]:
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    folders = [entry for entry in entries if entry.is_dir()]
    files = [entry for entry in entries if not entry.is_dir()]
    if not files:
        return [file for inner in folders for file in _in_folder(inner, intake)]
    for inner in folders:
        intake.refuse(Place(file=str(inner)), "a folder beside files is not searched; name it")
    kept = []
    for file in files:
        if _format(file) is None or _ABOUT.fullmatch(file.name):
            intake.refuse(Place(file=str(file)), "not read: not a kind of file with transcripts")
        else:
            kept.append(file)
    return kept

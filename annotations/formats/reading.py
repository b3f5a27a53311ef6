"""Reading files and folders of any known format into one checked whole."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from annotations.codebook import Codebook
from annotations.errors import InputError
from annotations.formats import (
    csv_table,
    facesheets,
    interviewers,
    label_studio,
    qualcoder,
    segment_tables,
    sheets,
    taguette,
    tidy_csv,
    transcript_files,
)
from annotations.formats.files import read_text
from annotations.formats.intake import Intake, Place
from annotations.formats.refi import codebook as codebook_file
from annotations.formats.refi import project
from annotations.formats.tidy_kinds import Kind, TidyFile, is_known, recognise
from annotations.study import Material
from annotations.transcripts import Transcript


class Format(Enum):
    """The formats by the ends of their files' names."""

    TIDY_CSV = (".csv", ".csv.gz")
    LABEL_STUDIO = (".json", ".json.gz")
    TRANSCRIPT = transcript_files.ENDS
    WORKBOOK = (".xlsx", ".xlsm")
    QUALCODER = (".qda",)
    TAGUETTE = (".sqlite3",)
    REFI_PROJECT = (".qdpx",)
    REFI_CODEBOOK = (".qdc",)


_QUALCODER_DATA = "data.qda"
_PROJECTS: Mapping[Format, Callable[[Path, Intake], None]] = {
    Format.QUALCODER: qualcoder.read,
    Format.TAGUETTE: taguette.read,
}
_NEWER = {".doc": ".docx", ".rtf": ".docx", ".xls": ".xlsx", ".pages": ".docx", ".ods": ".xlsx"}
_PARQUET = ".parquet"
_NO_PARQUET = (
    "Parquet is for other programs; the same tables come in as CSV (`export --format csv`)"
)
_ABOUT = re.compile(r"(?:readme|licen[cs]e|notice)\b.*", re.IGNORECASE)


def read_paths(
    paths: Sequence[Path],
    *,
    known: Mapping[str, Transcript],
    codebook: Codebook,
    coder: str | None,
    interviewing: Sequence[str] = (),
    former: Mapping[str, str] = MappingProxyType({}),
) -> Material:
    """Read files and folders, all of them or nothing.

    A folder stands for the files in it; its own subfolders are searched only where it holds
    no files but those. `known` are the study's transcripts, which codings may refer to, and
    `codebook` its codes; `coder` is who coded where a file names nobody. The material's
    codebook is the study's after the import; it holds only transcripts that the files name.
    Where speakers are named as `interviewing`, their turns are marked.
    `former` are names that codes had once, with what became of each: codings may use them,
    and a codebook in a file does not bring them back.

    InputError lists what is wrong in all files, with file and line.
    """
    intake = Intake(known=known, codebook=codebook, coder=coder, former=former)
    tables: list[TidyFile] = []
    about: list[csv_table.Table] = []
    exports: list[tuple[str, str]] = []
    tasks: list[label_studio.Task] = []
    segments: list[csv_table.Table] = []
    projects: list[Path] = []
    for path in _files(paths, intake):
        kind = format_of(path)
        if kind is None:
            intake.problem(Place(file=str(path)), f"not a kind of file that is read; {_hint(path)}")
        elif kind is Format.TRANSCRIPT:
            transcript_files.read(path, intake)
        elif kind in (Format.REFI_PROJECT, Format.REFI_CODEBOOK):
            _read_refi(path, kind, intake, known)
        elif kind in _PROJECTS:
            projects.append(path)
        elif kind is Format.WORKBOOK:
            for sheet in _workbook(path, intake):
                (segments if segment_tables.is_one(sheet) else about).append(sheet)
        elif (content := read_text(path)).problem is not None:
            intake.problems([content.problem])
            intake.lost_transcript(None)
        elif kind is Format.LABEL_STUDIO:
            exports.append((str(path), content.text))
        elif (found := segment_tables.recognise(str(path), content.text)) is not None:
            segments.append(found)
        elif not is_known(table := csv_table.read_table(str(path), content.text)) and (
            facesheets.could_be(table)
        ):
            about.append(table)
            intake.problems(table.problems)
        else:
            tidy = recognise(table, intake)
            tables.extend([tidy] if tidy is not None else [])
    # Codings refer to codes, attributes and codings to transcripts, whatever the files' order.
    _read_tables(tables, Kind.TRANSCRIPTS, tidy_csv.read_transcripts, intake)
    for file, text in exports:
        tasks.extend(label_studio.read_tasks(file, text, intake))
    for path in projects:
        _PROJECTS[Format(format_of(path))](path, intake)
    _read_tables(tables, Kind.ATTRIBUTES, tidy_csv.read_attributes, intake)
    _read_tables(tables, Kind.CODEBOOK, tidy_csv.read_codebook, intake)
    _read_tables(tables, Kind.CODINGS, tidy_csv.read_codings, intake)
    _read_tables(tables, Kind.READINGS, tidy_csv.read_readings, intake)
    label_studio.read_annotations(tasks, intake)
    for one in segments:
        segment_tables.read(one, intake)
    facesheets.read(about, intake)
    material = intake.material()
    return interviewers.mark(material, interviewing) if interviewing else material


def _read_tables(
    tables: Sequence[TidyFile],
    kind: Kind,
    read: Callable[[csv_table.Table, Intake], None],
    intake: Intake,
) -> None:
    for tidy in tables:
        if tidy.kind is kind:
            read(tidy.table, intake)


def _workbook(path: Path, intake: Intake) -> Sequence[csv_table.Table]:
    try:
        return sheets.read_workbook(path)
    except InputError as error:
        intake.problems(error.problems)
        return ()


def _hint(path: Path) -> str:
    if path.suffix.lower() == _PARQUET:
        return _NO_PARQUET
    if path.suffix.lower() in (".yaml", ".yml"):
        return (
            "edits of a codebook are for `codebook apply`; a codebook comes in as `.csv` or `.qdc` "
            "(`codebook export STUDY --to codebook.csv`)"
        )
    newer = _NEWER.get(path.suffix.lower())
    if newer is not None:
        return f"save it as {newer}"
    return f"expected {', '.join(end for one in Format for end in one.value)}"


def _read_refi(path: Path, kind: Format, intake: Intake, known: Mapping[str, Transcript]) -> None:
    """Read a REFI-QDA file; what makes it unreadable is noted like any other problem."""
    try:
        if kind is Format.REFI_PROJECT:
            project.read_project(path, intake, known)
        else:
            codebook_file.read_codebook(path, intake)
    except InputError as error:
        intake.problems(error.problems)
        intake.lost_transcript(None)


def format_of(path: Path) -> Format | None:
    """The format that a file's name says it has."""
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
                parquet = any(entry.suffix.lower() == _PARQUET for entry in path.rglob("*"))
                intake.problem(
                    Place(file=str(path)),
                    f"no file in this folder can be read{f': {_NO_PARQUET}' if parquet else ''}",
                )
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


def is_hidden(name: str) -> bool:
    """Whether people do not see a file or folder: the system's, or the lock of an open document."""
    return name.startswith((".", "~$"))


def _in_folder(folder: Path, intake: Intake) -> list[Path]:
    entries = sorted(entry for entry in folder.iterdir() if not is_hidden(entry.name))
    folders = [entry for entry in entries if entry.is_dir()]
    files = [entry for entry in entries if not entry.is_dir()]
    if not files:
        return [file for inner in folders for file in _in_folder(inner, intake)]
    for inner in folders:
        intake.refuse(Place(file=str(inner)), "a folder beside files is not searched; name it")
    kept = []
    for file in files:
        if format_of(file) is None or _ABOUT.fullmatch(file.name):
            intake.refuse(Place(file=str(file)), "not read: not a kind of file with transcripts")
        else:
            kept.append(file)
    return kept

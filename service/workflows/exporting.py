"""A study out again: as tables for analysis, and in the formats of other tools."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from annotations.errors import StateError, command
from annotations.formats.label_studio_out import Predicted, tasks_of
from annotations.formats.tables import (
    CODE,
    CODER,
    CODINGS,
    END,
    START,
    TRANSCRIPT,
    TURN,
    Column,
    DataTable,
    Kind,
    dictionary_of,
    formula_cells,
    tables_of,
    text,
    whole,
)
from annotations.numerals import form, many
from annotations.study import Study
from models.suggestions import Suggestion
from service.house import House
from service.storage.records import DecisionRecord, StoredSuggestion, Unread, now
from service.workflows.exporting_refi import codebook_file, project_file
from service.workflows.showing import spans_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportMaterial:
    """All that an export may tell, read at one moment."""

    study: Study
    suggestions: tuple[StoredSuggestion, ...]
    decisions: tuple[DecisionRecord, ...]
    unread: Unread


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A file of an export, and what is to be said about it."""

    name: str
    content: str | bytes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """The files that were written, and what is not as it was in the study."""

    study: str
    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def export(
    house: House, study: str, folder: Path, *, formats: Sequence[str] = ("csv", "parquet")
) -> Exported:
    """Write a study into a folder, which is made; files of the same name are replaced.

    StateError where a format is not one of `FORMATS` or the folder cannot be written to.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        wrong = ", ".join(map(repr, unknown)) or "nothing"
        raise StateError(f"{wrong} is no format of an export; choose {', '.join(FORMATS)}")
    material = gather(house, study)
    parts = [part for name in dict.fromkeys(formats) for part in FORMATS[name](material)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = [_write(folder / part.name, part.content) for part in parts]
    except OSError as error:
        raise StateError(
            f"{folder} cannot be written to: {error.strerror}. Name a folder that you may write to."
        ) from error
    return Exported(
        study=study,
        folder=folder,
        files=tuple(files),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def gather(house: House, study: str) -> ExportMaterial:
    """Read the study with every suggestion kept for it and every decision on them."""
    with house.database.reading() as work:
        whole_study = work.studies.load(study)
        suggestions: list[StoredSuggestion] = []
        for record in work.models.list(study):
            looked = sorted(work.suggestions.looked_at(study, version=record.version))
            found = work.suggestions.of_many(study, dict.fromkeys(looked, record.version))
            suggestions += (one for some in found.values() for one in some)
        decisions = work.label_studio.decisions(study)
        unread = work.studies.unread(study)
    return ExportMaterial(
        study=whole_study,
        suggestions=tuple(suggestions),
        decisions=tuple(decisions),
        unread=unread,
    )


def tables(material: ExportMaterial) -> tuple[DataTable, ...]:
    """Every table of an export, the dictionary last."""
    left_out = _left_out(material)
    found = (
        *(
            replace(one, meaning=" ".join((one.meaning, *left_out))) if one.name == CODINGS else one
            for one in tables_of(material.study)
        ),
        _suggestions(material.suggestions),
        _decisions(material.decisions),
    )
    return (*found, dictionary_of(found))


def _left_out(material: ExportMaterial) -> tuple[str, ...]:
    """The codings that no file of an export has, whatever its format."""
    unread = material.unread
    whose = "their coder, or the adjudicated coding," if unread.unsettled else "their coder"
    about = (
        (unread.waiting, "that wait for a choice, because their code was split"),
        (unread.beside, f"of other codes on turns where {whose} has such a choice to make"),
        (unread.retired, "of retired codes"),
    )
    lost = [f"{many(number, 'coding')} {which}" for number, which in about if number]
    if not lost:
        return ()
    return (
        f"Not among the codings written: {'; '.join(lost)}. "
        f"{command('backup', material.study.name)} FILE.zip keeps them all.",
    )


def _untold(study: Study) -> tuple[str, ...]:
    """What tables have no place for."""
    about = (
        (len(study.memos), "memo", " on transcripts, codes and the study"),
        (len(study.sets), "set", ""),
    )
    lost = [f"{many(number, noun)}{which}" for number, noun, which in about if number]
    if not lost:
        return ()
    return (f"Not in the tables: {' and '.join(lost)} (--format qdpx has them).",)


def _csv(material: ExportMaterial) -> list[Part]:
    written = tables(material)
    formulas = formula_cells(written)
    notes = (*_left_out(material), *_untold(material.study))
    notes += (
        (
            f"{many(formulas, 'cell')} of the CSV files {form(formulas, 'begins', 'begin')} with "
            "=, +, - or @, which a spreadsheet takes for a formula: open the files there with "
            "every column as text. They are written as they are, so that offsets stay right.",
        )
        if formulas
        else ()
    )
    return [Part(name=f"{one.name}.csv", content=one.csv(), notes=notes) for one in written]


def _parquet(material: ExportMaterial) -> list[Part]:
    notes = (*_left_out(material), *_untold(material.study))
    return [
        Part(name=f"{one.name}.parquet", content=one.parquet(), notes=notes)
        for one in tables(material)
    ]


def _label_studio(material: ExportMaterial) -> list[Part]:
    # What was withheld stays withheld: an import would show it to whoever codes the blind sample.
    shown = [kept.suggestion for kept in material.suggestions if kept.shown]
    withheld = len(material.suggestions) - len(shown)
    notes = (
        (f"{many(withheld, 'suggestion is', 'suggestions are')} withheld and not in tasks.json.",)
        if withheld
        else ()
    )
    made: dict[tuple[str, str], list[Suggestion]] = {}
    for one in shown:
        made.setdefault((one.model_version, one.transcript), []).append(one)
    predicted = [
        Predicted(version=version, transcript=transcript, spans=tuple(spans_of(suggestions)))
        for (version, transcript), suggestions in made.items()
    ]
    found = tasks_of(material.study, now=now(), predicted=predicted)
    return [
        Part(
            name="tasks.json",
            content=found.json,
            notes=(*_left_out(material), *found.notes, *notes),
        ),
        Part(name="label_config.xml", content=found.label_config),
    ]


def _qdpx(material: ExportMaterial) -> list[Part]:
    found = project_file(material.study, material.suggestions)
    notes = (*_left_out(material), *found.notes)
    return [Part(name=f"{material.study.name}.qdpx", content=found.content, notes=notes)]


def _qdc(material: ExportMaterial) -> list[Part]:
    found = codebook_file(material.study)
    return [Part(name=f"{material.study.name}.qdc", content=found.content, notes=found.notes)]


FORMATS: Mapping[str, Callable[[ExportMaterial], list[Part]]] = {
    "csv": _csv,
    "parquet": _parquet,
    "label-studio": _label_studio,
    "qdpx": _qdpx,
    "qdc": _qdc,
}
"""What can be written, by the name that is asked for."""


def _suggestions(suggestions: Sequence[StoredSuggestion]) -> DataTable:
    return DataTable(
        name="suggestions",
        meaning="A row a suggestion of any model version, shown to coders or withheld.",
        columns=(
            *(TRANSCRIPT, TURN, START, END),
            text("text", "The words of the span."),
            CODE,
            Column(name="score", kind=Kind.NUMBER, meaning="Calibrated probability, 0 to 1."),
            Column(name="threshold", kind=Kind.NUMBER, meaning="Suggested from this score on."),
            text("model_version", "The model that suggested it."),
            Column(name="shown", kind=Kind.YES_NO, meaning="Coders could see it."),
            Column(name="created_at", kind=Kind.TIME, meaning="When it was stored."),
        ),
        rows=tuple(
            (
                *(kept.suggestion.transcript, kept.suggestion.turn),
                *(kept.suggestion.start, kept.suggestion.end, kept.suggestion.text),
                *(kept.suggestion.code, kept.suggestion.score, kept.suggestion.threshold),
                *(kept.suggestion.model_version, kept.shown, kept.created_at.isoformat()),
            )
            for kept in suggestions
        ),
    )


def _decisions(decisions: Sequence[DecisionRecord]) -> DataTable:
    return DataTable(
        name="decisions",
        meaning="A row a decision of a coder on a suggestion, or an addition of their own.",
        columns=(
            *(TRANSCRIPT, TURN, START, END, CODE),
            text("kind", "accepted, changed (its extent), rejected, or added."),
            CODER,
            text("model_version", "Whose suggestions the coder saw."),
            Column(name="decided_at", kind=Kind.TIME, meaning="When the annotation was saved."),
            whole("shown_turn", "The suggestion's turn; empty for an addition."),
            whole("shown_start", "The suggestion's first character."),
            whole("shown_end", "The character after the suggestion's last."),
            whole("annotation_id", "The annotation's number in Label Studio."),
        ),
        rows=tuple(
            (
                *(one.transcript, one.turn, one.start, one.end, one.code, one.kind, one.coder),
                *(one.model_version, one.decided_at.isoformat()),
                *(one.shown_turn, one.shown_start, one.shown_end, one.annotation_id),
            )
            for one in decisions
        ),
    )


def _write(path: Path, content: str | bytes) -> Path:
    """Write to a temporary file and rename it, so that no reader meets half a file."""
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes the file private to its owner; interviews are confidential, leave it so.
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path

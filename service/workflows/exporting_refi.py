"""A study as a REFI-QDA project or codebook, for NVivo, MAXQDA, ATLAS.ti and their like."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from annotations.codings import MODEL_PREFIX, Coding
from annotations.errors import StateError, command
from annotations.formats.refi.codebook import write_codebook
from annotations.formats.refi.project_out import project_bytes
from annotations.numerals import form, many
from annotations.study import Study
from service.storage.records import StoredSuggestion


@dataclass(frozen=True, kw_only=True, slots=True)
class RefiFile:
    """A file's bytes, and what of the study is not in it."""

    content: bytes
    notes: tuple[str, ...]


def project_file(study: Study, suggestions: Iterable[StoredSuggestion]) -> RefiFile:
    """The study's project, with the suggestions that coders saw last as a model's codings.

    What was withheld stays withheld: whoever codes the blind sample elsewhere must not see it.
    """
    given = list(suggestions)
    shown = _shown_last(given)
    withheld = sum(not one.shown for one in given)
    codings = (*study.codings, *(_coding(one) for one in shown))
    written = tuple(dict.fromkeys(one for one in codings if one.start < one.end))
    notes = []
    if len(written) < len(set(codings)):
        number = len(set(codings)) - len(written)
        notes.append(
            f"{many(number, 'coding')} of wordless turns {form(number, 'is', 'are')} not in the "
            "project."
        )
    if shown:
        notes.append(
            f"{many(len(shown), 'suggestion')} that coders saw {form(len(shown), 'is', 'are')} in "
            "the project, by users called "
            f"{MODEL_PREFIX}VERSION."
        )
    if withheld:
        notes.append(
            f"{many(withheld, 'suggestion is', 'suggestions are')} withheld and not in it."
        )
    return RefiFile(content=project_bytes(replace(study, codings=written)), notes=tuple(notes))


def codebook_file(study: Study) -> RefiFile:
    """The study's codebook. StateError where it has no code: the format cannot say so."""
    codes = study.codebook.codes
    if not codes:
        raise StateError(
            f"{study.name} has no codes yet, and a codebook file holds at least one. Import codes "
            f"or codings first: {command('import', study.name)} PATH"
        )
    lost = sum(len(one.transcripts) for one in study.sets)
    notes = (
        (f"{many(lost, 'member of a set is', 'members of sets are')} not in a codebook file.",)
        if lost
        else ()
    )
    return RefiFile(content=write_codebook(codes, study.sets), notes=notes)


def _shown_last(suggestions: Iterable[StoredSuggestion]) -> list[StoredSuggestion]:
    """Of each transcript, what the version suggested that was shown last."""
    shown = sorted((one for one in suggestions if one.shown), key=lambda one: one.created_at)
    last = {one.suggestion.transcript: one.suggestion.model_version for one in shown}
    return [one for one in shown if last[one.suggestion.transcript] == one.suggestion.model_version]


def _coding(stored: StoredSuggestion) -> Coding:
    one = stored.suggestion
    return Coding(
        transcript=one.transcript,
        turn=one.turn,
        start=one.start,
        end=one.end,
        code=one.code,
        coder=f"{MODEL_PREFIX}{one.model_version}",
        coded_at=stored.created_at,
        memo=f"Score {one.score:.2f}, suggested from {one.threshold:.2f}.",
    )

"""Suggestions for transcripts: of the study, or new ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotations.codebook import Codebook
from annotations.codings import MODEL_PREFIX, Coding, Reading
from annotations.errors import InputError, Problem, StateError
from annotations.formats.reading import read_paths
from annotations.formats.tidy_csv_out import write_codings
from annotations.transcripts import Transcript
from models.suggestions import SegmentScores, Suggestion, SuggestionBatch
from service.house import House
from service.workflows.model_codes import codes_of_model
from service.workflows.modelling import folder_of, model_in_use
from service.workflows.training import Progress

_PORTION = 300
_PORTIONS = 20
"""Progress is told after so many portions, or after so many turns where that is less often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggested:
    """What the model looked at and what it suggests there."""

    transcripts: tuple[Transcript, ...]
    batch: SuggestionBatch


def suggest(
    house: House,
    study: str,
    paths: Sequence[Path] = (),
    *,
    interviewers: Sequence[str] = (),
    all_codes: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Suggested:
    """Suggest codes for the transcripts in files, else for those that nobody has read.

    Files do not join the study; nothing is suggested for the turns of `interviewers` in them.
    Raises StateError where the study has no model.
    """
    model_in_use(house, study)
    if paths:
        material = read_paths(
            paths, known={}, codebook=Codebook(), coder=None, interviewing=interviewers
        )
        transcripts = material.transcripts
        if not transcripts:
            raise StateError("these files hold no transcripts; name transcripts to suggest for")
    else:
        with house.database.reading() as work:
            whole = work.studies.load(study)
        transcripts = tuple(item for item in whole.transcripts if item.name not in whole.begun)
    batch = suggest_transcripts(house, study, transcripts, all_codes=all_codes, progress=progress)
    return Suggested(transcripts=transcripts, batch=batch)


def suggest_transcripts(
    house: House,
    study: str,
    transcripts: Sequence[Transcript],
    *,
    all_codes: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
) -> SuggestionBatch:
    """Suggestions of the model in use, loaded for this call alone, in the codes of today."""
    from models.suggester import Suggester

    record = model_in_use(house, study)
    with house.database.reading() as work:
        codes = codes_of_model(work, study, record)
    suggester = Suggester.load(folder_of(house, record.version), encoder_cache=house.cache)
    suggestions: list[Suggestion] = []
    scores: list[SegmentScores] = []
    certainty: dict[str, float] = {}
    done = 0
    progress("suggesting", done, len(transcripts))
    for some in portions(transcripts):
        batch = codes.batch(suggester.suggest(some, all_codes=all_codes))
        suggestions.extend(batch.suggestions)
        scores.extend(batch.scores or ())
        certainty |= batch.certainty
        done += len(some)
        progress("suggesting", done, len(transcripts))
    return SuggestionBatch(
        model_version=suggester.version,
        suggestions=tuple(suggestions),
        scores=tuple(scores) if all_codes else None,
        certainty=certainty,
    )


def portions(transcripts: Sequence[Transcript]) -> Iterator[list[Transcript]]:
    """The transcripts in portions after each of which it is told: large, to fill the cores."""
    enough = max(_PORTION, sum(len(one.turns) for one in transcripts) // _PORTIONS)
    portion: list[Transcript] = []
    turns = 0
    for item in transcripts:
        portion.append(item)
        turns += len(item.turns)
        if turns >= enough:
            yield portion
            portion, turns = [], 0
    if portion:
        yield portion


def write_csv(path: Path, suggested: Suggested) -> None:
    """Write suggestions as tidy CSV codings, by a coder that is marked as a model."""
    coder = f"{MODEL_PREFIX}{suggested.batch.model_version}"
    try:
        _write(path, suggested, coder)
    except OSError as error:
        raise InputError(
            Problem(
                file=str(path),
                line=None,
                message=f"cannot be written: {error.strerror}. Name a file in a folder that you "
                "may write to.",
            )
        ) from error


def _write(path: Path, suggested: Suggested, coder: str) -> None:
    write_codings(
        path,
        [
            Coding(
                transcript=one.transcript,
                turn=one.turn,
                start=one.start,
                end=one.end,
                code=one.code,
                coder=coder,
            )
            for one in suggested.batch.suggestions
        ],
        {item.name: item for item in suggested.transcripts},
        [
            Reading(transcript=item.name, turn=turn.index, coder=coder)
            for item in suggested.transcripts
            for turn in item.turns
            if not turn.interviewer
        ],
    )

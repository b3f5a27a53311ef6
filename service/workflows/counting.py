"""Count codings: by code and attribute, and the codes that meet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from annotations.codings import MODEL_PREFIX, Coding, Reading, is_model
from annotations.counts import Cooccurrence, Matrix, cooccurrence_of, matrix_of
from annotations.errors import NotFound, NothingCoded, StateError, command
from annotations.numerals import many
from annotations.study import Study
from annotations.work import MAJORITY, MODEL, PEOPLE, Work, work_of
from service.house import House
from service.storage.session import UnitOfWork
from service.workflows.codebook_notes import codebook_notes, quoting_notes
from service.workflows.withholding import withheld


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """A study, and the work in it that was asked for.

    `about_codebook`, in the work's notes too, is what the newest version of the codebook
    leaves out of it.
    """

    study: Study
    work: Work
    about_codebook: tuple[str, ...]


def matrix(house: House, study: str, *, by: Sequence[str] = (), coded_by: str = PEOPLE) -> Matrix:
    """References and transcripts per code and attribute value.

    Raises StateError for an attribute that no transcript has or where nothing was coded,
    NotFound for a study or coder that is not there.
    """
    found = gather(house, study, coded_by)
    whole = found.study
    return matrix_of(found.work, codebook=whole.codebook, transcripts=whole.transcripts, by=by)


def cooccurrence(house: House, study: str, *, coded_by: str = PEOPLE) -> Cooccurrence:
    """The codes that meet on a segment. Raises as `matrix` does."""
    found = gather(house, study, coded_by)
    return cooccurrence_of(
        found.work,
        codebook=found.study.codebook,
        transcripts=found.study.transcripts,
        segmentation=found.study.segmentation,
    )


def gather(house: House, study: str, coded_by: str, *, to_quote: bool = False) -> Counted:
    """The study, and the work in it that `coded_by` names (see `work_of`).

    `to_quote`: with what was coded on turns where a choice is to be made yet, but in a majority:
    quotations count no turns, so that what was not applied there does not matter. Raises as
    `work_of` does, and NothingCoded where all that was asked for waits for a choice.
    """
    name = coded_by.strip()
    if not name:
        raise StateError("say whose codings to count: people, majority, model, or a coder's name")
    with house.database.reading() as unit:
        # A majority counts who did not apply a code.
        to_quote = to_quote and name != MAJORITY
        whole = unit.studies.load(study, beside_waiting=to_quote)
        model = _model_work(unit, whole) if name == MODEL else None
        # What waits, and what is retired, is counted of people.
        if name == MODEL or is_model(name):
            notes: tuple[str, ...] = ()
        elif to_quote:
            notes = quoting_notes(unit, study)
        else:
            notes = codebook_notes(unit, study)
        try:
            work = work_of(whole, name, model=model)
        except (NotFound, NothingCoded) as error:
            _refuse_waiting(unit, study, name, error)
            raise
    return Counted(
        study=whole, work=replace(work, notes=(*work.notes, *notes)), about_codebook=notes
    )


def _refuse_waiting(unit: UnitOfWork, study: str, name: str, cause: Exception) -> None:
    """Raise NothingCoded where who was asked for has coded, and all of it waits for a choice."""
    found = unit.studies.summary(study)
    if name in (PEOPLE, MAJORITY):
        whose, coded = "people coded", found.coded > 0
    else:
        whose, coded = f"{name} coded", any(one.coder == name for one in found.coders)
    if coded and found.unread.waiting:
        raise NothingCoded(
            f"All that {whose} in {study} is on turns that wait for a choice, because a code was "
            f"split. See them: {command('codebook', 'worklist', study)}"
        ) from cause


def _model_work(unit: UnitOfWork, study: Study) -> Work | None:
    """What the model in use suggested, and its codings that came in files.

    Without the transcripts of the blind sample that people are still to code: what is counted or
    quoted there would tell them what the model thinks.
    """
    record = unit.models.active(study.name)
    if record is None:
        return None
    coder = f"{MODEL_PREFIX}{record.version}"
    seen = unit.suggestions.looked_at(study.name, version=record.version)
    hidden = withheld(unit, study.name, unit.overviews.transcripts(study.name))
    codings = [one for one in study.codings if one.coder == coder and one.transcript not in hidden]
    readings = [
        one for one in study.readings if one.coder == coder and one.transcript not in hidden
    ]
    open_ = [one for one in study.transcripts if one.name in seen - hidden]
    kept = unit.suggestions.of_many(
        study.name, dict.fromkeys((one.name for one in open_), record.version)
    )
    for item in open_:
        readings += [
            Reading(transcript=item.name, turn=turn.index, coder=coder) for turn in item.turns
        ]
        codings += [
            Coding(
                transcript=item.name,
                turn=one.suggestion.turn,
                start=one.suggestion.start,
                end=one.suggestion.end,
                code=one.suggestion.code,
                coder=coder,
            )
            for one in kept[item.name]
        ]
    if not readings:
        return None
    return Work(
        name=coder,
        coders=(coder,),
        codings=tuple(codings),
        readings=tuple(readings),
        notes=(
            "A model's codings: its errors are in these counts. What it suggested for codes that "
            "its gate keeps silent is not among them.",
            *_left_out(len(hidden & seen)),
        ),
    )


def _left_out(transcripts: int) -> tuple[str, ...]:
    if not transcripts:
        return ()
    return (
        f"{many(transcripts, 'transcript')} of the blind sample that no person has read to the "
        "end: left out, since what a model says of it is withheld until then.",
    )

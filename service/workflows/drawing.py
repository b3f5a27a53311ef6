"""Draw the transcripts that people are to code, so that they can speak for the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from annotations.codebook import normal_path
from annotations.drawing import Member, draw, seed_after
from annotations.errors import StateError, command
from annotations.numerals import form, many
from annotations.reliability.prevalence.extent import (
    check_attributes,
    coded_by_people,
    read_by_people,
    stratum_of,
)
from annotations.study import Study
from service.house import House
from service.storage.records import DrawRecord
from service.storage.session import UnitOfWork
from service.workflows.codebooks import code_called
from service.workflows.doubting import doubts_about
from service.workflows.draw_requests import DrawRequest
from service.workflows.modelling import model_in_use
from service.workflows.pushing import Pushed, push
from service.workflows.training import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Stratum:
    """Transcripts that share their values of the attributes drawn by.

    People had coded `certain` of them, or all were taken; of the others `drawn` were drawn, each
    with the `probability` (their mean where doubtful ones are likelier), None where there are none.
    """

    values: tuple[str, ...]
    transcripts: int
    certain: int
    drawn: int
    probability: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A transcript to be coded, or `coded` already, without suggestions in sight."""

    transcript: str
    stratum: tuple[str, ...]
    words: int
    probability: float
    coded: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampled:
    """A sample and how it was drawn; `before`: it had been drawn already, and nothing changed.

    `transcripts` are those drawn. `left_out` could not be drawn, since suggestions were shown in
    them: the estimate does not speak for them. `model_version` will code all of them. `unsure_of`
    are the codes whose doubtful transcripts were likelier to be drawn, none named for all codes;
    None where chances were even.
    """

    study: str
    size: int
    by: tuple[str, ...]
    allocation: str
    seed: int
    unsure_of: tuple[str, ...] | None
    model_version: str | None
    drawn_at: datetime
    before: bool
    strata: tuple[Stratum, ...]
    transcripts: tuple[Drawn, ...]
    left_out: tuple[str, ...]
    pushed: Pushed | None
    notes: tuple[str, ...]


def sample(
    house: House,
    study: str,
    *,
    size: int,
    by: Sequence[str] = (),
    seed: int = 0,
    allocation: str = "proportional",
    unsure_of: Sequence[str] | None = None,
    to_label_studio: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Sampled:
    """Draw transcripts for people to code, and record each one's probability.

    What people have coded without suggestions in sight counts for certain, unless it was chosen
    for its use to a model. Suggestions in drawn transcripts are withheld from now on. The same
    request on the same transcripts changes nothing. With `unsure_of`, transcripts are likelier to
    be drawn the more the model in use doubts those codes in them, or all codes where none is
    named. With `to_label_studio` the drawn ones become tasks. Raises StateError where the size
    cannot be drawn, or doubts are asked for without a model.
    """
    asked = DrawRequest.for_codes(
        None if unsure_of is None else _paths(house, study, unsure_of),
        size=size,
        by=tuple(by),
        allocation=allocation,
        seed=seed,
    )
    doubts = _doubts(house, study, asked, progress)
    with house.database.unit_of_work() as work:
        whole = work.studies.load(study)
        check_attributes(whole.transcripts, by)
        record = work.models.active(study)
        draws = work.draws.list(study)
        shown = work.suggestions.shown_transcripts(study)
        complete = coded_by_people(whole)
        found = draws[-1] if draws else None
        before = found is not None and asked.answered_by(found, whole, shown - complete)
        if found is None or not before:
            found = DrawRecord(
                size=size,
                by=tuple(by),
                allocation=allocation,
                seed=seed,
                version=record.version if record else None,
                unsure_of=asked.unsure_of,
                members=_members(work, whole, asked, shown, complete, draws, doubts),
            )
            work.draws.add(study, found)
            _withhold(work, study, {one.transcript for one in found.members if one.drawn})
            work.commit()
    open_ = {
        one.transcript for one in found.members if one.drawn and one.transcript not in complete
    }
    pushed = push(house, study, only=open_, progress=progress) if to_label_studio else None
    replaced = () if before else draws
    return _sampled(whole, found, complete, replaced=replaced, before=before, pushed=pushed)


def _paths(house: House, study: str, codes: Sequence[str]) -> list[str]:
    """The codes' paths; one that an earlier draw named stays, whatever it is called by now."""
    with house.database.reading() as work:
        named = {path for draw in work.draws.list(study) for path in draw.unsure_of or ()}
        return [
            code if normal_path(code) in named else code_called(work, study, code) for code in codes
        ]


def _doubts(
    house: House, study: str, asked: DrawRequest, progress: Progress
) -> Mapping[str, float] | None:
    """Of each transcript that may have to be drawn; before anything is locked, since it takes time.

    None where chances are even, or the draw is there already.
    """
    if asked.unsure_of is None:
        return None
    record = model_in_use(house, study)
    with house.database.reading() as work:
        whole = work.studies.load(study)
        draws = work.draws.list(study)
        hidden = work.suggestions.shown_transcripts(study) - coded_by_people(whole)
    if draws and asked.answered_by(draws[-1], whole, hidden):
        return None
    open_ = [item for item in whole.transcripts if item.name not in hidden]
    return doubts_about(house, study, record, open_, asked.unsure_of, progress=progress)


def _members(
    work: UnitOfWork,
    study: Study,
    asked: DrawRequest,
    shown: frozenset[str],
    complete: frozenset[str],
    draws: Sequence[DrawRecord],
    doubts: Mapping[str, float] | None,
) -> tuple[Member, ...]:
    drawn_before = {one.transcript for draw in draws for one in draw.members if one.drawn}
    # What was coded because it would teach the model most says nothing of the others, unless it
    # is drawn.
    chosen = set(work.recommendations.of(study.name)) - drawn_before
    places: Mapping[str, tuple[str, ...]] = {
        item.name: stratum_of(item, asked.by) for item in study.transcripts
    }
    certain = {name: stratum for name, stratum in places.items() if name in complete - chosen}
    candidates = {
        name: stratum
        for name, stratum in places.items()
        if name not in certain and (name not in shown or name in complete)
    }
    if not candidates:
        raise StateError(
            f"{study.name} has no transcript to draw: people have coded all of them, or "
            f"suggestions were shown. Import those to extend it: {command('import', study.name)} "
            "PATH..."
        )
    if asked.unsure_of is not None and (doubts is None or not candidates.keys() <= doubts.keys()):
        raise StateError(
            f"Transcripts of {study.name} were added or changed while the model read them. Nothing "
            "was drawn; give the command again."
        )
    return draw(
        candidates,
        size=asked.size,
        seed=seed_after(asked.seed, complete & drawn_before),
        allocation=asked.allocation,
        coded=certain,
        doubts=doubts,
    )


def _withhold(work: UnitOfWork, study: str, drawn: set[str]) -> None:
    """Tasks that are there already, with nothing shown yet, never get suggestions."""
    links = [
        replace(link, blind=True)
        for link in work.label_studio.tasks(study)
        if link.transcript in drawn and not link.blind and link.pushed_version is None
    ]
    if links:
        work.label_studio.save_tasks(study, links)


def _sampled(
    study: Study,
    found: DrawRecord,
    complete: frozenset[str],
    *,
    replaced: Sequence[DrawRecord],
    before: bool,
    pushed: Pushed | None,
) -> Sampled:
    members = {one.transcript for one in found.members}
    words = {item.name: item.words for item in study.transcripts}
    left_out = tuple(item.name for item in study.transcripts if item.name not in members)
    notes = []
    if replaced:
        notes.append(
            "This draw takes the place of an earlier one: what people have coded of that counts "
            "for certain, what they have not need not be coded any more. A draw should not be "
            "repeated for the sake of its result; all are recorded"
        )
    if left_out:
        notes.append(
            f"{many(len(left_out), 'transcript')} could not be drawn, since suggestions were shown "
            f"there before: the estimate will not speak for {form(len(left_out), 'it', 'them')}"
        )
    undecided = members & (complete - read_by_people(study))
    if undecided:
        notes.append(
            f"A choice is to be made in {many(len(undecided), 'transcript')} that people coded, "
            "because a code was split, and nothing is estimated before: "
            f"{command('codebook', 'worklist', study.name)}"
        )
    if found.version is None:
        notes.append(
            f"{study.name} has no model yet. Train one before the sample is coded, so that it has "
            f"learned nothing from it: {command('train', study.name)}"
        )
    return Sampled(
        study=study.name,
        size=found.size,
        by=found.by,
        allocation=found.allocation,
        seed=found.seed,
        unsure_of=found.unsure_of,
        model_version=found.version,
        drawn_at=found.created_at,
        before=before,
        strata=_strata(found.members),
        transcripts=tuple(
            Drawn(
                transcript=one.transcript,
                stratum=one.stratum,
                words=words[one.transcript],
                probability=one.probability,
                coded=one.transcript in complete,
            )
            # Within a stratum first those that the model doubts most.
            for one in sorted(
                found.members, key=lambda one: (one.stratum, -one.probability, one.transcript)
            )
            if one.drawn and (one.probability < 1 or one.transcript not in complete)
        ),
        left_out=left_out,
        pushed=pushed,
        notes=tuple(notes),
    )


def _strata(members: Sequence[Member]) -> tuple[Stratum, ...]:
    found = []
    for values in sorted({one.stratum for one in members}):
        own = [one for one in members if one.stratum == values]
        rest = [one for one in own if one.probability < 1]
        found.append(
            Stratum(
                values=values,
                transcripts=len(own),
                certain=len(own) - len(rest),
                drawn=sum(one.drawn for one in rest),
                probability=sum(one.probability for one in rest) / len(rest) if rest else None,
            )
        )
    return tuple(found)

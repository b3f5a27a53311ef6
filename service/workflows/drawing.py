"""Draw the transcripts that people are to code, so that they can speak for the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from annotations.drawing import ALLOCATIONS, Member, draw
from annotations.errors import StateError, command
from annotations.reliability.prevalence.extent import (
    check_attributes,
    read_by_people,
    stratum_of,
)
from annotations.study import Study
from service.house import House
from service.storage.records import DrawRecord
from service.storage.session import UnitOfWork
from service.workflows.pushing import Pushed, push
from service.workflows.training import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Stratum:
    """Transcripts that share their values of the attributes drawn by.

    People had coded `certain` of them, or all were taken; of the others `drawn` were drawn, each
    with the `probability`, None where there are none.
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
    probability: float
    coded: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampled:
    """A sample and how it was drawn; `before`: it had been drawn already, and nothing changed.

    `transcripts` are those drawn. `left_out` could not be drawn, since suggestions were shown in
    them: the estimate does not speak for them. `model_version` will code all of them.
    """

    study: str
    size: int
    by: tuple[str, ...]
    allocation: str
    seed: int
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
    to_label_studio: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Sampled:
    """Draw transcripts for people to code, and record each one's probability.

    What people have coded without suggestions in sight counts for certain, unless it was chosen
    for its use to a model. Suggestions in drawn transcripts are withheld from now on. The same
    request on the same transcripts changes nothing. With `to_label_studio` the drawn ones
    become tasks. Raises StateError where the size cannot be drawn.
    """
    with house.database.unit_of_work() as work:
        whole = work.studies.load(study)
        check_attributes(whole.transcripts, by)
        record = work.models.active(study)
        draws = work.draws.list(study)
        shown = work.suggestions.shown_transcripts(study)
        complete = read_by_people(whole)
        asked = (size, tuple(by), allocation, seed)
        found = draws[-1] if draws else None
        before = found is not None and _is(found, asked, whole, shown - complete)
        if found is None or not before:
            found = DrawRecord(
                size=size,
                by=tuple(by),
                allocation=allocation,
                seed=seed,
                version=record.version if record else None,
                members=_members(work, whole, asked, shown, complete, draws),
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


def as_asked(study: str, draw: DrawRecord) -> tuple[str, ...]:
    """The words of the command that drew, and that lists what it drew."""
    by = ("--by", ",".join(draw.by)) if draw.by else ()
    how = () if draw.allocation == ALLOCATIONS[0] else ("--allocation", draw.allocation)
    seed = ("--seed", str(draw.seed)) if draw.seed else ()
    return ("sample", study, "--size", str(draw.size), *by, *seed, *how)


def _is(
    found: DrawRecord, asked: tuple[object, ...], study: Study, left_out: frozenset[str]
) -> bool:
    """Whether this very draw was asked for, of the transcripts that there still are."""
    members = {one.transcript for one in found.members}
    there = {item.name for item in study.transcripts} - left_out
    same = (found.size, found.by, found.allocation, found.seed) == asked
    return same and there <= members


def _members(
    work: UnitOfWork,
    study: Study,
    asked: tuple[int, tuple[str, ...], str, int],
    shown: frozenset[str],
    complete: frozenset[str],
    draws: Sequence[DrawRecord],
) -> tuple[Member, ...]:
    size, by, allocation, seed = asked
    drawn_before = {one.transcript for draw in draws for one in draw.members if one.drawn}
    # What was coded because it would teach the model most says nothing of the others, unless it
    # is drawn.
    chosen = set(work.recommendations.of(study.name)) - drawn_before
    places: Mapping[str, tuple[str, ...]] = {
        item.name: stratum_of(item, by) for item in study.transcripts
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
    return draw(candidates, size=size, seed=seed, allocation=allocation, coded=certain)


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
            f"{len(left_out)} transcripts could not be drawn, since suggestions were shown in them "
            "before: the estimate will not speak for them"
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
        model_version=found.version,
        drawn_at=found.created_at,
        before=before,
        strata=_strata(found.members),
        transcripts=tuple(
            Drawn(
                transcript=one.transcript,
                stratum=one.stratum,
                probability=one.probability,
                coded=one.transcript in complete,
            )
            for one in found.members
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
                probability=rest[0].probability if rest else None,
            )
        )
    return tuple(found)

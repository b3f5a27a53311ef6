"""Disagreements between coders: list them, send them to be settled, look at what came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annotations.codebook import SEPARATOR
from annotations.codings import ADJUDICATED, Coding
from annotations.errors import StateError
from annotations.formats.label_config import LabelConfig, label_config_for
from annotations.formats.regions import PredictedSpan, result_of, task_data_of
from annotations.reliability.disagreement import (
    DisputedUnit,
    Settled,
    disagreements_of,
    settled_of,
)
from annotations.study import Study
from annotations.transcripts import Transcript
from service.house import House
from service.label_studio.adjudication import EVERYBODY, open_project
from service.label_studio.records import NewPrediction
from service.workflows.codebooks import code_called
from service.workflows.labelling import client_of, config_of, connection_of, known_labels
from service.workflows.syncing import sync
from service.workflows.training import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreements:
    """Where coders differ. `open` counts the units that are not settled yet.

    `settled` compares agreement before and after; None while there is no agreed coding.
    """

    study: str
    code: str | None
    open: int
    units: tuple[DisputedUnit, ...]
    settled: Settled | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PushedDisagreements:
    """The adjudication project, and how many transcripts went there now and before."""

    study: str
    project_id: int
    project_url: str
    created: int
    tasks: int


def disagreements(
    house: House, study: str, *, code: str | None = None, text: bool = False
) -> Disagreements:
    """The units on which coders differ, by code and coder; their words only with `text`."""
    with house.database.reading() as work:
        whole = work.studies.load(study)
        path = None if code is None else code_called(work, study, code)
    codes = None if path is None else _codes(whole, path)
    table = whole.table()
    units = disagreements_of(table, codes=codes, text=text)
    return Disagreements(
        study=study,
        code=code,
        open=sum(any(one.agreed is None for one in unit.codes) for unit in units),
        units=units,
        settled=settled_of(table),
    )


def push_disagreements(
    house: House,
    study: str,
    *,
    code: str | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> PushedDisagreements:
    """Make a task of each transcript with unsettled disagreements, everybody's coding in it.

    Who begins one starts from all codings, each naming its coders, and leaves what is agreed.
    Each coder's own coding is there too, under their name. A transcript goes there once.
    """
    sync(house, study, progress=progress)
    found = disagreements(house, study, code=code)
    names = {
        unit.transcript for unit in found.units if any(one.agreed is None for one in unit.codes)
    }
    with house.database.reading() as work:
        connection = connection_of(work, study)
        whole = work.studies.load(study)
        former = work.codebooks.former_names(study)
        labels = known_labels(work, study)
    if not names:
        raise StateError(
            f"There is nothing to settle in {study}: no two coders who read the same differ"
            f"{'' if code is None else f' on {code}'}, or all of it is settled."
        )
    client = client_of(connection)
    # Raises where the study's own project is gone, to which this one belongs.
    config_of(client, connection, labels)
    project = open_project(
        client,
        connection.project_id,
        study=study,
        # What was settled under an older codebook has its labels still.
        label_config=label_config_for(whole.codebook, former),
    )
    there = {str(task.data.get("transcript", "")): task.id for task in client.tasks(project.id)}
    new = [item for item in whole.transcripts if item.name in names - there.keys()]
    progress("making tasks", 0, len(new))
    made = client.create_tasks(project.id, [task_data_of(item) for item in new])
    there |= {item.name: task for item, task in zip(new, made, strict=True)}
    filled = {one.task for one in client.predictions(project.id) if one.model_version == EVERYBODY}
    config = LabelConfig.parse(project.label_config, labels)
    # Also of tasks that an earlier push was cut off before it could fill.
    client.create_predictions(
        project.id,
        [
            one
            for item in whole.transcripts
            if item.name in there and there[item.name] not in filled
            for one in _predictions(whole, item, there[item.name], config)
        ],
    )
    if project.model_version != EVERYBODY:
        client.update_project(project.id, {"model_version": EVERYBODY})
    progress("making tasks", len(new), len(new))
    return PushedDisagreements(
        study=study,
        project_id=project.id,
        project_url=client.project_url(project.id),
        created=len(made),
        tasks=len(there),
    )


def _predictions(
    study: Study, transcript: Transcript, task: int, config: LabelConfig
) -> Iterable[NewPrediction]:
    """What each coder applied, and all of it together with who applied it."""
    codings = [
        one
        for one in study.human_codings
        if one.transcript == transcript.name and one.coder != ADJUDICATED
    ]
    readers: dict[int, set[str]] = {}
    for reading in study.human_readings:
        if reading.transcript == transcript.name and reading.coder != ADJUDICATED:
            readers.setdefault(reading.turn, set()).add(reading.coder)
    everybody = sorted(set().union(*readers.values()))
    for version, chosen in (
        *((name, [one for one in codings if one.coder == name]) for name in everybody),
        (EVERYBODY, codings),
    ):
        yield NewPrediction(
            task=task,
            result=result_of(_spans(chosen, codings, readers), transcript, config),
            score=None,
            model_version=version,
        )


def _spans(
    chosen: Iterable[Coding], everyones: Iterable[Coding], readers: Mapping[int, set[str]]
) -> list[PredictedSpan]:
    """A span and code is one region, however many coders applied it there."""
    who: dict[tuple[int, int, int, str], set[str]] = {}
    for one in everyones:
        who.setdefault((one.turn, one.start, one.end, one.code), set()).add(one.coder)
    places = dict.fromkeys((one.turn, one.start, one.end, one.code) for one in chosen)
    spans = []
    for place in sorted(places, key=lambda place: place[:3]):
        turn, start, end, code = place
        coders, read = sorted(who[place]), sorted(readers.get(turn, who[place]))
        spans.append(
            PredictedSpan(
                turn=turn,
                start=start,
                end=end,
                code=code,
                score=len(coders) / len(read),
                reason=f"Coded so by {', '.join(coders)}. Read by {', '.join(read)}.",
            )
        )
    return spans


def _codes(study: Study, path: str) -> tuple[str, ...]:
    """The code with those below it."""
    return tuple(
        one for one in study.codebook.paths if one == path or one.startswith(path + SEPARATOR)
    )

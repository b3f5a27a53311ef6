"""Transcripts and suggestions to Label Studio, in bulk."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from annotations.blind import in_blind_sample
from annotations.errors import command
from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import result_of, task_data_of
from annotations.study import Study
from annotations.transcripts import Transcript
from models.suggestions import Suggestion
from service.house import House
from service.label_studio.client import Client
from service.label_studio.pushing import show_predictions
from service.label_studio.records import NewPrediction
from service.storage.records import Connection, TaskLink, now
from service.workflows.labelling import client_of, config_of, connection_of
from service.workflows.showing import region_ids, spans_of
from service.workflows.suggesting import suggest_transcripts
from service.workflows.syncing import sync
from service.workflows.training import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushed:
    """What is in Label Studio now.

    `tasks` of which `tasks_created` are new; `suggestions` shown on `shown` transcripts;
    `withheld` transcripts are in the blind sample or were drawn to be coded: their suggestions are
    stored and not shown.
    """

    study: str
    project_id: int
    project_url: str
    model_version: str | None
    tasks: int
    tasks_created: int
    suggestions: int
    shown: int
    withheld: int
    notes: tuple[str, ...]


def push(
    house: House,
    study: str,
    *,
    blind: float | None = None,
    everything: bool = False,
    only: Collection[str] | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Pushed:
    """Make tasks of the transcripts that nobody coded, and show the model's suggestions.

    With `everything`, coded transcripts become tasks too, without suggestions, so that they
    can be coded a second time, independently; with `only`, no others become new tasks. A task
    that somebody has begun to annotate is left as it is. Pushing again adds what is new and
    shows the suggestions of a newer model.
    """
    sync(house, study, progress=progress)
    if blind is not None:
        with house.database.unit_of_work() as work:
            connection_of(work, study)
            work.label_studio.change_connection(study, blind_share=blind)
            work.commit()
    with house.database.reading() as work:
        connection = connection_of(work, study)
        whole = work.studies.load(study)
        links = {link.transcript: link for link in work.label_studio.tasks(study)}
        annotated = set(work.label_studio.annotated_transcripts(study))
        record = work.models.active(study)
    client = client_of(connection)
    config = config_of(client, connection, whole.codebook.paths)
    coded = whole.begun - annotated
    wanted = [
        item
        for item in whole.transcripts
        if item.name in links
        or ((everything or item.name not in coded) and (only is None or item.name in only))
    ]
    progress("making tasks", 0, len(wanted))
    created = _make_tasks(house, study, client, connection, wanted, links, coded)
    notes = _notes(whole, config, wanted)
    suggestions = 0
    if record is None:
        notes.append(
            f"{study} has no model yet, so nothing is suggested: {command('train', study)}"
        )
    else:
        open_ = [item for item in wanted if item.name not in annotated and item.name not in coded]
        suggestions = _suggest(
            house, client, connection, config, record.version, open_, links, progress
        )
    progress("making tasks", len(wanted), len(wanted))
    return Pushed(
        study=study,
        project_id=connection.project_id,
        project_url=client.project_url(connection.project_id),
        model_version=record.version if record else None,
        tasks=len(links),
        tasks_created=created,
        suggestions=suggestions,
        shown=sum(link.pushed_version is not None for link in links.values()),
        withheld=sum(link.blind for link in links.values()),
        notes=tuple(notes),
    )


def _make_tasks(
    house: House,
    study: str,
    client: Client,
    connection: Connection,
    wanted: Sequence[Transcript],
    links: dict[str, TaskLink],
    coded: frozenset[str],
) -> int:
    """Make the tasks that are missing and link them; `links` is brought up to date."""
    there = {
        task.id: str(task.data.get("transcript", ""))
        for task in client.tasks(connection.project_id)
    }
    for name in [name for name, link in links.items() if link.task_id not in there]:
        del links[name]
    by_name = {name: number for number, name in reversed(there.items())}
    missing = [item for item in wanted if item.name not in links]
    new = [item for item in missing if item.name not in by_name]
    made = client.create_tasks(connection.project_id, [task_data_of(item) for item in new])
    # A task of that name is ours from a push that was cut off before it could be noted.
    by_name |= {item.name: number for item, number in zip(new, made, strict=True)}
    with house.database.reading() as work:
        drawn = work.draws.drawn(study)
    fresh = [
        TaskLink(
            task_id=by_name[item.name],
            transcript=item.name,
            blind=item.name not in coded
            and (
                item.name in drawn
                or in_blind_sample(item.name, share=connection.blind_share, seed=connection.seed)
            ),
        )
        for item in missing
    ]
    if fresh:
        with house.database.unit_of_work() as work:
            work.label_studio.save_tasks(study, fresh)
            work.commit()
    links |= {link.transcript: link for link in fresh}
    return len(made)


def _suggest(
    house: House,
    client: Client,
    connection: Connection,
    config: LabelConfig,
    version: str,
    transcripts: Sequence[Transcript],
    links: dict[str, TaskLink],
    progress: Progress,
) -> int:
    """Compute and store suggestions for all, show those that are not blind; how many are shown."""
    study = connection.study
    with house.database.reading() as work:
        looked = work.suggestions.looked_at(study, version=version)
    todo = [
        item
        for item in transcripts
        if item.name not in looked
        or (links[item.name].pushed_version != version and not links[item.name].blind)
    ]
    suggested: dict[str, list[Suggestion]] = {item.name: [] for item in todo}
    certainty: Mapping[str, float] = {}
    if todo:
        batch = suggest_transcripts(house, study, todo, progress=progress)
        certainty = batch.certainty
        for one in batch.suggestions:
            suggested[one.transcript].append(one)
    predictions: list[NewPrediction] = []
    shown = 0
    with house.database.unit_of_work() as work:
        for item in todo:
            mine, link = suggested[item.name], links[item.name]
            regions = result_of(spans_of(mine), item, config)
            work.suggestions.store(
                study,
                version=version,
                transcript=item.name,
                suggestions=mine,
                shown=not link.blind,
                region_ids=region_ids(mine, item, config),
            )
            if not link.blind:
                shown += len(regions)
                predictions.append(
                    NewPrediction(
                        task=link.task_id,
                        result=regions,
                        # Label Studio's uncertainty sampling takes the lowest first.
                        score=certainty[item.name],
                        model_version=version,
                    )
                )
        # Noted as shown before it is: a push that is cut off must not leave a coder
        # assisted without our knowing.
        work.commit()
    found = show_predictions(client, connection.project_id, version, predictions)
    moment = now()
    updated = [
        replace(
            link,
            pushed_version=version,
            prediction_id=found.predictions.get(link.task_id),
            pushed_at=moment,
        )
        for item in todo
        if not (link := links[item.name]).blind
    ]
    if updated:
        with house.database.unit_of_work() as work:
            work.label_studio.save_tasks(study, updated)
            work.commit()
    links |= {link.transcript: link for link in updated}
    return shown


def _notes(whole: Study, config: LabelConfig, wanted: Sequence[Transcript]) -> list[str]:
    notes = []
    if not wanted:
        notes.append(
            "Every transcript is coded already; --all pushes them without suggestions, "
            "to be coded a second time"
        )
    if missing := config.missing(whole.codes_used):
        notes.append(
            f"The project's labels lack {', '.join(missing)}: "
            "`second-coder label-studio connect` brings them up to date"
        )
    return notes

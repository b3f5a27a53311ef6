"""Predictions for tasks that Label Studio sends."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from annotations.errors import InputError
from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import result_of, transcript_of
from annotations.transcripts import Transcript
from models.suggestions import Suggestion
from service.house import House
from service.storage.records import TaskLink
from service.workflows.model_codes import codes_of_model
from service.workflows.showing import region_ids, spans_of

if TYPE_CHECKING:
    from models.suggestions import SuggestionBatch

log = logging.getLogger(__name__)

UNTRAINED = "untrained"
"""The version that a study without a model gives to Label Studio, which wants one."""


class Models(Protocol):
    """Where loaded models are had by version."""

    def suggest(self, version: str, transcripts: Sequence[Transcript]) -> "SuggestionBatch":
        """What one version suggests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskPrediction:
    """The regions for one task, and the model's certainty of the whole, 0 where nothing is said."""

    result: list[dict[str, Any]]
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskPredictions:
    """One prediction a task, in the order of the tasks."""

    model_version: str
    predictions: tuple[TaskPrediction, ...]


def version_in_use(house: House, study: str) -> str:
    """The version that predictions of the study carry."""
    with house.database.reading() as work:
        active = work.models.active(study)
    return active.version if active else UNTRAINED


def versions(house: House, study: str) -> tuple[str, ...]:
    """All model versions of a study, the newest first."""
    with house.database.reading() as work:
        return tuple(item.version for item in work.models.list(study))


def predict_tasks(
    house: House,
    models: Models,
    study: str,
    *,
    tasks: Sequence[Mapping[str, Any]],
    label_config: str,
) -> TaskPredictions:
    """Predictions of the model in use, exactly one a task.

    A task that cannot be read gets an empty one, since a missing one would cost the others
    theirs; so does a task whose suggestions are withheld, and every task of a study without
    a model. What is suggested for the study's own transcripts is noted as shown.
    Raises InputError where the label config has no place for codes.
    """
    with house.database.reading() as work:
        labels = work.studies.codebook(study).paths
        active = work.models.active(study)
        codes = codes_of_model(work, study, active) if active else None
        links = {link.task_id: link for link in work.label_studio.tasks(study)}
        asked = {
            links[number].transcript for number in map(number_of_task, tasks) if number in links
        }
        stored = {item.name: item for item in work.studies.transcripts(study, asked)}
    config = LabelConfig.parse(label_config, labels)
    withheld = _withheld(house, study, links.values(), tasks)
    wanted: list[Transcript | None] = []
    named: dict[str, Transcript] = {}
    own: dict[str, Transcript] = {}
    for position, task in enumerate(tasks):
        link = links.get(number_of_task(task))
        transcript = _transcript(task, config, link.transcript if link else f"task {position}")
        if transcript is not None and link is not None:
            transcript = _with_marks(transcript, stored[link.transcript])
        if transcript is not None and {transcript.name, _name_in(task)} & withheld:
            transcript = None
        if transcript is not None:
            if named.setdefault(transcript.name, transcript) != transcript:
                transcript = replace(transcript, name=f"{transcript.name} ({position})")
                named[transcript.name] = transcript
            elif link is not None:
                own[transcript.name] = transcript
        wanted.append(transcript)
    suggested: defaultdict[str, list[Suggestion]] = defaultdict(list)
    certainty: Mapping[str, float] = {}
    if active and codes and named:
        batch = codes.batch(models.suggest(active.version, tuple(named.values())))
        certainty = batch.certainty
        for one in batch.suggestions:
            suggested[one.transcript].append(one)
        same = {name: item for name, item in own.items() if item.turns == stored[name].turns}
        _note_shown(house, study, active.version, same, suggested, config)
    return TaskPredictions(
        model_version=active.version if active else UNTRAINED,
        predictions=tuple(
            TaskPrediction(
                result=result_of(spans_of(suggested[item.name]), item, config),
                score=certainty.get(item.name, 0.0),
            )
            if item
            else _NOTHING
            for item in wanted
        ),
    )


def number_of_task(task: Mapping[str, Any]) -> int:
    """The task's id, -1 where it has none (a task that is being made)."""
    number = task.get("id")
    return number if isinstance(number, int) else -1


def _transcript(task: Mapping[str, Any], config: LabelConfig, name: str) -> Transcript | None:
    data = task.get("data")
    try:
        return transcript_of(data if isinstance(data, Mapping) else {}, config, name)
    except InputError:
        log.warning("task=%d cannot be read with its label config", number_of_task(task))
        return None


def _with_marks(shown: Transcript, stored: Transcript) -> Transcript:
    """What a task shows, with the marks of interviewers that Label Studio does not know."""
    same = [(turn.speaker, turn.text) for turn in shown.turns] == [
        (turn.speaker, turn.text) for turn in stored.turns
    ]
    return replace(shown, turns=stored.turns) if same else shown


def _name_in(task: Mapping[str, Any]) -> str | None:
    """The transcript that a task of ours names in its data."""
    data = task.get("data")
    name = data.get("transcript") if isinstance(data, Mapping) else None
    return name if isinstance(name, str) else None


def _withheld(
    house: House, study: str, links: Iterable[TaskLink], tasks: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Transcripts whose suggestions nobody may see.

    Those are the blind sample, what was drawn to be coded, and transcripts that people coded
    before any suggestion was shown: they are tasks in order to be coded a second time,
    independently.
    """
    links = tuple(links)
    with house.database.reading() as work:
        drawn = work.draws.drawn(study) - work.suggestions.shown_transcripts(study)
    blind = {link.transcript for link in links if link.blind} | drawn
    asked = {number_of_task(task) for task in tasks}
    fresh = {
        link.transcript
        for link in links
        if link.task_id in asked and link.pushed_version is None and not link.blind
    }
    if not fresh:
        return blind
    with house.database.reading() as work:
        read = work.studies.read_by_people(study)
        shown = set(work.suggestions.shown_transcripts(study))
    return blind | ((fresh & read) - shown)


def _note_shown(
    house: House,
    study: str,
    version: str,
    transcripts: Mapping[str, Transcript],
    suggested: Mapping[str, Sequence[Suggestion]],
    config: LabelConfig,
) -> None:
    """Store what coders are about to see, where a push has not done so before.

    `transcripts` are those that the task shows as they are stored.
    """
    with house.database.reading() as work:
        shown = work.suggestions.shown_transcripts(study)
        said = work.suggestions.said_to_coders(study, version=version)
        new = [
            item
            for name, item in transcripts.items()
            if (suggested.get(name) or name not in shown) and name not in said
        ]
    if not new:
        return
    with house.database.unit_of_work() as work:
        for item in new:
            mine = suggested.get(item.name) or ()
            work.suggestions.store(
                study,
                version=version,
                transcript=item.name,
                suggestions=mine,
                shown=True,
                region_ids=region_ids(mine, item, config),
            )
        work.commit()


_NOTHING = TaskPrediction(result=[], score=0.0)

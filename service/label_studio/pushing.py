"""Predictions in bulk: show those of one model version, and clear away what is superseded."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.label_studio.client import Client
from service.label_studio.records import NewPrediction, Prediction

GRACE = timedelta(days=1)
"""How long a superseded prediction stays: Label Studio refuses to store the work of a coder
whose page was opened with a prediction that is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The prediction that each task has of the active version, and what was done for it."""

    predictions: dict[int, int]
    created: int
    removed: int
    kept: int


def show_predictions(
    client: Client,
    project: int,
    version: str,
    predictions: Sequence[NewPrediction],
    *,
    grace: timedelta = GRACE,
) -> Shown:
    """Attach predictions of one model version and let coders see that version alone.

    A task that has a prediction of this version already keeps it. Superseded ones (of other
    versions, or doubled) are removed after `grace`, save those from which an annotation was
    made. `kept` counts the superseded ones that stay; coders do not see them. Raises
    ExternalError when Label Studio does not keep every prediction.
    """
    there = _of_version(client.predictions(project), version)
    new = [item for item in predictions if item.task not in there]
    client.create_predictions(project, new)
    everything = client.predictions(project)
    mine = _of_version(everything, version)
    found = client.project(project)
    # Label Studio refuses a version of which it has no prediction.
    if mine and found is not None and found.model_version != version:
        client.update_project(project, {"model_version": version})
    old = superseded(everything, version)
    gone = removable(client, project, old, grace) if old else ()
    for prediction in gone:
        client.delete_prediction(prediction.id)
    return Shown(
        predictions={task: item.id for task, item in mine.items()},
        created=len(new),
        removed=len(gone),
        kept=len(old) - len(gone),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Superseded:
    """A prediction that is not the one to show on its task, and since when."""

    prediction: Prediction
    since: datetime


def superseded(predictions: Iterable[Prediction], version: str) -> tuple[Superseded, ...]:
    """The predictions of other versions, and of this one all but the oldest of each task.

    A task without any prediction of `version` has nothing superseded.
    """
    by_task: defaultdict[int, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        by_task[prediction.task].append(prediction)
    old: list[Superseded] = []
    for items in by_task.values():
        items.sort(key=lambda item: item.id)
        active = next((item for item in items if item.model_version == version), None)
        if active is None:
            continue
        for place, item in enumerate(items):
            if item is not active:
                follower = items[place + 1] if place + 1 < len(items) else item
                old.append(Superseded(prediction=item, since=follower.created_at))
    return tuple(old)


def removable(
    client: Client, project: int, old: Iterable[Superseded], grace: timedelta
) -> tuple[Prediction, ...]:
    """Those that no annotation came from and that no open page is likely to hold."""
    used = {item.parent_prediction for item in client.annotations(project)}
    latest = datetime.now(UTC) - grace
    return tuple(
        item.prediction for item in old if item.since <= latest and item.prediction.id not in used
    )


def _of_version(predictions: Iterable[Prediction], version: str) -> dict[int, Prediction]:
    """The oldest prediction of a version on each task."""
    found: dict[int, Prediction] = {}
    for prediction in predictions:
        if prediction.model_version == version:
            found.setdefault(prediction.task, prediction)
    return found

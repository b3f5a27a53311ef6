"""What each kind of job does: it calls one workflow. A result is a JSON document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service import queue
from service.documents import document
from service.house import House
from service.storage.records import Job


@dataclass(frozen=True, kw_only=True, slots=True)
class Reins:
    """What a handler is led by: it says how far it is, and asks whether to go on."""

    progress: Callable[[str, int, int], None]
    should_stop: Callable[[], bool]


def handle(house: House, job: Job, reins: Reins) -> Mapping[str, Any]:
    """Do a job's work; errors say why it could not be done."""
    return HANDLERS[job.kind](house, job, reins)


def _train(house: House, job: Job, reins: Reins) -> Mapping[str, Any]:
    from service.workflows.training import train_study

    report = train_study(
        house,
        job.study,
        full=bool(job.payload.get("full")),
        progress=reins.progress,
        should_stop=reins.should_stop,
    )
    return {
        "model_version": report.model_version,
        "kappa": document(report.kappa),
        "seconds": report.seconds,
        **_push_if_connected(house, job.study),
    }


def _push_if_connected(house: House, study: str) -> Mapping[str, Any]:
    """Have coders see the new model's suggestions: Label Studio does not ask for them again."""
    with house.database.reading() as work:
        if work.label_studio.connection(study) is None:
            return {}
    return {"push_job": queue.enqueue(house, queue.PUSH, study).id}


def _sync(house: House, job: Job, reins: Reins) -> Mapping[str, Any]:
    from service.workflows.syncing import sync

    result: dict[str, Any] = document(sync(house, job.study, progress=reins.progress))
    return {**result, **_follow(house, job, reins), **retrain_if_due(house, job.study)}


def _sync_annotations(house: House, job: Job, reins: Reins) -> Mapping[str, Any]:
    from service.workflows.syncing import sync

    numbers = sorted({int(number) for number in job.payload.get("annotation_ids", ())})
    result: dict[str, Any] = document(
        sync(house, job.study, annotation_ids=numbers, progress=reins.progress)
    )
    return {**result, **retrain_if_due(house, job.study)}


def _push(house: House, job: Job, reins: Reins) -> Mapping[str, Any]:
    from service.workflows.pushing import push

    result: dict[str, Any] = document(push(house, job.study, progress=reins.progress))
    return result


def _follow(house: House, job: Job, reins: Reins) -> Mapping[str, Any]:
    """Bring Label Studio to the newest codebook, and take in what was edited in its labels."""
    from service.workflows.following import follow

    return {"followed": document(follow(house, job.study, progress=reins.progress))}


def retrain_if_due(house: House, study: str) -> dict[str, Any]:
    """Ask for a training once enough annotations came in since the last one.

    The first training is for people to ask for. One that failed counts as the last one, or
    every annotation after it would ask again. So does that of a model that somebody went back
    behind, or the next hint would undo the rollback.
    """
    due = house.settings.retrain_after
    if due == 0:
        return {}
    with house.database.reading() as work:
        trained = work.models.last_trained(study)
        if trained is None:
            return {}
        asked = work.jobs.latest(study, queue.TRAIN)
        since = trained if asked is None else max(trained, asked.created_at)
        news = work.label_studio.changed_since(study, since)
    if news < due:
        return {}
    return {"training_job": queue.enqueue(house, queue.TRAIN, study).id}


HANDLERS: Mapping[str, Callable[[House, Job, Reins], Mapping[str, Any]]] = {
    queue.TRAIN: _train,
    queue.SYNC: _sync,
    queue.SYNC_ANNOTATIONS: _sync_annotations,
    queue.PUSH: _push,
    queue.FOLLOW: _follow,
}

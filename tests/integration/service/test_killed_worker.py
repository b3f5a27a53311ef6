"""A worker killed with -9 in the middle of a training: no data is lost, the job comes to an end."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from service import queue
from service.house import House
from service.job_run import Pace
from service.storage.records import Job
from service.worker import run_worker

pytestmark = pytest.mark.integration

PATIENCE = 300


def job_of(house: House, number: int) -> Job:
    with house.database.reading() as work:
        return work.jobs.get(number)


def wait_until(house: House, number: int, holds: Callable[[Job], bool]) -> Job:
    for _ in range(PATIENCE * 20):
        job = job_of(house, number)
        if holds(job):
            return job
        threading.Event().wait(0.05)
    raise AssertionError(job)


def test_a_training_whose_worker_was_killed_runs_again(
    house: House, few: str, run: Callable[..., Any]
) -> None:
    with house.database.reading() as work:
        before = work.studies.load(few)
    number = queue.enqueue(house, queue.TRAIN, few).id
    worker = run("worker", "--home", house.home)
    cut = wait_until(house, number, lambda job: job.stage != "" or job.is_over)
    assert cut.state == "running"
    worker.end(signal.SIGKILL)

    with house.database.reading() as work:
        assert work.studies.load(few) == before
        assert work.models.active(few) is None
    stop = threading.Event()
    pace = Pace(pulse=0.2, stale=2, patrol=0.5)
    follower = threading.Thread(target=run_worker, args=(house, stop, pace))
    follower.start()
    try:
        over = wait_until(house, number, lambda job: job.is_over)
    finally:
        stop.set()
        follower.join()
    assert (over.state, over.attempts) == ("finished", 2), over.message
    with house.database.reading() as work:
        assert work.studies.load(few) == before
        active = work.models.active(few)
    assert active is not None
    assert active.version == (over.result or {})["model_version"]
    # Nothing half-published is left beside it.
    assert [folder.name for folder in house.artifacts.iterdir()] == [active.version]


def test_a_training_stops_soon_when_it_is_cancelled(
    house: House, few: str, run: Callable[..., Any]
) -> None:
    number = queue.enqueue(house, queue.TRAIN, few).id
    worker = run("worker", "--home", house.home)
    wait_until(house, number, lambda job: job.stage != "" or job.is_over)
    with house.database.unit_of_work() as work:
        work.jobs.cancel(number)
        work.commit()
    assert wait_until(house, number, lambda job: job.is_over).state == "cancelled"
    assert worker.end(signal.SIGTERM) == 0
    with house.database.reading() as work:
        assert work.models.active(few) is None
    assert list(house.artifacts.iterdir()) == []

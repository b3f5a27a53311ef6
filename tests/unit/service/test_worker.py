import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from annotations.errors import StateError
from service import handlers, queue
from service.handlers import Reins
from service.house import House
from service.job_run import Pace, Stopped, look_after, run_job
from service.logs import JsonLines
from service.storage import jobs as stored_jobs
from service.storage.records import Job, now
from service.storage.session import Database
from service.worker import run_worker
from training.options import TrainingStopped

QUICK = Pace(pulse=0.02, stale=0.2, patrol=0.05, idle=0.02, attempts=3)
PATIENCE = 30

Handler = Callable[[House, Job, Reins], Mapping[str, Any]]


@contextmanager
def worker(house: House, pace: Pace = QUICK) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(house, stop, pace))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Handler], None]:
    """Gives a kind of job another handler, to see what becomes of the job around it."""

    def put(kind: str, handler: Handler) -> None:
        monkeypatch.setattr(handlers, "HANDLERS", {**handlers.HANDLERS, kind: handler})

    return put


@pytest.fixture
def ends(house: House) -> Callable[[int], Job]:
    """Waits until a job is over."""

    def wait(number: int) -> Job:
        for _ in range(PATIENCE * 50):
            with house.database.reading() as work:
                job = work.jobs.get(number)
            if job.is_over:
                return job
            threading.Event().wait(0.02)
        raise AssertionError(f"the job is still {job.state}, stage {job.stage!r}")

    return wait


def job_of(house: House, number: int) -> Job:
    with house.database.reading() as work:
        return work.jobs.get(number)


def test_a_job_that_cannot_be_done_says_what_to_do(
    house: House, study: str, ends: Callable[[int], Job]
) -> None:
    job = queue.enqueue(house, queue.SYNC, study)
    with worker(house):
        over = ends(job.id)
    assert over.state == "failed"
    assert "second-coder label-studio connect trust" in str(over.message)


def test_an_unexpected_failure_is_told_without_its_words(
    house: House,
    study: str,
    ends: Callable[[int], Job],
    does: Callable[[str, Handler], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_house: House, _job: Job, _reins: Reins) -> Mapping[str, Any]:
        raise ValueError("My sister was ill")

    does(queue.PUSH, fail)
    job = queue.enqueue(house, queue.PUSH, study)
    with worker(house):
        over = ends(job.id)
    assert over.state == "failed"
    assert "ValueError" in str(over.message)
    assert "sister" not in str(over.message) + caplog.text


def test_progress_reaches_the_table_while_the_job_runs(
    house: House, study: str, ends: Callable[[int], Job], does: Callable[[str, Handler], None]
) -> None:
    seen = threading.Event()

    def slow(_house: House, _job: Job, reins: Reins) -> Mapping[str, Any]:
        for step in range(1000):
            reins.progress("folds", step, 1000)
        assert seen.wait(PATIENCE)
        return {"figure": 1}

    does(queue.PUSH, slow)
    job = queue.enqueue(house, queue.PUSH, study)
    with worker(house):
        while job_of(house, job.id).stage != "folds":
            threading.Event().wait(0.01)
        running = job_of(house, job.id)
        seen.set()
        over = ends(job.id)
    assert (running.state, running.total) == ("running", 1000)
    assert (over.state, over.result) == ("finished", {"figure": 1})


def test_a_running_job_stops_when_it_is_cancelled(
    house: House, study: str, ends: Callable[[int], Job], does: Callable[[str, Handler], None]
) -> None:
    running = threading.Event()

    def endless(_house: House, _job: Job, reins: Reins) -> Mapping[str, Any]:
        while True:
            running.set()
            reins.progress("waiting", 0, 1)
            threading.Event().wait(0.01)

    does(queue.PUSH, endless)
    job = queue.enqueue(house, queue.PUSH, study)
    with worker(house):
        assert running.wait(PATIENCE)
        with house.database.unit_of_work() as work:
            work.jobs.cancel(job.id)
            work.commit()
        assert ends(job.id).state == "cancelled"


@pytest.mark.parametrize(
    ("error", "logged"),
    [(KeyError("sister"), True), (Stopped(), False), (TrainingStopped("stopped"), False)],
)
def test_what_a_cancelled_job_stumbled_over_is_logged_unless_it_is_the_stop(
    house: House,
    study: str,
    does: Callable[[str, Handler], None],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    logged: bool,
) -> None:
    def stumbles(house: House, job: Job, reins: Reins) -> Mapping[str, Any]:
        with house.database.unit_of_work() as work:
            work.jobs.cancel(job.id)
            work.commit()
        while not reins.should_stop():
            threading.Event().wait(0.01)
        raise error

    does(queue.PUSH, stumbles)
    number = queue.enqueue(house, queue.PUSH, study).id
    run_job(house, number, "worker", threading.Event(), QUICK)
    assert job_of(house, number).state == "cancelled"
    told = [line for line in caplog.messages if f"job={number} failed: KeyError at " in line]
    assert len(told) == logged
    assert logged or "failed" not in caplog.text
    assert "sister" not in caplog.text


def test_a_job_goes_back_into_the_queue_when_its_worker_is_told_to_end(
    house: House, study: str, ends: Callable[[int], Job], does: Callable[[str, Handler], None]
) -> None:
    running = threading.Event()
    patient = threading.Event()

    def long(_house: House, _job: Job, reins: Reins) -> Mapping[str, Any]:
        while not patient.is_set():
            running.set()
            if reins.should_stop():
                raise StateError("stopped")
            threading.Event().wait(0.01)
        return {}

    does(queue.PUSH, long)
    job = queue.enqueue(house, queue.PUSH, study)
    with worker(house):
        assert running.wait(PATIENCE)
    waiting = job_of(house, job.id)
    assert (waiting.state, waiting.attempts) == ("queued", 0)
    patient.set()
    with worker(house):
        assert ends(job.id).state == "finished"


def test_decisions_are_fetched_while_a_model_trains(
    house: House, study: str, ends: Callable[[int], Job], does: Callable[[str, Handler], None]
) -> None:
    fetched = threading.Event()

    def train(_house: House, _job: Job, _reins: Reins) -> Mapping[str, Any]:
        assert fetched.wait(PATIENCE)
        return {}

    def sync(_house: House, _job: Job, _reins: Reins) -> Mapping[str, Any]:
        fetched.set()
        return {}

    does(queue.TRAIN, train)
    does(queue.SYNC_ANNOTATIONS, sync)
    training = queue.enqueue(house, queue.TRAIN, study)
    hint = queue.enqueue(house, queue.SYNC_ANNOTATIONS, study, {"annotation_ids": [1]})
    with worker(house):
        assert ends(training.id).state == "finished"
        assert ends(hint.id).state == "finished"


def test_a_job_whose_message_was_lost_is_done_all_the_same(
    house: House, study: str, ends: Callable[[int], Job], does: Callable[[str, Handler], None]
) -> None:
    does(queue.PUSH, lambda _house, _job, _reins: {})
    with house.database.unit_of_work() as work:
        job = work.jobs.create(queue.PUSH, study)
        work.commit()
    with worker(house):
        assert ends(job.id).state == "finished"


def test_a_worker_without_its_database_asks_less_and_less_often(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    away = replace(house, database=Database("postgresql://127.0.0.1:1/study"))
    with worker(away, replace(QUICK, longest=0.4)):
        threading.Event().wait(1.5)
    quick = [line for line in caplog.messages if line.startswith("lane=quick failed: ")]
    # At the idle pace alone there would be up to 75.
    assert 3 <= len(quick) <= 10
    fields = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert {line["lane"] for line in fields if "lane" in line} == {"quick", "slow"}


def test_a_job_of_a_dead_worker_runs_again_and_is_given_up_after_three_deaths(
    house: House, study: str
) -> None:
    dead = Pace(stale=-1, attempts=3)
    number = queue.enqueue(house, queue.TRAIN, study).id
    for death in (1, 2, 3):
        with house.database.unit_of_work() as work:
            assert work.jobs.claim(number, f"worker {death}") is not None
            work.commit()
        look_after(house, dead)
        assert job_of(house, number).state == ("queued" if death < 3 else "failed")
    assert "died 3 times" in str(job_of(house, number).message)


def test_the_patrol_forgets_quick_jobs_that_ended_weeks_ago_and_no_training(
    house: House,
    study: str,
    does: Callable[[str, Handler], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for kind in (queue.TRAIN, queue.SYNC_ANNOTATIONS):
        does(kind, lambda _house, _job, _reins: {})
    numbers: dict[str, list[int]] = {queue.TRAIN: [], queue.SYNC_ANNOTATIONS: []}
    for kind in 2 * (queue.TRAIN, queue.SYNC_ANNOTATIONS):
        numbers[kind].append(queue.enqueue(house, kind, study).id)
        run_job(house, numbers[kind][-1], "worker", threading.Event(), QUICK)

    def left() -> set[int]:
        look_after(house, QUICK)
        with house.database.reading() as work:
            return {job.id for job in work.jobs.list(study)}

    everything = {*numbers[queue.TRAIN], *numbers[queue.SYNC_ANNOTATIONS]}
    assert left() == everything
    weeks = timedelta(days=15)
    monkeypatch.setattr(stored_jobs, "now", lambda: now() + weeks)
    assert left() == everything - {numbers[queue.SYNC_ANNOTATIONS][0]}


def test_a_message_that_comes_twice_does_the_work_once(
    house: House, study: str, does: Callable[[str, Handler], None]
) -> None:
    done: list[int] = []

    def note(_house: House, job: Job, _reins: Reins) -> Mapping[str, Any]:
        done.append(job.id)
        return {}

    does(queue.PUSH, note)
    number = queue.enqueue(house, queue.PUSH, study).id
    for _ in range(3):
        run_job(house, number, "worker", threading.Event(), QUICK)
    assert done == [number]


def test_a_worker_that_was_believed_dead_does_not_overwrite_its_follower(
    house: House, study: str, does: Callable[[str, Handler], None]
) -> None:
    def taken_over(house: House, job: Job, reins: Reins) -> Mapping[str, Any]:
        with house.database.unit_of_work() as work:
            # Its heartbeat stopped; another worker has the job now.
            work.jobs.give_back(job.id, "slow")
            assert work.jobs.claim(job.id, "quick") is not None
            work.commit()
        for _ in range(PATIENCE * 50):
            if reins.should_stop():
                return {"by": "slow"}
            threading.Event().wait(0.02)
        raise AssertionError("the worker was not told that it lost the job")

    does(queue.PUSH, taken_over)
    number = queue.enqueue(house, queue.PUSH, study).id
    run_job(house, number, "slow", threading.Event(), QUICK)
    job = job_of(house, number)
    assert (job.state, job.worker, job.result) == ("running", "quick", None)

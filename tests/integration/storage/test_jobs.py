import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from annotations.errors import NotFound
from service.storage.records import Job
from service.storage.session import Database

MINUTE = timedelta(minutes=1)


def create(database: Database, kind: str = "train", **payload: object) -> Job:
    with database.unit_of_work() as work:
        job = work.jobs.create(kind, "trusts", payload)
        work.commit()
    return job


def claim(database: Database, number: int, worker: str = "w1") -> Job | None:
    with database.unit_of_work() as work:
        job = work.jobs.claim(number, worker)
        work.commit()
    return job


def end(database: Database, kind: str) -> int:
    """The number of a job that was done."""
    job = create(database, kind)
    claim(database, job.id)
    with database.unit_of_work() as work:
        work.jobs.finish(job.id, "w1")
        work.commit()
    return job.id


def get(database: Database, number: int) -> Job:
    with database.reading() as work:
        return work.jobs.get(number)


@pytest.fixture
def silence(database: Database) -> Callable[[int], None]:
    """Make the worker of a job fall silent an hour ago."""

    def fall_silent(number: int) -> None:
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        moment = hour_ago.replace(tzinfo=None) if database.is_sqlite else hour_ago
        with database.engine.begin() as connection:
            connection.execute(
                text("UPDATE jobs SET heartbeat_at = :moment WHERE id = :number"),
                {"moment": str(moment), "number": number},
            )

    return fall_silent


def test_a_burst_becomes_one_job(database: Database, study: str) -> None:
    numbers = {create(database, "sync", annotation_ids=[n % 3], last=n).id for n in range(9)}
    assert len(numbers) == 1
    assert get(database, numbers.pop()).payload == {"annotation_ids": [0, 1, 2], "last": 8}


def test_a_running_job_takes_nothing_in(database: Database, study: str) -> None:
    first = create(database)
    claim(database, first.id)
    second = create(database)
    assert first.id != second.id
    assert create(database).id == second.id


def test_jobs_of_other_kinds_and_studies_stay_apart(database: Database, study: str) -> None:
    with database.unit_of_work() as work:
        work.studies.create("other")
        other = work.jobs.create("train", "other")
        work.commit()
    mine = create(database)
    sync = create(database, "sync")
    with database.reading() as work:
        assert [job.id for job in work.jobs.list(study)] == [sync.id, mine.id]
        assert [job.id for job in work.jobs.list()] == [sync.id, mine.id, other.id]
        assert work.jobs.list(study, states=["running"]) == ()
        assert len(work.jobs.list(study, states=["running", "queued"])) == 2
        with pytest.raises(NotFound, match="no study 'nowhere'"):
            work.jobs.list("nowhere")


def test_a_burst_from_many_threads_becomes_one_job(database: Database, study: str) -> None:
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.append(create(database).id)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 8
    assert len(set(numbers)) == 1


def test_two_workers_cannot_claim_the_same_job(database: Database, study: str) -> None:
    job = create(database)
    barrier = threading.Barrier(8)
    claims: list[Job | None] = []

    def work(worker: str) -> None:
        barrier.wait()
        claims.append(claim(database, job.id, worker))

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == 8
    (taken,) = [claimed for claimed in claims if claimed is not None]
    stored = get(database, job.id)
    assert (stored.worker, stored.state, stored.attempts) == (taken.worker, "running", 1)


def test_a_job_reports_progress_and_its_result(database: Database, study: str) -> None:
    job = create(database)
    claim(database, job.id)
    with database.unit_of_work() as work:
        told = work.jobs.heartbeat(job.id, "w1", stage="fold", done=2, total=5)
        assert told is not None
        assert not told.cancel_requested
        work.jobs.heartbeat(job.id, "w1")
        work.commit()
    running = get(database, job.id)
    assert (running.stage, running.done, running.total) == ("fold", 2, 5)
    assert not running.is_over
    with database.unit_of_work() as work:
        work.jobs.finish(job.id, "w1", {"model_version": "aaa"})
        work.commit()
    over = get(database, job.id)
    assert (over.state, over.result) == ("finished", {"model_version": "aaa"})
    assert over.is_over
    assert over.finished_at is not None


def test_a_failed_job_says_why(database: Database, study: str) -> None:
    job = create(database)
    claim(database, job.id)
    with database.unit_of_work() as work:
        work.jobs.fail(job.id, "w1", "no codings")
        work.commit()
    assert (get(database, job.id).state, get(database, job.id).message) == ("failed", "no codings")


def test_a_waiting_job_is_cancelled_at_once(database: Database, study: str) -> None:
    job = create(database)
    with database.unit_of_work() as work:
        assert work.jobs.cancel(job.id).state == "cancelled"
        work.commit()
    assert claim(database, job.id) is None
    assert create(database).id != job.id


def test_a_running_job_is_asked_to_stop_and_stops(database: Database, study: str) -> None:
    job = create(database)
    claim(database, job.id)
    with database.unit_of_work() as work:
        assert not work.jobs.get(job.id).cancel_requested
        assert work.jobs.cancel(job.id).state == "running"
        assert work.jobs.get(job.id).cancel_requested
        told = work.jobs.heartbeat(job.id, "w1")
        assert told is not None
        assert told.cancel_requested
        work.jobs.stopped(job.id, "w1")
        work.commit()
    assert get(database, job.id).state == "cancelled"


def test_cancelling_what_is_over_changes_nothing(database: Database, study: str) -> None:
    job = create(database)
    claim(database, job.id)
    with database.unit_of_work() as work:
        work.jobs.finish(job.id, "w1")
        assert work.jobs.cancel(job.id).state == "finished"
        assert not work.jobs.get(job.id).cancel_requested


def test_a_dead_workers_job_runs_again(
    database: Database, study: str, silence: Callable[[int], None]
) -> None:
    dead, alive = create(database), create(database, "sync")
    claim(database, dead.id)
    claim(database, alive.id, "w2")
    silence(dead.id)
    with database.unit_of_work() as work:
        recovered = work.jobs.recover_stale(MINUTE, max_attempts=3)
        work.commit()
    assert [job.id for job in recovered.queued] == [dead.id]
    assert recovered.failed == recovered.cancelled == ()
    assert get(database, alive.id).state == "running"
    again = claim(database, dead.id, "w3")
    assert again is not None
    assert again.attempts == 2


def test_a_worker_believed_dead_cannot_end_the_job_of_another(
    database: Database, study: str, silence: Callable[[int], None]
) -> None:
    job = create(database)
    claim(database, job.id, "w1")
    silence(job.id)
    with database.unit_of_work() as work:
        work.jobs.recover_stale(MINUTE, max_attempts=3)
        work.commit()
    claim(database, job.id, "w2")
    with database.unit_of_work() as work:
        assert work.jobs.heartbeat(job.id, "w1", stage="fold") is None
        assert work.jobs.finish(job.id, "w1") is None
        assert work.jobs.fail(job.id, "w1", "late") is None
        assert work.jobs.stopped(job.id, "w1") is None
        assert work.jobs.give_back(job.id, "w1") is None
        work.commit()
    stored = get(database, job.id)
    assert (stored.state, stored.worker, stored.stage) == ("running", "w2", "")


def test_a_job_that_kills_its_workers_is_given_up(
    database: Database, study: str, silence: Callable[[int], None]
) -> None:
    job = create(database)
    for _ in range(2):
        claim(database, job.id)
        silence(job.id)
        with database.unit_of_work() as work:
            recovered = work.jobs.recover_stale(MINUTE, max_attempts=2)
            work.commit()
    assert [item.id for item in recovered.failed] == [job.id]
    stored = get(database, job.id)
    assert stored.state == "failed"
    assert stored.message is not None
    assert "died 2 times" in stored.message


def test_a_dead_workers_job_that_was_to_stop_is_cancelled(
    database: Database, study: str, silence: Callable[[int], None]
) -> None:
    job = create(database)
    claim(database, job.id)
    silence(job.id)
    with database.unit_of_work() as work:
        work.jobs.cancel(job.id)
        recovered = work.jobs.recover_stale(MINUTE, max_attempts=3)
        work.commit()
    assert [item.id for item in recovered.cancelled] == [job.id]
    assert get(database, job.id).state == "cancelled"


def test_a_worker_that_ends_gives_its_job_back(database: Database, study: str) -> None:
    job = create(database)
    claim(database, job.id)
    with database.unit_of_work() as work:
        work.jobs.give_back(job.id, "w1")
        work.commit()
    stored = get(database, job.id)
    assert (stored.state, stored.worker, stored.attempts) == ("queued", None, 0)


def test_the_newest_jobs_are_had_without_the_others(database: Database, study: str) -> None:
    numbers = [create(database, kind).id for kind in ("train", "sync", "push", "follow")]
    with database.reading() as work:
        assert [job.id for job in work.jobs.list(study, limit=2)] == numbers[:1:-1]
        assert work.jobs.list(study, limit=0) == ()
        with pytest.raises(NotFound, match="no study 'nowhere'"):
            work.jobs.latest("nowhere", "train")


def test_the_latest_job_of_a_kind_is_its_study_s_own(database: Database, study: str) -> None:
    first = end(database, "train")
    second = end(database, "train")
    end(database, "sync")
    with database.unit_of_work() as work:
        work.studies.create("other")
        work.jobs.create("train", "other")
        latest = work.jobs.latest(study, "train")
        assert latest is not None
        assert (first, latest.id) == (second - 1, second)
        assert work.jobs.latest(study, "push") is None


def test_what_ended_long_ago_is_forgotten_but_the_last_of_each_kind(
    database: Database, study: str
) -> None:
    training = [end(database, "train") for _ in range(2)]
    syncs = [end(database, "sync") for _ in range(3)]
    pushes = [end(database, "push") for _ in range(2)]
    running = create(database, "sync").id
    claim(database, running)
    with database.unit_of_work() as work:
        assert work.jobs.prune(["sync", "push"], timedelta(days=1)) == 0
        assert work.jobs.prune(["sync", "push"], -MINUTE) == 4
        work.commit()
    with database.reading() as work:
        left = {job.id for job in work.jobs.list(study)}
    assert left == {*training, running, pushes[-1]}
    assert len(syncs) == 3


def test_an_unknown_job_is_not_found(database: Database) -> None:
    with database.reading() as work, pytest.raises(NotFound, match="no job 4711"):
        work.jobs.get(4711)

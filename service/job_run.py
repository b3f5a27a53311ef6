"""One job from claim to end, with a pulse that says that its worker lives."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from annotations.errors import SecondCoderError
from service import queue
from service.handlers import Reins, handle
from service.house import House
from service.logs import failure
from service.storage.jobs import Jobs
from service.storage.records import Job, Recovered
from training.options import TrainingStopped

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often things happen, in seconds.

    `pulse`: progress is written and cancellation read; `stale`: without a pulse for so long a
    worker counts as dead; `patrol`: dead workers' jobs and lost messages are looked for;
    `idle`: an empty lane is looked into; `longest`: the pause after failures grows up to this.
    A job is given up after `attempts`.
    """

    pulse: float = 1.0
    stale: float = 20.0
    patrol: float = 5.0
    idle: float = 0.5
    longest: float = 30.0
    attempts: int = 3


DEFAULT_PACE = Pace()

_REMEMBERED = timedelta(days=14)


class Stopped(Exception):
    """The job was asked to stop, and did at the next safe place."""


class Pulse:
    """A thread beside a running job: writes its heartbeat and progress, reads cancellation.

    The job itself writes nothing, so progress costs it nothing however often it reports.
    """

    def __init__(
        self,
        house: House,
        job: Job,
        worker: str,
        ending: threading.Event,
        pace: Pace,
        alive: Callable[[], None],
    ) -> None:
        self._house, self._job, self._worker, self._pace = house, job, worker, pace
        self._ending, self._alive = ending, alive
        self._over = threading.Event()
        self._latest: tuple[str, int, int] = (job.stage, job.done, job.total)
        self._thread = threading.Thread(target=self._beat, name=f"pulse-{job.id}", daemon=True)
        self.cancelled = threading.Event()
        self.lost = threading.Event()

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def should_stop(self) -> bool:
        """Whether the job was cancelled, its worker is ending, or another worker has it."""
        return self.cancelled.is_set() or self._ending.is_set() or self.lost.is_set()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Note how far the job is; a safe place to stop at."""
        self._latest = (stage, done, total)
        if self.should_stop():
            raise Stopped

    def _beat(self) -> None:
        while not self._over.is_set():
            try:
                self._write()
            except Exception as error:  # noqa: BLE001 - the next beat may get through
                log.error("job=%d no heartbeat: %s", self._job.id, failure(error))
            self._over.wait(self._pace.pulse)

    def _write(self) -> None:
        stage, done, total = self._latest
        with self._house.database.unit_of_work() as work:
            mine = work.jobs.heartbeat(
                self._job.id, self._worker, stage=stage, done=done, total=total
            )
            work.commit()
        self._alive()
        if mine is None:
            self.lost.set()
        elif mine.cancel_requested:
            self.cancelled.set()


def run_job(
    house: House,
    number: int,
    worker: str,
    ending: threading.Event,
    pace: Pace = DEFAULT_PACE,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Claim a job and do it; whatever happens, the table says how it ended.

    A job that is already claimed, over or gone is passed over: messages may come twice. `alive`
    is called with each heartbeat that reached the table.
    """
    with house.database.unit_of_work() as work:
        job = work.jobs.claim(number, worker, lanes=[queue.kinds_of(name) for name in queue.LANES])
        work.commit()
    if job is None:
        return
    log.info("job=%d kind=%s attempt=%d started", job.id, job.kind, job.attempts)
    with Pulse(house, job, worker, ending, pace, alive) as pulse:
        end = _attempt(house, job, pulse)
    with house.database.unit_of_work() as work:
        ended = end.write(work.jobs, job.id, worker)
        work.commit()
    if ended is None:
        log.warning("job=%d was taken over by another worker", job.id)
    else:
        log.info("job=%d kind=%s %s", job.id, job.kind, end.word)


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """How an attempt ended, for the log and for the table."""

    word: str
    write: Callable[[Jobs, int, str], Job | None]


def _attempt(house: House, job: Job, pulse: Pulse) -> _End:
    try:
        result = handle(house, job, Reins(progress=pulse.progress, should_stop=pulse.should_stop))
    except Exception as error:  # noqa: BLE001 - whatever it was, the table must say so
        stops = pulse.should_stop()
        if not (stops and isinstance(error, Stopped | TrainingStopped)):
            log.warning("job=%d failed: %s", job.id, failure(error))
        if pulse.cancelled.is_set():
            return _End(word="cancelled", write=lambda jobs, *mine: jobs.stopped(*mine))
        if stops:
            return _End(word="given back", write=lambda jobs, *mine: jobs.give_back(*mine))
        if isinstance(error, SecondCoderError):
            message = str(error)
        else:
            message = (
                f"An unexpected {type(error).__name__}; the worker's log says where, under "
                f"job={job.id}."
            )
        return _End(word="failed", write=lambda jobs, *mine: jobs.fail(*mine, message))
    return _End(word="finished", write=lambda jobs, *mine: jobs.finish(*mine, result))


def look_after(house: House, pace: Pace = DEFAULT_PACE) -> Recovered:
    """Recover the jobs of dead workers, and send word again of jobs that wait too long.

    Quick jobs that ended weeks ago are forgotten: every decision of a coder asks for one.

    The message of a job may be lost, when a process dies between writing the job down and
    sending it, or between taking the message and claiming the job.
    """
    with house.database.unit_of_work() as work:
        recovered = work.jobs.recover_stale(
            timedelta(seconds=pace.stale), max_attempts=pace.attempts
        )
        work.jobs.prune(queue.kinds_of(queue.QUICK), _REMEMBERED)
        work.commit()
        waiting = work.jobs.list(states=("queued",))
    for job in (*recovered.queued, *recovered.failed, *recovered.cancelled):
        log.warning("job=%d kind=%s lost its worker: now %s", job.id, job.kind, job.state)
    queue.wake_all(house, waiting)
    return recovered

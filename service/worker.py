"""The worker: takes jobs from the queue, says how far they are, and survives its own death.

`work` is what `second-coder worker` runs. `serve --with-worker` runs this module as a process
of its own, so that training never takes the interpreter from a coder's request; it ends with
the process that started it, because then its standard input is closed.
"""

import argparse
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from service import logs, queue
from service.house import House, open_house
from service.job_run import DEFAULT_PACE, Pace, look_after, run_job
from service.logs import failure
from service.settings import read_settings
from service.sign_of_life import SignOfLife

# By name, since as a process of its own this module is called __main__.
log = logging.getLogger("service.worker")

GRACE = 20.0
"""Seconds that running jobs have to stop at a safe place when the worker is told to end."""


def work(house: House) -> None:
    """Handle jobs until SIGTERM or SIGINT; a job that is cut short goes back into the queue."""
    logs.configure(house.settings.log_level, house.settings.log_format)
    stop = threading.Event()
    with stopped_by_signals(stop):
        run_worker(house, stop)


def run_worker(house: House, stop: threading.Event, pace: Pace = DEFAULT_PACE) -> None:
    """Handle jobs until `stop` is set.

    Each lane of the queue has a thread, so that decisions arrive while a model trains. The
    calling thread looks after jobs whose worker died and messages that were lost.
    """
    worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    log.info("worker=%s started", worker)
    lanes = [queue.open_lane(house, name) for name in queue.LANES]
    with SignOfLife(house.home, worker, ("patrol", *queue.LANES)) as life:

        def serve(lane: queue.Lane) -> None:
            _serve(house, lane, worker, stop, pace, life.sign(lane.name))

        threads = [
            threading.Thread(target=serve, args=(lane,), name=f"lane-{lane.name}") for lane in lanes
        ]
        for thread in threads:
            # A job that does not come to a safe place in time must not keep the process alive.
            thread.daemon = True
            thread.start()
        _patrol(house, stop, pace, life.sign("patrol"))
        for thread in threads:
            thread.join(GRACE)
    log.info("worker=%s ended", worker)


def _patrol(house: House, stop: threading.Event, pace: Pace, alive: Callable[[], None]) -> None:
    """Look after the jobs; after failures it waits longer each time."""
    pause = pace.patrol
    while not stop.is_set():
        try:
            look_after(house, pace)
            alive()
            pause = pace.patrol
        except Exception as error:  # noqa: BLE001 - the database may be back in a moment
            log.error("cannot look after the jobs: %s", failure(error))
            pause = min(2 * pause, pace.longest)
        stop.wait(pause)


def _serve(
    house: House,
    lane: queue.Lane,
    worker: str,
    stop: threading.Event,
    pace: Pace,
    alive: Callable[[], None],
) -> None:
    """Take one job after the other from a lane; after failures it waits longer each time."""
    pause = pace.idle
    while not stop.is_set():
        try:
            number = lane.take()
            alive()
            if number is not None:
                run_job(house, number, worker, stop, pace, alive)
            pause = pace.idle
            if number is not None:
                continue
        except Exception as error:  # noqa: BLE001 - a lane that ends would be silent for ever
            log.error("lane=%s failed: %s", lane.name, failure(error))
            pause = min(2 * pause, pace.longest)
        stop.wait(pause)
    lane.close()


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Set `stop` on SIGTERM and SIGINT; a second SIGINT interrupts at once."""

    def handle(signum: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signum, signal.default_int_handler)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as the worker of the process that holds our standard input, and end with it."""
    parser = argparse.ArgumentParser(description="The job worker of `serve --with-worker`.")
    parser.add_argument("--home", type=Path, required=True)
    house = open_house(read_settings(home=parser.parse_args(arguments).home))
    logs.configure(house.settings.log_level, house.settings.log_format)
    stop = threading.Event()
    threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()
    # Ctrl-C in a terminal reaches the parent too, which then closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run_worker(house, stop)
    house.database.close()


def _end_with_parent(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()
    # A job that ignores the request is recovered by the next worker.
    if not threading.Event().wait(2 * GRACE):
        os._exit(1)


if __name__ == "__main__":
    main()

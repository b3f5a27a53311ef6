"""Keeps a worker process beside the service: starts it again when it dies, ends it in time."""

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

log = logging.getLogger(__name__)

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
PATIENCE = 30.0
"""Seconds that the worker has to bring its jobs to a safe place."""


class Supervisor:
    """A worker process for as long as the `with` block runs.

    The worker reads from a pipe that only this process holds: however this process ends, the
    pipe closes and the worker ends too.
    """

    def __init__(self, home: Path) -> None:
        # -P: a folder named models where the service happens to be started is not ours.
        self._command = [sys.executable, "-P", "-m", "service.worker", "--home", str(home)]
        self._ending = threading.Event()
        self._guard = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def __enter__(self) -> "Supervisor":
        self._start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._ending.set()
            worker = self._worker
        if worker is None:
            return
        if worker.stdin is not None:
            worker.stdin.close()
        try:
            worker.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            log.warning("the worker did not end in %d s and is killed", PATIENCE)
            worker.kill()
        self._thread.join()

    @property
    def pid(self) -> int | None:
        """The process id of the worker that runs now."""
        with self._guard:
            return self._worker.pid if self._worker else None

    def _start(self) -> None:
        with self._guard:
            if not self._ending.is_set():
                self._worker = subprocess.Popen(  # noqa: S603 - our own module
                    self._command, stdin=subprocess.PIPE
                )

    def _supervise(self) -> None:
        wait = FIRST_WAIT
        while not self._ending.is_set():
            worker = self._worker
            if worker is None:
                return
            started = time.monotonic()
            code = worker.wait()
            if time.monotonic() - started > LONGEST_WAIT:
                wait = FIRST_WAIT
            if worker.stdin is not None:
                worker.stdin.close()
            if self._ending.wait(0):
                return
            log.error("the worker ended with %d; another one starts in %.0f s", code, wait)
            if self._ending.wait(wait):
                return
            wait = min(2 * wait, LONGEST_WAIT)
            self._start()

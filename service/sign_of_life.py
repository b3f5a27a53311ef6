"""A worker's sign of life: a file in the home, which a health check reads without the database."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from annotations.errors import StateError, command

_FOLDER = "workers"


class SignOfLife:
    """A file that is locked while its worker lives, and as old as the worker's most silent part.

    `worker` begins with the name of this machine and a colon. A part says with `sign` that it
    did something; one that hangs ages the file, whatever the others do.
    """

    def __init__(self, home: Path, worker: str, parts: Iterable[str]) -> None:
        folder = home / _FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in _files(home, worker.partition(":")[0]):
            if not _is_held(left):
                left.unlink(missing_ok=True)
        draft = folder / f".{worker}"
        self._file = draft.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Nobody finds it before it is locked and takes it for one of the dead.
        self._place = draft.rename(folder / worker)
        self._guard = threading.Lock()
        self._last = dict.fromkeys(parts, time.time())

    def __enter__(self) -> "SignOfLife":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._place.unlink(missing_ok=True)
        with self._guard:
            self._file.close()

    def sign(self, part: str) -> Callable[[], None]:
        """What this part of the worker calls whenever it did something."""

        def give() -> None:
            with self._guard:
                self._last[part] = time.time()
                oldest = min(self._last.values())
                if not self._file.closed:
                    os.utime(self._file.fileno(), (oldest, oldest))

        return give


def check_workers(home: Path, machine: str, seconds: float) -> None:
    """Raise StateError where no worker of this machine lives, or one was silent for longer."""
    silences = []
    for file in _files(home, machine):
        # A worker that ends meanwhile takes its file away.
        with suppress(FileNotFoundError):
            if _is_held(file):
                silences.append(time.time() - file.stat().st_mtime)
    if not silences:
        raise StateError(
            f"No worker of this machine runs on {home}. Start one with {command('worker')}."
        )
    silent = max(silences)
    if silent > seconds:
        raise StateError(
            f"A worker has given no sign of life for {silent:.0f} seconds: it hangs, or does not "
            "reach the database. Its log says more; start it again if it does not recover."
        )


def _files(home: Path, machine: str) -> list[Path]:
    found = (home / _FOLDER).glob("*")
    return [file for file in found if file.name.startswith(f"{machine}:")]


def _is_held(place: Path) -> bool:
    """Whether the process that made the file lives; the lock ends with it, however it ends."""
    try:
        with place.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False

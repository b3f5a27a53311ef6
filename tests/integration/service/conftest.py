"""The service as it is run: processes of its own, on a home with the sample study."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from annotations.study import Material
from service.house import House, open_house
from service.settings import read_settings
from service.workflows.importing import import_paths

SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "middle_managers"
PATIENCE = 60


class Running:
    """A process of ours, and the lines that it wrote to standard error."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.lines: list[str] = []
        self._silent = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.decode())
                self._news.notify_all()
        with self._news:
            self._silent = True
            self._news.notify_all()

    def wait_for(self, words: str, *, times: int = 1) -> list[str]:
        """The lines with these words, once there are so many."""

        def found() -> list[str]:
            return [line for line in self.lines if words in line]

        with self._news:
            self._news.wait_for(lambda: self._silent or len(found()) >= times, PATIENCE)
            assert len(found()) >= times, self.lines
            return found()

    def end(self, number: int) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """Leave nothing behind."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join(PATIENCE)
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        self.process.stderr.close()


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    """A house with the sample study in it."""
    house = open_house(read_settings(home=home, api_token="api"))
    import_paths(house, "managers", [SAMPLE])
    yield house
    house.database.close()


@pytest.fixture(scope="session")
def cut() -> Callable[[House], str]:
    """Makes a study of the sample's ten transcripts with the most coders: quick to train on."""

    def make(house: House) -> str:
        with house.database.unit_of_work() as work:
            whole = work.studies.load("managers")
            readers: dict[str, set[str]] = {}
            for reading in whole.human_readings:
                readers.setdefault(reading.transcript, set()).add(reading.coder)
            coded = sorted(readers, key=lambda name: (-len(readers[name]), name))[:10]
            work.studies.create("few")
            work.studies.add(
                "few",
                Material(
                    transcripts=tuple(item for item in whole.transcripts if item.name in coded),
                    codings=tuple(item for item in whole.codings if item.transcript in coded),
                    readings=tuple(item for item in whole.readings if item.transcript in coded),
                    codebook=whole.codebook,
                ),
            )
            work.commit()
        return "few"

    return make


@pytest.fixture
def few(house: House, cut: Callable[[House], str]) -> str:
    """Such a study in the house."""
    return cut(house)


@pytest.fixture
def run() -> Iterator[Callable[..., Running]]:
    """Starts the command line, or a module, as a process; all of them end with the test."""
    started: list[Running] = []
    second_coder = str(Path(sys.executable).with_name("second-coder"))

    def start(*arguments: object, module: str | None = None) -> Running:
        program = [sys.executable, "-P", "-m", module] if module else [second_coder]
        running = Running([*program, *map(str, arguments)])
        started.append(running)
        return running

    yield start
    for running in started:
        running.close()


@pytest.fixture
def port() -> int:
    """A port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def serving(house: House, port: int, run: Callable[..., Running]) -> Running:
    """The service with its worker, once it answers."""
    running = run("serve", "--home", house.home, "--port", port, "--with-worker")
    running.wait_for("listening on")
    for _ in range(PATIENCE * 20):
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/health").is_success:
                return running
        threading.Event().wait(0.05)
    raise AssertionError(f"the service does not answer: {running.lines}")


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Waits until a process is gone, as one that is nobody's child any more is not waited for."""

    def look(pid: int) -> bool:
        for _ in range(PATIENCE * 20):
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except FileNotFoundError:
                return True
            if state == "Z":
                return True
            threading.Event().wait(0.05)
        return False

    return look

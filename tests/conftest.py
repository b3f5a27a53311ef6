"""Fixtures shared by all tests."""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from filelock import FileLock

from annotations.errors import SettingsError
from service.label_studio.server import LocalLabelStudio, find_executable, free_port

LABEL_STUDIO_TOKEN = "0123456789abcdef0123456789abcdef01234567"
LABEL_STUDIO_PASSWORD = "Only-for-tests-1"

pytest_plugins = ["study_databases"]


# Tryfirst: pytest-xdist reads the groups in this same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, and all that need Label Studio in one other."""
    for item in items:
        needs = getattr(item, "fixturenames", ())
        kind = getattr(item, "callspec", None) and item.callspec.params.get("database_kind")
        group = (
            "label_studio"
            if "label_studio_executable" in needs
            else f"{item.location[0]} {kind or ''}"
        )
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real studies that are not part of the project; tests on them are skipped without."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the development data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def absent() -> Callable[[str], NoReturn]:
    """Say that a program is missing: skips the test, and fails it where CI=true."""

    def say(message: str) -> NoReturn:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        pytest.skip(message)

    return say


@pytest.fixture(scope="session")
def label_studio_executable(absent: Callable[[str], NoReturn]) -> Path:
    """The real label-studio command; tests that need it are skipped without."""
    try:
        return find_executable()
    except SettingsError as error:
        absent(str(error))


@pytest.fixture(scope="session")
def new_label_studio(
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
    label_studio_executable: Path,
) -> Callable[..., LocalLabelStudio]:
    """Makes a Label Studio that is ready to be started, with the environment given.

    The first start makes its database, which takes most of a minute, so an untouched one is
    kept for later runs.
    """
    prefix = label_studio_executable.resolve().parents[1]
    release = next(prefix.glob("lib/*/*/label_studio-*.dist-info"), None)

    def make(**environment: str) -> LocalLabelStudio:
        return LocalLabelStudio(
            data=tmp_path_factory.mktemp("label-studio"),
            email="coder@example.org",
            password=LABEL_STUDIO_PASSWORD,
            token=LABEL_STUDIO_TOKEN,
            environment=environment,
        )

    def ready(**environment: str) -> LocalLabelStudio:
        server = make(**environment)
        if release is not None and pytestconfig.cache is not None:
            kept = pytestconfig.cache.mkdir(release.stem) / "data"
            with FileLock(kept.with_suffix(".lock")):
                if not kept.exists():
                    fresh = make()
                    with fresh:
                        pass
                    shutil.copytree(fresh.data, kept.with_suffix(".new"), dirs_exist_ok=True)
                    kept.with_suffix(".new").rename(kept)
            shutil.copytree(kept, server.data, dirs_exist_ok=True)
        return server

    return ready


@pytest.fixture(scope="session")
def label_studio(new_label_studio: Callable[..., LocalLabelStudio]) -> Iterator[LocalLabelStudio]:
    """A real Label Studio, the same for all tests of a run."""
    with new_label_studio() as server:
        yield server


def _eventually(happened: Callable[[], object], what: str = "it did not happen") -> None:
    # The time given is for a machine under load; nobody waits longer than it takes.
    pause = threading.Event()
    for _ in range(600):
        if happened():
            return
        pause.wait(0.1)
    assert happened(), f"{what} in a minute"


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Wait for something that happens in another process."""
    return _eventually


@dataclass
class SecondCoder:
    """The installed command on a home of its own, and its service with a worker."""

    home: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def _command(self) -> str:
        return str(Path(sys.executable).parent / "second-coder")

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **{name: text for name, text in os.environ.items() if "SECOND_CODER" not in name},
            "SECOND_CODER_HOME": str(self.home),
            "SECOND_CODER_RETRAIN_AFTER": "0",
            "HF_HUB_OFFLINE": "1",
            **self.environment,
        }

    def run(self, *arguments: object) -> Any:
        """Run a command that succeeds; its JSON document."""
        done = subprocess.run(
            [self._command, *map(str, arguments), "--json"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self) -> None:
        """Start the service with its worker, and wait until it answers."""
        self.home.mkdir(exist_ok=True)
        with (self.home / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._command, "serve", "--with-worker", "--port", str(self.port)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _eventually(self._answers, "the service did not start")

    def stop(self) -> None:
        """Stop the service and its worker."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=60)
            self.process = None

    def get(self, path: str) -> Any:
        """A document of the service's own interface."""
        token = (self.home / "token").read_text().strip()
        answer = httpx.get(
            f"{self.url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, timeout=60
        )
        return answer.raise_for_status().json()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "service.log").read_text()[-2000:]
        try:
            return httpx.get(f"{self.url}/health").is_success
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="session")
def trained_home(
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
    database_kind: str,
    request: pytest.FixtureRequest,
) -> Path:
    """A home in which the sample study, called `managers`, was imported and trained.

    It is made once a run, by whichever process of the tests needs it first. Its studies are in
    its file, or in the database `trained`.
    """
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / f"trained-home-{database_kind}"
    with FileLock(home.with_suffix(".lock")):
        environment = {}
        if database_kind == "postgresql":
            postgres = request.getfixturevalue("postgres")
            environment["SECOND_CODER_DATABASE_URL"] = postgres.address(postgres.trained)
            # Where no process had the server for a while, the database went with it.
            if postgres.trained not in postgres.execute("SELECT datname FROM pg_database"):
                postgres.execute(f"CREATE DATABASE {postgres.trained}")
                shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            building = SecondCoder(
                home=tmp_path_factory.mktemp("trained") / "home", environment=environment
            )
            building.home.mkdir()
            sample = Path(__file__).resolve().parents[1] / "examples" / "middle_managers"
            building.run("import", "managers", sample)
            building.run("train", "managers")
            building.home.rename(home)
    return home


@pytest.fixture(scope="module")
def second_coder(
    on_database: Callable[..., AbstractContextManager[str | None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SecondCoder]:
    """The running service on a copy of the trained home, for the tests of one module."""
    home = tmp_path_factory.mktemp("second-coder") / "home"
    with on_database(home, trained=True) as url:
        environment = {"SECOND_CODER_DATABASE_URL": url} if url else {}
        running = SecondCoder(home=home, environment=environment)
        running.start()
        yield running
        running.stop()


@pytest.fixture(scope="session")
def emoji_interview() -> str:
    """Words close to what the sample study's coders coded, so that the model has something to say.

    Python and JavaScript count its characters differently, also before a suggested span.
    """
    return (
        "Interviewer: How has the winter been? 🙂\n"
        "P90: There is a readiness checklist 📋 with 84 lines and I report on it every Thursday, "
        "green or not green.\n"
        "P90: 😀 We were asked for four per cent in savings last year, found two and a half, and "
        "were congratulated on four. This year it is five.\n"
        "P90: Naïve 🚌 me. I go to the cardiologists and I talk about theatre sessions, never "
        "pounds. Then I come back upstairs and put the sessions into pounds.\n"
        "P90: 🙂 Well, Zoë said it at the time, and I laughed, and then I went home and thought "
        "about it for a week, because she is not often wrong about me and she knows it. The trust "
        "sent me on its Aspiring Leaders 🎓 programme, two days a month for a year, with a mentor "
        "from the blood service, and a certificate at the end of it.\n"
        "P90: So it goes, 😢 and they never rang 🚌 back, naïve me.\n"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """Sixty fictional interviews more, put together from turns of the sample study."""

    turns: dict[str, list[dict[str, str]]]
    codings: list[dict[str, str]]
    uncoded: Counter[str]

    def write(self, folder: Path) -> None:
        """The transcripts with their attributes, as a study gets them."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = [
            {**turn, "transcript": name, "turn": str(at)}
            for name, turns in self.turns.items()
            for at, turn in enumerate(turns)
        ]
        _write_csv(folder / "transcripts.csv", ("transcript", "turn", "speaker", "text"), rows)
        trusts = ("Acute", "Care", "Specialist")
        _write_csv(
            folder / "attributes.csv",
            ("transcript", "trust"),
            [{"transcript": name, "trust": trusts[at % 3]} for at, name in enumerate(self.turns)],
        )

    def write_codings(self, folder: Path, transcripts: set[str]) -> None:
        """What a person coded in some of them; in those of the sample study, nothing."""
        folder.mkdir(parents=True, exist_ok=True)
        columns = ("transcript", "turn", "start", "end", "code", "coder", "coded_at")
        rows = [
            {"transcript": name, "turn": str(at), "coder": "asha"}
            for name in sorted(transcripts - self.turns.keys())
            for at in range(self.uncoded[name])
        ]
        rows += [row for row in self.codings if row["transcript"] in transcripts]
        _write_csv(folder / "codings.csv", columns, rows)


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def extension() -> Extension:
    """The sample study, extended; everything in it is coded as asha coded it."""
    sample = Path(__file__).resolve().parents[1] / "examples" / "middle_managers"
    with (sample / "transcripts.csv").open(encoding="utf-8", newline="") as file:
        texts = {(row["transcript"], row["turn"]): row for row in csv.DictReader(file)}
    by_turn: dict[tuple[str, str], list[dict[str, str]]] = {}
    with (sample / "codings.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["coder"] == "asha":
                by_turn.setdefault((row["transcript"], row["turn"]), []).append(row)
    pool = sorted(by_turn)
    draw = random.Random(4)
    turns, codings = {}, []
    for number in range(60):
        name = f"W3-{number:02}"
        taken = draw.sample(pool, 10)
        turns[name] = [texts[place] for place in taken]
        codings += [
            {**row, "transcript": name, "turn": str(at)}
            for at, place in enumerate(taken)
            for row in by_turn[place]
        ]
    uncoded = Counter(transcript for transcript, _ in texts)
    return Extension(turns=turns, codings=codings, uncoded=uncoded)


@pytest.fixture(scope="session")
def chromium(absent: Callable[[str], NoReturn]) -> str:
    """The system's Chromium; tests that need it are skipped without."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    return found or absent("there is no Chromium on the search path: install it")

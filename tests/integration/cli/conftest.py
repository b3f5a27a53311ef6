"""The command line as a user runs it, in this process for speed."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.cli import main


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def sample() -> Path:
    """The fictional sample study."""
    return Path(__file__).resolve().parents[3] / "examples" / "middle_managers"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `second-coder ARGS...` in a home of its own."""
    monkeypatch.setenv("SECOND_CODER_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "200")
    # The command sets its process's, which here is that of all tests.
    monkeypatch.setattr("os.umask", lambda _mask: 0)

    def run_(*args: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["second-coder", *map(str, args)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(code=code, out=captured.out, err=captured.err)

    return run_


@pytest.fixture
def run_trained(
    run: Run, home: Path, on_database: Callable[..., AbstractContextManager[str | None]]
) -> Iterator[Run]:
    """The same, in a home where `managers` is imported and trained."""
    with on_database(home, trained=True):
        yield run


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write files into a folder and return it."""

    def folder_(**files: str | bytes) -> Path:
        place = tmp_path / "files"
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (place / f"{name}.csv").write_bytes(data)
        return place

    return folder_

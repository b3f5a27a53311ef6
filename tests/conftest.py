"""Fixtures shared by all tests."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from annotations.errors import SettingsError
from service.label_studio.server import LocalLabelStudio, find_executable

LABEL_STUDIO_TOKEN = "0123456789abcdef0123456789abcdef01234567"
LABEL_STUDIO_PASSWORD = "Only-for-tests-1"


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
def new_label_studio(
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
    absent: Callable[[str], NoReturn],
) -> Callable[..., LocalLabelStudio]:
    """Makes a Label Studio that is ready to be started, with the environment given.

    The first start makes its database, which takes most of a minute, so an untouched one is
    kept for later runs.
    """
    try:
        executable = find_executable()
    except SettingsError as error:
        absent(str(error))
    release = next(executable.resolve().parents[1].glob("lib/*/*/label_studio-*.dist-info"), None)

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

"""Promises about the local Label Studio that the demo and the tests run."""

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from annotations.errors import ExternalError, SettingsError
from service.label_studio.server import LocalLabelStudio, find_executable, free_port

pytestmark = pytest.mark.integration


def test_stopping_it_leaves_nothing_running(
    new_label_studio: Callable[..., LocalLabelStudio],
) -> None:
    server = new_label_studio()
    server.start()
    assert server._process is not None
    group = server._process.pid
    assert os.getpgid(group) == group != os.getpgid(0)
    server.stop()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert free_port(server.port) == server.port
    server.stop()


def test_an_error_while_it_runs_stops_it_too(
    new_label_studio: Callable[..., LocalLabelStudio],
) -> None:
    server = new_label_studio()
    with pytest.raises(KeyboardInterrupt), server:
        raise KeyboardInterrupt
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/health")


def test_its_secrets_are_not_on_the_command_line(label_studio: LocalLabelStudio) -> None:
    assert label_studio._process is not None
    place = Path(f"/proc/{label_studio._process.pid}/cmdline")
    if not place.exists():
        pytest.skip("command lines are read from /proc")
    line = place.read_text()
    assert "label-studio" in line
    assert label_studio.token not in line
    assert label_studio.password not in line


def test_it_asks_nobody_for_newer_versions(label_studio: LocalLabelStudio) -> None:
    told = httpx.get(
        f"{label_studio.url}/api/version",
        headers={"Authorization": f"Token {label_studio.token}"},
        timeout=30,
    ).json()
    assert told["label-studio-os-package"]["latest_version_from_pypi"] is None


def test_its_data_are_for_their_owner_alone(label_studio: LocalLabelStudio) -> None:
    assert label_studio.data.stat().st_mode & 0o077 == 0


def test_a_command_that_ends_at_once_is_reported_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "label-studio"
    broken.write_text("#!/bin/sh\necho no room in the inn\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("SECOND_CODER_LABEL_STUDIO", str(broken))
    with pytest.raises(ExternalError, match=r"(?s)stopped while starting.*no room in the inn"):
        LocalLabelStudio(data=tmp_path / "data").start()


def test_a_command_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_CODER_LABEL_STUDIO", "/nowhere/label-studio")
    with pytest.raises(SettingsError, match="/nowhere/label-studio"):
        find_executable()

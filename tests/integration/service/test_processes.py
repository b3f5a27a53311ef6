"""What becomes of the processes, whichever of them is ended and however."""

import os
import re
import signal
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.house import House

pytestmark = pytest.mark.integration


def worker_pid(lines: list[str]) -> int:
    found = re.search(r"worker=\S+?:(\d+):", lines[-1])
    assert found is not None
    return int(found[1])


def test_a_token_that_is_easily_guessed_is_warned_of(
    house: House, port: int, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECOND_CODER_API_TOKEN", "short")
    serving = run("serve", "--home", house.home, "--port", port)
    serving.wait_for("listening on")
    assert serving.wait_for("SECOND_CODER_API_TOKEN has fewer than 16 characters")
    assert "short" not in "".join(serving.lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_ends_in_good_order_with_its_worker(
    serving: Any, gone: Callable[[int], bool], number: signal.Signals
) -> None:
    pid = worker_pid(serving.wait_for("started"))
    assert serving.end(number) == 0
    assert gone(pid)
    assert serving.wait_for("service ended")
    assert "Traceback" not in "".join(serving.lines)


def test_the_worker_does_not_outlive_a_service_that_was_killed(
    serving: Any, gone: Callable[[int], bool]
) -> None:
    pid = worker_pid(serving.wait_for("started"))
    serving.end(signal.SIGKILL)
    assert gone(pid)


def test_a_worker_that_was_killed_is_replaced(serving: Any, port: int) -> None:
    first = worker_pid(serving.wait_for("started"))
    os.kill(first, signal.SIGKILL)
    second = worker_pid(serving.wait_for("started", times=2))
    assert second != first
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_a_second_service_on_the_same_port_says_so(
    serving: Any, house: House, port: int, run: Callable[..., Any]
) -> None:
    second = run("serve", "--home", house.home, "--port", port)
    assert second.process.wait(60) == 1
    second.wait_for("Address already in use")


def test_the_worker_alone_ends_in_good_order(house: House, run: Callable[..., Any]) -> None:
    worker = run("worker", "--home", house.home)
    worker.wait_for("started")
    assert worker.end(signal.SIGTERM) == 0
    assert worker.wait_for(" ended")


def test_a_worker_that_hangs_or_is_gone_fails_its_check(
    house: House, run: Callable[..., Any]
) -> None:
    def check(seconds: int) -> int:
        return int(run("worker", "--check", seconds, "--home", house.home).process.wait(60))

    assert check(60) == 1
    worker = run("worker", "--home", house.home)
    worker.wait_for("started")
    assert check(60) == 0
    worker.process.send_signal(signal.SIGSTOP)
    for _ in range(30):
        if check(10) == 1:
            break
        threading.Event().wait(1)
    else:
        raise AssertionError("a worker that hangs counts as well")
    worker.process.send_signal(signal.SIGCONT)
    for _ in range(30):
        if check(10) == 0:
            break
        threading.Event().wait(1)
    else:
        raise AssertionError("a worker that goes on counts as hung")
    worker.end(signal.SIGKILL)
    refused = run("worker", "--check", 60, "--home", house.home)
    assert refused.process.wait(60) == 1
    refused.wait_for("No worker of this machine runs")

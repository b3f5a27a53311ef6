"""Fits side by side: what fails or stops ends them, and the model is the same on any machine."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from training.options import TrainOptions
from training.threads import finish
from training.train import train


def test_a_fit_that_fails_ends_those_not_begun() -> None:
    begun: list[int] = []
    ended = Event()

    def fail() -> None:
        raise ValueError("no solution")

    with ThreadPoolExecutor(1) as pool:
        fits = [pool.submit(fail), pool.submit(ended.wait, 30)]
        fits += [pool.submit(begun.append, number) for number in range(9)]
        with pytest.raises(ValueError, match="no solution"):
            finish(pool, fits)
        ended.set()
    assert begun == []


def test_told_how_many_are_done_and_stopped_by_what_is_told() -> None:
    told = []

    def tell(done: int) -> None:
        told.append(done)
        if done == 2:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        finish(pool, [pool.submit(int) for _ in range(9)], tell)
    assert told == [1, 2]


def test_one_core_publishes_the_version_that_several_do(
    small_model, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    again = train(small_model.study, options=TrainOptions(), store=tmp_path, cache=cache)
    assert again.model_version == small_model.report.model_version

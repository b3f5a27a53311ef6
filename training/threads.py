"""Fits that do not depend on each other, side by side."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any

_MOST = 4
"""Each fit holds its own copy of the features."""


def fitting_pool() -> ThreadPoolExecutor:
    """A thread for each core, up to four: the products of a fit run outside Python's lock."""
    return ThreadPoolExecutor(max_workers=min(len(os.sched_getaffinity(0)), _MOST))


def finish(
    pool: ThreadPoolExecutor,
    fits: Sequence[Future[Any]],
    tell: Callable[[int], None] = lambda _done: None,
) -> None:
    """Wait for all of them; `tell` is told how many are done, and may raise to stop.

    Raises what the first that fails raises; those not begun are then not begun.
    """
    try:
        for done, fit in enumerate(as_completed(fits), start=1):
            fit.result()
            tell(done)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise

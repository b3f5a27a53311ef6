"""A coder's disagreements as they come: the Bernoulli CUSUM (Reynolds & Stoumbos 1999)."""

from dataclasses import dataclass

import numpy as np

from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.reliability.estimate import Bools, Floats
from annotations.reliability.tallies import Ints

FALSE_ALARMS = 0.05
_LEAST, _MOST = 0.01, 0.65


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlChart:
    """The cumulative sum after each transcript, against the limit above which it is an alarm.

    `path` has one value a transcript, in the order of coding; `alarm` is the first transcript
    above `limit`, None where there is none. `in_control` is the share of disagreements that
    counts as usual, `out_of_control` the share that the chart is tuned to.
    """

    coder: str
    transcripts: tuple[str, ...]
    path: tuple[float, ...]
    limit: float
    alarm: str | None
    segments: int
    in_control: float
    out_of_control: float


def cusum(disagreed: Floats, in_control: float, out_of_control: float) -> Floats:
    """max(0, S + log-likelihood ratio of one more segment), 0 to begin with.

    *Shape:* `disagreed` (..., segments) of 0 and 1, to the same.
    """
    gain = np.log(out_of_control / in_control)
    loss = np.log((1 - out_of_control) / (1 - in_control))
    steps = np.where(np.asarray(disagreed) > 0, gain, loss)
    # S is the walk minus the lowest point that it has reached, which may be its start.
    walk = np.cumsum(steps, axis=-1)
    lowest = np.minimum(np.minimum.accumulate(walk, axis=-1), 0.0)
    path: Floats = walk - lowest
    return path


def control_chart(
    coder: str,
    names: tuple[str, ...],
    disagreed: Bools,
    clusters: Ints,
    *,
    seed: int,
    runs: int = 1000,
) -> ControlChart | None:
    """The chart over transcripts in their order; None below `2 * MIN_A_WAVE` transcripts.

    *Shapes:* `disagreed`, `clusters` (segments,), clusters counting `names` in the order of
    coding. Segments of one transcript go wrong together, so the limit is that which one in
    twenty random orders of the same transcripts passes. The chart is tuned to a share of
    disagreements that doubles around the coder's own over all of them: from that divided by the
    root of 2 to that times it.
    """
    counts = np.bincount(clusters, minlength=len(names))
    if (counts > 0).sum() < 2 * MIN_A_WAVE:
        return None
    share = float(np.clip(disagreed.mean(), _LEAST, _MOST))
    usual, unusual = share / 2**0.5, share * 2**0.5
    runs_of = [disagreed[clusters == at].astype(np.float64) for at in range(len(names))]
    path = cusum(np.concatenate(runs_of), usual, unusual)
    rng = np.random.default_rng(seed)
    highest = [
        cusum(
            np.concatenate([runs_of[at] for at in rng.permutation(len(names))]), usual, unusual
        ).max()
        for _ in range(runs)
    ]
    limit = float(np.quantile(highest, 1 - FALSE_ALARMS, method="higher"))
    ends = np.cumsum(counts)
    first = np.flatnonzero(path > limit)
    alarm = names[int(np.searchsorted(ends, first[0], side="right"))] if len(first) else None
    return ControlChart(
        coder=coder,
        transcripts=names,
        path=tuple(float(path[end - 1]) if end else 0.0 for end in ends),
        limit=limit,
        alarm=alarm,
        segments=len(disagreed),
        in_control=usual,
        out_of_control=unusual,
    )

"""A ratio's trend over more than two waves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from annotations.reliability.drift.permuting import DRAWS
from annotations.reliability.drift.ratios import LEVEL
from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.reliability.estimate import (
    Estimate,
    Floats,
    Replicates,
    Scale,
    jackknife,
)
from annotations.reliability.tallies import Ints

MIN_WAVES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Trend:
    """How much a figure changes from one wave to the next, by a straight line.

    `p` is that of permuting transcripts over all waves, two-sided; `adjusted` and `moved` as
    in `Change`.
    """

    subject: str
    slope: Estimate
    p: float | None
    adjusted: float | None = None
    moved: bool = False


def trends(
    subjects: Sequence[str], sums: Floats, wave: Ints, *, seed: int, draws: int = DRAWS
) -> tuple[Trend, ...]:
    """The slope over wave numbers of a/b, transcripts weighted by b; none below three waves.

    *Shapes:* `sums` (transcripts, subjects, 2): a and b, `wave` (transcripts,), -1 without one.
    slope = sum (t - mean t)(a - r b) / sum b (t - mean t)², r the ratio over all waves and
    mean t weighted by b. Its test is studentised by sum (t - mean t)² (a - r b)².
    """
    there = wave >= 0
    counts = np.bincount(wave[there]) if there.any() else np.zeros(0)
    if len(counts) < MIN_WAVES:
        return ()
    t, own = wave[there].astype(np.float64), sums[there]
    total = own.sum(axis=0)
    replicates = Replicates(
        values=_slope(t, own),
        deletions=np.stack(
            [_slope(np.delete(t, at), np.delete(own, at, 0)) for at in range(len(t))]
        ),
        used=own[..., 1] > 0,
    )
    slopes = jackknife(replicates, scale=Scale.RAW, n=[round(count) for count in total[:, 1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = own[..., 0] - total[:, 0] / total[:, 1] * own[..., 1]
    observed = np.abs(_score(t[np.newaxis], own, residual)[0])
    rng = np.random.default_rng(seed)
    lots = rng.permuted(np.broadcast_to(t, (draws, len(t))), axis=1)
    drawn = np.abs(_score(lots, own, residual))
    p = (1 + (~(drawn < observed * (1 - 1e-9))).sum(axis=0)) / (draws + 1)
    enough = counts.min() >= MIN_A_WAVE
    found = [
        Trend(
            subject=subject,
            slope=slope,
            p=float(p[at]) if enough and slope.low is not None else None,
        )
        for at, (subject, slope) in enumerate(zip(subjects, slopes, strict=True))
    ]
    tested = [one for one in found if one.p is not None]
    levels = iter(stats.false_discovery_control([one.p for one in tested]) if tested else ())
    return tuple(
        one
        if one.p is None
        else replace(one, adjusted=(level := float(next(levels))), moved=level <= LEVEL)
        for one in found
    )


def _slope(t: Floats, sums: Floats) -> Floats:
    a, b = sums[..., 0], sums[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = a.sum(axis=0) / b.sum(axis=0)
        centred = t[:, np.newaxis] - (t[:, np.newaxis] * b).sum(axis=0) / b.sum(axis=0)
        slope: Floats = (centred * (a - ratio * b)).sum(axis=0) / (b * centred**2).sum(axis=0)
    return slope


def _score(lots: Floats, sums: Floats, residual: Floats) -> Floats:
    """*Shapes:* `lots` (draws, transcripts) to (draws, statistics)."""
    b = sums[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = lots @ b / b.sum(axis=0)
        squares = residual**2
        spread = lots**2 @ squares - 2 * middle * (lots @ squares) + middle**2 * squares.sum(axis=0)
        score: Floats = (lots @ residual - middle * residual.sum(axis=0)) / np.sqrt(spread)
    return score

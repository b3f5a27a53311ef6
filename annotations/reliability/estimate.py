"""A number that will be read, with how surely it is known.

Segments of one transcript are not independent, so every interval leaves out, or draws again,
whole transcripts. A statistic that is a function of sums over transcripts gets all its
replicates by subtraction, without a second look at the units.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from annotations.numerals import many

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Statistic = Callable[[Floats], Floats]
"""Maps sums (..., statistics, counts) to values (..., statistics)."""

MIN_CLUSTERS = 10
"""Transcripts below which the jackknife's interval is not to be trusted."""

MIN_POSITIVES = 10
"""Codings a coder below which it is not."""

CONFIDENCE = 0.95
_NO_SPREAD = 1e-9


class Scale(Enum):
    """The scale on which an interval is symmetric, with the statistic's range."""

    ATANH = "atanh"
    """Agreement coefficients, -1 to 1."""
    LOGIT = "logit"
    """Shares, 0 to 1."""
    RAW = "raw"
    """Anything else, such as a difference."""

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value that the statistic can take."""
        if self is Scale.ATANH:
            return (-1.0, 1.0)
        return (0.0, 1.0) if self is Scale.LOGIT else (-np.inf, np.inf)

    def forward(self, values: Floats) -> Floats:
        """To the scale; *shape:* any."""
        if self is Scale.ATANH:
            return np.arctanh(values)
        return np.log(values / (1.0 - values)) if self is Scale.LOGIT else values

    def back(self, values: Floats) -> Floats:
        """From the scale; *shape:* any."""
        if self is Scale.ATANH:
            return np.tanh(values)
        return 1.0 / (1.0 + np.exp(-values)) if self is Scale.LOGIT else values


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A statistic with its 95% interval.

    `value` is NaN where the statistic is undefined and `low`, `high` are None where no
    interval can be given; `reason` then says why. `n` counts the units that entered, `clusters`
    the transcripts they come from, `method` names the interval, `seed` any random part.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str
    seed: int | None = None
    reason: str | None = None

    @classmethod
    def undefined(cls, reason: str, *, n: int = 0, clusters: int = 0) -> "Estimate":
        """A statistic that has no value on these data."""
        return cls.bare(float("nan"), reason, n=n, clusters=clusters)

    @classmethod
    def bare(cls, value: float, reason: str, *, n: int, clusters: int) -> "Estimate":
        """A value without an interval."""
        return cls(
            value=value, low=None, high=None, n=n, clusters=clusters, method="none", reason=reason
        )

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return not np.isnan(self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replicates:
    """Statistics on all transcripts, and with each transcript left out.

    *Shapes:* `values` (statistics,), `deletions` (transcripts, statistics), `used` (transcripts,
    statistics): whether the transcript holds anything that the statistic counts. Replicates of
    several statistics on the same transcripts may be added, subtracted and averaged.
    """

    values: Floats
    deletions: Floats
    used: Bools


def leave_one_out(sums: Floats, statistic: Statistic, *, used: Bools) -> Replicates:
    """Every deletion of one transcript, by subtraction.

    *Shapes:* `sums` (transcripts, statistics, counts), `used` (transcripts, statistics).
    """
    total = sums.sum(axis=0)
    return Replicates(values=statistic(total), deletions=statistic(total - sums), used=used)


def jackknife(
    replicates: Replicates,
    *,
    scale: Scale,
    n: Sequence[int],
    shortage: Sequence[str | None] | None = None,
    undefined: Sequence[str | None] | None = None,
    min_clusters: int = MIN_CLUSTERS,
) -> tuple[Estimate, ...]:
    """The delete-one-transcript jackknife, one estimate for each statistic.

    V = (G-1)/G · sum (z_-g - mean z)² over the G transcripts in use, on the scale named, and
    z ± t(G-1)·√V. Where a value or a replicate lies on the border of the scale, the same on
    the raw scale, cut at the border. No interval: below `min_clusters` transcripts, for a
    `shortage` named by the caller, where a replicate is undefined, and where all replicates
    are equal, since a spread of zero would claim certainty. `undefined` explains NaN values.
    """
    values, deletions, used = replicates.values, replicates.deletions, replicates.used
    clusters = used.sum(axis=0)
    low_bound, high_bound = scale.bounds
    with np.errstate(all="ignore"):
        broken: Bools = np.asarray((np.isnan(deletions) & used).any(axis=0))
        held = np.where(used, deletions, values)
        inside: Bools = np.asarray(((held > low_bound) & (held < high_bound)).all(axis=0))
        z = np.where(inside, scale.forward(held), held)
        centre = np.where(used, z, 0.0).sum(axis=0) / clusters
        squares = np.where(used, (z - centre) ** 2, 0.0).sum(axis=0)
        half = stdtrit(clusters - 1, (1 + CONFIDENCE) / 2) * np.sqrt(
            (clusters - 1) / clusters * squares
        )
        middle = np.where(inside, scale.forward(values), values)
        low, high = (
            np.where(
                inside, scale.back(middle + side), np.clip(middle + side, low_bound, high_bound)
            )
            for side in (-half, half)
        )
    estimates = []
    for at, value in enumerate(values):
        count, size = int(clusters[at]), int(n[at])
        if np.isnan(value):
            why = (undefined[at] if undefined else None) or "not defined on these data"
            estimates.append(Estimate.undefined(why, n=size, clusters=count))
            continue
        reason = insufficient_transcripts(count, min_clusters) or (
            shortage[at] if shortage else None
        )
        if reason is None and broken[at]:
            reason = "no interval: without one of the transcripts it would not be defined"
        if reason is None and not half[at] > _NO_SPREAD:
            reason = (
                "no interval: it is the same whichever transcript is left out, so the data do "
                "not show how far it varies"
            )
        if reason is not None:
            estimates.append(Estimate.bare(float(value), reason, n=size, clusters=count))
            continue
        name = scale if inside[at] else Scale.RAW
        estimates.append(
            Estimate(
                value=float(value),
                low=float(low[at]),
                high=float(high[at]),
                n=size,
                clusters=count,
                method=f"transcript jackknife, t, {name.value} scale",
            )
        )
    return tuple(estimates)


def jackknife_variance(replicates: Replicates) -> Floats:
    """(G-1)/G · sum (theta_-g - mean)² as it stands, NaN where a replicate is."""
    used, deletions = replicates.used, replicates.deletions
    clusters = used.sum(axis=0)
    with np.errstate(all="ignore"):
        centre = np.where(used, deletions, 0.0).sum(axis=0) / clusters
        squares = np.where(used, (deletions - centre) ** 2, 0.0).sum(axis=0)
        variance: Floats = (clusters - 1) / clusters * squares
    return variance


UNITS_WITH_IT = ("unit", "with the code, or without it")
"""What the interval of a code's prevalence needs some of, whoever read them."""


def insufficient_transcripts(clusters: int, needed: int = MIN_CLUSTERS) -> str | None:
    """The reason why so few transcripts allow no interval, None when they suffice."""
    if clusters >= needed:
        return None
    return f"insufficient: {many(clusters, 'transcript')}, an interval needs {needed}"


def insufficient_positives(
    positives: float, noun: str = "coding", rest: str = "a coder"
) -> str | None:
    """The reason why so few of what a `noun` with its `rest` names allow no interval."""
    if positives >= MIN_POSITIVES:
        return None
    return f"insufficient: {many(positives, noun)} {rest}, an interval needs {MIN_POSITIVES}"

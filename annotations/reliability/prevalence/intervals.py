"""The stratified jackknife of a share: logit scale, t, finite-population correction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from annotations.reliability.estimate import CONFIDENCE, Bools, Estimate, Floats, Scale

_NO_SPREAD = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Varying:
    """Transcripts that vary for one reason, and the share as it would be without each.

    *Shapes:* `values` (deletions, codes), `factors` (deletions,): what each squared distance
    weighs. Distances are from the mean of the deletion's group, weighted by the factors as in
    Hájek's (1964) variance of draws with unequal probabilities, or where `groups` is None from the
    share itself. `degrees` are those of freedom.
    """

    values: Floats
    factors: Floats
    groups: NDArray[np.int64] | None
    degrees: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletions:
    """A share, *shape:* (codes,), and what of it varies; nothing where all was coded."""

    value: Floats
    varying: tuple[Varying, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """A variance and its degrees of freedom; *shapes:* (codes,)."""

    variance: Floats
    degrees: Floats


def spread_of(deletions: Deletions, *, logit: bool = False) -> Spread:
    """Variance: the sum of factor · (theta without one - centre)².

    Degrees of freedom of several reasons to vary: Satterthwaite's.
    """
    variance, squares = np.zeros_like(deletions.value), np.zeros_like(deletions.value)
    for part in deletions.varying:
        values, value = part.values, deletions.value
        if logit:
            values, value = Scale.LOGIT.forward(values), Scale.LOGIT.forward(value)
        own = (part.factors[:, np.newaxis] * (values - _centres(part, values, value)) ** 2).sum(
            axis=0
        )
        variance = variance + own
        squares = squares + own**2 / max(part.degrees, 1.0)
    with np.errstate(all="ignore"):
        degrees = np.where(squares > 0, variance**2 / squares, 1.0)
    return Spread(variance=variance, degrees=degrees)


def _centres(part: Varying, values: Floats, value: Floats) -> Floats:
    if part.groups is None:
        return np.broadcast_to(value, values.shape)
    weights = np.bincount(part.groups, weights=part.factors)
    sums = np.zeros((len(weights), values.shape[1]))
    np.add.at(sums, part.groups, part.factors[:, np.newaxis] * values)
    return np.asarray((sums / weights[:, np.newaxis])[part.groups])


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """95% intervals; *shapes:* (codes,). `bent`: on the logit scale, else raw, cut at 0 and 1."""

    low: Floats
    high: Floats
    bent: Bools

    @property
    def known(self) -> Bools:
        """Where there is some width; *shape:* (codes,)."""
        return np.asarray(self.high - self.low > _NO_SPREAD)


def bounds_of(deletions: Deletions) -> Bounds:
    """By t on the logit scale; on the raw one where the share or a deletion lies on a border."""
    value = deletions.value
    with np.errstate(all="ignore"):
        inside: Bools = np.asarray((value > 0) & (value < 1))
        for part in deletions.varying:
            inside = inside & ((part.values > 0) & (part.values < 1)).all(axis=0)
        raw, bent = spread_of(deletions), spread_of(deletions, logit=True)
        degrees = np.where(inside, bent.degrees, raw.degrees)
        half = stdtrit(degrees, (1 + CONFIDENCE) / 2) * np.sqrt(
            np.where(inside, bent.variance, raw.variance)
        )
        middle = np.where(inside, Scale.LOGIT.forward(value), value)
        low, high = (
            np.where(inside, Scale.LOGIT.back(middle + side), np.clip(middle + side, 0.0, 1.0))
            for side in (-half, half)
        )
    return Bounds(low=low, high=high, bent=inside)


def interval_of(
    deletions: Deletions, *, n: int, clusters: int, shortage: Sequence[str | None]
) -> tuple[Estimate, ...]:
    """One estimate for each code; a `shortage` says why it has no interval.

    Where nothing varies everything was coded: the share is a count, known as it stands.
    """
    bounds = bounds_of(deletions)
    found = []
    for at, one in enumerate(deletions.value):
        kept = float(np.clip(one, 0.0, 1.0))
        if np.isnan(one):
            found.append(
                Estimate.undefined(
                    shortage[at] or "nothing of this cell was coded", n=n, clusters=clusters
                )
            )
            continue
        reason = shortage[at]
        if reason is None and not deletions.varying:
            reason = "a count: people coded every transcript of this cell"
        elif reason is None and not bounds.known[at]:
            reason = (
                "no interval: it is the same whichever transcript is left out, so the data do "
                "not show how far it varies"
            )
        if reason is not None:
            found.append(Estimate.bare(kept, reason, n=n, clusters=clusters))
            continue
        scale = Scale.LOGIT if bounds.bent[at] else Scale.RAW
        found.append(
            Estimate(
                value=kept,
                low=float(bounds.low[at]),
                high=float(bounds.high[at]),
                n=n,
                clusters=clusters,
                method=f"stratified transcript jackknife, t, {scale.value} scale",
            )
        )
    return tuple(found)

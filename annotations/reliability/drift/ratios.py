"""Ratios of sums in two waves: how far apart, how surely. Transcripts are what is exchanged.

Prevalence is such a ratio (segments with the code over segments read), so are mean log loss,
the share of disagreements and a model's bias. Where a test treats segments as exchangeable, it
takes what differs between interviewees for a change between waves, several times too often.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from annotations.numerals import many
from annotations.reliability.drift.permuting import DRAWS, Departures, permuted_p
from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.reliability.estimate import (
    CONFIDENCE,
    Bools,
    Estimate,
    Floats,
    Scale,
    jackknife,
    leave_one_out,
)
from annotations.reliability.tallies import Ints

LEVEL = 0.05
POWER = 0.9
"""The power below which a report says what it could not have seen."""

_LEAST_OF_STRATUM = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One figure in two waves; `difference` is after minus before.

    `p` is that of permuting transcripts between the waves (two-sided), None where it is only
    described; `adjusted` the same after Benjamini-Hochberg over all subjects of the question,
    and `moved` says whether that is at most .05. `detectable` is the difference that these data
    would show with a power of .90, tested alone; `left_out` counts transcripts in strata that
    do not have two transcripts in either wave.
    """

    subject: str
    before: Estimate
    after: Estimate
    difference: Estimate
    p: float | None
    adjusted: float | None
    moved: bool
    detectable: float | None
    left_out: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Two waves to compare. *Shapes:* (transcripts,) each; strata may be all 0."""

    before: Bools
    after: Bools
    stratum: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class _Strata:
    """Transcripts of each stratum with their share in the whole. *Shapes:* (statistics,)."""

    places: tuple[Ints, ...]
    weights: tuple[Floats, ...]


def compare_ratios(
    subjects: Sequence[str],
    sums: Floats,
    sides: Sides,
    *,
    seed: int,
    scale: Scale = Scale.LOGIT,
    draws: int = DRAWS,
    what: str = "segments",
) -> tuple[Change, ...]:
    """The difference of ratios between two waves, one for each subject.

    *Shape:* `sums` (transcripts, subjects, parts, 2): numerator and denominator. With several
    parts the statistic is the mean of the parts' ratios. The difference is divided by its
    linearised standard error over transcripts before it is compared with those of permuted
    waves (Chung & Romano 2013), so that waves may differ in spread and size. With strata it is
    the mean over strata of the differences in each, weighted by their share of all
    denominators, and transcripts change places within their stratum. `p` needs
    `MIN_A_WAVE` transcripts a wave that have something to count.
    """
    used = sums[..., 1].sum(axis=2) > 0
    strata = _strata(sums, sides)
    kept = np.zeros(len(sums), dtype=np.bool_)
    for places in strata.places:
        kept[places] = True
    missing = int(((sides.before | sides.after) & ~kept).sum())
    before, after = sides.before & kept, sides.after & kept
    size = sums[..., 1].sum(axis=2)
    changes = []
    estimates = [
        jackknife(
            leave_one_out(sums[arm], _mean_ratio, used=used[arm]),
            scale=scale,
            n=[round(count) for count in size[arm].sum(axis=0)],
            undefined=[f"no {what} to count in this wave"] * len(subjects),
            min_clusters=MIN_A_WAVE,
        )
        for arm in (before, after)
    ]
    p = (
        permuted_p(_departures(sums, strata), after, strata.places, seed=seed, draws=draws)
        if strata.places
        else np.full(sums.shape[1], np.nan)
    )
    for at, subject in enumerate(subjects):
        difference = _difference(sums[:, at], before, after, strata, at)
        tested = (
            min((used[before, at].sum(), used[after, at].sum())) >= MIN_A_WAVE
            and difference.low is not None
            and not np.isnan(p[at])
        )
        changes.append(
            Change(
                subject=subject,
                before=estimates[0][at],
                after=estimates[1][at],
                difference=difference,
                p=float(p[at]) if tested else None,
                adjusted=None,
                moved=False,
                detectable=detectable(difference),
                left_out=missing,
            )
        )
    return tuple(changes)


def corrected(groups: Sequence[Sequence[Change]]) -> tuple[tuple[Change, ...], ...]:
    """Benjamini-Hochberg over all tests of one question, groups being its pairs of waves."""
    everything = [change for group in groups for change in group]
    p = np.array([change.p for change in everything if change.p is not None])
    levels = iter(stats.false_discovery_control(p, method="bh") if len(p) else p)

    def settled(change: Change) -> Change:
        if change.p is None:
            return change
        level = float(next(levels))
        return replace(change, adjusted=level, moved=level <= LEVEL)

    return tuple(tuple(settled(change) for change in group) for group in groups)


def _mean_ratio(sums: Floats) -> Floats:
    """*Shape:* (..., parts, 2) to (...)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios: Floats = np.mean(sums[..., 0] / sums[..., 1], axis=-1)
    return ratios


def _strata(sums: Floats, sides: Sides) -> _Strata:
    """Strata with two transcripts or more in either wave."""
    size = sums[..., 1].sum(axis=2)
    places, sizes = [], []
    for stratum in np.unique(sides.stratum):
        own = sides.stratum == stratum
        if min((own & sides.before).sum(), (own & sides.after).sum()) >= _LEAST_OF_STRATUM:
            here = np.flatnonzero(own & (sides.before | sides.after))
            places.append(here)
            sizes.append(size[here].sum(axis=0))
    total = np.sum(sizes, axis=0) if sizes else np.ones(sums.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = tuple(one / total for one in sizes)
    return _Strata(places=tuple(places), weights=weights)


def _difference(sums: Floats, before: Bools, after: Bools, strata: _Strata, at: int) -> Estimate:
    """After minus before: jackknife variances of strata and waves added, Welch's degrees."""
    n = round(float(sums[before | after, :, 1].sum()))
    used = sums[..., 1].sum(axis=1) > 0
    counts = [int((used & arm).sum()) for arm in (before, after)]
    clusters = sum(counts)
    value, variance, degrees = 0.0, 0.0, 0.0
    for places, weights in zip(strata.places, strata.weights, strict=True):
        weight = float(weights[at])
        for sign, arm in ((-1.0, before), (1.0, after)):
            part = sums[places[arm[places] & used[places]]]
            number = len(part)
            value += sign * weight * float(_mean_ratio(part.sum(axis=0)))
            if number > 1:
                deletions = _mean_ratio(part.sum(axis=0) - part)
                spread = (number - 1) / number * ((deletions - deletions.mean()) ** 2).sum()
                variance += weight**2 * float(spread)
                degrees += (weight**2 * float(spread)) ** 2 / (number - 1)
    if np.isnan(value) or not strata.places:
        return Estimate.undefined("undefined in one of the waves", n=n, clusters=clusters)
    if min(counts) < MIN_A_WAVE:
        return Estimate.bare(
            value,
            f"described only: {counts[0]} and {many(counts[1], 'transcript')}, a test needs "
            f"{MIN_A_WAVE} in each wave",
            n=n,
            clusters=clusters,
        )
    if not variance > 0 or np.isnan(variance) or not degrees > 0:
        return Estimate.bare(
            value, "no interval: the data do not show how far it varies", n=n, clusters=clusters
        )
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, variance**2 / degrees)) * variance**0.5
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        n=n,
        clusters=clusters,
        method="transcript jackknife in each wave, Welch t",
    )


def detectable(difference: Estimate) -> float | None:
    """The size of a difference that a test at .05 finds with power .90, by this one's error."""
    if difference.low is None or difference.high is None:
        return None
    half = (difference.high - difference.low) / 2
    return float(half * (1 + stats.norm.ppf(POWER) / stats.norm.ppf((1 + CONFIDENCE) / 2)))


def ratio_departures(sums: Floats, sides: Sides) -> Departures:
    """The test statistic of `compare_ratios`, for a test that joins it with others."""
    return _departures(sums, _strata(sums, sides))


def _departures(sums: Floats, strata: _Strata) -> Departures:
    moments = _moments(sums)
    return lambda lots: np.abs(_studentised(moments, lots, strata))


def _moments(sums: Floats) -> Floats:
    """a, b, a², ab, b², and whether there is anything; (transcripts, statistics, parts, 6)."""
    a, b = sums[..., 0], sums[..., 1]
    return np.stack([a, b, a * a, a * b, b * b, (b > 0).astype(np.float64)], axis=-1)


def _studentised(moments: Floats, lots: Floats, strata: _Strata) -> Floats:
    """Differences over their linearised standard errors. *Shape:* (draws, statistics)."""
    shape = (len(lots), *moments.shape[1:])
    difference: Floats = np.zeros(shape[:2])
    variance: Floats = np.zeros(shape[:2])
    with np.errstate(divide="ignore", invalid="ignore"):
        for places, weights in zip(strata.places, strata.weights, strict=True):
            own = moments[places]
            flat = own.reshape(len(places), -1)
            late = (lots[:, places] @ flat).reshape(shape)
            for sign, sums in ((1.0, late), (-1.0, own.sum(axis=0) - late)):
                ratio = sums[..., 0] / sums[..., 1]
                squares = sums[..., 2] - 2 * ratio * sums[..., 3] + ratio**2 * sums[..., 4]
                number = sums[..., 5]
                spread = number / (number - 1) * np.maximum(squares, 0.0) / sums[..., 1] ** 2
                parts = moments.shape[2]
                difference += sign * weights * ratio.mean(axis=-1)
                variance += weights**2 * spread.sum(axis=-1) / parts**2
        return np.where(
            variance > 0, difference / np.sqrt(variance), np.where(difference == 0, 0.0, np.inf)
        )

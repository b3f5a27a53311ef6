"""Whether a code is more common in one cell than in another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from annotations.reliability.estimate import CONFIDENCE, Estimate, Floats
from annotations.reliability.prevalence.intervals import spread_of
from annotations.reliability.prevalence.shares import Shares


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A code's share in the `first` cell minus that in the `second`.

    `p` is that of a t-test, None where there is no interval; `holm` and `benjamini_hochberg` are
    corrected for all differences of the report: the one for any false finding among them, the
    other for the share of false ones among the findings.
    """

    code: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    difference: Estimate
    p: float | None
    holm: float | None
    benjamini_hochberg: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Two cells that share no transcript."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    shares: tuple[Shares, Shares]


def differences_of(codes: Sequence[str], pairs: Sequence[Compared]) -> tuple[Difference, ...]:
    """All codes in all pairs, corrected together.

    The variance is the sum of the two cells' on the raw scale, the degrees of freedom
    Satterthwaite's. No interval where one of the two shares has none.
    """
    estimates = [
        (code, pair, *_difference(pair.shares, at))
        for pair in pairs
        for at, code in enumerate(codes)
    ]
    tested = np.array([p for *_, p in estimates if p is not None])
    corrected = iter(zip(holm(tested), benjamini_hochberg(tested), strict=True))
    found = []
    for code, pair, estimate, p in estimates:
        one, two = (None, None) if p is None else map(float, next(corrected))
        found.append(
            Difference(
                code=code,
                first=pair.first,
                second=pair.second,
                difference=estimate,
                p=p,
                holm=one,
                benjamini_hochberg=two,
            )
        )
    return tuple(found)


def holm(p: Floats) -> Floats:
    """Holm's (1979) adjusted p values; *shape:* (tests,)."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def benjamini_hochberg(p: Floats) -> Floats:
    """Benjamini and Hochberg's (1995) adjusted p values; *shape:* (tests,)."""
    return np.asarray(stats.false_discovery_control(p)) if len(p) else p


def _difference(shares: tuple[Shares, Shares], at: int) -> tuple[Estimate, float | None]:
    one, two = (cell.corrected[at] for cell in shares)
    n, clusters = one.n + two.n, one.clusters + two.clusters
    if not (one.defined and two.defined):
        reason = one.reason if not one.defined else two.reason
        return Estimate.undefined(reason or "", n=n, clusters=clusters), None
    value = one.value - two.value
    missing = [estimate for estimate in (one, two) if estimate.low is None]
    counted = [cell for cell in shares if cell.counted]
    if len(missing) > len(counted):
        reason = "no interval: one of the two shares has none"
        return Estimate.bare(value, reason, n=n, clusters=clusters), None
    if len(counted) == len(shares):
        reason = "a count: people coded every transcript of both cells"
        return Estimate.bare(value, reason, n=n, clusters=clusters), None
    with np.errstate(all="ignore"):
        spreads = [spread_of(cell.deletions) for cell in shares if not cell.counted]
    variances = np.array([spread.variance[at] for spread in spreads])
    degrees = np.array([spread.degrees[at] for spread in spreads])
    free = float(variances.sum() ** 2 / (variances**2 / degrees).sum())
    error = float(np.sqrt(variances.sum()))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, free)) * error
    estimate = Estimate(
        value=value,
        low=max(value - half, -1.0),
        high=min(value + half, 1.0),
        n=n,
        clusters=clusters,
        method="stratified transcript jackknife, t, raw scale",
    )
    return estimate, float(2 * stats.t.sf(abs(value) / error, free))

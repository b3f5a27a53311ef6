"""How far the model is leaned on: the lambda that makes the estimated variance least."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.reliability.estimate import Bools, Floats
from annotations.reliability.prevalence.sums import Fit, Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """How far the model is leaned on: 0 not at all, 1 the plain difference estimator.

    *Shapes:* `lam` (codes,); `without` (transcripts, codes), the same were a transcript left out.
    """

    lam: Floats
    without: Floats

    @classmethod
    def fixed(cls, sums: Sums, lam: float) -> "Tuning":
        """The same for every code."""
        return cls(lam=np.full(len(sums.codes), lam), without=np.full_like(sums.model, lam))

    @classmethod
    def of(cls, sums: Sums, cells: Sequence[Bools]) -> "Tuning":
        """The lambda of each code that makes the estimated variance least.

        One for all cells, which share no transcript: a cell's own would fit its few transcripts
        too well. Each of `cells` marks its transcripts.
        """
        parts = [_moments(sums, Fit.of(sums, cell)) for cell in cells]
        crossed = np.sum([one.crossed for one in parts], axis=0)
        squared = np.sum([one.squared for one in parts], axis=0)
        lam = _ratio(crossed, squared)
        without = np.broadcast_to(lam, sums.model.shape).copy()
        for one in parts:
            without[one.rows] = _ratio(crossed + one.crossed_by, squared + one.squared_by)
        return cls(lam=lam, without=without)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moments:
    """A cell's part of the variance, as far as lambda moves it.

    *Shapes:* `rows` its sampled transcripts; `crossed` of people's with the model's residuals and
    `squared` of the model's own (codes,); `..._by` (sampled, codes) is what leaving one out adds.
    """

    rows: NDArray[np.int64]
    crossed: Floats
    squared: Floats
    crossed_by: Floats
    squared_by: Floats


def _moments(sums: Sums, fit: Fit) -> _Moments:
    rows = np.flatnonzero(fit.sample)
    weights, sizes = 1 / sums.probability[rows], sums.sizes[rows]
    units = float((weights * sizes).sum()) or np.nan
    people, model = (
        weights[:, np.newaxis] * (counts - sizes[:, np.newaxis] * (weights @ counts) / units)
        for counts in (sums.people[rows], sums.model[rows])
    )
    # The estimate's variance, up to what does not depend on lambda: the part of the cell that
    # is not known for certain, by the finite-population correction.
    whole = sums.sizes[fit.cell].sum()
    part = sums.sizes[fit.rest].sum() / whole / units
    left = part**2 * (1 - sums.probability[rows])
    crossed, crossed_by = _spread(people, model, left, fit.strata[rows])
    squared, squared_by = _spread(model, model, left, fit.strata[rows])
    return _Moments(
        rows=rows, crossed=crossed, squared=squared, crossed_by=crossed_by, squared_by=squared_by
    )


def _spread(
    one: Floats, other: Floats, weights: Floats, strata: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Sum over strata of n/(n-1) · weighted sum of products of deviations, from weighted means.

    With each deletion's change. *Shapes:* `weights` (sampled,); of the others (sampled, codes).
    """
    total, change = np.zeros(one.shape[1]), np.zeros_like(one)
    for number in np.unique(strata):
        own = strata == number
        n = int(own.sum())
        if n < 2:
            continue
        weigh = weights[own][:, np.newaxis]
        means = [(weigh * values[own]).sum(axis=0) / weigh.sum() for values in (one, other)]
        products = weigh * (one[own] - means[0]) * (other[own] - means[1])
        here = n / (n - 1) * products.sum(axis=0)
        total += here
        # One fewer, for which the others weigh n/(n-1): sums of squares by their known update.
        grown = (n / (n - 1)) ** 2 * (n - 1) / (n - 2) if n > 2 else 0.0
        without = weigh.sum() / (weigh.sum() - weigh)
        change[own] = grown * (products.sum(axis=0) - without * products) - here
    return total, change


def _ratio(crossed: Floats, squared: Floats) -> Floats:
    with np.errstate(all="ignore"):
        found: Floats = np.where(squared > 0, crossed / squared, 0.0)
    return np.clip(found, 0.0, 1.0)

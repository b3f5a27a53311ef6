"""How far the model is leaned on: the lambdas that make the estimated variance least."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from annotations.reliability.estimate import Bools, Floats
from annotations.reliability.prevalence.sums import Fit, Sums

_ALIKE = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """How far the model is leaned on, a lambda for each way in which it says something.

    None is negative, and together they are 1 at most: all 0 is not at all, 1 for its decisions
    the plain difference estimator. *Shapes:* `lam` (codes, ways); `without` (transcripts, codes,
    ways), the same were a transcript left out.
    """

    lam: Floats
    without: Floats

    @classmethod
    def fixed(cls, sums: Sums, lam: float) -> "Tuning":
        """The same for every code, on the model's decisions alone."""
        found = np.zeros(sums.said.shape[1:])
        found[:, 0] = lam
        return cls(lam=found, without=np.broadcast_to(found, sums.said.shape))

    @classmethod
    def of(cls, sums: Sums, cells: Sequence[Bools]) -> "Tuning":
        """The lambdas of each code that make the estimated variance least.

        The same for all cells, which share no transcript: a cell's own would fit its few
        transcripts too well. Each of `cells` marks its transcripts.
        """
        parts = [_moments(sums, Fit.of(sums, cell)) for cell in cells]
        crossed = np.sum([one.crossed for one in parts], axis=0)
        squared = np.sum([one.squared for one in parts], axis=0)
        lam = least(crossed, squared)
        without = np.broadcast_to(lam, sums.said.shape).copy()
        for one in parts:
            without[one.rows] = least(crossed + one.crossed_by, squared + one.squared_by)
        return cls(lam=lam, without=without)

    def where_apart(self, sums: Sums, samples: Sequence[Bools]) -> "Tuning":
        """The same, and 0 for codes on which people and model are nowhere apart in a sample.

        How far the two differ is known from where they do: what was right in all of a few
        transcripts may be wrong in others, and would seem to be known without error. Each of
        `samples` marks coded transcripts, all of which must show a difference.
        """
        people = np.where(sums.coded[:, np.newaxis], sums.people, 0.0)
        apart = np.abs(people - sums.model) > _ALIKE
        seen = np.ones((len(sums.codes), 1), dtype=np.bool_)
        for sample in samples:
            seen[:, 0] &= apart[sample].any(axis=0)
        return Tuning(lam=self.lam * seen, without=self.without * seen)

    @property
    def whole(self) -> Floats:
        """How far in all; *shape:* (codes,)."""
        return np.asarray(self.lam.sum(axis=-1))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moments:
    """A cell's part of the variance, as far as the lambdas move it.

    *Shapes:* `rows` its sampled transcripts; `crossed` of people's with the model's residuals
    (codes, ways) and `squared` of the model's own (codes, ways, ways); `..._by` (sampled, ...) is
    what leaving one out adds.
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

    def residuals(counts: Floats) -> Floats:
        mean = (weights @ counts) / units
        return np.asarray(weights[:, np.newaxis] * (counts - sizes[:, np.newaxis] * mean))

    people = residuals(sums.people[rows])
    ways = [residuals(sums.said[rows, :, way]) for way in range(sums.said.shape[2])]
    # The estimate's variance, up to what does not depend on lambda: the part of the cell that
    # is not known for certain, by the finite-population correction.
    whole = sums.sizes[fit.cell].sum()
    part = sums.sizes[fit.rest].sum() / whole / units
    left = part**2 * (1 - sums.probability[rows])

    def spread(one: Floats, other: Floats) -> tuple[Floats, Floats]:
        return _spread(one, other, left, fit.strata[rows])

    crossed = [spread(people, one) for one in ways]
    squared = [[spread(one, other) for other in ways] for one in ways]
    return _Moments(
        rows=rows,
        crossed=np.stack([total for total, _ in crossed], axis=-1),
        crossed_by=np.stack([change for _, change in crossed], axis=-1),
        squared=np.stack([np.stack([t for t, _ in row], axis=-1) for row in squared], axis=-2),
        squared_by=np.stack([np.stack([c for _, c in row], axis=-1) for row in squared], axis=-2),
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


def least(crossed: Floats, squared: Floats) -> Floats:
    """Where lambda' squared lambda - 2 crossed' lambda is least, of what lambdas may be.

    Inside, or else on a border, which is a line between two corners. *Shapes:* (..., ways),
    (..., ways, ways); result (..., ways).
    """
    ways = crossed.shape[-1]
    corners = [np.zeros(ways), *np.eye(ways)]
    tried = [_between(one, other, crossed, squared) for one, other in combinations(corners, 2)]
    inside = np.einsum("...ij,...j", np.linalg.pinv(squared, hermitian=True), crossed)
    allowed = (inside >= 0).all(axis=-1) & (inside.sum(axis=-1) <= 1)
    tried.append(np.where(allowed[..., np.newaxis], inside, 0.0))
    losses = np.stack(
        [
            np.einsum("...i,...ij,...j", one, squared, one)
            - 2 * np.einsum("...i,...i", crossed, one)
            for one in tried
        ]
    )
    best = losses.argmin(axis=0)
    found = np.take_along_axis(np.stack(tried), best[np.newaxis, ..., np.newaxis], axis=0)
    return np.asarray(found[0])


def _between(one: Floats, other: Floats, crossed: Floats, squared: Floats) -> Floats:
    """The least on the line between two corners; *shapes:* (ways,), as in `least`."""
    way = other - one
    slope = np.einsum("...i,i", crossed - squared @ one, way)
    bend = np.einsum("i,...ij,j", way, squared, way)
    far = np.clip(np.divide(slope, bend, out=np.zeros_like(bend), where=bend > 0), 0.0, 1.0)
    return np.asarray(one + far[..., np.newaxis] * way)

"""What coders' readings add up to, transcript by transcript.

Every agreement coefficient here is a function of sums over units. The sums are kept for each
transcript, so that leaving one out is a subtraction and never a new pass over the units.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from annotations.reliability.estimate import Bools, Floats, Replicates, leave_one_out

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Sums over units for any number of coders and `categories` values.

    *Shape:* `sums` (..., counts); for readings of codes (transcripts, codes, counts). In a
    unit that m coders read, r_k of them choosing category k, the counts are, category by
    category where a category is named:

    - `values`: r_k, over units with m >= 2
    - `agreeing`: r_k (r_k - 1), ordered pairs of coders who both chose k
    - `comparable`: r_k (m - 1), ordered pairs in which the first chose k
    - `shares`: r_k / m, over units with m >= 1
    - `disagreement`: the sum over k of r_k (m - r_k) / (m - 1), off-diagonal coincidences
    - `disagreeing`: the same divided by m, the share of unequal pairs in the unit
    - `pairable`, `rated`: units with m >= 2, with m >= 1
    - `marginals`: how often each coder chose each category, (..., coders, categories)
    """

    sums: Floats
    categories: int

    @classmethod
    def of_readings(
        cls,
        *,
        read: Bools,
        applied: Bools,
        clusters: Ints,
        groups: int,
        weights: Floats | None = None,
    ) -> "Tally":
        """Yes (category 1) or no (category 0), a code at a time.

        *Shapes:* `read` (coders, units), `applied` (coders, units, codes), `clusters` (units,)
        below `groups`, `weights` (units,) how often each unit counts. Result: `sums` (groups,
        codes, counts).
        """
        coders, units, codes = applied.shape
        # Few codings are made of all that could be: units without any are summed for all codes
        # at once, then what a coding changes is added where there is one.
        said = np.flatnonzero(applied & read[:, :, np.newaxis])
        coder, cell = np.divmod(said, max(1, units * codes))
        counts = np.bincount(cell, minlength=units * codes)
        cells = np.flatnonzero(counts)
        yes = counts[cells].astype(np.float64)
        unit, code = np.divmod(cells, max(1, codes))
        readers = read.sum(axis=0, dtype=np.float64)
        times = np.ones(units) if weights is None else weights
        place = clusters[unit] * codes + code
        columns: list[Floats] = []
        for none, some in zip(
            _columns([readers, np.zeros(units)]),
            _columns([readers[unit] - yes, yes]),
            strict=True,
        ):
            column = np.zeros((groups, codes))
            column += np.bincount(clusters, weights=none * times, minlength=groups)[:, np.newaxis]
            more = (some - none[unit]) * times[unit]
            added = np.bincount(place, weights=more, minlength=groups * codes)
            columns.append(column + added.reshape(groups, codes))
        marginals = np.zeros((groups, codes, coders, 2))
        unit, code = np.divmod(cell, max(1, codes))
        marginals[..., 1] = np.bincount(
            (clusters[unit] * codes + code) * coders + coder,
            weights=times[unit],
            minlength=groups * codes * coders,
        ).reshape(groups, codes, coders)
        coder, unit = np.nonzero(read)
        seen = np.bincount(
            clusters[unit] * coders + coder, weights=times[unit], minlength=groups * coders
        )
        marginals[..., 0] = seen.reshape(groups, 1, coders) - marginals[..., 1]
        return cls._of_columns(columns, marginals)

    @classmethod
    def _of_columns(cls, columns: list[Floats], marginals: Floats) -> "Tally":
        """`columns`: for each count (groups, statistics); `marginals` (groups, ..., q)."""
        summed = np.stack(columns, axis=-1)
        *_, coders, categories = marginals.shape
        flat = marginals.reshape(*summed.shape[:2], coders * categories)
        return cls(sums=np.concatenate([summed, flat], axis=-1), categories=categories)

    def _block(self, number: int) -> Floats:
        width = self.categories
        return self.sums[..., number * width : (number + 1) * width]

    @property
    def values(self) -> Floats:
        """Pairable values by category."""
        return self._block(0)

    @property
    def agreeing(self) -> Floats:
        """Ordered pairs of coders who agree on a category."""
        return self._block(1)

    @property
    def comparable(self) -> Floats:
        """Ordered pairs of coders of whom the first chose a category."""
        return self._block(2)

    @property
    def shares(self) -> Floats:
        """Sums of the share of a unit's readers who chose a category."""
        return self._block(3)

    @property
    def disagreement(self) -> Floats:
        """Off-diagonal coincidences, as Krippendorff weights them."""
        return self.sums[..., 4 * self.categories]

    @property
    def disagreeing(self) -> Floats:
        """Sums of the share of unequal pairs in a unit."""
        return self.sums[..., 4 * self.categories + 1]

    @property
    def pairable(self) -> Floats:
        """Units that two or more coders read."""
        return self.sums[..., 4 * self.categories + 2]

    @property
    def rated(self) -> Floats:
        """Units that anybody read."""
        return self.sums[..., 4 * self.categories + 3]

    @property
    def marginals(self) -> Floats:
        """How often each coder chose each category, in all units that they read."""
        flat = self.sums[..., 4 * self.categories + 4 :]
        coders = flat.shape[-1] // self.categories
        return flat.reshape(*flat.shape[:-1], coders, self.categories)

    @property
    def total(self) -> "Tally":
        """All transcripts together."""
        return replace(self, sums=self.sums.sum(axis=0))

    def with_sums(self, sums: Floats) -> "Tally":
        """Other sums of the same counts."""
        return replace(self, sums=sums)

    def pooled(self) -> "Tally":
        """Every unit times every code as one decision: (transcripts, 1, counts)."""
        return replace(self, sums=self.sums.sum(axis=1, keepdims=True))

    def replicates(
        self, coefficient: Callable[["Tally"], Floats], *, used: Bools | None = None
    ) -> Replicates:
        """The coefficient on all transcripts and without each; used by default where pairable."""
        return leave_one_out(
            self.sums,
            lambda sums: coefficient(self.with_sums(sums)),
            used=self.pairable > 0 if used is None else used,
        )


def _columns(counts: list[Floats]) -> list[Floats]:
    """What a unit adds to each of the sums but the marginals.

    *Shape:* `counts`, for each category (units, ...), how many coders chose it.
    """
    size = sum(counts[1:], start=counts[0])
    paired = size >= 2
    rated = size >= 1
    pairs = np.where(paired, size * (size - 1), 1.0)
    unequal = sum(((size - one) * one for one in counts), start=np.zeros_like(size))
    return [
        *(np.where(paired, one, 0.0) for one in counts),
        *(one * (one - 1) for one in counts),
        *(np.where(paired, one * (size - 1), 0.0) for one in counts),
        *(one / np.maximum(size, 1.0) for one in counts),
        np.where(paired, unequal / np.maximum(size - 1, 1.0), 0.0),
        np.where(paired, unequal / pairs, 0.0),
        paired.astype(np.float64),
        rated.astype(np.float64),
    ]


def grouping(clusters: Ints, groups: int, weights: Floats | None = None) -> sparse.csr_array:
    """The matrix (groups, units) that sums units by transcript, each counting as its weight."""
    units = len(clusters)
    times = np.ones(units, dtype=np.float64) if weights is None else weights
    return sparse.csr_array((times, (clusters, np.arange(units))), shape=(groups, units))


def pair_tables(
    *,
    first: Bools,
    second: Bools,
    both: Bools,
    clusters: Ints,
    groups: int,
    weights: Floats | None = None,
) -> Floats:
    """Cross tables of two coders, for each transcript and code.

    *Shapes:* `first`, `second` (units, codes) what they applied; `both` (units,) or (units,
    codes) where the two are to be compared; `weights` (units,) how often each unit counts.
    Result: (groups, codes, 2, 2), the first coder's no and yes along the rows, the second's
    along the columns.
    """
    # Few codings are made of all that could be: only they are looked at.
    return _cross_tables(
        np.flatnonzero(first), np.flatnonzero(second), second, both, clusters, groups, weights
    )


def tables_of_pairs(
    *,
    read: Bools,
    applied: Bools,
    pairs: Sequence[tuple[int, int]],
    clusters: Ints,
    groups: int,
    weights: Floats | None = None,
) -> list[Floats]:
    """`pair_tables` of several pairs of coders, over the units that both read.

    *Shapes:* `read` (coders, units), `applied` (coders, units, codes).
    """
    places = [np.flatnonzero(own) for own in applied]
    return [
        _cross_tables(
            places[one],
            places[other],
            applied[other],
            read[one] & read[other],
            clusters,
            groups,
            weights,
        )
        for one, other in pairs
    ]


def _cross_tables(
    ones: Ints,
    twos: Ints,
    second: Bools,
    both: Bools,
    clusters: Ints,
    groups: int,
    weights: Floats | None,
) -> Floats:
    """`pair_tables` from the places, in (units, codes), of what the two applied."""
    codes = second.shape[1]
    if not second.size:
        return np.zeros((groups, codes, 2, 2))
    seen: Floats
    if both.ndim == 2:
        ones, twos = ones[both.ravel()[ones]], twos[both.ravel()[twos]]
        seen = grouping(clusters, groups, weights) @ both.astype(np.float64)
    else:
        ones, twos = ones[both[ones // codes]], twos[both[twos // codes]]
        sizes = None if weights is None else weights[both]
        counts = np.bincount(clusters[both], weights=sizes, minlength=groups)
        seen = np.repeat(counts, codes).astype(np.float64)
        seen = seen.reshape(groups, codes)
    agreed = ones[second.ravel()[ones]]

    def count(places: Ints) -> Floats:
        unit, code = np.divmod(places, codes)
        cells = np.bincount(
            clusters[unit] * codes + code,
            weights=None if weights is None else weights[unit],
            minlength=groups * codes,
        )
        return cells.astype(np.float64).reshape(groups, codes)

    yes, first_yes, second_yes = count(agreed), count(ones), count(twos)
    tables = [seen - first_yes - second_yes + yes, second_yes - yes, first_yes - yes, yes]
    return np.stack(tables, axis=-1).reshape(groups, codes, 2, 2)

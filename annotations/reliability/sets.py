"""Agreement on the set of codes that a unit carries, taken as one value."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from annotations.codings import CodingTable
from annotations.reliability.agreement import NOBODY_TWICE, ONE_VALUE, people_of
from annotations.reliability.estimate import (
    Bools,
    Estimate,
    Floats,
    Replicates,
    Scale,
    insufficient_positives,
    jackknife,
)
from annotations.reliability.likeness import Occurrences, likeness_of

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAgreement:
    """Krippendorff's alpha over sets of codes; `n` counts units that two or more coders read.

    `nominal`: sets are equal or not. `jaccard`: distance 1 - J, J the shared part of the union.
    `masi`: distance 1 - J·M, M = 1 equal, 2/3 one within the other, 1/3 overlapping, 0 disjoint
    (Passonneau 2006). Two empty sets are at distance 0.
    """

    nominal: Estimate
    jaccard: Estimate
    masi: Estimate


def distances(first: Floats, second: Floats) -> Floats:
    """Nominal, Jaccard and MASI distances between sets, 0 to 1.

    *Shapes:* `first`, `second` (..., codes), 0 or 1, broadcast against each other; the result
    (3, ...).
    """
    shared = (first * second).sum(axis=-1)
    return _distances(shared, first.sum(axis=-1), second.sum(axis=-1))


def _distances(shared: Floats, one: Floats, other: Floats) -> Floats:
    """The same from the numbers of codes that both hold, and that each holds."""
    union = one + other - shared
    equal = shared == union
    # Two empty sets are equal.
    jaccard = np.where(equal, 1.0, shared / np.maximum(union, 1.0))
    within = shared == np.minimum(one, other)
    # Disjoint sets have J = 0, so their M does not matter.
    masi = jaccard * ((1.0 + within + equal) / 3.0)
    return np.stack([1.0 - equal, 1.0 - jaccard, 1.0 - masi])


def set_agreement_of(table: CodingTable) -> SetAgreement:
    """The three alphas between people, from their unassisted readings."""
    people = people_of(table)
    readers = people.read.sum(axis=0)
    pairable = readers >= 2
    if not pairable.any():
        nothing = Estimate.undefined(NOBODY_TWICE)
        return SetAgreement(nominal=nothing, jaccard=nothing, masi=nothing)
    packed = _packed(people.applied)
    coder, unit = np.nonzero(people.read & pairable)
    values = packed[coder, unit]
    number, example = _numbered(values)
    times = np.ones(len(people.units)) if people.weights is None else people.weights
    occurrences = _occurrences(
        people.applied[coder[example], unit[example]], people.clusters[unit], number, times[unit]
    )

    weight = times / np.maximum(readers - 1.0, 1.0)
    sizes = np.bitwise_count(packed).sum(axis=-1, dtype=np.float64)
    observed = np.zeros((3, len(people.units)))
    for one, other in combinations(range(len(people.coders)), 2):
        both = np.flatnonzero(people.read[one] & people.read[other])
        shared = np.bitwise_count(packed[one, both] & packed[other, both])
        observed[:, both] += 2.0 * _distances(
            shared.sum(axis=-1, dtype=np.float64), sizes[one, both], sizes[other, both]
        )
    groups = len(people.transcripts)
    by_transcript: Floats = np.stack(
        [np.bincount(people.clusters, weights=row * weight, minlength=groups) for row in observed]
    ).astype(np.float64)

    filled = float(values.any(axis=1).sum() / readers[pairable].mean())
    nominal, jaccard, masi = jackknife(
        _alphas(occurrences, by_transcript),
        scale=Scale.ATANH,
        n=[int(times[pairable].sum())] * 3,
        shortage=[insufficient_positives(filled, "unit", "with a code a coder")] * 3,
        undefined=[ONE_VALUE] * 3,
    )
    return SetAgreement(nominal=nominal, jaccard=jaccard, masi=masi)


def _packed(applied: Bools) -> Words:
    """Sets of codes as bits, (..., codes) to (..., words)."""
    bits = np.packbits(applied, axis=-1)
    words = max(1, -(-bits.shape[-1] // 8))
    padded = np.zeros((*bits.shape[:-1], words * 8), dtype=np.uint8)
    padded[..., : bits.shape[-1]] = bits
    return padded.view(np.uint64)


def _numbered(values: Words) -> tuple[Ints, Ints]:
    """Number the distinct sets among `values` (values, words): of each value, and an example."""
    keys = values[:, 0]
    for word in values.T[1:]:
        _, left = np.unique(keys, return_inverse=True)
        distinct, right = np.unique(word, return_inverse=True)
        keys = (left * len(distinct) + right).astype(np.uint64)
    _, example, number = np.unique(keys, return_index=True, return_inverse=True)
    return number, example


def _occurrences(held: Bools, transcript: Ints, number: Ints, times: Floats) -> Occurrences:
    """`times` (values,) how often each value counts, of the set `number` in `transcript`."""
    place, entry = np.unique(transcript * len(held) + number, return_inverse=True)
    group, which = np.divmod(place, len(held))
    together = np.bincount(entry, weights=times).astype(np.float64)
    return Occurrences(held=held, group=group, which=which, times=together)


def _alphas(data: Occurrences, observed: Floats) -> Replicates:
    """1 - Do/De on all transcripts and without each.

    *Shapes:* `data` the pairable values by transcript, `observed` (3, transcripts) sums of
    coincidence-weighted distances. With n the counts of sets and D the distances, leaving n_g
    out turns n'Dn into n'Dn - 2 n_g'Dn + n_g'Dn_g.
    """
    groups = observed.shape[1]
    likeness = likeness_of(data)
    total = data.total
    own_size = np.bincount(data.group, weights=data.times, minlength=groups)
    # Nominal likeness to a set is how often it occurs.
    toward = total.sum() - np.vstack([total, likeness.overall])
    within = own_size[data.group] - np.vstack([data.times, likeness.within])
    whole = toward @ total
    cross, own = (
        np.stack([np.bincount(data.group, weights=row, minlength=groups) for row in rows])
        for rows in (toward[:, data.which] * data.times, within * data.times)
    )
    return Replicates(
        values=_alpha(observed.sum(axis=1), whole, total.sum()),
        deletions=_alpha(
            observed.sum(axis=1, keepdims=True) - observed,
            whole[:, np.newaxis] - 2 * cross + own,
            total.sum() - own_size,
        ).T,
        used=np.repeat(own_size[:, np.newaxis] > 0, 3, axis=1),
    )


def _alpha(observed: Floats, expected: Floats, size: Floats) -> Floats:
    # The nominal expectation is in whole numbers: it alone is exactly 0 where all sets are equal.
    some = np.broadcast_to(expected[:1] > 0, expected.shape)
    return np.where(some, 1.0 - (size - 1.0) * observed / np.where(some, expected, 1.0), np.nan)

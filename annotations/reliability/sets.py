"""Agreement on the set of codes that a unit carries, taken as one value."""

from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

import numpy as np

from annotations.codings import CodingTable
from annotations.reliability.agreement import NOBODY_TWICE, ONE_VALUE, people_of
from annotations.reliability.estimate import (
    Estimate,
    Floats,
    Replicates,
    Scale,
    insufficient_positives,
    jackknife,
)
from annotations.reliability.tallies import grouping

_CELLS = 100_000
"""Pairs of distinct sets compared at a time: few enough to stay in the processor's cache."""


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
    shared, one, other = (first * second).sum(axis=-1), first.sum(axis=-1), second.sum(axis=-1)
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
    groups = len(people.transcripts)
    readers = people.read.sum(axis=0)
    pairable = readers >= 2
    if not pairable.any():
        nothing = Estimate.undefined(NOBODY_TWICE)
        return SetAgreement(nominal=nothing, jaccard=nothing, masi=nothing)
    coder, unit = np.nonzero(people.read & pairable)
    applied = people.applied[coder, unit]
    packed = np.packbits(applied, axis=1) if applied.shape[1] else np.zeros((len(unit), 1))
    _, example, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    sets = applied[example].astype(np.float64)
    place = people.clusters[unit] * len(sets) + which.ravel()
    times = np.ones(len(people.units)) if people.weights is None else people.weights
    places = np.bincount(place, weights=times[unit], minlength=groups * len(sets))
    counts: Floats = places.astype(np.float64).reshape(groups, len(sets))

    weight = 1.0 / np.maximum(readers - 1.0, 1.0)
    observed = np.zeros((3, len(people.units)))
    for one, other in combinations(range(len(people.coders)), 2):
        both = np.flatnonzero(people.read[one] & people.read[other])
        observed[:, both] += 2.0 * distances(
            people.applied[one, both].astype(np.float64),
            people.applied[other, both].astype(np.float64),
        )
    by_transcript = (grouping(people.clusters, groups, times) @ (observed * weight).T).T

    replicates = _alphas(counts, by_transcript, sets)
    sizes = readers[pairable]
    filled = float(applied.any(axis=1).sum() / sizes.mean())
    nominal, jaccard, masi = jackknife(
        replicates,
        scale=Scale.ATANH,
        n=[int(times[pairable].sum())] * 3,
        shortage=[insufficient_positives(filled, "units with a code")] * 3,
        undefined=[ONE_VALUE] * 3,
    )
    return SetAgreement(nominal=nominal, jaccard=jaccard, masi=masi)


def _alphas(counts: Floats, observed: Floats, sets: Floats) -> Replicates:
    """1 - Do/De on all transcripts and without each.

    *Shapes:* `counts` (transcripts, distinct sets) of pairable values, `observed` (3,
    transcripts) sums of coincidence-weighted distances, `sets` (distinct sets, codes). With n
    the counts and D the distances, leaving n_g out turns n'Dn into n'Dn - 2 n_g'Dn + n_g'Dn_g.
    """
    total = counts.sum(axis=0)
    toward = total.sum() - _likeness(sets, total)
    whole = toward @ total
    cross = toward @ counts.T
    own = np.zeros_like(cross)
    for transcript, row in enumerate(counts):
        held = np.flatnonzero(row)
        own[:, transcript] = (row.sum() - _likeness(sets[held], row[held])) @ row[held]
    values = total.sum()
    sizes = values - counts.sum(axis=1)
    return Replicates(
        values=_alpha(observed.sum(axis=1), whole, values),
        deletions=_alpha(
            observed.sum(axis=1, keepdims=True) - observed,
            whole[:, np.newaxis] - 2 * cross + own,
            sizes,
        ).T,
        used=np.repeat(counts.sum(axis=1)[:, np.newaxis] > 0, 3, axis=1),
    )


def _alpha(observed: Floats, expected: Floats, size: Floats) -> Floats:
    # The nominal expectation is in whole numbers: it alone is exactly 0 where all sets are equal.
    some = np.broadcast_to(expected[:1] > 0, expected.shape)
    return np.where(some, 1.0 - (size - 1.0) * observed / np.where(some, expected, 1.0), np.nan)


def _likeness(sets: Floats, times: Floats) -> Floats:
    """For each distinct set, the sum over all sets of 1 - distance, `times` each.

    *Shapes:* `sets` (distinct sets, codes), `times` (distinct sets,); result (3, distinct sets).
    Sets of a codes against sets of b >= a: with s codes shared, J = s / (a + b - s), and M is
    1/3 except where s = a. The number of pairs is the cost of it all, so each is touched little.
    """
    # Single precision halves the work; what it loses is a ten-millionth of the expectation.
    members, weights = sets.astype(np.float32), times.astype(np.float32)
    sizes = sets.sum(axis=1).astype(int)
    groups = {size: np.flatnonzero(sizes == size) for size in np.unique(sizes).tolist()}
    result = np.zeros((3, len(sets)))
    result[0] = times
    if 0 in groups:
        empty = groups.pop(0)
        result[1:, empty] = times[empty]
    for a, b in combinations_with_replacement(groups, 2):
        columns = groups[b]
        others, theirs = members[columns].T, weights[columns]
        height = max(1, _CELLS // len(columns))
        for start in range(0, len(groups[a]), height):
            rows = groups[a][start : start + height]
            shared = members[rows] @ others
            jaccard = np.float32(a + b) - shared
            np.divide(shared, jaccard, out=jaccard)
            there = (jaccard @ theirs).astype(np.float64)
            result[1, rows] += there
            result[2, rows] += there / 3.0
            if a == b:
                # Distinct sets of one size lie within each other only where they are the same.
                result[2, rows] += times[rows] * 2 / 3
                continue
            back = (weights[rows] @ jaccard).astype(np.float64)
            result[1, columns] += back
            result[2, columns] += back / 3.0
            row, column = np.divmod(np.flatnonzero(shared.ravel() == a), len(columns))
            if len(row):
                more = a / b / 3.0
                result[2, rows] += more * np.bincount(
                    row, weights=theirs[column], minlength=len(rows)
                )
                result[2, columns] += more * np.bincount(
                    column, weights=weights[rows][row], minlength=len(columns)
                )
    return result

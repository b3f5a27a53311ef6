"""Agreement on the set of codes that a unit carries, taken as one value."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

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

_ROWS = 512
"""Distinct sets compared with all others at a time, so that memory stays bounded."""


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
    return _distances((first * second).sum(axis=-1), first.sum(axis=-1), second.sum(axis=-1))


def _distances(shared: Floats, one: Floats, other: Floats) -> Floats:
    union = one + other - shared
    jaccard = np.where(union > 0, shared / np.where(union > 0, union, 1.0), 1.0)
    equal = shared == union
    within = (shared == one) | (shared == other)
    weight = np.where(equal, 1.0, np.where(within, 2 / 3, np.where(shared > 0, 1 / 3, 0.0)))
    return np.stack([1.0 - equal, 1.0 - jaccard, 1.0 - jaccard * weight])


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
    counts = np.bincount(place, minlength=groups * len(sets)).astype(np.float64)
    counts = counts.reshape(groups, len(sets))

    weight = 1.0 / np.maximum(readers - 1.0, 1.0)
    observed = np.zeros((3, len(people.units)))
    for one, other in combinations(range(len(people.coders)), 2):
        both = np.flatnonzero(people.read[one] & people.read[other])
        observed[:, both] += 2.0 * distances(
            people.applied[one, both].astype(np.float64),
            people.applied[other, both].astype(np.float64),
        )
    by_transcript = (grouping(people.clusters, groups) @ (observed * weight).T).T

    replicates = _alphas(counts, by_transcript, sets)
    sizes = readers[pairable]
    filled = float(applied.any(axis=1).sum() / sizes.mean())
    nominal, jaccard, masi = jackknife(
        replicates,
        scale=Scale.ATANH,
        n=[int(pairable.sum())] * 3,
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
    whole = np.zeros(3)
    cross = np.zeros((3, len(counts)))
    own = np.zeros((3, len(counts)))
    for rows, distance in _blocks(sets):
        toward = distance @ total
        whole += toward @ total[rows]
        cross += toward @ counts[:, rows].T
        own += np.einsum("drg,gr->dg", distance @ counts.T, counts[:, rows])
    size = total.sum()
    sizes = size - counts.sum(axis=1)
    return Replicates(
        values=_alpha(observed.sum(axis=1), whole, size),
        deletions=_alpha(
            observed.sum(axis=1, keepdims=True) - observed,
            whole[:, np.newaxis] - 2 * cross + own,
            sizes,
        ).T,
        used=np.repeat(counts.sum(axis=1)[:, np.newaxis] > 0, 3, axis=1),
    )


def _alpha(observed: Floats, expected: Floats, size: Floats) -> Floats:
    # Distances are fractions of small numbers: what is left of 0 after subtraction is under 1e-9.
    some = expected > 1e-9
    return np.where(some, 1.0 - (size - 1.0) * observed / np.where(some, expected, 1.0), np.nan)


def _blocks(sets: Floats) -> Iterator[tuple[slice, Floats]]:
    """Distances of some distinct sets to all, (3, rows, distinct sets), block by block."""
    sizes = sets.sum(axis=1)
    for start in range(0, len(sets), _ROWS):
        rows = slice(start, start + _ROWS)
        yield rows, _distances(sets[rows] @ sets.T, sizes[rows, np.newaxis], sizes[np.newaxis])

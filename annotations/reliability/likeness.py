"""How alike sets of codes are to all others, summed without comparing them pair by pair.

The Jaccard likeness of sets of a and b codes, s of them shared, is

    s/(a+b-s) = sum over j of C(s, j) / C(a+b-1, j),

and C(s, j) counts the subsets of j codes that lie in both. So it is enough to know, for each
subset, how many sets of each size hold it, and codes on a unit are few. Nothing is subtracted,
so nothing cancels. MASI is a third of that, and more where one set lies within the other: then
the smaller one is itself a subset that both hold. Sets of many codes have too many subsets and
are compared directly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from annotations.reliability.estimate import Bools, Floats

Ints = NDArray[np.int64]

_SUBSET, _PAIR = 60.0, 6.0
"""Nanoseconds to look up a subset, and to compare two sets directly."""

_CELLS = 250_000
"""Pairs of sets compared directly at a time."""

_SPARSE = 8
"""Numbers of subsets for each one present, beyond which they are numbered anew."""

_SUBSETS = 50_000_000
_KEYS = 2**62
"""How many subsets memory holds, and how many can be numbered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrences:
    """How often sets occur in groups: `times` the set `which` in `group`.

    *Shapes:* `held` (distinct sets, codes), none equal; `group`, `which`, `times` (entries,),
    ordered by group, each set at most once in a group.
    """

    held: Bools
    group: Ints
    which: Ints
    times: Floats

    @property
    def total(self) -> Floats:
        """How often each set occurs in all groups, (distinct sets,)."""
        counts = np.bincount(self.which, weights=self.times, minlength=len(self.held))
        return counts.astype(np.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Likeness:
    """Sums over sets, as often as they occur, of 1 - distance, for Jaccard and MASI.

    *Shapes:* `overall` (2, distinct sets), of each set to those of all groups; `within` (2,
    entries), of each entry to those of its own group.
    """

    overall: Floats
    within: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """Sets of one size, their subsets of some size, and where to add what they have alike.

    *Shapes:* `times` (sets,), `keys` (subsets, sets), `sums` (2, sets).
    """

    size: int
    times: Floats
    keys: Ints
    sums: Floats


def likeness_of(data: Occurrences) -> Likeness:
    """Sum up the likeness of every set to all others and to those of its group.

    Two empty sets are alike, an empty one and another are not.
    """
    sizes = data.held.sum(axis=1, dtype=np.int64)
    total = data.total
    # Of each set with itself.
    result = Likeness(overall=np.stack([total, total]), within=np.stack([data.times, data.times]))
    limit = _limit(data, sizes)
    _by_subsets(data, sizes, total, limit, result)
    _directly(data.held, total, sizes > limit, result.overall)
    for start, end in _runs(data.group):
        which = data.which[start:end]
        if (sizes[which] > limit).any():
            _directly(
                data.held[which],
                data.times[start:end],
                sizes[which] > limit,
                result.within[:, start:end],
            )
    return result


def _limit(data: Occurrences, sizes: Ints) -> int:
    """The size of sets up to which looking up subsets is the cheaper way."""
    codes, groups = data.held.shape[1], int(data.group.max(initial=0)) + 1
    entries = np.bincount(sizes[data.which], minlength=codes + 1)
    distinct = np.bincount(sizes, minlength=codes + 1)
    crowd = np.bincount(data.group, minlength=groups)
    per_entry = len(sizes) * distinct / np.maximum(entries, 1) + crowd.mean()
    best, least = 0, float("inf")
    looked_up = 0.0
    for limit in range(int(sizes.max(initial=0)) + 1):
        if limit and comb(codes, limit) * groups > _KEYS:
            break
        looked_up += _SUBSET * 2.0**limit * float(entries[limit] + distinct[limit])
        if looked_up > _SUBSET * _SUBSETS:
            break
        compared = _PAIR * float((entries * per_entry)[limit + 1 :].sum())
        if looked_up + compared < least:
            best, least = limit, looked_up + compared
    return best


def _by_subsets(
    data: Occurrences, sizes: Ints, total: Floats, limit: int, result: Likeness
) -> None:
    codes = data.held.shape[1]
    _, members = np.nonzero(data.held)
    starts = np.cumsum(sizes) - sizes
    rows = {size: np.flatnonzero(sizes == size) for size in range(1, limit + 1)}
    entries = {size: np.flatnonzero(sizes[data.which] == size) for size in rows}
    position = np.empty(len(sizes), dtype=np.int64)
    for part in rows.values():
        position[part] = np.arange(len(part))
    own = {
        size: members[starts[part] + np.arange(size)[:, np.newaxis]] for size, part in rows.items()
    }
    sets_of = {size: position[data.which[place]] for size, place in entries.items()}
    overall = {size: np.zeros((2, len(part))) for size, part in rows.items()}
    within = {size: np.zeros((2, len(place))) for size, place in entries.items()}
    for taken in range(1, limit + 1):
        all_sets, by_group = [], []
        for size in range(taken, limit + 1):
            ranks = _ranks(own[size], taken, codes)
            keys = ranks[:, sets_of[size]]
            keys += data.group[entries[size]] * comb(codes, taken)
            all_sets.append(
                _Part(size=size, times=total[rows[size]], keys=ranks, sums=overall[size])
            )
            by_group.append(
                _Part(size=size, times=data.times[entries[size]], keys=keys, sums=within[size])
            )
        _add(all_sets, taken)
        _add(by_group, taken)
    for size in rows:
        result.overall[:, rows[size]] += overall[size]
        result.within[:, entries[size]] += within[size]


def _ranks(members: Ints, taken: int, codes: int) -> Ints:
    """A number for each subset of `taken` codes, (subsets, sets); `members` (size, sets) rises."""
    choose = np.array(
        [[comb(code, at) for code in range(codes)] for at in range(1, taken + 1)], dtype=np.int64
    )
    rows = np.array(list(combinations(range(len(members)), taken)), dtype=np.int64)
    result: Ints = choose[0][members][rows[:, 0]]
    for at in range(1, taken):
        result += choose[at][members][rows[:, at]]
    return result


def _add(parts: list[_Part], taken: int) -> None:
    """Add what sets have alike because they hold the same subsets of `taken` codes.

    Of every other set: what a set has alike with itself is known.
    """
    keys = np.concatenate([part.keys.ravel() for part in parts])
    if not len(keys):
        return
    count = int(keys.max()) + 1
    if count > _SPARSE * len(keys):
        found, keys, times = np.unique(keys, return_inverse=True, return_counts=True)
        count = len(found)
    else:
        times = np.bincount(keys, minlength=count)
    # Most subsets of several codes are held by one set alone: they get the number 0.
    shared = times > 1
    keys = np.where(shared, np.cumsum(shared), 0)[keys]
    count = int(shared.sum()) + 1
    sizes = np.arange(taken, taken + len(parts))
    likeness = np.array([[1 / comb(a + b - 1, taken) for a in sizes] for b in sizes])
    held = np.zeros((len(parts), count))
    own = []
    start = 0
    for number, part in enumerate(parts):
        own.append(keys[start : start + part.keys.size].reshape(part.keys.shape))
        start += part.keys.size
        held[number] = np.bincount(
            own[-1].ravel(), weights=np.tile(part.times, len(part.keys)), minlength=count
        )
    held[:, 0] = 0.0
    # Not a product of matrices, for which BLAS would wait for a second processor.
    alike = np.einsum("ab,bk->ak", likeness, held)
    for number, part in enumerate(parts):
        itself = part.times * (own[number] > 0).sum(axis=0)
        jaccard = alike[number][own[number]].sum(axis=0) - itself * likeness[number, number]
        masi = jaccard / 3
        if part.size == taken:
            # Its supersets: J is taken / size, M twice a third.
            masi += ((taken / sizes) @ held[:, own[number][0]] - itself) / 3
        else:
            masi += held[0][own[number]].sum(axis=0) * taken / part.size / 3
        part.sums[0] += jaccard
        part.sums[1] += masi


def _directly(held: Bools, times: Floats, large: Bools, result: Floats) -> None:
    """Compare the `large` sets with all others, adding both ways; `result` (2, sets)."""
    chosen, small = np.flatnonzero(large), np.flatnonzero(~large)
    if not len(chosen):
        return
    members = held.astype(np.float64)
    sizes = members.sum(axis=1)
    height = max(1, _CELLS // len(held))
    for start in range(0, len(chosen), height):
        rows = chosen[start : start + height]
        shared = members[rows] @ members.T
        jaccard = shared / (sizes[rows, np.newaxis] + sizes - shared)
        jaccard[np.arange(len(rows)), rows] = 0.0
        within = shared == np.minimum(sizes[rows, np.newaxis], sizes)
        for at, alike in enumerate((jaccard, jaccard * ((1.0 + within) / 3.0))):
            result[at, rows] += alike @ times
            result[at, small] += times[rows] @ alike[:, small]


def _runs(group: Ints) -> Iterator[tuple[int, int]]:
    """Where each group starts and ends."""
    edges = np.flatnonzero(np.diff(group)) + 1
    yield from zip([0, *edges.tolist()], [*edges.tolist(), len(group)], strict=True)

"""The best alignment of spans that several coders cut and coded (Mathet et al. 2015).

A unitary alignment takes at most one span of each coder; the spans of all coders are divided
among unitary alignments so that the sum of their disorders is least. The optimum is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp

from annotations.reliability.estimate import Bools, Floats

Ints = NDArray[np.int64]

MAX_CANDIDATES = 30_000
"""Unitary alignments that could be part of the best one, for three or more coders."""

MAX_PAIRS = 10_000_000
"""Pairs of spans compared, for two coders."""

_NOBODY = -1
_CELLS = 1_000_000
"""Numbers held at a time."""


class TooManyCandidates(Exception):
    """More spans than can be aligned: beyond `MAX_CANDIDATES` or `MAX_PAIRS`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """The unitary alignments whose disorders add up to least.

    *Shape:* `members` (unitary alignments, coders), the number of each coder's span, -1 for
    none. `cost` is the sum of their disorders, `disorder` that divided by the mean number of
    spans a coder, the paper's disorder of an alignment; NaN without spans. `candidates` counts
    the unitary alignments among which they were found.
    """

    members: Ints
    cost: float
    disorder: float
    candidates: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CategoryDisorder:
    """How far aligned spans differ in code: `unequal` out of `pairs`, both sums of weights."""

    unequal: float
    pairs: float


def positional(first: Floats, second: Floats) -> Floats:
    """((|start - start'| + |end - end'|) / (length + length'))².

    *Shapes:* (..., 3), start, end and code, broadcast against each other; the result (...).
    """
    apart = np.abs(first[..., 0] - second[..., 0]) + np.abs(first[..., 1] - second[..., 1])
    lengths = first[..., 1] - first[..., 0] + second[..., 1] - second[..., 0]
    squared: Floats = (apart / lengths) ** 2
    return squared


def dissimilarity(first: Floats, second: Floats) -> Floats:
    """Positional plus 1 where the codes differ: alpha = beta = 1, empty = 1. As `positional`."""
    both: Floats = positional(first, second) + (first[..., 2] != second[..., 2])
    return both


def best_alignment(spans: Sequence[Floats]) -> Alignment:
    """Align the spans of two or more coders, each (spans, 3): start, end and code.

    The disorder of a unitary alignment is the mean over pairs of coders of the dissimilarity of
    their spans, 1 where one or both have none. Raises TooManyCandidates.
    """
    if len(spans) == 2:
        if len(spans[0]) * len(spans[1]) > MAX_PAIRS:
            raise TooManyCandidates
        members = _two(*spans)
        candidates = len(spans[0]) * len(spans[1])
    else:
        possible = _candidates(spans)
        candidates = len(possible)
        members = _chosen(possible, spans)
    cost = float(_costs(members, spans).sum())
    size = sum(map(len, spans)) / len(spans)
    return Alignment(
        members=members,
        cost=cost,
        disorder=cost / size if size else float("nan"),
        candidates=candidates,
    )


def category_disorder(alignment: Alignment, spans: Sequence[Floats]) -> CategoryDisorder:
    """The sums behind gamma-cat (Mathet 2017).

    Each pair of spans in a unitary alignment of v spans weighs max(0, 1 - positional)/(v - 1).
    """
    held = alignment.members != _NOBODY
    unequal = pairs = 0.0
    for one, other in combinations(range(len(spans)), 2):
        rows = np.flatnonzero(held[:, one] & held[:, other])
        first = spans[one][alignment.members[rows, one]]
        second = spans[other][alignment.members[rows, other]]
        weight = np.maximum(0.0, 1.0 - positional(first, second)) / (held[rows].sum(axis=1) - 1)
        pairs += float(weight.sum())
        unequal += float(weight[first[:, 2] != second[:, 2]].sum())
    return CategoryDisorder(unequal=unequal, pairs=pairs)


def _costs(members: Ints, spans: Sequence[Floats]) -> Floats:
    """The disorder of each unitary alignment, (unitary alignments,)."""
    held = members != _NOBODY
    total = np.full(len(members), float(comb(len(spans), 2)))
    for one, other in combinations(range(len(spans)), 2):
        rows = np.flatnonzero(held[:, one] & held[:, other])
        total[rows] += (
            dissimilarity(spans[one][members[rows, one]], spans[other][members[rows, other]]) - 1.0
        )
    return total / comb(len(spans), 2)


def _two(first: Floats, second: Floats) -> Ints:
    # Two spans left alone cost 2, so aligning them saves what their dissimilarity is below 2.
    gain = np.minimum(dissimilarity(first[:, np.newaxis], second) - 2.0, 0.0)
    rows, columns = linear_sum_assignment(gain)
    kept = gain[rows, columns] < 0
    alone = np.setdiff1d(np.arange(len(first)), rows[kept])
    others = np.setdiff1d(np.arange(len(second)), columns[kept])
    members: Ints = np.concatenate(
        [
            np.column_stack([rows[kept], columns[kept]]),
            np.column_stack([alone, np.full(len(alone), _NOBODY)]),
            np.column_stack([np.full(len(others), _NOBODY), others]),
        ]
    ).astype(np.int64)
    return members


def _chosen(candidates: Ints, spans: Sequence[Floats]) -> Ints:
    """Those candidates that hold every span once at the least cost."""
    if not len(candidates):
        return candidates
    sizes = [len(part) for part in spans]
    offsets = np.cumsum([0, *sizes[:-1]])
    column, coder = np.nonzero(candidates != _NOBODY)
    row = candidates[column, coder] + offsets[coder]
    covers = sparse.csr_array(
        (np.ones(len(row)), (row, column)), shape=(sum(sizes), len(candidates))
    )
    found = milp(
        _costs(candidates, spans),
        integrality=np.ones(len(candidates), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(covers, 1, 1),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise RuntimeError(f"no alignment was found: {found.message}")
    chosen: Ints = candidates[found.x > 0.5]
    return chosen


def _candidates(spans: Sequence[Floats]) -> Ints:
    """Unitary alignments that may be part of the best one, (unitary alignments, coders).

    With C pairs of coders, a span that is put to v others adds the sum of (dissimilarity - 1) / C
    and saves the 1 that it costs alone: so the sum of its dissimilarities is below C + v.
    """
    coders, pairs = len(spans), comb(len(spans), 2)
    members: Ints = np.empty((1, 0), dtype=np.int64)
    sums: Floats = np.empty((1, 0))
    for part in spans:
        grown = [np.column_stack([members, np.full(len(members), _NOBODY)])]
        grown_sums = [np.column_stack([sums, np.zeros(len(sums))])]
        count = len(members)
        height = max(1, _CELLS // max(1, len(part) * coders))
        for start in range(0, len(members) if len(part) else 0, height):
            held = members[start : start + height]
            to_each = _to_each(held, spans, part)
            added = np.concatenate(
                [
                    sums[start : start + height, np.newaxis] + to_each,
                    to_each.sum(axis=2, keepdims=True),
                ],
                axis=2,
            )
            row, span = np.nonzero((added < pairs + coders - 1).all(axis=2))
            grown.append(np.column_stack([held[row], span]))
            grown_sums.append(added[row, span])
            count += len(row)
            if count > MAX_CANDIDATES:
                raise TooManyCandidates
        members, sums = np.concatenate(grown), np.concatenate(grown_sums)
    size = (members != _NOBODY).sum(axis=1)
    useful: Bools = (sums < (pairs + size - 1)[:, np.newaxis]).all(axis=1) & (size > 0)
    possible: Ints = members[useful]
    return possible


def _to_each(members: Ints, spans: Sequence[Floats], part: Floats) -> Floats:
    """Dissimilarities of one more coder's spans to those held, 0 to none.

    *Shapes:* `members` (rows, coders so far), `part` (spans, 3); result (rows, spans, coders).
    """
    result = np.zeros((len(members), len(part), members.shape[1]))
    for coder in range(members.shape[1]):
        rows = np.flatnonzero(members[:, coder] != _NOBODY)
        theirs = spans[coder][members[rows, coder], np.newaxis]
        result[rows, :, coder] = dissimilarity(theirs, part)
    return result

"""Penalised logistic regressions of all codes at once, by truncated Newton's method.

Systems are solved by conjugate gradients (preconditioned where dense features have many
segments). A code whose head has settled costs nothing more. Everything runs on one thread, so
that the numbers do not depend on how many cores there are.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Places = NDArray[np.int64]
Features = Floats32 | sparse.csr_matrix
Ease = Callable[[Floats32, Places], Floats32]
"""A cheap guess at what a Newton system has for an answer, and which codes these are.

*Shapes:* (features, codes), (codes,).
"""

_NEWTON_STEPS = 30
_CG_STEPS = 40
_HALVINGS = 13
_ROUGH = 0.5
"""A Newton system is solved until this share of it is left: its curvature is of the moment."""

_SETTLED = 1e-3
"""The gradient's length, as a share of what it is at the centre, at which a head is good enough."""

_GRAM_ROWS = 2500
_GRAM_TERMS = 1000
"""Few segments of many terms each are turned into rows of as many features as segments."""

_GRAM_COLUMNS = 8192
_JITTER = 1e-5

_BLOCK_PRODUCTS = 740_000
_LEAST_BLOCK = 16
"""Dense segments are multiplied as many at a time as stay in a core's own memory."""

_TALL = 8
"""From so many segments a feature, the features' own directions are worth finding first."""

with warnings.catch_warnings():
    # Torch calls its sparse tensors a beta when a process makes its first: here, since what a
    # thread does to warnings all others see.
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor([0, 0], [], [], size=(1, 1), check_invariants=False)


class Prepared:
    """Features made ready for several fits, by the first; *shape:* (segments, features)."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self._lower: Floats | None = None
        self._products: _Dense | _Sparse | None = None

    def _ready(self) -> "_Dense | _Sparse":
        features = self.features
        if not isinstance(features, sparse.csr_matrix):
            return _Dense(features)
        if features.shape[0] > _GRAM_ROWS or features.nnz < _GRAM_TERMS * features.shape[0]:
            return _Sparse(features)
        # The heads lie in the span of the segments: with G = X X' = L L', rows of L have the same
        # products as rows of X, and are no longer than there are segments.
        self._lower = np.asarray(np.linalg.cholesky(_gram(features)))
        return _Dense(np.ascontiguousarray(self._lower, dtype=np.float32))

    def solve(
        self,
        pull_up: Floats,
        pull_down: Floats,
        offset: Floats,
        force: float,
        check: Callable[[], None],
    ) -> tuple[Floats32, Floats32]:
        """Weights beyond the centre, and the bias; *shapes:* (codes, features), (codes,).

        *Shapes:* `pull_up`, `pull_down` and `offset` (segments, codes): how much each segment
        weighs for and against each code, and its score at the centre.
        """
        if self._products is None:
            with threadpool_limits(1):
                self._products = self._ready()
        # Some codes of a table lie code by code in memory; products read segment by segment.
        up, down, start = map(np.ascontiguousarray, (pull_up, pull_down, offset))
        own, bias = _newton(self._products, up, down, start, force, check)
        if self._lower is None:
            return own, bias
        turned = own.T.astype(np.float64)
        back = linalg.solve_triangular(self._lower, turned, lower=True, trans=1)
        return np.asarray(self.features.T @ back.astype(np.float32)).T, bias


def _gram(features: sparse.csr_matrix) -> Floats:
    rows = features.shape[0]
    gram = np.zeros((rows, rows), dtype=np.float32)
    by_column = features.tocsc()
    for start in range(0, features.shape[1], _GRAM_COLUMNS):
        block = by_column[:, start : start + _GRAM_COLUMNS].toarray()
        gram += block @ block.T
    gram[np.diag_indices(rows)] += _JITTER
    return gram.astype(np.float64)


class _Dense:
    """Products with dense features, some segments at a time: each is fetched once a product."""

    def __init__(self, features: Floats32) -> None:
        self.width = features.shape[1]
        self._rows = features
        self._along: tuple[Floats, Floats32] | None = None
        enough = _TALL * self.width
        if 0 < enough <= len(features):
            # A guess is all that is wanted: some of the segments tell the directions too. At
            # random, since turns alternate and questions recur.
            chosen = np.random.default_rng(0).choice(len(features), enough, replace=False)
            some = features[np.sort(chosen)]
            squares, directions = linalg.eigh(some.T @ some, driver="evd", check_finite=False)
            whole = np.float64(len(features) / len(some))
            self._along = np.maximum(squares, 0) * whole, directions

    def back(self, slopes: Floats32) -> Floats32:
        """*Shapes:* (segments, codes) to (features, codes)."""
        total = np.zeros((self.width, slopes.shape[1]), dtype=np.float32)
        for rows in self._blocks(slopes.shape[1]):
            total += self._rows[rows].T @ slopes[rows]
        return total

    def bent(self, way: Floats32, shift: Floats32, curve: Floats32) -> tuple[Floats32, Floats32]:
        """How scores move that way, and how what is curved by it comes back to the features.

        *Shapes:* `way` (features, codes), `shift` (codes,) is added to the scores, `curve`
        (segments, codes); results (segments, codes), (features, codes).
        """
        along = np.empty(curve.shape, dtype=np.float32)
        total = np.zeros(way.shape, dtype=np.float32)
        for rows in self._blocks(way.shape[1]):
            block = self._rows[rows]
            along[rows] = block @ way + shift
            total += block.T @ (curve[rows] * along[rows])
        return along, total

    def ease(self, curve: Floats32, force: float) -> Ease:
        """As if every segment had its code's mean curvature: then the directions are apart."""
        if self._along is None:
            return _as_it_is
        squares, directions = self._along
        shrink = force / (squares[:, np.newaxis] * curve.mean(axis=0, dtype=np.float64) + force)
        small = shrink.astype(np.float32)
        return lambda rest, codes: np.asarray(
            directions @ (small[:, codes] * (directions.T @ rest))
        )

    def _blocks(self, codes: int) -> Iterator[slice]:
        size = max(_LEAST_BLOCK, _BLOCK_PRODUCTS // (self.width * codes))
        return (slice(start, start + size) for start in range(0, len(self._rows), size))


class _Sparse:
    """Products with sparse features, kept both ways round.

    By torch, which multiplies several columns by a sparse matrix two to three times as fast as
    scipy. Each row of a product is summed by itself: the numbers are the same on any cores.
    """

    def __init__(self, features: sparse.csr_matrix) -> None:
        features = features.astype(np.float32, copy=False)
        self.width = features.shape[1]
        self._rows, self._columns = _as_torch(features), _as_torch(features.T.tocsr())

    def back(self, slopes: Floats32) -> Floats32:
        """*Shapes:* (segments, codes) to (features, codes)."""
        return _times(self._columns, slopes)

    def bent(self, way: Floats32, shift: Floats32, curve: Floats32) -> tuple[Floats32, Floats32]:
        """As of dense features."""
        along = _times(self._rows, way) + shift
        return along, _times(self._columns, curve * along)

    def ease(self, _curve: Floats32, _force: float) -> Ease:
        """Nothing is gained that the work would be worth."""
        return _as_it_is


def _as_torch(features: sparse.csr_matrix) -> torch.Tensor:
    return torch.sparse_csr_tensor(
        torch.from_numpy(features.indptr),
        torch.from_numpy(features.indices),
        torch.from_numpy(features.data),
        size=features.shape,
        check_invariants=False,
    )


def _times(matrix: torch.Tensor, columns: Floats32) -> Floats32:
    with torch.inference_mode():
        found = matrix @ torch.from_numpy(np.ascontiguousarray(columns))
        return np.asarray(found.numpy(), dtype=np.float32)


def _as_it_is(rest: Floats32, _codes: Places) -> Floats32:
    return rest.copy()


def _newton(
    product: _Dense | _Sparse,
    pull_up: Floats,
    pull_down: Floats,
    offset: Floats,
    force: float,
    check: Callable[[], None],
) -> tuple[Floats32, Floats32]:
    left = np.arange(pull_up.shape[1])
    weights = np.zeros((len(left), product.width), dtype=np.float32)
    biases = np.zeros(len(left), dtype=np.float32)
    # The bias is counted in units in which its curvature is like a weight's.
    scale = 1.0 / np.sqrt(np.maximum((pull_up + pull_down).sum(axis=0) / (4 * force), 1.0))
    at: Floats32 = np.zeros((product.width, len(left)), dtype=np.float32)
    bias: Floats = np.zeros(len(left))
    reach = offset
    first: Floats | None = None
    before: Floats | None = None
    for _ in range(_NEWTON_STEPS):
        check()
        chance = 0.5 * (1.0 + np.tanh(0.5 * reach))
        slope = pull_down * chance - pull_up * (1 - chance)
        gradient = product.back(slope.astype(np.float32)) + np.float32(force) * at
        gradient_bias = slope.sum(axis=0) * scale
        length = np.sqrt(_squares(gradient) + gradient_bias**2)
        first = np.maximum(length, 1e-12) if first is None else first
        weights[left], biases[left] = at.T, bias
        open_ = length > _SETTLED * first
        if not open_.any():
            break
        left = left[open_]
        pull_up, pull_down, reach, chance, at, bias = _only(
            open_, pull_up, pull_down, reach, chance, at, bias
        )
        gradient, gradient_bias, length, first, scale = _only(
            open_, gradient, gradient_bias, length, first, scale
        )
        curve = ((pull_up + pull_down) * chance * (1 - chance)).astype(np.float32)
        goal = _ROUGH * length
        step, step_bias, moved = _conjugate(
            product, curve, gradient, gradient_bias, scale, force, goal
        )
        # How far to go, a code: halved until its objective falls.
        far: Floats = np.ones(len(left))
        worse: Bools = np.zeros(len(left), dtype=np.bool_)
        if before is None:
            before = _objective(pull_up, pull_down, reach, at, force)
        else:
            (before,) = _only(open_, before)
        for _ in range(_HALVINGS):
            far = np.where(worse, far / 2, far)
            tried, there = reach + far * moved, at + far.astype(np.float32) * step
            after = _objective(pull_up, pull_down, tried, there, force)
            worse = after > before + 1e-6 * np.abs(before)
            if not worse.any():
                break
        at, bias, reach, before = there, bias + far * step_bias, tried, after
    else:
        weights[left], biases[left] = at.T, bias
    return weights, biases


def _only(codes: Bools, *arrays: Any) -> tuple[Any, ...]:
    """Of each array some of the codes, its last axis."""
    if codes.all():
        return arrays
    return tuple(np.compress(codes, one, axis=-1) for one in arrays)


def _squares(columns: Floats32) -> Floats:
    return _products(columns, columns)


def _products(one: Floats32, other: Floats32) -> Floats:
    return np.asarray(np.einsum("fc,fc->c", one, other), dtype=np.float64)


def _objective(
    pull_up: Floats, pull_down: Floats, reach: Floats, at: Floats32, force: float
) -> Floats:
    # log(1 + exp(-reach)) is log(1 + exp(reach)) less reach.
    loss = (pull_up + pull_down) * np.logaddexp(0, reach) - pull_up * reach
    squares = np.square(at, dtype=np.float64).sum(axis=0)
    return np.asarray(loss.sum(axis=0) + 0.5 * force * squares)


def _conjugate(
    product: _Dense | _Sparse,
    curve: Floats32,
    gradient: Floats32,
    gradient_bias: Floats,
    scale: Floats,
    force: float,
    goal: Floats,
) -> tuple[Floats32, Floats, Floats32]:
    """Newton steps of all codes: weights' step, bias's step, and how far scores move by both.

    *Shapes:* `curve` (segments, codes), `goal` (codes,): how short the rest of the gradient has
    to get; results (features, codes), (codes,), (segments, codes).
    """
    steps, steps_bias, moves = np.zeros_like(gradient), np.zeros(len(goal)), np.zeros_like(curve)
    ease, scales = product.ease(curve, force), scale
    going: Places = np.arange(len(goal))
    rest, rest_bias = -gradient, -gradient_bias
    way, way_bias = ease(rest, going), rest_bias.copy()
    eased = _products(rest, way) + rest_bias**2
    step, step_bias, moved = np.zeros_like(gradient), np.zeros(len(goal)), np.zeros_like(curve)
    for _ in range(_CG_STEPS):
        open_ = np.sqrt(_squares(rest) + rest_bias**2) > goal
        if not open_.all():
            steps[:, going], steps_bias[going], moves[:, going] = step, step_bias, moved
            going = going[open_]
            curve, scale, goal, eased = _only(open_, curve, scale, goal, eased)
            rest, rest_bias, way, way_bias = _only(open_, rest, rest_bias, way, way_bias)
            step, step_bias, moved = _only(open_, step, step_bias, moved)
        if not going.size:
            break
        along, turned = product.bent(way, (way_bias * scale).astype(np.float32), curve)
        turned += np.float32(force) * way
        turned_bias = _products(curve, along) * scale
        below = _products(way, turned) + way_bias * turned_bias
        rate = eased / np.maximum(below, 1e-30)
        short = rate.astype(np.float32)
        step += short * way
        step_bias += rate * way_bias
        moved += short * along
        rest -= short * turned
        rest_bias -= rate * turned_bias
        guess = ease(rest, going)
        fresh = _products(rest, guess) + rest_bias**2
        ratio = fresh / np.maximum(eased, 1e-30)
        way = guess + ratio.astype(np.float32) * way
        way_bias = rest_bias + ratio * way_bias
        eased = fresh
    steps[:, going], steps_bias[going], moves[:, going] = step, step_bias, moved
    return steps, steps_bias * scales, moves

"""One logistic head a code, all codes fitted at once on one view of the segments.

A head is a penalised logistic regression: its weights are drawn to a centre (zero, or what is
known of the code before anybody coded), with a force that more codings overcome. All codes share
the products with the features, so thirty heads cost little more than one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Features = Floats32 | sparse.csr_matrix
Ease = Callable[[Floats32], Floats32]
"""A cheap guess at what a Newton system has for an answer; *shapes:* (features, codes)."""

_NEWTON_STEPS = 30
_CG_STEPS = 40
_SETTLED = 1e-3
"""The gradient's length, as a share of what it was, at which a head is good enough."""

_GRAM_ROWS = 2500
_GRAM_TERMS = 1000
"""Few segments of many terms each are turned into rows of as many features as segments."""

_GRAM_COLUMNS = 8192
_JITTER = 1e-5

_TALL = 8
"""From so many segments a feature, the features' own directions are worth finding first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heads:
    """Linear heads; *shapes:* `weights` (codes, features), `bias` (codes,)."""

    weights: Floats32
    bias: Floats32

    def scores(self, features: Features) -> Floats:
        """Uncalibrated log-odds; *shape:* (segments, codes)."""
        product = features @ self.weights.T
        return np.asarray(product, dtype=np.float64) + self.bias.astype(np.float64)


def fit_heads(
    features: Features,
    targets: Floats,
    *,
    strength: float,
    centre: Floats32 | None = None,
    weights: Floats | None = None,
    balanced: bool = True,
    check: Callable[[], None] = lambda: None,
) -> Heads:
    """Fit a head for each code; `balanced` has both labels weigh the same in total.

    *Shapes:* `features` (segments, features), `targets` (segments, codes) from 0 to 1: a share
    between enters as both labels, at that share and the rest of the weight; `centre` (codes,
    features), zero where not given; `weights` (segments,), 1 where not given. Larger
    `strength` means less force towards the centre. A code without two labels gets its centre
    as its head, with the log odds of its share, half a segment added to each side, as the
    mean score. `check` is called between steps and may raise.

    Truncated Newton's method, its systems solved by conjugate gradients (preconditioned where
    dense features have many segments), on one thread, so that the numbers do not depend on how
    many cores there are.
    """
    codes, width = targets.shape[1], features.shape[1]
    held = np.ones(len(targets)) if weights is None else weights
    middle = np.zeros((codes, width), np.float32) if centre is None else centre
    with threadpool_limits(1):
        offset = np.asarray(features @ middle.T, dtype=np.float64)
        yes = (targets * held[:, np.newaxis]).sum(axis=0)
        no = held.sum() - yes
        both = (np.minimum(yes, no) > 0) & (width > 0)
        bias = np.log((yes + 0.5) / (no + 0.5))
        if len(offset):
            bias -= offset.mean(axis=0)
        found = np.zeros((codes, width), np.float32)
        if both.any():
            pull_up = targets[:, both] * held[:, np.newaxis]
            pull_down = (1 - targets[:, both]) * held[:, np.newaxis]
            if balanced:  # each side half of the segments' weight
                total = (yes + no)[both]
                pull_up *= total / (2 * yes[both])
                pull_down *= total / (2 * no[both])
            shift, own_bias = _solve(
                features, pull_up, pull_down, offset[:, both], 1.0 / strength, check
            )
            found[both], bias[both] = shift, own_bias
    return Heads(weights=found + middle, bias=bias.astype(np.float32))


@dataclass(frozen=True, kw_only=True, slots=True)
class Standardised:
    """Dense features moved to mean 0 and deviation 1; *shapes:* (segments, features), (features,).

    A feature that is the same everywhere becomes 0.
    """

    features: Floats32
    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, features: Floats32) -> "Standardised":
        """Standardise over the segments."""
        mean = features.mean(axis=0, dtype=np.float64)
        deviation = features.std(axis=0, dtype=np.float64)
        scale = np.where(deviation > 1e-6, deviation, np.inf)
        scaled = features - mean.astype(np.float32)
        scaled /= scale.astype(np.float32)
        return cls(features=scaled, mean=mean, scale=scale)

    def restored(self, heads: Heads) -> Heads:
        """Heads fitted on the standardised features, for the features as they were."""
        weights = heads.weights / self.scale
        return Heads(
            weights=weights.astype(np.float32),
            bias=(heads.bias - weights @ self.mean).astype(np.float32),
        )


def _solve(
    features: Features,
    pull_up: Floats,
    pull_down: Floats,
    offset: Floats,
    force: float,
    check: Callable[[], None],
) -> tuple[Floats32, Floats32]:
    """Weights beyond the centre, and the bias; *shapes:* (codes, features), (codes,)."""
    if not isinstance(features, sparse.csr_matrix):
        return _newton(_Dense(features), pull_up, pull_down, offset, force, check)
    if features.shape[0] > _GRAM_ROWS or features.nnz < _GRAM_TERMS * features.shape[0]:
        return _newton(_Sparse(features), pull_up, pull_down, offset, force, check)
    # The heads lie in the span of the segments: with G = X X' = L L', rows of L have the same
    # products as rows of X, and are no longer than there are segments.
    lower = np.linalg.cholesky(_gram(features))
    inside = _Dense(np.ascontiguousarray(lower, dtype=np.float32))
    own, bias = _newton(inside, pull_up, pull_down, offset, force, check)
    back = linalg.solve_triangular(lower, own.T.astype(np.float64), lower=True, trans=1)
    return np.asarray(features.T @ back.astype(np.float32)).T, bias


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
    """Products with dense features."""

    def __init__(self, features: Floats32) -> None:
        self.width = features.shape[1]
        self._rows = features
        self._along: tuple[Floats, Floats32] | None = None
        if len(features) >= _TALL * self.width:
            squares, directions = linalg.eigh(features.T @ features, check_finite=False)
            self._along = np.maximum(squares, 0).astype(np.float64), directions

    def forward(self, at: Floats32) -> Floats32:
        """*Shapes:* (features, codes) to (segments, codes)."""
        return np.asarray(self._rows @ at)

    def back(self, slopes: Floats32) -> Floats32:
        """*Shapes:* (segments, codes) to (features, codes)."""
        return np.asarray(self._rows.T @ slopes)

    def ease(self, curve: Floats32, force: float) -> Ease:
        """As if every segment had its code's mean curvature: then the directions are apart."""
        if self._along is None:
            return np.copy
        squares, directions = self._along
        shrink = force / (squares[:, np.newaxis] * curve.mean(axis=0, dtype=np.float64) + force)
        small = shrink.astype(np.float32)
        return lambda rest: np.asarray(directions @ (small * (directions.T @ rest)))


class _Sparse:
    """Products with sparse features, kept both ways round."""

    def __init__(self, features: sparse.csr_matrix) -> None:
        self.width = features.shape[1]
        self._rows, self._columns = features, features.T.tocsr()

    def forward(self, at: Floats32) -> Floats32:
        """*Shapes:* (features, codes) to (segments, codes)."""
        return np.asarray(self._rows @ at)

    def back(self, slopes: Floats32) -> Floats32:
        """*Shapes:* (segments, codes) to (features, codes)."""
        return np.asarray(self._columns @ slopes)

    def ease(self, _curve: Floats32, _force: float) -> Ease:
        """Nothing is gained that the work would be worth."""
        return np.copy


def _newton(
    product: _Dense | _Sparse,
    pull_up: Floats,
    pull_down: Floats,
    offset: Floats,
    force: float,
    check: Callable[[], None],
) -> tuple[Floats32, Floats32]:
    codes = pull_up.shape[1]
    weight = pull_up + pull_down
    # The bias is counted in units in which its curvature is like a weight's.
    scale = 1.0 / np.sqrt(np.maximum(weight.sum(axis=0) / (4 * force), 1.0))
    at = np.zeros((product.width, codes), dtype=np.float32)
    bias = np.zeros(codes)
    reach = offset.copy()
    first: Floats | None = None
    for _ in range(_NEWTON_STEPS):
        check()
        chance = 0.5 * (1.0 + np.tanh(0.5 * (reach + bias)))
        slope = pull_down * chance - pull_up * (1 - chance)
        gradient = product.back(slope.astype(np.float32)) + np.float32(force) * at
        gradient_bias = slope.sum(axis=0) * scale
        length = np.sqrt(np.square(gradient, dtype=np.float64).sum(axis=0) + gradient_bias**2)
        first = np.maximum(length, 1e-12) if first is None else first
        open_ = length > _SETTLED * first
        if not open_.any():
            break
        curve = (weight * chance * (1 - chance)).astype(np.float32)
        goal = np.minimum(0.3, np.sqrt(length / first)) * length
        step, step_bias, moved = _conjugate(
            product, curve, gradient, gradient_bias, scale, force, np.where(open_, goal, np.inf)
        )
        # How far to go, a code: halved until its objective falls.
        far = np.where(open_, 1.0, 0.0)
        before = _objective(pull_up, pull_down, reach + bias, at, force)
        for _ in range(12):
            tried = reach + bias + far * (moved + step_bias)
            after = _objective(pull_up, pull_down, tried, at + far.astype(np.float32) * step, force)
            worse = after > before + 1e-6 * np.abs(before)
            if not worse.any():
                break
            far = np.where(worse, far / 2, far)
        at += far.astype(np.float32) * step
        bias += far * step_bias
        reach += far * moved
    return np.ascontiguousarray(at.T), bias.astype(np.float32)


def _objective(
    pull_up: Floats, pull_down: Floats, reach: Floats, at: Floats32, force: float
) -> Floats:
    loss = pull_up * np.logaddexp(0, -reach) + pull_down * np.logaddexp(0, reach)
    return np.asarray(loss.sum(axis=0) + 0.5 * force * np.square(at, dtype=np.float64).sum(axis=0))


def _conjugate(
    product: _Dense | _Sparse,
    curve: Floats32,
    gradient: Floats32,
    gradient_bias: Floats,
    scale: Floats,
    force: float,
    goal: Floats,
) -> tuple[Floats32, Floats, Floats]:
    """Newton steps of all codes: weights' step, bias's step, and how far scores move.

    *Shapes:* `curve` (segments, codes); results (features, codes), (codes,), (segments, codes).
    """
    step = np.zeros_like(gradient)
    moved = np.zeros(curve.shape)
    step_bias = np.zeros(len(scale))
    ease = product.ease(curve, force)
    rest, rest_bias = -gradient, -gradient_bias
    way, way_bias = ease(rest), rest_bias.copy()
    size = np.square(rest, dtype=np.float64).sum(axis=0) + rest_bias**2
    eased = (rest * way).sum(axis=0, dtype=np.float64) + rest_bias**2
    for _ in range(_CG_STEPS):
        going = np.sqrt(size) > goal
        if not going.any():
            break
        along = product.forward(way) + (way_bias * scale).astype(np.float32)
        bent = curve * along
        turned = product.back(bent) + np.float32(force) * way
        turned_bias = bent.sum(axis=0, dtype=np.float64) * scale
        below = (way * turned).sum(axis=0, dtype=np.float64) + way_bias * turned_bias
        rate = np.where(going, eased / np.maximum(below, 1e-30), 0.0)
        step += rate.astype(np.float32) * way
        step_bias += rate * way_bias
        moved += rate * (along - (way_bias * scale).astype(np.float32))
        rest -= rate.astype(np.float32) * turned
        rest_bias -= rate * turned_bias
        size = np.where(going, np.square(rest, dtype=np.float64).sum(axis=0) + rest_bias**2, size)
        guess = ease(rest)
        fresh = (rest * guess).sum(axis=0, dtype=np.float64) + rest_bias**2
        ratio = np.where(going, fresh / np.maximum(eased, 1e-30), 0.0)
        way = guess + ratio.astype(np.float32) * way
        way_bias = rest_bias + ratio * way_bias
        eased = np.where(going, fresh, eased)
    return step, step_bias * scale, moved

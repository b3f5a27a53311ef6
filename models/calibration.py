"""From scores to probabilities that mean what they say, and to a threshold a code.

Everything here is fitted on held-out scores only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PRIOR_POSITIVES = 10.0
"""A code with this many positives trusts its own figures and the others' in equal parts."""

_STEPS = 50
_EDGE = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Combines a code's scores from several views into one probability.

    *Shapes:* `weights` (codes, views), `bias` (codes,).
    """

    weights: Floats
    bias: Floats

    def probabilities(self, scores: Floats) -> Floats:
        """Probability that the majority applies the code.

        *Shapes:* `scores` (segments, codes, views); result (segments, codes), 0 to 1.
        """
        return logistic(np.einsum("scv,cv->sc", scores, self.weights) + self.bias)


def fit_calibration(scores: Floats, labels: Bools) -> Calibration:
    """Platt scaling (1999) of all views together, shrunk for rare codes.

    *Shapes:* `scores` (segments, codes, views), `labels` (segments, codes). For each code a
    logistic regression on its views' scores, in units of their deviation, with Platt's
    softened targets; its weights are drawn to the mean over codes with the force of
    `PRIOR_POSITIVES` observations, and are never negative: a higher score never lowers the
    probability.
    """
    views = scores.shape[2]
    deviation = scores.std(axis=0)
    scale = np.where(deviation > _EDGE, deviation, 1.0)
    units = scores / scale
    positives = labels.sum(axis=0)
    shares = positives / (positives + PRIOR_POSITIVES)
    prior = np.full(views, 1.0 / views)
    fitted = _fit_all(units, labels, prior)
    if shares.sum() > 0:
        prior = np.average(fitted[:, :-1], axis=0, weights=shares)
        fitted = _fit_all(units, labels, prior)
    return Calibration(weights=fitted[:, :-1] / scale, bias=fitted[:, -1])


def _fit_all(units: Floats, labels: Bools, prior: Floats) -> Floats:
    return np.array(
        [_fit_one(units[:, code], labels[:, code], prior) for code in range(labels.shape[1])]
    ).reshape(labels.shape[1], units.shape[2] + 1)


def _fit_one(units: Floats, labels: Bools, prior: Floats) -> Floats:
    """Weights of the views, then the bias, by Newton's method."""
    yes = float(labels.sum())
    no = len(labels) - yes
    target = np.where(labels, (yes + 1) / (yes + 2), 1 / (no + 2))
    free = np.ones(len(prior), dtype=np.bool_)
    while True:
        design = np.column_stack([units[:, free], np.ones(len(units))])
        force = np.append(np.full(int(free.sum()), PRIOR_POSITIVES), _EDGE)
        centre = np.append(prior[free], 0.0)
        found = _newton(design, target, force, centre)
        result = np.zeros(len(prior) + 1)
        result[:-1][free], result[-1] = found[:-1], found[-1]
        if (result[:-1] >= 0).all():
            return result
        free &= result[:-1] > 0


def _newton(design: Floats, target: Floats, force: Floats, centre: Floats) -> Floats:
    at = centre.copy()
    rate = target.mean()
    at[-1] = np.log(rate / (1 - rate)) - float(design[:, :-1].mean(axis=0) @ at[:-1])
    for _ in range(_STEPS):
        chance = logistic(design @ at)
        slope = design.T @ (chance - target) + force * (at - centre)
        curve = (design * (chance * (1 - chance))[:, np.newaxis]).T @ design + np.diag(force)
        step = np.linalg.solve(curve, slope)
        # A long step overshoots where the curve is flat.
        at -= step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < 1e-9:
            break
    return at


def choose_thresholds(probabilities: Floats, positives: NDArray[np.int64]) -> Floats:
    """The threshold of each code that makes the expected Cohen's kappa largest.

    *Shapes:* `probabilities` (segments, codes), `positives` (codes,): how many segments carry
    the code; result (codes,). The expectation is over labels drawn by the probabilities, which
    is steadier than the best kappa on the labels themselves. A code's own threshold is drawn,
    on the logit scale, to the one that is best for all decisions pooled, with weight
    n / (n + `PRIOR_POSITIVES`) for n positives.
    """
    pooled = _best_threshold(probabilities.ravel())
    own = np.array([_best_threshold(column) for column in probabilities.T])
    weight = positives / (positives + PRIOR_POSITIVES)
    return logistic(weight * _logit(own) + (1 - weight) * _logit(pooled))


def _best_threshold(probabilities: Floats) -> float:
    """Between the last segment taken and the first one left, on the logit scale."""
    if probabilities.size < 2:
        return 0.5
    ordered = np.sort(probabilities)[::-1]
    size = float(len(ordered))
    taken = np.arange(1, len(ordered))
    hits = np.cumsum(ordered)[:-1]
    total = float(ordered.sum())
    agree = (2 * hits - taken - total + size) / size
    chance = (taken * total + (size - taken) * (size - total)) / size**2
    kappa = (agree - chance) / np.maximum(1 - chance, _EDGE)
    # Equal probabilities cannot be parted.
    kappa = np.where(ordered[:-1] > ordered[1:], kappa, -np.inf)
    if not np.isfinite(kappa).any():
        return 0.5
    best = int(np.argmax(kappa))
    middle = (_logit(ordered[best]) + _logit(ordered[best + 1])) / 2
    return float(logistic(middle))


def logistic(values: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))


def _logit(values: Floats | float) -> Floats:
    inside = np.clip(values, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))

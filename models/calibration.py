"""From scores to probabilities that mean what they say, fitted on held-out scores only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PRIOR_POSITIVES = 10.0
"""A code with this many positives trusts its own figures and the others' in equal parts."""

_LEAST_SPREAD = 0.1
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
    scale = _scale(scores.std(axis=0))
    units = scores / scale
    positives = labels.sum(axis=0)
    shares = positives / (positives + PRIOR_POSITIVES)
    prior = np.full(views, 1.0 / views)
    fitted = _fit_all(units, labels, prior)
    if shares.sum() > 0:
        prior = np.average(fitted[:, :-1], axis=0, weights=shares)
        fitted = _fit_all(units, labels, prior)
    return Calibration(weights=fitted[:, :-1] / scale, bias=fitted[:, -1])


def _scale(deviation: Floats) -> Floats:
    """The unit of each code's scores; *shape:* (codes, views).

    Scores that hardly vary, such as those of a code that nothing teaches, are measured by the
    other codes' deviation: by their own, chance differences between folds would weigh most.
    """
    usual = np.median(deviation, axis=0, keepdims=True)
    return np.asarray(
        np.where(deviation > _LEAST_SPREAD * usual, deviation, np.maximum(usual, _EDGE))
    )


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


def logistic(values: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))

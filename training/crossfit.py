"""Probabilities, thresholds and decisions for each fold out of the other folds alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration, fit_calibration
from models.thresholds import KAPPA, Aim, choose_thresholds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossFit:
    """What the model says of segments that had no part in it, down to the thresholds.

    *Shapes:* `probabilities` and `applied` (segments, codes), `thresholds` (codes,).
    `calibration` and `thresholds` are those of the published model, out of all folds.
    """

    probabilities: Floats
    applied: Bools
    calibration: Calibration
    thresholds: Floats


def cross_fit(
    scores: Floats,
    truth: Bools,
    scored: Bools,
    fold_of: NDArray[np.int64],
    *,
    aim: Aim = KAPPA,
) -> CrossFit:
    """Calibrate and choose thresholds for each fold on the scored segments of the others.

    *Shapes:* `scores` (segments, codes, views) by models that left the segment's fold out,
    `truth` (segments, codes), `scored` and `fold_of` (segments,).
    """
    probabilities = np.zeros(truth.shape)
    applied = np.zeros(truth.shape, dtype=np.bool_)
    for fold in np.unique(fold_of):
        own = fold_of == fold
        calibration, thresholds = _fitted(scores, truth, scored & ~own, aim)
        probabilities[own] = calibration.probabilities(scores[own])
        applied[own] = probabilities[own] >= thresholds
    calibration, thresholds = _fitted(scores, truth, scored, aim)
    return CrossFit(
        probabilities=probabilities,
        applied=applied,
        calibration=calibration,
        thresholds=thresholds,
    )


def _fitted(scores: Floats, truth: Bools, rows: Bools, aim: Aim) -> tuple[Calibration, Floats]:
    calibration = fit_calibration(scores[rows], truth[rows])
    probabilities = calibration.probabilities(scores[rows])
    return calibration, choose_thresholds(probabilities, truth[rows], aim)


def log_loss(fit: CrossFit, truth: Bools, scored: Bools) -> Floats:
    """Mean negative log-likelihood, held out, of the scored segments; *shape:* (scored,).

    The mean is over the codes that any of them carries. What is said of a code that nobody
    applied cannot be judged by a loss: the surest "never" would win.
    """
    carried = truth[scored].any(axis=0)
    inside = np.clip(fit.probabilities[scored][:, carried], 1e-6, 1 - 1e-6)
    each = -np.where(truth[scored][:, carried], np.log(inside), np.log(1 - inside))
    return np.asarray(each.sum(axis=1) / max(int(carried.sum()), 1))

"""Probabilities, thresholds and decisions for each fold out of the other folds alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration, choose_thresholds, fit_calibration

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


def cross_fit(scores: Floats, truth: Bools, scored: Bools, fold_of: NDArray[np.int64]) -> CrossFit:
    """Calibrate and choose thresholds for each fold on the scored segments of the others.

    *Shapes:* `scores` (segments, codes, views) by models that left the segment's fold out,
    `truth` (segments, codes), `scored` and `fold_of` (segments,).
    """
    probabilities = np.zeros(truth.shape)
    applied = np.zeros(truth.shape, dtype=np.bool_)
    for fold in np.unique(fold_of):
        own = fold_of == fold
        calibration, thresholds = _fitted(scores, truth, scored & ~own)
        probabilities[own] = calibration.probabilities(scores[own])
        applied[own] = probabilities[own] >= thresholds
    calibration, thresholds = _fitted(scores, truth, scored)
    return CrossFit(
        probabilities=probabilities,
        applied=applied,
        calibration=calibration,
        thresholds=thresholds,
    )


def _fitted(scores: Floats, truth: Bools, rows: Bools) -> tuple[Calibration, Floats]:
    calibration = fit_calibration(scores[rows], truth[rows])
    thresholds = choose_thresholds(
        calibration.probabilities(scores[rows]), truth[rows].sum(axis=0, dtype=np.int64)
    )
    return calibration, thresholds


def log_loss(probabilities: Floats, truth: Bools) -> Floats:
    """Mean negative log-likelihood over codes; *shape:* (segments,)."""
    inside = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.asarray(-np.where(truth, np.log(inside), np.log(1 - inside)).mean(axis=1))

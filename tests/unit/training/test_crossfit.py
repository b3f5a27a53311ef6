"""Figures of a fold never know that fold."""

import numpy as np
import pytest

from models.calibration import Calibration
from training.crossfit import CrossFit, cross_fit, log_loss


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    truth = rng.random((400, 2)) < [0.3, 0.1]
    scores = rng.normal(size=(400, 2, 2)) + 1.5 * truth[:, :, np.newaxis]
    return scores, truth, np.arange(400) % 4


def test_a_fold_s_labels_change_nothing_in_that_fold(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    scores, truth, folds = drawn
    scored = np.ones(400, dtype=bool)
    changed = np.where((folds == 2)[:, np.newaxis], ~truth, truth)
    one, two = cross_fit(scores, truth, scored, folds), cross_fit(scores, changed, scored, folds)
    own = folds == 2
    assert np.array_equal(one.probabilities[own], two.probabilities[own])
    assert np.array_equal(one.applied[own], two.applied[own])
    assert not np.array_equal(one.probabilities[~own], two.probabilities[~own])


def test_segments_that_are_not_scored_choose_no_threshold(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    scores, truth, folds = drawn
    scored = np.arange(400) % 3 > 0
    changed = np.where(scored[:, np.newaxis], truth, ~truth)
    one, two = cross_fit(scores, truth, scored, folds), cross_fit(scores, changed, scored, folds)
    assert np.array_equal(one.thresholds, two.thresholds)
    assert np.array_equal(one.applied, two.applied)


def test_a_code_that_nobody_applied_does_not_enter_the_loss() -> None:
    truth = np.array([[True, False], [False, False], [False, False], [True, False]])
    scored = np.array([True, True, True, False])
    said = np.array([[0.8, 0.9], [0.5, 0.9], [0.2, 0.9], [0.1, 0.9]])
    fit = CrossFit(
        probabilities=said,
        applied=said > 0.5,
        calibration=Calibration(weights=np.ones((2, 1)), bias=np.zeros(2)),
        thresholds=np.full(2, 0.5),
    )
    assert log_loss(fit, truth, scored) == pytest.approx(-np.log([0.8, 0.5, 0.8]))
    assert log_loss(fit, truth, scored & ~truth[:, 0]) == pytest.approx(0)

"""Figures of a fold never know that fold."""

import numpy as np
import pytest

from training.crossfit import cross_fit


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

"""Calibration."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.calibration import fit_calibration


def drawn(size: int, prevalence: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores (size, 1, 2) of two views, one informative, and labels (size, 1)."""
    rng = np.random.default_rng(seed)
    labels = rng.random((size, 1)) < prevalence
    good = rng.normal(size=(size, 1)) + 2.0 * labels
    noise = rng.normal(size=(size, 1))
    return np.stack([good, noise], axis=2) * 7 + 3, labels


def test_with_many_positives_it_is_logistic_regression_on_the_views() -> None:
    scores, labels = drawn(40_000, 0.3)
    found = fit_calibration(scores, labels).probabilities(scores)[:, 0]
    model = LogisticRegression(C=1e6, max_iter=1000).fit(scores[:, 0], labels[:, 0])
    assert found == pytest.approx(model.predict_proba(scores[:, 0])[:, 1], abs=0.01)


@pytest.mark.parametrize("prevalence", [0.03, 0.2])
def test_a_probability_means_what_it_says_on_new_segments(prevalence: float) -> None:
    calibration = fit_calibration(*drawn(3000, prevalence))
    scores, labels = drawn(60_000, prevalence, seed=1)
    probabilities = calibration.probabilities(scores)
    edges = np.quantile(probabilities, np.linspace(0, 1, 11))
    bins = np.clip(np.digitize(probabilities, edges) - 1, 0, 9)
    error = [
        abs(probabilities[bins == b].mean() - labels[bins == b].mean()) * (bins == b).mean()
        for b in range(10)
    ]
    assert sum(error) < 0.02


def test_a_higher_score_never_lowers_the_probability() -> None:
    rng = np.random.default_rng(3)
    labels = rng.random((60, 1)) < 0.5
    against = rng.normal(size=(60, 1, 2)) - 3.0 * labels[:, :, np.newaxis]
    assert (fit_calibration(against, labels).weights >= 0).all()


def test_a_rare_code_borrows_the_weights_of_the_others() -> None:
    scores, labels = drawn(2000, 0.3)
    rare_scores = np.random.default_rng(5).normal(size=(2000, 1, 2)) * 7
    rare = np.zeros((2000, 1), dtype=bool)
    rare[:1] = True
    found = fit_calibration(
        np.concatenate([scores, rare_scores], axis=1), np.hstack([labels, rare])
    )
    common, borrowed = found.weights
    assert borrowed[0] > 3 * borrowed[1]
    assert borrowed[0] == pytest.approx(common[0], rel=0.5)


def test_labels_all_alike_and_constant_scores_are_survived() -> None:
    for labels in (np.zeros((20, 1), dtype=bool), np.ones((20, 1), dtype=bool)):
        found = fit_calibration(np.zeros((20, 1, 2)), labels)
        assert np.isfinite(found.probabilities(np.zeros((3, 1, 2)))).all()


def test_chance_differences_between_folds_say_nothing_of_a_code_that_nobody_applied() -> None:
    scores, labels = drawn(500, 0.3)
    flat = np.full((500, 1, 2), -7.0)
    flat[:100] += 0.001
    both = fit_calibration(
        np.concatenate([scores, flat], axis=1), np.hstack([labels, np.zeros_like(labels)])
    )
    held_out = np.concatenate([scores, np.full((500, 1, 2), -6.99)], axis=1)
    # Platt's softened target of none in 500.
    assert both.probabilities(held_out)[:, 1] == pytest.approx(1 / 502, rel=0.05)

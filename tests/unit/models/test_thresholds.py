"""Thresholds for an aim."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from models.thresholds import KAPPA, UNREACHED, Aim, choose_thresholds

F1, PRECISE = Aim(name="f1"), Aim(name="precision", precision=0.8)


def drawn(size: int, seed: int = 0, *, alpha: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities (size, 1), with labels that follow them."""
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(alpha, 2, size=(size, 1))
    return probabilities, rng.random((size, 1)) < probabilities


@pytest.mark.parametrize(
    ("aim", "score"), [(KAPPA, cohen_kappa_score), (F1, f1_score)], ids=["kappa", "f1"]
)
def test_a_threshold_makes_its_aim_nearly_the_best_there_is(aim: Aim, score) -> None:
    probabilities, labels = drawn(20_000)
    threshold = choose_thresholds(probabilities, labels, aim)[0]
    reached = score(labels[:, 0], probabilities[:, 0] >= threshold)
    best = max(score(labels[:, 0], probabilities[:, 0] >= at) for at in np.linspace(0.05, 0.95, 91))
    assert reached > best - 0.01


def test_a_stated_precision_is_reached_on_new_segments_and_no_more_is_left_than_must_be() -> None:
    probabilities, labels = drawn(40_000, seed=99, alpha=2)
    reached = []
    for seed in range(20):
        threshold = choose_thresholds(*drawn(2000, seed, alpha=2), PRECISE)[0]
        reached.append(labels[probabilities >= threshold].mean())
    assert np.mean(reached) == pytest.approx(0.8, abs=0.02)
    assert 0.7 < min(reached) < max(reached) < 0.9


def test_labels_outweigh_probabilities_that_promise_too_much() -> None:
    probabilities, _ = drawn(4000, alpha=3)
    labels = np.random.default_rng(5).random(probabilities.shape) < 0.5 * probabilities
    assert choose_thresholds(probabilities, labels, PRECISE)[0] == UNREACHED


@pytest.mark.parametrize("size", [3, 200])
def test_a_precision_that_no_threshold_reaches_takes_nothing(size: int) -> None:
    probabilities = np.linspace(0.01, 0.3, size)[:, np.newaxis]
    labels = np.zeros_like(probabilities, dtype=bool)
    assert choose_thresholds(probabilities, labels, PRECISE) == [UNREACHED]


def test_a_code_without_positives_gets_the_threshold_of_all_codes_together() -> None:
    rng = np.random.default_rng(2)
    common, rare = rng.beta(0.5, 2, size=500), rng.beta(0.05, 8, size=500)
    both = np.column_stack([common, rare])
    labels = np.zeros((500, 2), dtype=bool)
    labels[:, 0] = rng.random(500) < common
    thresholds = choose_thresholds(both, labels)
    certain = np.ones((1000, 1), dtype=bool)
    pooled = choose_thresholds(both.reshape(-1, 1), certain)
    assert thresholds[1] == pytest.approx(pooled[0])
    assert thresholds[0] != pytest.approx(pooled[0])


def test_equal_probabilities_are_not_parted() -> None:
    same, labels = np.full((30, 1), 0.2), np.zeros((30, 1), dtype=bool)
    assert choose_thresholds(same, labels) == pytest.approx([0.5])
    assert choose_thresholds(same, ~labels, PRECISE) == [UNREACHED]


@pytest.mark.parametrize("text", ["kappa", "f1", "precision=0.8"])
def test_an_aim_reads_back_as_it_is_written(text: str) -> None:
    assert str(Aim.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "recall", "precision", "precision=80", "f1=0.5", "precision=x"]
)
def test_an_aim_that_there_is_not_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"give kappa, f1, or precision=SHARE"):
        Aim.parse(text)

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from annotations.reliability.calibration import calibration_of


def test_the_bins_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((400, 3)) ** 2
    labels = (rng.random((400, 3)) < scores).astype(float)
    found = calibration_of(scores, labels, np.repeat(np.arange(20), 20))
    shares, means = calibration_curve(labels.ravel(), scores.ravel(), n_bins=10)
    assert [one.carried.value for one in found] == pytest.approx(shares)
    assert [one.score for one in found] == pytest.approx(means)
    assert sum(one.carried.n for one in found) == labels.size
    for one in found[:5]:
        assert one.carried.low is not None
        assert one.carried.low < one.carried.value < (one.carried.high or 0)


def test_ties_and_what_nobody_read_are_left_out() -> None:
    scores = np.array([[0.05], [0.05], [1.0], [0.95]])
    labels = np.array([[0.5], [np.nan], [1.0], [0.0]])
    (found,) = calibration_of(scores, labels, np.array([0, 0, 0, 1]))
    assert (found.low, found.high, found.carried.n) == (0.9, 1.0, 2)
    assert found.carried.value == 0.5
    assert found.carried.reason is not None
    assert calibration_of(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, dtype=np.int64)) == ()

"""Expected calibration error and the bins it comes from."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from annotations.reliability.calibration import calibration_of, pooled_calibration


def drawn(size: int = 3000, transcripts: int = 20, *, seed: int = 0, push: float = 1.0):
    """Probabilities, labels that follow `push` times them, transcripts."""
    rng = np.random.default_rng(seed)
    said = rng.beta(1, 3, size=size)
    return said, rng.random(size) < push * said, rng.integers(transcripts, size=size)


def test_by_hand() -> None:
    said = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
    truth = np.array([False, True, False, False, True, True])
    found = calibration_of(said, truth, np.arange(6), bins=2)
    # Three decisions a bin: .2 said and 1/3 so, .6 said and 2/3 so.
    assert [(one.said, one.observed, one.n) for one in found.bins] == [
        (pytest.approx(0.2), pytest.approx(1 / 3), 3),
        (pytest.approx(0.6), pytest.approx(2 / 3), 3),
    ]
    assert found.error.value == pytest.approx(0.5 * (1 / 3 - 0.2) + 0.5 * (2 / 3 - 0.6))


def test_bins_are_those_of_scikit_learn() -> None:
    said, truth, clusters = drawn()
    found = calibration_of(said, truth, clusters)
    observed, mean = calibration_curve(truth, said, n_bins=15, strategy="quantile")
    assert [one.said for one in found.bins] == pytest.approx(mean)
    assert [one.observed for one in found.bins] == pytest.approx(observed)
    weights = np.array([one.n for one in found.bins]) / len(said)
    assert found.error.value == pytest.approx(float(weights @ np.abs(observed - mean)))


def test_the_interval_is_the_jackknife_over_transcripts() -> None:
    said, truth, clusters = drawn(push=0.6)
    error = calibration_of(said, truth, clusters).error
    assert error.low is not None
    assert error.high is not None
    assert error.low < error.value < error.high
    assert (error.n, error.clusters) == (3000, 20)
    assert error.method == "transcript jackknife, t, logit scale"
    # Leaving a transcript out moves it by what the bins, as they were, say without it.
    edges = np.quantile(said, np.linspace(0, 1, 16))[1:-1]
    place = np.searchsorted(edges, said)
    left = []
    for gone in range(20):
        rows = clusters != gone
        gaps = [(said - truth)[rows & (place == at)].sum() for at in range(15)]
        left.append(np.abs(gaps).sum() / rows.sum())
    z = np.log(np.array(left) / (1 - np.array(left)))
    half = 2.0930240544 * np.sqrt(19 / 20 * ((z - z.mean()) ** 2).sum())
    middle = np.log(error.value / (1 - error.value))
    assert error.low == pytest.approx(1 / (1 + np.exp(half - middle)))


def test_what_is_calibrated_is_near_zero_and_what_promises_too_much_is_not() -> None:
    good, bad = (calibration_of(*drawn(40_000, push=push)).error for push in (1.0, 0.5))
    assert good.value < 0.012
    assert bad.value == pytest.approx(0.125, abs=0.01)


def test_codes_are_pooled_decision_by_decision() -> None:
    said, truth, clusters = drawn()
    pair = np.column_stack([said, said, 1 - said]), np.column_stack([truth, truth, truth])
    pooled = pooled_calibration(*pair, clusters, [0, 1])
    alone = calibration_of(said, truth, clusters)
    assert pooled.error.value == pytest.approx(alone.error.value)
    assert pooled.error.n == 2 * alone.error.n


def test_nothing_to_compare_and_too_little_for_an_interval_are_said_so() -> None:
    nothing = calibration_of(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
    assert (nothing.bins, nothing.error.defined) == ((), False)
    assert nothing.error.reason == "no segment was coded without suggestions in sight"
    said, _, clusters = drawn()
    rare = calibration_of(said, np.arange(3000) < 4, clusters).error
    assert rare.reason == "insufficient: 4 segments carry the code, an interval needs 10"
    same = calibration_of(np.full(50, 0.2), np.arange(50) < 10, np.arange(50) % 10)
    assert len(same.bins) == 1
    assert same.error.value == 0

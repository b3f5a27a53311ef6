"""Gates by a precision that is aimed at."""

from collections.abc import Callable

import numpy as np

from annotations.study import Study
from models.thresholds import Aim
from training.crossfit import CrossFit, cross_fit
from training.dataset import TrainingData, training_data
from training.evaluate import Confusion
from training.options import TrainOptions
from training.reporting import code_reports

Make = Callable[..., Study]


def test_a_code_taken_a_few_times_must_reach_the_precision_aimed_at(small_study: Make) -> None:
    data = training_data(small_study(16))
    # Of the first code 2 of 3, of the second 9 of 12, of the third 1 of 20 are right.
    applied = np.stack(
        [_taken(data, 0, 2, 1), _taken(data, 1, 9, 3), _taken(data, 2, 1, 19)], axis=1
    )
    few, chance, wrong = _reports(data, applied)
    assert few.gate == "closed"
    assert str(few.reason).endswith("of 3 suggested, 0.8 is aimed at")
    assert chance.precision.high is not None
    assert chance.precision.value < 0.8 <= chance.precision.high
    assert (chance.gate, chance.reason, chance.aim_met) == ("open", None, False)
    assert (wrong.gate, wrong.aim_met) == ("closed", False)
    assert str(wrong.reason).startswith("its held-out precision is 0.05 (0.0")
    assert _reports(data, data.truth)[0].aim_met


def _taken(data: TrainingData, code: int, right: int, wrong: int) -> np.ndarray:
    applied = np.zeros(len(data.truth), dtype=np.bool_)
    for value, count in ((True, right), (False, wrong)):
        rows = np.flatnonzero(data.truth[:, code] == value)
        applied[rows[np.linspace(0, len(rows) - 1, count).astype(int)]] = True
    return applied


def _reports(data: TrainingData, applied: np.ndarray):
    fit = cross_fit(
        np.where(data.truth, 1.0, -1.0)[:, :, np.newaxis],
        data.truth,
        data.scored,
        data.clusters % 4,
    )
    told = CrossFit(
        probabilities=fit.probabilities,
        applied=applied,
        calibration=fit.calibration,
        thresholds=fit.thresholds,
    )
    counts = Confusion.of(applied, data.truth, data.scored, data.clusters, len(data.transcripts))
    options = TrainOptions(aim=Aim(name="precision", precision=0.8), min_support=5)
    return code_reports(data, told, counts, counts, options)

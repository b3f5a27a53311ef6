"""Figures against scikit-learn's, and the codes that they are over."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score, precision_score, recall_score

from training.evaluate import Confusion, code_figures, overall_figures

GROUPS, UNITS = 15, 900


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.random((UNITS, 3)) < [0.3, 0.1, 0.02]
    applied = np.where(rng.random((UNITS, 3)) < 0.85, truth, ~truth)
    return applied, truth, rng.random(UNITS) < 0.8, rng.integers(0, GROUPS, UNITS)


def test_figures_are_those_of_scikit_learn_on_scored_segments(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    applied, truth, scored, clusters = drawn
    confusion = Confusion.of(applied, truth, scored, clusters, GROUPS)
    for code, figures in enumerate(code_figures(confusion)):
        said, is_so = applied[scored, code], truth[scored, code]
        assert figures.kappa.value == pytest.approx(cohen_kappa_score(is_so, said))
        assert figures.precision.value == pytest.approx(precision_score(is_so, said))
        assert figures.recall.value == pytest.approx(recall_score(is_so, said))
        assert figures.f1.value == pytest.approx(f1_score(is_so, said))
        assert figures.kappa.n == scored.sum()
        assert figures.kappa.clusters == GROUPS
    both = np.array([True, True, False])
    overall = overall_figures(confusion, both)
    said, is_so = applied[scored][:, :2], truth[scored][:, :2]
    assert overall.kappa.value == pytest.approx(cohen_kappa_score(is_so.ravel(), said.ravel()))
    assert overall.macro_f1.value == pytest.approx(f1_score(is_so, said, average="macro"))
    assert overall.micro_f1.value == pytest.approx(f1_score(is_so, said, average="micro"))
    assert overall.kappa.low < overall.kappa.value < overall.kappa.high


def test_the_interval_is_the_jackknife_over_transcripts_by_hand(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    applied, truth, scored, clusters = drawn
    confusion = Confusion.of(applied, truth, scored, clusters, GROUPS)
    macro = overall_figures(confusion, np.ones(3, dtype=bool)).macro_f1
    left = np.array(
        [
            f1_score(truth[keep], applied[keep], average="macro")
            for keep in (scored & (clusters != group) for group in range(GROUPS))
        ]
    )
    z = np.log(left / (1 - left))
    error = np.sqrt((GROUPS - 1) / GROUPS * ((z - z.mean()) ** 2).sum())
    middle = np.log(macro.value / (1 - macro.value))
    # t with 14 degrees of freedom, .975
    assert macro.low == pytest.approx(1 / (1 + np.exp(-(middle - 2.144787 * error))))
    assert macro.high == pytest.approx(1 / (1 + np.exp(-(middle + 2.144787 * error))))


def test_overall_figures_are_over_codes_with_20_positives_in_5_transcripts() -> None:
    clusters = np.repeat(np.arange(10), 30)
    truth = np.zeros((300, 4), dtype=bool)
    truth[::10, 0] = True  # 30 in 10 transcripts
    truth[:19, 1] = True  # 19
    truth[:30, 2] = True  # 30 in one transcript
    confusion = Confusion.of(truth, truth, np.ones(300, dtype=bool), clusters, 10)
    assert confusion.evaluated().tolist() == [True, False, False, False]


def test_where_no_code_is_so_common_all_with_positives_are_evaluated() -> None:
    truth = np.zeros((12, 2), dtype=bool)
    truth[0, 0] = True
    confusion = Confusion.of(truth, truth, np.ones(12, dtype=bool), np.arange(12) // 6, 2)
    assert confusion.evaluated().tolist() == [True, False]


def test_undefined_figures_say_why() -> None:
    truth = np.zeros((40, 2), dtype=bool)
    truth[:, 1] = np.arange(40) % 2
    applied = np.zeros_like(truth)
    confusion = Confusion.of(applied, truth, np.ones(40, dtype=bool), np.arange(40) // 4, 10)
    without, silent = code_figures(confusion)
    assert not without.kappa.defined
    assert without.kappa.reason == "no scored segment carries the code"
    assert not silent.precision.defined
    assert silent.precision.reason == "the model applied the code nowhere"
    assert silent.recall.value == 0


def test_few_positives_have_no_interval() -> None:
    truth = np.zeros((60, 1), dtype=bool)
    truth[::12, 0] = True
    applied = truth.copy()
    applied[1::7] = True
    confusion = Confusion.of(applied, truth, np.ones(60, dtype=bool), np.arange(60) // 5, 12)
    figures = code_figures(confusion)[0]
    assert figures.kappa.low is None
    assert "5 segments carry the code" in str(figures.kappa.reason)

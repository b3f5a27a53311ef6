from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from annotations.codings import CodingTable
from annotations.reliability.measures import SIZE_ALONE, measures_of
from annotations.transcripts import Segment


def table_of(applied: NDArray[np.bool_], read: NDArray[np.bool_] | None = None) -> CodingTable:
    coders, units, codes = applied.shape
    clusters = np.arange(units) % 15
    seen = np.ones((coders, units), dtype=np.bool_) if read is None else read
    return CodingTable(
        units=tuple(
            Segment(transcript=f"t{at}", turn=0, start=0, end=1, speaker="", text="x")
            for at in clusters
        ),
        codes=tuple(f"code {at}" for at in range(codes)),
        coders=tuple("abcdefgh"[:coders]),
        transcripts=tuple(f"t{at}" for at in range(15)),
        clusters=clusters,
        read=seen,
        assisted=np.zeros_like(seen),
        applied=applied & seen[..., np.newaxis],
    )


def cross(both: int, first: int, second: int, neither: int) -> NDArray[np.bool_]:
    cells = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
    return np.array(cells, dtype=np.bool_).T[:, :, np.newaxis]


def test_all_measures_of_a_known_table_stand_side_by_side() -> None:
    code = measures_of(table_of(cross(80, 7, 8, 5))).codes[0]
    assert code.percent.value == pytest.approx(0.85)
    assert code.conger.value == pytest.approx(0.314442, abs=1e-6)
    assert code.alpha.value == pytest.approx(0.317714, abs=1e-6)
    assert code.ac1.value == pytest.approx(0.808, abs=5e-4)
    assert code.brennan_prediger.value == pytest.approx(0.7)
    assert code.positive.value == pytest.approx(160 / 175)
    assert code.negative.value == pytest.approx(10 / 25)
    assert code.bias.value == pytest.approx(0.01)
    assert code.prevalence.value == pytest.approx(0.875)


def test_bias_is_the_mean_difference_between_pairs_of_coders() -> None:
    rng = np.random.default_rng(1)
    applied = rng.random((4, 300, 2)) < np.array([0.1, 0.2, 0.35, 0.3])[:, np.newaxis, np.newaxis]
    read = rng.random((4, 300)) < 0.8
    found = measures_of(table_of(applied, read))
    for code in range(2):
        share = [applied[at, read[at], code].mean() for at in range(4)]
        expected = np.mean([abs(one - other) for one, other in combinations(share, 2)])
        bias = found.codes[code].bias
        assert bias.value == pytest.approx(expected)
        assert bias.low is None
        assert bias.reason == SIZE_ALONE


def test_a_rare_code_carries_a_caution_and_a_common_one_does_not() -> None:
    rare = measures_of(table_of(cross(12, 8, 8, 972))).codes[0]
    assert rare.caution is not None
    assert rare.caution.startswith("rare: readers applied it to 2.0% of units")
    assert "96.1%" in rare.caution
    assert measures_of(table_of(cross(40, 20, 20, 120))).codes[0].caution is None
    assert str(measures_of(table_of(cross(972, 8, 8, 12))).codes[0].caution).startswith("near uni")


def test_an_unused_code_has_no_coefficient_not_even_ac1() -> None:
    code = measures_of(table_of(np.zeros((3, 60, 1), dtype=np.bool_))).codes[0]
    assert code.percent.value == 1
    for estimate in (code.alpha, code.fleiss, code.conger, code.ac1, code.brennan_prediger):
        assert np.isnan(estimate.value)
    assert code.positive.reason == "no coder applied the code in a unit read twice"
    assert code.negative.value == 1


def test_pooled_measures_take_each_unit_and_code_as_a_decision() -> None:
    applied = np.random.default_rng(3).random((2, 150, 3)) < 0.4
    found = measures_of(table_of(applied))
    flat = measures_of(table_of(applied.reshape(2, -1, 1)))
    assert found.pooled.code is None
    assert found.pooled.alpha.n == 450
    assert found.pooled.alpha.value == pytest.approx(flat.codes[0].alpha.value)
    assert found.pooled.conger.value == pytest.approx(flat.codes[0].conger.value)


def test_one_coder_has_a_prevalence_and_nobody_to_differ_from() -> None:
    found = measures_of(table_of(np.random.default_rng(3).random((1, 150, 1)) < 0.4))
    assert found.codes[0].prevalence.low is not None
    assert np.isnan(found.codes[0].bias.value)
    assert found.codes[0].positive.reason == "no unit was read by two coders"

"""Every coefficient against published tables and against other implementations."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from annotations.reliability import coefficients
from annotations.reliability.tallies import Tally, pair_tables

KRIPPENDORFF_2011 = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""

# Fleiss (1971): 30 patients, 6 psychiatrists, 5 diagnoses; how many chose each.
FLEISS_1971 = """
0 0 0 6 0 / 0 3 0 0 3 / 0 1 4 0 1 / 0 0 0 0 6 / 0 3 0 3 0 / 2 0 4 0 0 / 0 0 4 0 2 / 2 0 3 1 0
2 0 0 4 0 / 0 0 0 0 6 / 1 0 0 5 0 / 1 1 0 4 0 / 0 3 3 0 0 / 1 0 0 5 0 / 0 2 0 3 1 / 0 0 5 0 1
3 0 0 1 2 / 5 1 0 0 0 / 0 2 0 4 0 / 1 0 2 0 3 / 0 0 0 0 6 / 0 1 0 5 0 / 0 2 0 1 3 / 2 0 0 4 0
1 0 0 4 1 / 0 5 0 1 0 / 4 0 0 0 2 / 0 2 0 4 0 / 1 0 5 0 0 / 0 0 0 0 6
"""


def ratings_of(text: str) -> NDArray[np.int64]:
    rows = [line.split() for line in text.strip().splitlines()]
    return np.array([[-1 if cell == "." else int(cell) - 1 for cell in row] for row in rows])


def tally_of(ratings: NDArray[np.int64], categories: int) -> Tally:
    """The sums of coders' choices among categories, -1 where a coder did not read; unit by unit."""
    sums = np.zeros((3, 1, 4 * categories + 4 + len(ratings) * categories))
    for at, unit in enumerate(ratings.T):
        chosen = (unit[:, np.newaxis] == np.arange(categories)).astype(np.float64)
        counts = chosen.sum(axis=0)
        size = counts.sum()
        unequal = (counts * (size - counts)).sum()
        sums[at % 3, 0] += np.concatenate(
            [
                counts * (size >= 2),
                counts * (counts - 1),
                counts * (size - 1),
                counts / max(size, 1),
                [unequal / max(size - 1, 1), unequal / max(size * (size - 1), 1)],
                [size >= 2, size >= 1],
                chosen.ravel(),
            ]
        )
    return Tally(sums=sums, categories=categories).total


def from_counts(text: str) -> NDArray[np.int64]:
    units = [[int(n) for n in unit.split()] for unit in text.strip().replace("\n", "/").split("/")]
    return np.array([np.repeat(np.arange(5), unit) for unit in units]).T


def from_table(table: list[list[int]]) -> NDArray[np.int64]:
    pairs = [
        (row, column)
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    ]
    return np.array(pairs).T


@pytest.mark.parametrize(
    ("coefficient", "expected"),
    [
        (coefficients.alpha, 0.743421053),
        (coefficients.gwet_ac1, 0.775444068),
        (coefficients.fleiss, 0.761169275),
        (coefficients.conger, 0.762066894),
        (coefficients.brennan_prediger, 0.772727273),
        (coefficients.percent, 9 / 11),
    ],
)
def test_krippendorffs_four_coders_with_missing_readings(coefficient, expected) -> None:
    tally = tally_of(ratings_of(KRIPPENDORFF_2011), 5)
    assert coefficient(tally)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("coefficient", "expected"),
    [
        (coefficients.fleiss, 0.430244520),
        (coefficients.gwet_ac1, 0.447884516),
        (coefficients.brennan_prediger, 0.444444444),
        (coefficients.alpha, 0.433409828),
    ],
)
def test_fleiss_thirty_patients(coefficient, expected) -> None:
    ratings = from_counts(FLEISS_1971)
    assert ratings.shape == (6, 30)
    assert coefficient(tally_of(ratings, 5))[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([[25, 12, 3], [13, 2, 15], [12, 16, 2]], {"cohen": -0.092307692, "gwet_ac1": -0.04797}),
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], {"cohen": 0.491525424}),
        (
            [[80, 7], [8, 5]],
            {
                "cohen": 0.314442,
                "gwet_ac1": 0.808,
                "brennan_prediger": 0.700,
                "alpha": 0.317714,
            },
        ),
        ([[20, 10], [20, 50]], {"cohen": 0.347826}),
    ],
)
def test_cohens_tables(table, expected) -> None:
    cross = np.array(table, dtype=np.float64)
    tally = tally_of(from_table(table), len(table))
    for name, value in expected.items():
        # Published figures carry as many decimals as are given.
        tolerance = 0.5 * 10.0 ** -len(str(value).split(".")[1])
        if name == "cohen":
            assert coefficients.cohen(cross) == pytest.approx(value, abs=tolerance)
            # With two coders on every unit Conger's kappa is Cohen's.
            assert coefficients.conger(tally)[0] == pytest.approx(value, abs=tolerance)
        else:
            found = getattr(coefficients, name)(tally)[0]
            assert found == pytest.approx(value, abs=max(tolerance, 1e-6))
    assert coefficients.pair_alpha(cross) == pytest.approx(coefficients.alpha(tally)[0])
    assert coefficients.pair_percent(cross) == pytest.approx(coefficients.percent(tally)[0])


def test_positive_and_negative_agreement_of_two_coders() -> None:
    table = np.array([[40.0, 9.0], [6.0, 15.0]])
    tally = tally_of(from_table([[40, 9], [6, 15]]), 2)
    assert coefficients.specific(tally, 1)[0] == pytest.approx(30 / (30 + 9 + 6))
    assert coefficients.specific(tally, 0)[0] == pytest.approx(80 / (80 + 9 + 6))
    assert coefficients.bias(table) == pytest.approx((6 - 9) / 70)


def test_a_thousand_random_tables_with_missing_readings_equal_the_libraries() -> None:
    rng = np.random.default_rng(20)
    checked = 0
    while checked < 1000:
        coders, units = rng.integers(2, 6), rng.integers(4, 40)
        categories = int(rng.integers(2, 5))
        truth = rng.integers(0, categories, units)
        noise = rng.integers(0, categories, (coders, units))
        ratings = np.where(rng.random((coders, units)) < 0.6, truth, noise)
        full = ratings.copy()
        ratings[rng.random((coders, units)) < 0.25] = -1
        pairable = (ratings >= 0).sum(axis=0) > 1
        if len(np.unique(ratings[:, pairable][ratings[:, pairable] >= 0])) < 2:
            continue
        with_missing = np.where(ratings < 0, np.nan, ratings.astype(float))
        expected = krippendorff.alpha(
            with_missing,
            level_of_measurement="nominal",
            value_domain=list(range(categories)),
        )
        found = coefficients.alpha(tally_of(ratings, categories))[0]
        assert found == pytest.approx(expected, abs=1e-6)

        complete = tally_of(full, categories)
        counts = (full[..., np.newaxis] == np.arange(categories)).sum(axis=0)
        if (counts.sum(axis=0) > 0).sum() > 1:
            assert coefficients.fleiss(complete)[0] == pytest.approx(fleiss_kappa(counts), abs=1e-6)
        cross = np.zeros((categories, categories))
        np.add.at(cross, (full[0], full[1]), 1)
        if (np.trace(cross) < units) or len(np.unique(full[0])) > 1:
            assert coefficients.cohen(cross) == pytest.approx(
                cohen_kappa_score(full[0], full[1], labels=list(range(categories))), abs=1e-6
            )
        checked += 1


READINGS = st.tuples(
    st.integers(2, 4), st.integers(2, 12), st.integers(1, 3), st.integers(0, 10**6)
)
COEFFICIENTS = [
    coefficients.percent,
    coefficients.alpha,
    coefficients.fleiss,
    coefficients.conger,
    coefficients.gwet_ac1,
    coefficients.brennan_prediger,
]


@settings(max_examples=60, deadline=None)
@given(READINGS, st.randoms(use_true_random=False))
def test_coder_order_and_code_order_do_not_matter(shape, shuffler) -> None:
    coders, units, codes, seed = shape
    rng = np.random.default_rng(seed)
    read = rng.random((coders, units)) < 0.8
    applied = (rng.random((coders, units, codes)) < 0.4) & read[..., np.newaxis]
    clusters = rng.integers(0, 3, units)
    first = list(range(coders))
    second = list(range(codes))
    shuffler.shuffle(first)
    shuffler.shuffle(second)
    tally = Tally.of_readings(read=read, applied=applied, clusters=clusters, groups=3).total
    moved = Tally.of_readings(
        read=read[first], applied=applied[first][..., second], clusters=clusters, groups=3
    ).total
    for coefficient in COEFFICIENTS:
        np.testing.assert_allclose(
            coefficient(moved), coefficient(tally)[second], atol=1e-12, equal_nan=True
        )


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 3))))
def test_identical_coders_agree_fully_or_not_definably(applied) -> None:
    units, _ = applied.shape
    tally = Tally.of_readings(
        read=np.ones((3, units), dtype=np.bool_),
        applied=np.stack([applied] * 3),
        clusters=np.zeros(units, dtype=np.int64),
        groups=1,
    ).total
    varied = applied.any(axis=0) & ~applied.all(axis=0)
    for coefficient in COEFFICIENTS[1:]:
        found = coefficient(tally)
        np.testing.assert_allclose(found[varied], 1.0)
        assert np.isnan(found[~varied]).all()
    np.testing.assert_allclose(coefficients.percent(tally), 1.0)


def test_independent_coders_agree_as_chance_would() -> None:
    rng = np.random.default_rng(4)
    applied = rng.random((4, 40_000, 2)) < np.array([0.05, 0.4])
    tally = Tally.of_readings(
        read=np.ones((4, 40_000), dtype=np.bool_),
        applied=applied,
        clusters=np.zeros(40_000, dtype=np.int64),
        groups=1,
    ).total
    for coefficient in (coefficients.alpha, coefficients.fleiss, coefficients.conger):
        np.testing.assert_allclose(coefficient(tally), 0.0, atol=0.02)


def test_a_unit_with_one_reader_does_not_enter_alpha() -> None:
    ratings = ratings_of(KRIPPENDORFF_2011)
    alone = np.full((4, 5), -1)
    alone[2] = [0, 1, 2, 3, 4]
    more = tally_of(np.concatenate([ratings, alone], axis=1), 5)
    assert coefficients.alpha(more)[0] == pytest.approx(0.743421053, abs=1e-6)


def test_pair_tables_count_only_the_decisions_wanted() -> None:
    first = np.array([[True, False], [True, True], [False, False]])
    second = np.array([[True, True], [False, True], [False, False]])
    clusters = np.array([0, 1, 1])
    by_unit = pair_tables(
        first=first, second=second, both=np.array([True, True, False]), clusters=clusters, groups=2
    )
    assert by_unit[0].tolist() == [[[0, 0], [0, 1]], [[0, 1], [0, 0]]]
    assert by_unit[1].tolist() == [[[0, 0], [1, 0]], [[0, 0], [0, 1]]]
    by_decision = pair_tables(
        first=first,
        second=second,
        both=np.array([[True, False], [False, False], [False, True]]),
        clusters=clusters,
        groups=2,
    )
    assert by_decision.sum() == 2

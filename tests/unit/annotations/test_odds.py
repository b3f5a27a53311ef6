"""Odds ratios against statsmodels and ppi-python, and by their own laws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from annotations.reliability.prevalence.odds import Design, design_of, fitted_of, odds_of
from annotations.reliability.prevalence.shares import shares_of
from annotations.reliability.prevalence.sums import Population, Sums
from annotations.reliability.prevalence.tuning import Tuning

GROUPS = ("clinical", "functional", "general")
THESE = Population.THESE


@pytest.fixture
def design() -> Design:
    rng = np.random.default_rng(2)
    return design_of(
        [(GROUPS[rng.integers(3)], "yes" if rng.random() < 0.3 else "no") for _ in range(150)],
        ("group", "old"),
    )


@pytest.fixture
def sums(design: Design) -> Sums:
    """150 transcripts of 5 to 30 segments, of which 50 were drawn and coded."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(5, 31, 150)
    rates = 1 / (1 + np.exp(-(-1.5 + 0.8 * design.rows[:, 1] + rng.normal(0, 0.5, 150))))
    people = rng.binomial(sizes, rates)[:, np.newaxis].astype(np.float64)
    model = rng.binomial(people.astype(int), 0.8) + rng.binomial(
        (sizes[:, np.newaxis] - people).astype(int), 0.05
    )
    sample = np.zeros(150, dtype=np.bool_)
    sample[rng.choice(150, 50, replace=False)] = True
    return Sums(
        codes=("code",),
        sizes=sizes.astype(np.float64),
        said=model.astype(np.float64)[..., np.newaxis],
        people=np.where(sample[:, np.newaxis], people, np.nan),
        segments=sizes.astype(np.float64),
        found=np.where(sample[:, np.newaxis], people, 0.0),
        probability=np.full(150, 1 / 3),
        strata=np.zeros(150, dtype=np.int64),
    )


def glm(sums: Sums, design: Design, rows: Any) -> Any:
    yes, sizes = sums.people[rows, 0], sums.sizes[rows]
    return sm.GLM(
        np.column_stack([yes, sizes - yes]), design.rows[rows], family=sm.families.Binomial()
    ).fit(cov_type="cluster", cov_kwds={"groups": np.arange(len(yes)), "use_correction": False})


def test_people_alone_are_a_logistic_regression_with_clustered_errors(
    sums: Sums, design: Design
) -> None:
    found = fitted_of(sums, 0, design, tuning=Tuning.fixed(sums, 0.0), of=Population.LIKE)
    assert found is not None
    expected = glm(sums, design, sums.coded)
    np.testing.assert_allclose(found.beta, expected.params, rtol=1e-6)
    np.testing.assert_allclose(found.variance, expected.bse**2 * 50 / 49, rtol=1e-5)
    these = fitted_of(sums, 0, design, tuning=Tuning.fixed(sums, 0.0), of=Population.THESE)
    assert these is not None
    np.testing.assert_allclose(these.variance, found.variance * 2 / 3)


def test_a_study_coded_whole_is_a_logistic_regression_of_it(sums: Sums, design: Design) -> None:
    whole = replace(sums, people=sums.model, found=sums.model, probability=np.ones(150))
    found = fitted_of(whole, 0, design, tuning=Tuning.fixed(whole, 1.0), of=Population.LIKE)
    assert found is not None
    expected = glm(whole, design, np.ones(150, dtype=np.bool_))
    np.testing.assert_allclose(found.beta, expected.params, rtol=1e-6)
    # A part of a distance is lost to the fit, the more so the fewer share a value.
    assert ((found.variance > expected.bse**2) & (found.variance < 1.06 * expected.bse**2)).all()
    weights = whole.sizes * expected.fittedvalues * (1 - expected.fittedvalues)
    working = expected.predict(which="linear") + (
        (whole.people[:, 0] - whole.sizes * expected.fittedvalues) / weights
    )
    last = sm.WLS(working, design.rows, weights=weights).fit(cov_type="HC2")
    np.testing.assert_allclose(found.beta, last.params, rtol=1e-6)
    np.testing.assert_allclose(found.variance, last.bse**2, rtol=1e-5)


def two_groups(rng: Any, *sizes: tuple[int, int]) -> tuple[Sums, Design]:
    """Groups of so many transcripts, of which so many were drawn and coded, all of one people."""
    group = np.repeat(np.arange(len(sizes)), [whole for whole, _ in sizes])
    segments = rng.integers(10, 41, len(group))
    people = rng.binomial(segments, rng.beta(1.8, 7.2, len(group))).astype(np.float64)
    model = rng.binomial(people.astype(int), 0.75) + rng.binomial(
        segments - people.astype(int), 0.05
    )
    sample = np.zeros(len(group), dtype=np.bool_)
    for at, (_, drawn) in enumerate(sizes):
        sample[rng.choice(np.flatnonzero(group == at), drawn, replace=False)] = True
    probability = np.array([drawn / whole for whole, drawn in sizes])[group]
    sums = Sums(
        codes=("code",),
        sizes=segments.astype(np.float64),
        said=model[:, np.newaxis, np.newaxis].astype(np.float64),
        people=np.where(sample, people, np.nan)[:, np.newaxis],
        segments=segments.astype(np.float64),
        found=np.where(sample, people, 0.0)[:, np.newaxis],
        probability=probability,
        strata=group,
    )
    return sums, design_of([("abc"[at],) for at in group], ("group",))


def ratios(sums: Sums, design: Design, of: Population = Population.LIKE) -> Any:
    tuned = Tuning.of(sums, [np.ones(len(sums.sizes), dtype=np.bool_)])
    return odds_of(sums, design, tuning=tuned, of=of)


def test_a_study_coded_whole_has_the_interval_of_a_logistic_regression() -> None:
    sums, design = two_groups(np.random.default_rng(1), (40, 40), (40, 40))
    (found,) = ratios(sums, design)
    expected = glm(sums, design, np.ones(80, dtype=np.bool_))
    half = stats.t.ppf(0.975, 79) * expected.bse[1] * np.sqrt(80 / 79)
    assert found.ratio.clusters == 80
    assert found.ratio.value == pytest.approx(np.exp(expected.params[1]))
    assert found.ratio.low == pytest.approx(np.exp(expected.params[1] - half), rel=0.02)
    assert found.ratio.high == pytest.approx(np.exp(expected.params[1] + half), rel=0.02)
    alike = replace(sums, sizes=np.full(80, 40.0), segments=np.full(80, 40.0))
    fitted = fitted_of(alike, 0, design, tuning=Tuning.fixed(alike, 0.0), of=Population.LIKE)
    assert fitted is not None
    # As the t-test of two groups of 40, but for variances that differ with the shares.
    assert 75 < fitted.degrees[1] <= 78
    (counted,) = ratios(sums, design, Population.THESE)
    assert counted.ratio.value == pytest.approx(found.ratio.value)
    assert counted.ratio.reason == "a count: people coded every transcript"
    assert counted.p is None


def test_degrees_of_freedom_are_those_of_the_groups_that_are_compared() -> None:
    sums, design = two_groups(np.random.default_rng(1), (60, 60), (5, 5))
    alike = replace(sums, sizes=np.full(65, 40.0), segments=np.full(65, 40.0))
    fitted = fitted_of(alike, 0, design, tuning=Tuning.fixed(alike, 0.0), of=Population.LIKE)
    assert fitted is not None
    assert 4 < fitted.degrees[1] < 5.5


@pytest.mark.parametrize("whole", [2, 4])
def test_a_small_group_coded_whole_gives_no_ratio_and_leaves_the_others(whole: int) -> None:
    sums, design = two_groups(np.random.default_rng(1), (60, 20), (40, 15), (whole, whole))
    other, small = ratios(sums, design)
    assert small.ratio.reason == (
        f"insufficient: {whole} transcripts of group c coded by people, a ratio needs 5"
    )
    assert not small.ratio.defined
    assert small.p is None
    assert other.ratio.low is not None
    assert other.holm == other.p
    # Of these interviews what was coded whole is known.
    assert all(one.p is not None for one in ratios(sums, design, Population.THESE))


def test_two_groups_coded_whole_are_not_tested_beside_a_sampled_one() -> None:
    sums, design = two_groups(np.random.default_rng(1), (60, 60), (40, 40), (30, 10))
    counted, sampled = ratios(sums, design, Population.THESE)
    assert counted.ratio.defined
    assert counted.ratio.low is None
    assert counted.p is None
    assert sampled.holm == sampled.p


@pytest.mark.parametrize("of", list(Population))
def test_a_group_of_which_few_were_drawn_gives_no_ratio(of: Population) -> None:
    # Of these interviews, with 2 of 40 drawn, .72 of the intervals held what all 40 had.
    sums, design = two_groups(np.random.default_rng(1), (60, 20), (40, 4), (40, 15))
    small, other = ratios(sums, design, of)
    assert small.ratio.reason == (
        "insufficient: 4 sampled transcripts of group b coded by people, a ratio needs 5"
    )
    assert other.ratio.low is not None


def test_a_group_coded_whole_is_found_to_differ_no_more_often_than_by_chance() -> None:
    # With the squares as they stand, and the others' degrees of freedom, .13 of such draws.
    rng = np.random.default_rng(4)
    p = np.array(
        [
            [one.p for one in ratios(*two_groups(rng, (60, 20), (40, 15), (5, 5)))]
            for _ in range(300)
        ]
    )
    assert ((p < 0.05).mean(axis=0) < 0.08).all()
    assert ((p < 0.05).mean(axis=0) > 0.02).all()


def test_ppi_python_is_reproduced_where_units_are_transcripts() -> None:
    # ppi-python 0.2.3, ppi_logistic_pointestimate; its lambda is (N-n)/N of ours.
    rng = np.random.default_rng(21)
    first = (rng.random(600) < 0.4).astype(np.float64)
    second = (rng.random(600) < 0.5).astype(np.float64)
    rates = 1 / (1 + np.exp(-(-1.0 + 0.8 * first - 0.3 * second)))
    people = (rng.random(600) < rates).astype(np.float64)
    model = np.where(rng.random(600) < 0.85, people, 1 - people)
    sample = np.arange(600) < 120
    sums = Sums(
        codes=("code",),
        sizes=np.ones(600),
        said=model[:, np.newaxis, np.newaxis],
        people=np.where(sample, people, np.nan)[:, np.newaxis],
        segments=np.ones(600),
        found=np.where(sample, people, 0.0)[:, np.newaxis],
        probability=np.full(600, 0.2),
        strata=np.zeros(600, dtype=np.int64),
    )
    design = Design(terms=(), rows=np.column_stack([np.ones(600), first, second]))
    found = fitted_of(sums, 0, design, tuning=Tuning.fixed(sums, 1.0), of=Population.LIKE)
    assert found is not None
    np.testing.assert_allclose(found.beta, [-1.29053472, 0.71426834, 0.17799045], atol=2e-5)


def test_a_useful_model_narrows_and_its_bias_does_not_matter(sums: Sums, design: Design) -> None:
    tuned = Tuning.of(sums, [np.ones(150, dtype=np.bool_)])
    with_model = odds_of(sums, design, tuning=tuned, of=Population.THESE)
    alone = odds_of(sums, design, tuning=Tuning.fixed(sums, 0.0), of=Population.THESE)
    for one, two in zip(with_model, alone, strict=True):
        assert one.ratio.low is not None
        assert one.ratio.high is not None
        assert two.ratio.low is not None
        assert two.ratio.high is not None
        assert one.ratio.low < one.ratio.value < one.ratio.high
        assert np.log(one.ratio.high / one.ratio.low) < np.log(two.ratio.high / two.ratio.low)
        assert (one.ratio.low > 1 or one.ratio.high < 1) == (one.p < 0.05)  # type: ignore[operator]
    assert [one.term.reference for one in with_model] == [with_model[0].term.reference] * 2 + ["no"]


def test_what_cannot_be_said_is_refused_with_the_reason(sums: Sums, design: Design) -> None:
    few = replace(sums, people=sums.people.copy())
    few.people[np.flatnonzero(few.coded)[6:]] = np.nan
    (one, *_) = odds_of(few, design, tuning=Tuning.fixed(few, 0.0), of=Population.LIKE)
    assert not one.ratio.defined
    assert "6 sampled transcripts coded by people, 3 ratios need 8" in str(one.ratio.reason)
    never = replace(sums, people=np.where(sums.coded[:, np.newaxis], sums.people, np.nan))
    never.people[design.rows[:, 3] == 1] *= 0
    (*_, last) = odds_of(never, design, tuning=Tuning.fixed(never, 0.0), of=Population.LIKE)
    assert "always or never" in str(last.ratio.reason)


def test_attributes_that_decide_one_another_are_named() -> None:
    everybody = np.ones(6, dtype=np.bool_)
    nested = [("Acute", "A"), ("Acute", "B"), ("Acute", "A"), ("Care", "C"), ("Care", "C")]
    design = design_of([*nested, ("Care", "C")], ("trust", "site"))
    follows = design.follows(everybody)
    assert follows is not None
    assert follows.attribute == "site"
    crossed = design_of([*nested, ("Care", "A")], ("trust", "site"))
    assert crossed.follows(everybody) is None
    assert crossed.follows(np.arange(6) < 5) is not None


def test_where_the_sample_cannot_tell_two_attributes_apart_it_says_so(
    sums: Sums, design: Design
) -> None:
    terms = (*design.terms, replace(design.terms[0], attribute="ward", value="3"))
    twin = np.where(sums.coded, design.rows[:, 1], 1 - design.rows[:, 1])
    doubled = Design(terms=terms, rows=np.column_stack([design.rows, twin]))
    found = odds_of(sums, doubled, tuning=Tuning.fixed(sums, 1.0), of=Population.THESE)
    assert all("who has ward 3" in (one.ratio.reason or "") for one in found)


def nearly_right(
    seed: int, *, misses: float = 0.06, invents: float = 0.004
) -> tuple[Sums, Sums, Design, list[np.ndarray]]:
    """A hundred transcripts in three groups, a rare code, a model with few errors.

    Whole, and with 18 of them drawn; the design and the groups.
    """
    rng = np.random.default_rng(seed)
    group = np.arange(100) % 3
    sizes = rng.integers(20, 50, 100)
    rates = rng.beta(1.2, 28, 100) * np.array([1.0, 1.6, 0.7])[group]
    people = rng.binomial(sizes, np.clip(rates, 0, 1)).astype(np.float64)
    missed = rng.binomial(people.astype(int), misses)
    model = people - missed + rng.binomial(sizes - people.astype(int), invents)
    whole = Sums(
        codes=("code",),
        sizes=sizes.astype(np.float64),
        said=model[:, np.newaxis, np.newaxis],
        people=people[:, np.newaxis],
        segments=sizes.astype(np.float64),
        found=people[:, np.newaxis],
        probability=np.ones(100),
        strata=np.zeros(100, dtype=np.int64),
    )
    drawn = np.zeros((100, 1), dtype=np.bool_)
    drawn[rng.choice(100, 18, replace=False)] = True
    part = replace(
        whole,
        people=np.where(drawn, whole.people, np.nan),
        found=np.where(drawn, whole.found, 0.0),
        probability=np.full(100, 0.18),
    )
    design = design_of([("abc"[at],) for at in group], ("group",))
    return whole, part, design, [group == at for at in range(3)]


def test_a_model_that_is_nearly_always_right_does_not_make_intervals_too_narrow() -> None:
    ratios_held, shares_held = [], []
    for seed in range(250):
        whole, part, design, cells = nearly_right(seed)
        plain = Tuning.fixed(whole, 0.0)
        truth = [one.ratio.value for one in odds_of(whole, design, tuning=plain, of=THESE)]
        tuned = Tuning.of(part, cells)
        for one, true in zip(odds_of(part, design, tuning=tuned, of=THESE), truth, strict=True):
            if one.ratio.low is not None and one.ratio.high is not None:
                ratios_held.append(one.ratio.low <= true <= one.ratio.high)
        for cell in cells:
            share = whole.people[cell].sum() / whole.sizes[cell].sum()
            (found,) = shares_of(part, cell, tuning=tuned, of=THESE).corrected
            if found.low is not None and found.high is not None:
                shares_held.append(found.low <= share <= found.high)
    assert len(ratios_held) > 150
    assert len(shares_held) > 300
    assert np.mean(ratios_held) > 0.92
    assert np.mean(shares_held) > 0.92


def test_a_model_that_errs_nowhere_in_most_samples_does_not_make_intervals_too_narrow() -> None:
    held = []
    for seed in range(250):
        whole, part, _, cells = nearly_right(seed, misses=0.04, invents=0.001)
        tuned = Tuning.of(part, cells)
        for cell in cells:
            share = whole.people[cell].sum() / whole.sizes[cell].sum()
            (found,) = shares_of(part, cell, tuning=tuned, of=THESE).corrected
            if found.low is not None and found.high is not None:
                held.append(found.low <= share <= found.high)
    # Leaning on the model where it and people agree on the whole sample, .89 hold.
    assert len(held) > 300
    assert np.mean(held) > 0.92


def test_a_side_on_which_the_code_was_hardly_found_gives_no_ratio(
    sums: Sums, design: Design
) -> None:
    side = design.rows[:, 1] == 1
    for carrying, reason in ((0, "in 0 sampled"), (1, "in 1 sampled")):
        found = sums.found.copy()
        found[side] = 0
        found[np.flatnonzero(side & sums.coded)[:carrying]] = 9
        lone = replace(sums, found=found)
        (one, *_) = odds_of(lone, design, tuning=Tuning.fixed(sums, 0.0), of=Population.LIKE)
        assert not one.ratio.defined
        assert f"people found the code {reason}" in str(one.ratio.reason)
        assert one.tuning is None


def test_where_people_and_model_agree_on_a_side_the_model_is_not_leaned_on(
    sums: Sums, design: Design
) -> None:
    side = (design.rows[:, 1] == 1) & sums.coded
    people = sums.people.copy()
    people[side] = sums.model[side]
    alike = replace(sums, people=people, found=np.nan_to_num(people))
    tuned = Tuning.of(alike, [np.ones(150, dtype=np.bool_)])
    assert tuned.whole[0] > 0.5
    found = odds_of(alike, design, tuning=tuned, of=THESE)
    alone = odds_of(alike, design, tuning=Tuning.fixed(alike, 0.0), of=THESE)
    assert found == alone
    assert {one.tuning for one in found} == {0.0}

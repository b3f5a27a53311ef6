"""Odds ratios against statsmodels and ppi-python, and by their own laws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from annotations.reliability.prevalence.odds import Design, design_of, fitted_of, odds_of
from annotations.reliability.prevalence.sums import Population, Sums
from annotations.reliability.prevalence.tuning import Tuning

GROUPS = ("clinical", "functional", "general")


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
        model=model.astype(np.float64),
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
    np.testing.assert_allclose(found.variance, expected.bse**2, rtol=1e-5)


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
        model=model[:, np.newaxis],
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

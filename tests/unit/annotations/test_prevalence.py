"""Prevalence against textbook formulas and other programs, and by its own laws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from annotations.reliability.prevalence.differences import Compared, differences_of, holm
from annotations.reliability.prevalence.freedom import degrees_of
from annotations.reliability.prevalence.intervals import spread_of
from annotations.reliability.prevalence.odds import design_of, odds_of
from annotations.reliability.prevalence.planning import Extension, plans_of
from annotations.reliability.prevalence.shares import deletions_of, shares_of
from annotations.reliability.prevalence.sums import Fit, Population, Sums
from annotations.reliability.prevalence.tuning import Tuning, least


def sums_of(
    *,
    people: Any,
    model: Any,
    sample: Any,
    sizes: Any = None,
    strata: Any = None,
    probability: Any = None,
) -> Sums:
    """One code or several: `people` and `model` (transcripts,) or (transcripts, codes)."""
    model = np.asarray(model, dtype=np.float64).reshape(len(sample), -1)
    people = np.asarray(people, dtype=np.float64).reshape(len(sample), -1)
    sample = np.asarray(sample)
    strata = np.zeros(len(sample), dtype=np.int64) if strata is None else strata
    if probability is None:
        probability = np.zeros(len(sample))
        for one in np.unique(strata):
            probability[strata == one] = sample[strata == one].mean()
    return Sums(
        codes=tuple(f"code {at}" for at in range(model.shape[1])),
        sizes=np.ones(len(sample)) if sizes is None else np.asarray(sizes, dtype=np.float64),
        said=model[..., np.newaxis],
        people=np.where(sample[:, np.newaxis], people, np.nan),
        segments=np.full(len(sample), 1000.0),
        found=np.where(sample[:, np.newaxis], people, 0.0),
        probability=probability,
        strata=strata,
    )


def everything(sums: Sums) -> Any:
    return np.ones(len(sums.sizes), dtype=np.bool_)


@pytest.fixture
def simulated() -> Sums:
    """Three strata of 40, 60 and 30 transcripts of 5 to 30 segments, four codes."""
    rng = np.random.default_rng(5)
    strata = np.repeat([0, 1, 2], [40, 60, 30])
    sizes = rng.integers(5, 31, len(strata))
    rates = rng.beta(2, 8, (len(strata), 4))
    people = rng.binomial(sizes[:, np.newaxis], rates)
    model = rng.binomial(people, 0.8) + rng.binomial(sizes[:, np.newaxis] - people, 0.06)
    sample = np.zeros(len(strata), dtype=np.bool_)
    for stratum, count in enumerate((8, 9, 6)):
        sample[rng.choice(np.flatnonzero(strata == stratum), count, replace=False)] = True
    return sums_of(people=people, model=model, sample=sample, sizes=sizes, strata=strata)


def test_ppi_python_is_reproduced_where_units_are_transcripts() -> None:
    # ppi-python 0.2.3: ppi_mean_pointestimate and ppi_mean_ci(alpha=.05) on the same data. It
    # leaves the labelled ones out of the model's mean, so that our lambda is N/(N-n) of its.
    rng = np.random.default_rng(11)
    rates = rng.beta(2, 6, 400)
    people = (rng.random(400) < rates).astype(np.float64)
    model = np.where(rng.random(400) < 0.85, people, 1 - people)
    sums = sums_of(people=people, model=model, sample=np.arange(400) < 60)
    for lam, point, low, high in (
        (1.0, 0.3075, 0.22727069, 0.38772931),
        (400 / 340, 0.30882353, 0.22064919, 0.39699787),
    ):
        found = shares_of(
            sums, everything(sums), tuning=Tuning.fixed(sums, lam), of=Population.LIKE
        )
        (estimate,) = found.corrected
        assert estimate.value == pytest.approx(point, abs=1e-8)
        error = float(np.sqrt(spread_of(found.deletions).variance[0]))
        normal = (high - low) / 2 / stats.norm.ppf(0.975)
        # Its variance has 1/n where ours has 1/(n-1): within that factor.
        assert error == pytest.approx(normal * np.sqrt(60 / 59), rel=2e-3)


def test_the_survey_difference_estimator_is_reproduced(simulated: Sums) -> None:
    # Cochran (1977), stratified: sum of W (mean of all f + mean of d), W²(1-n/N) s²/n.
    sums = replace(simulated, sizes=np.ones(130))
    found = shares_of(sums, everything(sums), tuning=Tuning.fixed(sums, 1.0), of=Population.THESE)
    sample = sums.coded
    value, variance = np.zeros(4), np.zeros(4)
    for stratum in range(3):
        own = sums.strata == stratum
        distance = (sums.people - sums.model)[own & sample]
        weight, n, size = own.mean(), len(distance), own.sum()
        value += weight * (sums.model[own].mean(axis=0) + distance.mean(axis=0))
        variance += weight**2 * (1 - n / size) * distance.var(axis=0, ddof=1) / n
    np.testing.assert_allclose(found.deletions.value, value)
    spread = spread_of(found.deletions)
    np.testing.assert_allclose(spread.variance, variance)
    # One for each transcript but one a stratum, less for weights that differ somewhat.
    assert ((spread.degrees > 18) & (spread.degrees < 23 - 3)).all()


def test_a_ratio_of_unequal_transcripts_has_its_linearised_variance(simulated: Sums) -> None:
    sums = replace(simulated, strata=np.zeros(130, dtype=np.int64), probability=np.full(130, 0.2))
    found = shares_of(sums, everything(sums), tuning=Tuning.fixed(sums, 0.0), of=Population.THESE)
    sample = sums.coded
    y, n = sums.people[sample], sums.sizes[sample]
    ratio = y.sum(axis=0) / n.sum()
    residuals = (y - n[:, np.newaxis] * ratio) / n.mean()
    np.testing.assert_allclose(found.deletions.value, ratio)
    np.testing.assert_allclose(
        spread_of(found.deletions).variance,
        0.8 * residuals.var(axis=0, ddof=1) / sample.sum(),
        rtol=0.08,
    )


def test_lambda_is_the_regression_slope_and_each_deletion_its_own(simulated: Sums) -> None:
    marks = [simulated.strata == at for at in range(3)]
    tuned = Tuning.of(simulated, marks)
    assert ((tuned.whole > 0.3) & (tuned.whole <= 1)).all()
    best = sum(
        spread_of(
            shares_of(simulated, mark, tuning=Tuning.fixed(simulated, 0.0), of=of).deletions
        ).variance
        for mark, of in zip(marks, [Population.THESE] * 3, strict=True)
    )
    # Of the variances on a grid of lambdas, those at the tuned ones are least.
    grid = np.linspace(0, 1, 101)
    totals = np.array(
        [
            sum(
                spread_of(
                    shares_of(
                        simulated, mark, tuning=Tuning.fixed(simulated, lam), of=Population.THESE
                    ).deletions
                ).variance
                for mark in marks
            )
            for lam in grid
        ]
    )
    np.testing.assert_allclose(grid[totals.argmin(axis=0)], tuned.whole, atol=0.05)
    assert (totals.min(axis=0) < best).all()
    one = int(np.flatnonzero(simulated.coded)[0])
    fewer = replace(simulated, people=simulated.people.copy(), probability=simulated.probability)
    fewer.people[one] = np.nan
    own = simulated.strata == simulated.strata[one]
    n = int((own & simulated.coded).sum())
    probability = np.where(own, simulated.probability * (n - 1) / n, simulated.probability)
    less = Tuning.of(replace(fewer, probability=probability), marks)
    np.testing.assert_allclose(tuned.without[one], less.lam, atol=0.05)
    assert not np.allclose(tuned.without[one], tuned.lam)


def in_two_ways(simulated: Sums) -> Sums:
    """Decisions and probabilities that each say a part of what people do, the latter more."""
    rng = np.random.default_rng(17)
    known = np.where(simulated.coded[:, np.newaxis], simulated.people, 2.0)
    decisions = known + rng.normal(0.0, 3.0, known.shape)
    chances = 0.7 * known + rng.normal(0.0, 1.0, known.shape)
    return replace(simulated, said=np.stack([decisions, chances], axis=-1))


def test_decisions_and_probabilities_weigh_what_makes_the_variance_least(simulated: Sums) -> None:
    sums = in_two_ways(simulated)
    marks = [sums.strata == at for at in range(3)]
    tuned = Tuning.of(sums, marks)
    assert (tuned.lam >= 0).all()
    assert (tuned.whole <= 1 + 1e-12).all()
    steps = np.linspace(0, 1, 26)
    allowed = [(one, two) for one in steps for two in steps if one + two <= 1 + 1e-12]

    def variance(lam: Any) -> Any:
        own = Tuning(lam=lam, without=np.broadcast_to(lam, sums.said.shape))
        return sum(
            spread_of(shares_of(sums, mark, tuning=own, of=Population.THESE).deletions).variance
            for mark in marks
        )

    on_grid = np.array([variance(np.tile(pair, (4, 1))) for pair in allowed])
    # No pair on the grid does better than a rounding's worth, and one alone does worse.
    assert (variance(tuned.lam) < 1.02 * on_grid.min(axis=0)).all()
    for alone in (0, 1):
        single = replace(sums, said=sums.said[..., [alone]])
        lam = np.zeros((4, 2))
        lam[:, [alone]] = Tuning.of(single, marks).lam
        assert (variance(tuned.lam) < 1.005 * variance(lam)).all()
    assert (tuned.lam[:, 1] > 0.2).all()
    one = int(np.flatnonzero(sums.coded)[0])
    fewer = replace(sums, people=sums.people.copy())
    fewer.people[one] = np.nan
    own = sums.strata == sums.strata[one]
    n = int((own & sums.coded).sum())
    probability = np.where(own, sums.probability * (n - 1) / n, sums.probability)
    less = Tuning.of(replace(fewer, probability=probability), marks)
    np.testing.assert_allclose(tuned.without[one], less.lam, atol=0.08)


def test_lambdas_stay_within_their_bounds() -> None:
    # By hand: x² + y² - 2ax - 2by is least at (a, b), or at the nearest allowed place.
    crossed = np.array([[0.2, 0.3], [-1.0, 0.4], [0.4, -1.0], [2.0, 1.8], [-1.0, -1.0], [3.0, 0.0]])
    squared = np.broadcast_to(np.eye(2), (6, 2, 2))
    expected = [[0.2, 0.3], [0.0, 0.4], [0.4, 0.0], [0.6, 0.4], [0.0, 0.0], [1.0, 0.0]]
    np.testing.assert_allclose(least(crossed, squared), expected, atol=1e-12)
    # Two ways that say the same share what one would have; a way that says nothing has none.
    same = least(np.array([0.5, 0.5]), np.ones((2, 2)))
    assert same.sum() == pytest.approx(0.5)
    silent = least(np.array([0.5, 0.0]), np.diag([1.0, 0.0]))
    np.testing.assert_allclose(silent, [0.5, 0.0], atol=1e-12)


def test_probabilities_serve_odds_and_plans_too(simulated: Sums) -> None:
    sums = in_two_ways(simulated)
    group = [(str(one),) for one in sums.strata]
    design = design_of(group, ("group",))
    mark = everything(sums)
    by_both = Tuning.of(sums, [mark])
    alone = replace(sums, said=sums.said[..., :1])
    by_decisions = Tuning.of(alone, [mark])
    widths = [
        [
            np.log(one.ratio.high / one.ratio.low)
            for one in odds_of(own, design, tuning=tuning, of=Population.THESE)
            if one.ratio.low is not None and one.ratio.high is not None
        ]
        for own, tuning in ((sums, by_both), (alone, by_decisions))
    ]
    assert len(widths[0]) == len(widths[1]) == 8
    assert np.mean(widths[0]) < 0.97 * np.mean(widths[1])
    told = Extension(total=400, coded=0, cells=1, of=Population.THESE)
    coded = sums.coded
    pilots = [
        replace(
            one,
            sizes=one.sizes[coded],
            said=one.said[coded],
            people=one.people[coded],
            segments=one.segments[coded],
            found=one.found[coded],
            probability=np.ones(int(coded.sum())),
            strata=np.zeros(int(coded.sum()), dtype=np.int64),
        )
        for one in (sums, alone)
    ]
    plans = [plans_of(pilot, told, [40]) for pilot in pilots]
    for both, decisions in zip(*plans, strict=True):
        assert both.sizes[0].whole is not None
        assert decisions.sizes[0].whole is not None
        assert both.sizes[0].whole < decisions.sizes[0].whole


def test_what_people_coded_for_certain_is_counted_and_nothing_else_moves_it(
    simulated: Sums,
) -> None:
    whole = replace(simulated, people=simulated.model * 0.5, found=simulated.model)
    sure = replace(whole, probability=np.ones(130))
    for of in Population:
        found = shares_of(sure, everything(sure), tuning=Tuning.fixed(sure, 1.0), of=of)
        share = 0.5 * sure.model.sum(axis=0) / sure.sizes.sum()
        np.testing.assert_allclose(found.deletions.value, share)
        for estimate in found.corrected:
            if of is Population.THESE:
                assert estimate.low is None
                assert estimate.reason == "a count: people coded every transcript of this cell"
            else:
                assert estimate.low is not None
                assert estimate.low < estimate.value


def test_a_model_that_erred_nowhere_in_the_sample_is_not_taken_to_err_nowhere(
    simulated: Sums,
) -> None:
    people = np.where(simulated.coded[:, np.newaxis], simulated.model, np.nan)
    people[np.flatnonzero(simulated.coded)[0], 1] += 1
    exact = replace(simulated, people=people)
    mark, tuning = everything(exact), Tuning.fixed(exact, 1.0)
    plain = deletions_of(exact, Fit.of(exact, mark), tuning, Population.THESE)
    assert spread_of(plain).variance[[0, 2, 3]].max() < 1e-20
    found = shares_of(exact, mark, tuning=tuning, of=Population.THESE)
    assert found.alike.tolist() == [True, False, True, True]
    assert found.lam[:, 0].tolist() == [0.0, 1.0, 0.0, 0.0]
    for at in (0, 2, 3):
        assert found.corrected[at] == found.people[at]
        assert found.effective[at] == pytest.approx(exact.coded.sum())
    assert found.corrected[1].value != found.people[1].value


def test_a_constant_error_of_the_model_is_taken_out_whole(simulated: Sums) -> None:
    for of in Population:
        plain = shares_of(
            simulated, everything(simulated), tuning=Tuning.fixed(simulated, 0.8), of=of
        )
        shifted = replace(
            simulated, said=simulated.said + 3 * simulated.sizes[:, np.newaxis, np.newaxis]
        )
        found = shares_of(shifted, everything(shifted), tuning=Tuning.fixed(shifted, 0.8), of=of)
        for one, two in zip(plain.corrected, found.corrected, strict=True):
            assert one.value == pytest.approx(two.value)
            assert one.low == pytest.approx(two.low)
        assert (found.model > plain.model + 2).all()


def test_people_alone_are_lambda_zero_and_order_does_not_matter(simulated: Sums) -> None:
    tuned = Tuning.of(simulated, [everything(simulated)])
    found = shares_of(simulated, everything(simulated), tuning=tuned, of=Population.THESE)
    nothing = shares_of(
        simulated,
        everything(simulated),
        tuning=Tuning.fixed(simulated, 0.0),
        of=Population.THESE,
    )
    assert found.people == nothing.corrected
    assert (found.effective > simulated.coded.sum()).all()
    shuffled = np.random.default_rng(1).permutation(130)
    turned = replace(
        simulated,
        **{
            name: getattr(simulated, name)[shuffled]
            for name in ("sizes", "said", "people", "segments", "found", "probability")
        },
        strata=(2 - simulated.strata)[shuffled],
    )
    again = shares_of(
        turned,
        everything(turned),
        tuning=Tuning.of(turned, [everything(turned)]),
        of=Population.THESE,
    )
    for one, two in zip(found.corrected, again.corrected, strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))


def test_too_few_give_no_interval_and_say_why(simulated: Sums) -> None:
    few = replace(simulated, people=simulated.people.copy())
    few.people[np.flatnonzero(few.coded)[4:]] = np.nan
    (one, *_) = shares_of(
        few, everything(few), tuning=Tuning.fixed(few, 1.0), of=Population.THESE
    ).corrected
    assert one.low is None
    assert one.reason == (
        "insufficient: 4 sampled transcripts coded by people in this cell, an interval needs 5"
    )
    rare = replace(simulated, found=simulated.found * 0)
    rare.found[np.flatnonzero(rare.coded)[:4]] = 1
    (one, *_) = shares_of(
        rare, everything(rare), tuning=Tuning.fixed(rare, 1.0), of=Population.THESE
    ).corrected
    assert one.low is None
    assert "found the code in 4 segments" in str(one.reason)
    common = replace(rare, segments=np.where(rare.coded, 5.0, 0.0), found=rare.found * 0 + 5)
    common.found[np.flatnonzero(rare.coded)[:4]] = 4
    (one, *_) = shares_of(
        common, everything(common), tuning=Tuning.fixed(common, 1.0), of=Population.THESE
    ).corrected
    assert one.low is None
    none = replace(simulated, people=np.full_like(simulated.people, np.nan))
    (one, *_) = shares_of(
        none, everything(none), tuning=Tuning.fixed(none, 1.0), of=Population.LIKE
    ).corrected
    assert not one.defined


def two_groups(rng: Any, *, whole: int, sampled: int) -> tuple[Sums, list[Any]]:
    """A group of `whole` transcripts, all coded, and one of 60 of which `sampled` are.

    Both of the same people, who carry the code in a fifth of their segments, more or less.
    """
    group = np.repeat([0, 1], [whole, 60])
    sizes = rng.integers(10, 41, len(group))
    people = rng.binomial(sizes, rng.beta(1.8, 7.2, len(group)))
    model = rng.binomial(people, 0.75) + rng.binomial(sizes - people, 0.05)
    sample = group == 0
    sample[rng.choice(np.flatnonzero(group == 1), sampled, replace=False)] = True
    sums = sums_of(people=people, model=model, sample=sample, sizes=sizes, strata=group)
    return sums, [group == 0, group == 1]


def difference_of(sums: Sums, cells: list[Any], of: Population) -> Any:
    tuned = Tuning.of(sums, cells)
    first, second = (shares_of(sums, cell, tuning=tuned, of=of) for cell in cells)
    pair = Compared(first=("a",), second=("b",), shares=(first, second))
    return first, differences_of(sums.codes, [pair])[0]


@pytest.mark.parametrize("whole", [1, 2, 4])
def test_a_small_group_coded_whole_says_nothing_of_people_like_these(whole: int) -> None:
    sums, cells = two_groups(np.random.default_rng(8), whole=whole, sampled=20)
    first, found = difference_of(sums, cells, Population.LIKE)
    (estimate,) = first.corrected
    noun = "transcript" if whole == 1 else "transcripts"
    assert estimate.low is None
    assert estimate.reason == (
        f"insufficient: {whole} {noun} coded by people in this cell, an interval needs 5"
    )
    assert found.difference.low is None
    assert found.p is None
    # Of these interviews it is a count, and the other group may be compared with it.
    first, found = difference_of(sums, cells, Population.THESE)
    assert "a count" in str(first.corrected[0].reason)
    assert found.p is not None


@pytest.mark.parametrize("of", list(Population))
def test_a_code_that_the_sample_lacks_has_no_interval_whatever_was_coded_before(
    of: Population,
) -> None:
    sums, cells = two_groups(np.random.default_rng(8), whole=12, sampled=20)
    sampled = sums.coded & cells[1]
    people = np.where(sampled[:, np.newaxis], 0.0, sums.people)
    lacking = replace(sums, people=people, found=people)
    tuned = Tuning.of(lacking, cells)
    (whole,) = shares_of(lacking, everything(lacking), tuning=tuned, of=of).corrected
    assert people[cells[0]].sum() > 20
    assert whole.low is None
    assert "found the code in 0 segments" in str(whole.reason)


@pytest.mark.parametrize("whole", [5, 12])
def test_a_group_coded_whole_is_found_to_differ_hardly_more_often_than_by_chance(
    whole: int,
) -> None:
    # In 2,500 draws .08 and .06 at the 5% level; with 1, 2 and 3 such transcripts .80, .15, .10.
    rng = np.random.default_rng(4)
    drawn = [
        difference_of(*two_groups(rng, whole=whole, sampled=20), Population.LIKE)[1].p
        for _ in range(400)
    ]
    told = np.array([p for p in drawn if p is not None])
    assert len(told) > 390
    assert 0.02 < (told < 0.05).mean() < 0.1


def test_what_was_coded_for_certain_is_in_the_sample_of_people_like_these() -> None:
    sums, (whole, drawn) = two_groups(np.random.default_rng(4), whole=12, sampled=20)
    tuned = Tuning.of(sums, [whole, drawn])
    for cell, coded in ((whole, 12), (drawn, 20), (whole | drawn, 32)):
        found = shares_of(sums, cell, tuning=tuned, of=Population.LIKE)
        assert found.corrected[0].clusters == found.people[0].clusters == coded
        gained = float(found.effective[0]) / coded
        assert gained == pytest.approx(1.0) if cell is whole else gained > 1.2
    these = shares_of(sums, whole | drawn, tuning=tuned, of=Population.THESE)
    assert these.corrected[0].clusters == 20
    assert np.isnan(shares_of(sums, whole, tuning=tuned, of=Population.THESE).effective).all()


def test_a_code_that_nobody_carries_leaves_the_scale_of_another(simulated: Sums) -> None:
    people = simulated.model * [1, 0, 1, 1]
    sure = replace(simulated, people=people, found=people, probability=np.ones(130))
    tuned = Tuning.fixed(sure, 1.0)
    first, none, *_ = shares_of(sure, everything(sure), tuning=tuned, of=Population.LIKE).corrected
    assert none.low is None
    assert first.method == "stratified transcript jackknife, t, logit scale"


def test_a_lone_transcript_of_a_stratum_is_taken_with_the_next(simulated: Sums) -> None:
    lone = replace(
        simulated,
        people=simulated.people.copy(),
        sizes=np.full(130, 30.0),
        probability=np.full(130, 0.2),
    )
    lone.people[np.flatnonzero(lone.coded & (lone.strata == 2))[1:]] = np.nan
    found = shares_of(lone, everything(lone), tuning=Tuning.fixed(lone, 1.0), of=Population.THESE)
    assert all(one.low is not None for one in found.corrected)
    (sample,) = found.deletions.varying
    assert sample.degrees == pytest.approx((8 + 1 - 1) + (9 - 1), abs=0.01)


def test_a_few_long_transcripts_leave_few_degrees_of_freedom(simulated: Sums) -> None:
    def degrees(sizes: Any) -> float:
        given = replace(simulated, sizes=sizes, probability=np.full(130, 0.2))
        found = shares_of(
            given, everything(given), tuning=Tuning.fixed(given, 0.0), of=Population.THESE
        )
        (sample,) = found.deletions.varying
        return sample.degrees

    assert degrees(np.full(130, 30.0)) == pytest.approx(23 - 3, abs=0.05)
    long = np.full(130, 30.0)
    long[np.flatnonzero(simulated.coded)[:2]] = 30_000.0
    # Two transcripts decide all but alone, and two numbers have one degree of freedom.
    assert degrees(long) == pytest.approx(1, abs=0.2)
    assert degrees(long) < degrees(simulated.sizes) < 20


@pytest.mark.parametrize("strata", [[0] * 9, [0] * 4 + [1] * 5])
@pytest.mark.parametrize("probability", [None, [0.6] * 9, [0.2, 0.3, 0.8] * 3])
def test_degrees_are_those_of_what_is_drawn_at_random(
    strata: list[int], probability: list[float] | None
) -> None:
    """Errors that grow with a transcript's size, 40,000 times, and what t makes of them."""
    groups, drawn = np.array(strata), np.array(probability or [1.0] * 9)
    own = np.array([10.0, 12, 15, 20, 25, 40, 60, 90, 200])
    sizes = own / drawn
    free = degrees_of(sizes, groups, None if probability is None else drawn)
    rng = np.random.default_rng(5)
    erred = rng.normal(size=(40_000, 9)) * own
    errors = erred / drawn
    share = errors.sum(axis=1) / sizes.sum()
    # Of people like these, the truth is 0. Of these interviews it is what all come to: a sampled
    # transcript with 1 / drawn - 1 others like it, that err by themselves.
    truth = 0.0
    if probability is not None:
        others = rng.normal(size=(40_000, 9)) * own * np.sqrt(1 / drawn - 1)
        truth = (erred + others).sum(axis=1) / sizes.sum()
    variance = np.zeros(40_000)
    for group in np.unique(groups):
        here = groups == group
        held, rest = here.sum(), ~here
        without = np.stack(
            [
                (errors[:, rest].sum(axis=1) + held / (held - 1) * errors[:, kept].sum(axis=1))
                / (sizes[rest].sum() + held / (held - 1) * sizes[kept].sum())
                for one in np.flatnonzero(here)
                for kept in [here & (np.arange(9) != one)]
            ]
        )
        factors, centre = np.full(held, (held - 1) / held), share
        if probability is not None:
            factors = factors * (1 - drawn[here])
            centre = factors @ without / factors.sum()
        variance += factors @ (without - centre) ** 2
    beyond = np.abs(share - truth) > stats.t.ppf(0.975, free) * np.sqrt(variance)
    assert beyond.mean() == pytest.approx(0.05, abs=0.004)
    assert 1 < free < 9 - len(np.unique(groups))


def test_very_many_transcripts_have_degrees_at_once() -> None:
    skewed = np.exp(np.random.default_rng(1).normal(scale=2.5, size=5_000))
    assert 1 <= degrees_of(skewed, np.zeros(5_000, dtype=np.int64)) < 40


def test_differences_are_corrected_together(simulated: Sums) -> None:
    marks = [simulated.strata == at for at in range(3)]
    tuned = Tuning.of(simulated, marks)
    shares = [shares_of(simulated, mark, tuning=tuned, of=Population.LIKE) for mark in marks]
    found = differences_of(
        simulated.codes,
        [
            Compared(first=("a",), second=("b",), shares=(shares[0], shares[1])),
            Compared(first=("a",), second=("c",), shares=(shares[0], shares[2])),
        ],
    )
    p = np.array([one.p for one in found])
    assert len(p) == 8
    np.testing.assert_allclose(
        [one.benjamini_hochberg for one in found], stats.false_discovery_control(p)
    )
    assert all(one.holm >= one.benjamini_hochberg >= one.p for one in found)  # type: ignore[operator]
    first = found[0].difference
    assert first.value == pytest.approx(shares[0].corrected[0].value - shares[1].corrected[0].value)
    # 0 lies outside the interval just where p is below .05.
    for one in found:
        assert one.difference.low is not None
        assert one.difference.high is not None
        assert (one.difference.low > 0 or one.difference.high < 0) == (one.p < 0.05)  # type: ignore[operator]


def test_holm_is_that_of_the_paper() -> None:
    # Holm (1979); statsmodels.stats.multitest.multipletests(method="holm") gives the same.
    given = np.array([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(given), [0.03, 0.06, 0.06, 0.02])

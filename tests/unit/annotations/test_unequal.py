"""Draws with unequal probabilities: they are what they say, and the estimate stays true."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.drawing import draw
from annotations.reliability.prevalence.intervals import bounds_of, spread_of
from annotations.reliability.prevalence.odds import design_of, fitted_of
from annotations.reliability.prevalence.planning import Extension, plans_of
from annotations.reliability.prevalence.shares import deletions_of
from annotations.reliability.prevalence.sums import Fit, Population, Sums
from annotations.reliability.prevalence.tuning import Tuning
from annotations.unequal import draw_unequal, probabilities_of


@pytest.fixture
def doubts() -> Mapping[str, float]:
    rng = np.random.default_rng(2)
    return {f"t{at:02}": float(size) for at, size in enumerate(rng.gamma(1.5, size=30))}


def test_every_transcript_is_drawn_as_often_as_its_probability_says(
    doubts: Mapping[str, float],
) -> None:
    probabilities = probabilities_of(doubts, 8)
    assert max(probabilities.values()) > 2 * min(probabilities.values())
    times: Counter[str] = Counter()
    seeds = 4000
    for seed in range(seeds):
        drawn = draw_unequal(probabilities, seed=seed)
        assert len(drawn) == 8
        times.update(drawn)
    expected = np.array(list(probabilities.values()))
    found = np.array([times[name] / seeds for name in probabilities])
    off = (found - expected) / np.sqrt(expected * (1 - expected) / seeds)
    assert abs(off).max() < 4
    assert off.std() == pytest.approx(1, abs=0.4)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.data(), st.integers(0, 2**62))
def test_probabilities_add_up_to_what_is_drawn_and_none_is_nearly_0_or_1(
    sizes: list[float], data: st.DataObject, seed: int
) -> None:
    count = data.draw(st.integers(1, len(sizes)))
    found = probabilities_of({str(at): size for at, size in enumerate(sizes)}, count)
    even = count / len(sizes)
    assert sum(found.values()) == pytest.approx(count)
    assert min(found.values()) >= even / 2 - 1e-9
    assert max(found.values()) <= (1 + even) / 2 + 1e-9
    order = sorted(range(len(sizes)), key=lambda at: sizes[at])
    ranked = [found[str(at)] for at in order]
    assert ranked == pytest.approx(sorted(ranked))
    assert len(draw_unequal(found, seed=seed)) == count


def test_no_doubt_at_all_or_all_drawn_leaves_even_chances() -> None:
    nothing = dict.fromkeys("abcd", 0.0)
    assert probabilities_of(nothing, 2) == dict.fromkeys("abcd", 0.5)
    assert probabilities_of({"a": 9.0, "b": 1.0}, 2) == {"a": 1.0, "b": 1.0}
    assert draw_unequal({"a": 1.0, "b": 1.0}, seed=0) == {"a", "b"}


def test_a_draw_by_doubts_is_stratified_and_the_same_seed_draws_the_same(
    doubts: Mapping[str, float],
) -> None:
    places = {name: ("Acute" if name < "t20" else "Care",) for name in doubts}
    members = draw(places, size=9, seed=3, doubts=doubts, coded={"old": ("Acute",)})
    turned = dict(reversed(places.items()))
    assert members == draw(turned, size=9, seed=3, doubts=doubts, coded={"old": ("Acute",)})
    assert members != draw(places, size=9, seed=4, doubts=doubts, coded={"old": ("Acute",)})
    rest = [one for one in members if one.transcript != "old"]
    for stratum, count in (("Acute",), 6), (("Care",), 3):
        own = [one for one in rest if one.stratum == stratum]
        assert sum(one.drawn for one in own) == count
        assert sum(one.probability for one in own) == pytest.approx(count)
        by_doubt = sorted(own, key=lambda one: doubts[one.transcript])
        chances = [one.probability for one in by_doubt]
        assert chances == sorted(chances)
        assert chances[-1] > 1.5 * chances[0]


@pytest.fixture
def population() -> Sums:
    """Two strata of 40 with two codes; long transcripts carry more and are drawn more often."""
    rng = np.random.default_rng(8)
    sizes = rng.integers(8, 60, 80).astype(np.float64)
    rates = np.clip(rng.beta(2, 8, (80, 2)) + sizes[:, np.newaxis] / 150, 0, 1)
    people = rng.binomial(sizes.astype(int)[:, np.newaxis], rates).astype(np.float64)
    # The model misses more where there is more.
    model = rng.binomial(people.astype(int), np.clip(0.9 - rates, 0, 1)).astype(np.float64)
    strata = np.repeat([0, 1], 40)
    return Sums(
        codes=("one", "two"),
        sizes=sizes,
        said=model[..., np.newaxis],
        people=people,
        segments=sizes,
        found=people,
        probability=np.ones(80),
        strata=strata,
    )


def drawn_from(population: Sums, seed: int, count: int = 10) -> Sums:
    chance, taken = np.zeros(80), np.zeros(80, dtype=np.bool_)
    for stratum in (0, 1):
        own = np.flatnonzero(population.strata == stratum)
        probabilities = probabilities_of({str(at): population.sizes[at] for at in own}, count)
        chance[own] = list(probabilities.values())
        taken[[int(name) for name in draw_unequal(probabilities, seed=seed)]] = True
    return replace(
        population,
        people=np.where(taken[:, np.newaxis], population.people, np.nan),
        probability=chance,
    )


def test_the_estimate_is_unbiased_and_its_intervals_hold(population: Sums) -> None:
    truth = population.people.sum(axis=0) / population.sizes.sum()
    everything = np.ones(80, dtype=np.bool_)
    values, variances, held, unweighted = [], [], [], []
    seeds = 600
    for seed in range(seeds):
        sums = drawn_from(population, seed)
        tuning = Tuning.fixed(sums, 1.0)
        fit = Fit.of(sums, everything)
        found = deletions_of(sums, fit, tuning, Population.THESE)
        values.append(found.value)
        variances.append(spread_of(found).variance)
        bounds = bounds_of(found)
        held.append((bounds.low <= truth) & (truth <= bounds.high))
        even = replace(sums, probability=np.full(80, 0.25))
        unweighted.append(deletions_of(even, fit, tuning, Population.THESE).value)
    spread = np.std(values, axis=0)
    assert (abs(np.mean(values, axis=0) - truth) < 4 * spread / np.sqrt(seeds)).all()
    np.testing.assert_allclose(np.mean(variances, axis=0), spread**2, rtol=0.2)
    assert ((np.mean(held, axis=0) > 0.93) & (np.mean(held, axis=0) < 0.98)).all()
    # Were the probabilities forgotten, it would not be.
    assert (abs(np.mean(unweighted, axis=0) - truth) > 8 * spread / np.sqrt(seeds)).all()


def test_the_variance_is_that_of_hajek_where_it_is_linear(population: Sums) -> None:
    # Hájek (1964): n/(n-1) · sum of (1-pi) (z/pi - B)², B the mean of z/pi weighted by 1-pi.
    # Where lengths are in proportion to probabilities, the ratio is linear in the sample.
    drawn = drawn_from(population, 1)
    sums = replace(
        drawn,
        sizes=400 * drawn.probability,
        strata=np.zeros(80, dtype=np.int64),
    )
    fit = Fit.of(sums, np.ones(80, dtype=np.bool_))
    found = deletions_of(sums, fit, Tuning.fixed(sums, 0.7), Population.THESE)
    sample = sums.coded
    left = (1 - sums.probability[sample])[:, np.newaxis]
    part = (sums.people - 0.7 * sums.model)[sample] / sums.probability[sample][:, np.newaxis]
    middle = (left * part).sum(axis=0) / left.sum()
    n = int(sample.sum())
    variance = n / (n - 1) * (left * (part - middle) ** 2).sum(axis=0) / sums.sizes.sum() ** 2
    np.testing.assert_allclose(spread_of(found).variance, variance)


def test_lambda_makes_the_variance_least_also_with_unequal_probabilities(
    population: Sums,
) -> None:
    rng = np.random.default_rng(3)
    mixed = 0.6 * population.people + rng.normal(0, 4, (80, 2))
    sums = drawn_from(replace(population, said=mixed[..., np.newaxis]), 5, count=25)
    everything = np.ones(80, dtype=np.bool_)
    fit = Fit.of(sums, everything)
    grid = np.linspace(0, 1, 201)
    totals = [
        spread_of(deletions_of(sums, fit, Tuning.fixed(sums, lam), Population.THESE)).variance
        for lam in grid
    ]
    tuned = Tuning.of(sums, [everything])
    assert ((tuned.whole > 0.2) & (tuned.whole < 1)).all()
    np.testing.assert_allclose(grid[np.argmin(totals, axis=0)], tuned.whole, atol=0.015)
    one = int(np.flatnonzero(sums.coded)[0])
    fewer = replace(sums, people=sums.people.copy())
    fewer.people[one] = np.nan
    # Those left of its stratum stand for it, which changes weights and no place of the least.
    own = sums.strata == sums.strata[one]
    n = int((own & sums.coded).sum())
    less = Tuning.of(
        replace(fewer, probability=np.where(own, sums.probability * (n - 1) / n, sums.probability)),
        [everything],
    )
    np.testing.assert_allclose(tuned.without[one], less.lam, atol=0.05)


def test_odds_of_an_unequal_draw_are_those_of_everything(population: Sums) -> None:
    design = design_of([(str(stratum),) for stratum in population.strata], ["group"])
    whole = fitted_of(
        population, 0, design, tuning=Tuning.fixed(population, 0.0), of=Population.THESE
    )
    assert whole is not None
    found, variances = [], []
    for seed in range(300):
        sums = drawn_from(population, seed)
        fitted = fitted_of(sums, 0, design, tuning=Tuning.fixed(sums, 0.7), of=Population.THESE)
        assert fitted is not None
        found.append(fitted.beta[1])
        variances.append(fitted.variance[1])
    spread = np.std(found)
    assert abs(np.mean(found) - whole.beta[1]) < 4 * spread / np.sqrt(300)
    # A little small, as linearised variances of ten a group are; without the finite-population
    # correction they would be too large.
    assert 0.75 < np.mean(variances) / spread**2 < 1.05


def test_a_plan_tells_what_an_unequal_draw_gains(population: Sums) -> None:
    # Here everything is the pilot, so that the plan's figures are those that a draw would have.
    alike = replace(population, strata=np.zeros(80, dtype=np.int64))
    told = Extension(total=8000, coded=0, cells=1, of=Population.THESE)
    sizes = {str(at): size for at, size in enumerate(population.sizes)}
    even, unequal = (plans_of(alike, told, [40], doubts=doubts) for doubts in (None, sizes))
    lam = np.array([one.tuning for one in even])
    chance = np.array(list(probabilities_of(sizes, 1).values()))
    rng = np.random.default_rng(4)
    counts = population.people - lam * population.model
    errors = []
    for weights in (np.full(80, 1 / 80), chance):
        drawn = rng.choice(80, (20_000, 40), p=weights)
        carried = (counts[drawn] / weights[drawn][..., np.newaxis]).sum(axis=1)
        units = (population.sizes[drawn] / weights[drawn]).sum(axis=1)[:, np.newaxis]
        errors.append((carried / units).std(axis=0))
    for at in range(2):
        (one,), (other,) = even[at].sizes, unequal[at].sizes
        assert one.whole is not None
        assert other.whole is not None
        assert other.whole / one.whole == pytest.approx(errors[1][at] / errors[0][at], rel=0.05)
        assert other.whole < 0.97 * one.whole

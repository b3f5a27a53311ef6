"""The tests between waves against enumeration, other implementations and hand-made tables."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multitest import multipletests

from annotations.codings import CodingTable
from annotations.reliability.drift.coders import flipped, self_agreement
from annotations.reliability.drift.control_chart import control_chart, cusum
from annotations.reliability.drift.findings import findings_of
from annotations.reliability.drift.lookalikes import Lookalikes
from annotations.reliability.drift.meaning import loss_sums, meaning_changes
from annotations.reliability.drift.outcome import MEANING, USE, Comparison, Question, Ranking
from annotations.reliability.drift.permuting import permuted_p
from annotations.reliability.drift.ratios import Change, Sides, compare_ratios, corrected
from annotations.reliability.drift.texts import text_shift
from annotations.reliability.drift.trend import trends
from annotations.reliability.drift.waves import Waves, waves_by_attribute, waves_by_halves
from annotations.reliability.estimate import Bools, Estimate, Floats
from annotations.reliability.saturation import saturation_of
from annotations.transcripts import Transcript


def halves(early: int, late: int, stratum: np.ndarray | None = None) -> Sides:
    after = np.arange(early + late) >= early
    return Sides(
        before=~after,
        after=after,
        stratum=np.zeros(early + late, dtype=np.int64) if stratum is None else stratum,
    )


def counts(seed: int, early: float, late: float, *, arm: int = 30, codes: int = 1) -> np.ndarray:
    """Segments with a code and segments, whose prevalence differs between transcripts."""
    rng = np.random.default_rng(seed)
    means = np.repeat([early, late], arm)[:, np.newaxis]
    own = rng.beta(12 * means, 12 * (1 - means), size=(2 * arm, codes))
    size = rng.integers(20, 60, size=(2 * arm, 1))
    return np.stack([rng.binomial(size, own), np.broadcast_to(size, own.shape)], axis=-1)[
        :, :, np.newaxis
    ].astype(np.float64)


def statistic(sums: np.ndarray, after: np.ndarray) -> float:
    """The studentised difference, written out for one code."""
    ratio, variance = [], []
    for arm in (~after, after):
        a, b = sums[arm, 0, 0, 0], sums[arm, 0, 0, 1]
        ratio.append(a.sum() / b.sum())
        spread = ((a - ratio[-1] * b) ** 2).sum() / b.sum() ** 2
        variance.append(len(a) / (len(a) - 1) * spread)
    return (ratio[1] - ratio[0]) / sum(variance) ** 0.5


def test_p_is_that_of_every_exchange_of_transcripts() -> None:
    sums = counts(3, 0.1, 0.2, arm=8)
    after = np.arange(16) >= 8
    observed = abs(statistic(sums, after))
    extreme = [
        abs(statistic(sums, np.isin(np.arange(16), chosen))) >= observed - 1e-9
        for chosen in combinations(range(16), 8)
    ]
    (change,) = compare_ratios(["code"], sums, halves(8, 8), seed=1, draws=8000)
    assert change.p == pytest.approx(np.mean(extreme), abs=0.012)


def test_a_difference_of_equal_sizes_is_that_of_means_with_welchs_interval() -> None:
    rng = np.random.default_rng(0)
    shares = rng.integers(1, 9, size=24).astype(np.float64)
    sums = np.stack([shares, np.full(24, 10.0)], axis=-1)[:, np.newaxis, np.newaxis]
    (change,) = compare_ratios(["code"], sums, halves(12, 12), seed=1, draws=100)
    expected = stats.ttest_ind(
        shares[12:] / 10, shares[:12] / 10, equal_var=False
    ).confidence_interval()
    assert change.difference.low == pytest.approx(expected.low)
    assert change.difference.high == pytest.approx(expected.high)


def test_a_planted_change_is_found_and_the_other_codes_are_not() -> None:
    sums = counts(5, 0.1, 0.1, codes=6)
    sums[:, [2]] = counts(6, 0.1, 0.25)
    ((*changes,),) = corrected([compare_ratios("abcdef", sums, halves(30, 30), seed=1)])
    assert [change.subject for change in changes if change.moved] == ["c"]


def test_what_is_too_little_is_described_and_not_tested() -> None:
    (change,) = compare_ratios(["code"], counts(5, 0.1, 0.3, arm=7), halves(7, 7), seed=1)
    assert change.p is None
    assert change.difference.value > 0
    assert "7 and 7 transcripts" in (change.difference.reason or "")


def test_a_code_that_nobody_used_is_not_tested() -> None:
    sums = counts(5, 0.1, 0.1)
    sums[..., 0] = 0
    (change,) = compare_ratios(["code"], sums, halves(30, 30), seed=1)
    assert change.p is None
    assert change.difference.value == 0


def test_holding_an_attribute_constant_takes_away_what_it_makes() -> None:
    # Prevalence depends on the group alone, and the groups' shares differ between the waves.
    group = np.array([0] * 24 + [1] * 8 + [0] * 8 + [1] * 24)
    rng = np.random.default_rng(2)
    size = np.full(64, 40.0)
    coded = rng.binomial(40, np.where(group == 1, 0.4, 0.1)).astype(np.float64)
    sums = np.stack([coded, size], axis=-1)[:, np.newaxis, np.newaxis]
    (raw,) = compare_ratios(["code"], sums, halves(32, 32), seed=1)
    (held,) = compare_ratios(["code"], sums, halves(32, 32, group), seed=1)
    assert raw.p is not None
    assert raw.p < 0.01
    assert held.p is not None
    assert held.p > 0.05
    assert abs(held.difference.value) < 0.05


def test_strata_without_both_waves_are_left_out_and_counted() -> None:
    sums = counts(5, 0.1, 0.1, arm=10)
    stratum = np.array([1] + [0] * 19)
    (change,) = compare_ratios(["code"], sums, halves(10, 10, stratum), seed=1)
    assert change.left_out == 1
    assert change.before.clusters == 9


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_exchanging_the_waves_turns_the_sign_alone(seed: int) -> None:
    sums = counts(seed, 0.1, 0.2, arm=9)
    sides = halves(9, 9)
    (one,) = compare_ratios(["code"], sums, sides, seed=1, draws=50)
    (other,) = compare_ratios(
        ["code"],
        sums,
        Sides(before=sides.after, after=sides.before, stratum=sides.stratum),
        seed=1,
        draws=50,
    )
    assert one.difference.value == pytest.approx(-other.difference.value)
    assert one.before == other.after


def test_corrected_levels_are_statsmodels() -> None:
    p = np.random.default_rng(1).random(12) ** 2
    nothing = Estimate.undefined("not asked")
    changes = [
        Change(
            subject=str(at),
            before=nothing,
            after=nothing,
            difference=nothing,
            p=None if at == 5 else float(one),
            adjusted=None,
            moved=False,
            detectable=None,
        )
        for at, one in enumerate(p)
    ]
    first, second = corrected([changes[:6], changes[6:]])
    levels = [one.adjusted for one in (*first, *second) if one.adjusted is not None]
    rejected, expected, *_ = multipletests(np.delete(p, 5), method="fdr_bh")
    assert levels == pytest.approx(expected)
    moved = [one.moved for one in (*first, *second) if one.p is not None]
    assert moved == rejected.tolist()


def test_a_trend_is_the_slope_of_the_shares() -> None:
    wave = np.repeat([0, 1, 2], 10)
    coded = np.random.default_rng(1).binomial(50, 0.1 + 0.08 * wave).astype(np.float64)
    sums = np.stack([coded, np.full(30, 50.0)], axis=-1)[:, np.newaxis]
    (trend,) = trends(["code"], sums, wave, seed=1)
    assert trend.slope.value == pytest.approx(stats.linregress(wave, coded / 50).slope)
    assert trend.moved
    assert trends(["code"], sums[:20], wave[:20], seed=1) == ()


def meaning_data(seed: int, *, late: float, replaced: float) -> tuple[np.ndarray, ...]:
    """Scores of segments with and without a code, 20 transcripts a wave, 40 segments each."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(40), 40)
    after = clusters >= 20
    truth = (rng.random(1600) < np.where(after, late, 0.1)).astype(np.float64)
    other = after & (rng.random(1600) < replaced)
    scores = 1 / (1 + np.exp(-rng.normal(np.where((truth == 1) & ~other, 1.0, -2.0), 1.0)))
    return scores[:, np.newaxis], truth[:, np.newaxis], clusters


def test_a_code_that_is_merely_used_oftener_keeps_its_meaning() -> None:
    scores, truth, clusters = meaning_data(1, late=0.3, replaced=0.0)
    (change,) = meaning_changes(["code"], scores, truth, clusters, halves(20, 20), seed=1)
    assert change.loss.p is not None
    assert change.loss.p > 0.05


def test_a_code_given_to_other_text_is_found_with_a_worse_ranking() -> None:
    scores, truth, clusters = meaning_data(2, late=0.1, replaced=0.5)
    (change,) = meaning_changes(["code"], scores, truth, clusters, halves(20, 20), seed=1)
    assert change.loss.p is not None
    assert change.loss.p < 0.01
    assert change.loss.difference.value > 0
    for estimate, wave in ((change.auc_before, clusters < 20), (change.auc_after, clusters >= 20)):
        expected = roc_auc_score(truth[wave, 0], scores[wave, 0])
        assert estimate.value == pytest.approx(expected)
        assert estimate.low is not None
    assert change.auc_after.value < change.auc_before.value


def lookalike_data(seed: int, *, taken: float, oftener: float = 1.0) -> tuple[np.ndarray, ...]:
    """Two codes, coded as the model expects; in the second wave the first takes a share `taken`
    of the other's passages besides its own, or is used `oftener` (odds)."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(40), 40)
    late = clusters >= 20
    scores = 1 / (1 + np.exp(-rng.normal(-2.0, 1.5, size=(1600, 2))))
    odds = scores / (1 - scores)
    odds[late, 0] *= oftener
    truth = (rng.random((1600, 2)) < odds / (1 + odds)).astype(np.float64)
    theirs = np.flatnonzero(late & (truth[:, 1] == 1) & (truth[:, 0] == 0))
    gained = rng.choice(theirs, round(taken * len(theirs)), replace=False)
    truth[gained, 0] = 1.0
    return scores, truth, clusters


def test_a_code_that_takes_passages_of_another_is_found_and_the_other_named() -> None:
    data = lookalike_data(1, taken=0.6)
    change, other = meaning_changes(["wide", "other"], *data, halves(20, 20), seed=1)
    assert change.loss.p is not None
    assert change.loss.p < 0.01
    assert change.like == "other"
    assert change.beyond.after.value > 0.05
    assert change.beyond.before.value < 0.05
    assert other.loss.p is not None
    assert other.loss.p > 0.05


def test_the_finding_tells_both_figures_and_the_p_that_they_share() -> None:
    data = lookalike_data(1, taken=0.6)
    found = meaning_changes(["wide", "other"], *data, halves(20, 20), seed=1)
    (changes,) = corrected([[one.loss for one in found]])
    question = Question(
        name=MEANING, comparisons=(Comparison(before="1", after="2", changes=changes[:1]),)
    )
    wide = found[0]
    ranking = Ranking(
        code="wide",
        before="1",
        after="2",
        auc_before=wide.auc_before,
        auc_after=wide.auc_after,
        like=wide.like,
        beyond_before=wide.beyond.before,
        beyond_after=wide.beyond.after,
        beyond_difference=wide.beyond.difference,
    )
    table = CodingTable(
        units=(),
        codes=("wide",),
        coders=(),
        transcripts=(),
        clusters=np.zeros(0, dtype=np.int64),
        read=np.zeros((0, 0), dtype=np.bool_),
        assisted=np.zeros((0, 0), dtype=np.bool_),
        applied=np.zeros((0, 0, 1), dtype=np.bool_),
    )
    waves = Waves(names=("1", "2"), wave=np.zeros(0, dtype=np.int64), stratum=np.zeros(0, int))
    (finding,) = findings_of("wards", [question], [ranking], table, waves, {})
    assert "Its use moved too" not in finding.words
    oftener = replace(question, name=USE)
    with_use, again = findings_of("wards", [question, oftener], [ranking], table, waves, {})
    assert with_use.words.startswith(finding.words + " Its use moved too")
    assert "Its use moved too" not in again.words
    assert "It shows most on passages like those of other" in finding.words
    assert "both together have p below .001" in finding.words
    assert "on 20 and 20 transcripts" in finding.words


def test_odds_that_rise_alike_on_all_text_move_no_lookalikes() -> None:
    sides = halves(20, 20)
    found = []
    for seed in range(120):
        scores, truth, clusters = lookalike_data(seed, taken=0, oftener=4)
        alike = Lookalikes.of(scores, truth, 0, clusters, sides)
        p = permuted_p(alike.departures(sides), sides.after, [np.arange(40)], seed=seed, draws=400)
        found.append(p <= 0.05)
    # A binomial of 120 at .05 is below .11 in 99.5 of 100.
    assert (np.mean(found, axis=0) < 0.11).all()


def test_more_text_about_a_code_is_no_change_of_meaning_however_much() -> None:
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        clusters = np.repeat(np.arange(40), 40)
        share = np.where(clusters >= 20, 0.5, 0.15)
        truth = (rng.random(1600) < share).astype(np.float64)[:, np.newaxis]
        scores = 1 / (1 + np.exp(-rng.normal(2.4 * truth - 1.6, 1.0)))
        (change,) = meaning_changes(["code"], scores, truth, clusters, halves(20, 20), seed=seed)
        assert change.loss.p is not None
        found.append(change.loss.p <= 0.05)
    assert np.mean(found) <= 0.15


def test_use_beyond_the_model_is_read_once_the_use_as_a_whole_is_set_aside() -> None:
    scores, truth, clusters = lookalike_data(2, taken=0.2)
    sides = halves(20, 20)
    sums = Lookalikes.of(scores, truth, 0, clusters, sides)
    moved = np.empty(len(scores))
    for late in (False, True):
        own = (clusters >= 20) == late
        eta = np.log(scores[own, 0] / (1 - scores[own, 0]))
        shift = optimize.brentq(
            lambda shift, eta=eta, own=own: (truth[own, 0] - 1 / (1 + np.exp(-eta - shift))).sum(),
            -5,
            5,
        )
        moved[own] = 1 / (1 + np.exp(-eta - shift))
    beyond = truth[:, 0] - moved
    expected = [
        (beyond[wave] @ scores[wave, 1]) / scores[wave, 1].sum()
        for wave in (clusters < 20, clusters >= 20)
    ]
    points = sums.points(sides)[:, 1]
    found = [points[arm].sum(axis=0) for arm in (sides.before, sides.after)]
    assert [one[0] / one[1] for one in found] == pytest.approx(expected)

    # The statistic, written out transcript by transcript.
    spread = moved * (1 - moved)
    value, variance = [], []
    for arm in (range(20), range(20, 40)):
        inside = np.isin(clusters, arm)
        lean = beyond[inside].sum() / spread[inside].sum()
        share = (spread * scores[:, 1])[inside].sum() / spread[inside].sum()
        left = np.array(
            [
                (((beyond - lean * spread) * (scores[:, 1] - share))[clusters == at]).sum()
                for at in arm
            ]
        )
        weight = scores[inside, 1].sum()
        value.append(left.sum() / weight)
        variance.append(20 / 19 * (left**2).sum() / weight**2)
    statistic = sums.departures(sides)(sides.after[np.newaxis].astype(np.float64))[0, 1]
    assert statistic == pytest.approx(abs(value[1] - value[0]) / np.sqrt(sum(variance)))


def test_log_loss_is_summed_apart_for_segments_with_and_without_the_code() -> None:
    scores = np.array([[0.8], [0.1], [0.3]])
    sums = loss_sums(scores, np.array([[1.0], [0.0], [0.5]]), np.array([0, 0, 1]), 2)
    assert sums[0, 0].tolist() == [
        pytest.approx([-np.log(0.8), 1]),
        pytest.approx([-np.log(0.9), 1]),
    ]
    assert not sums[1].any()


def test_flips_are_all_tried_where_there_are_few() -> None:
    differences = np.array([[3.0], [1.0], [2.0], [-1.0], [0.0]])
    sums = [np.dot(signs, [3, 1, 2, -1]) for signs in product((-1, 1), repeat=4)]
    expected = np.mean([abs(one) >= 5 for one in sums])
    assert flipped(differences, seed=1).tolist() == [expected]
    assert flipped(np.zeros((5, 1)), seed=1).tolist() == [1.0]


def test_a_coder_who_gains_as_much_as_they_lose_shows_in_alpha_alone() -> None:
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(20), 10)
    old = rng.random((200, 1)) < 0.5
    new = old ^ (rng.random((200, 1)) < 0.3)
    more = old | (rng.random((200, 1)) < 0.3)
    found = self_agreement("ann", ["code"], old, new, clusters, groups=20, seed=1)
    assert [one.code for one in found] == [None, "code"]
    assert found[1].p is not None
    assert found[1].p > 0.05
    assert found[1].alpha.value < 0.6
    (_, gained) = self_agreement("ann", ["code"], old, more, clusters, groups=20, seed=1)
    assert gained.p is not None
    assert gained.p < 0.01
    assert gained.shift.value == pytest.approx(float((more & ~old).mean()))


def test_the_cusum_is_its_recursion() -> None:
    series = (np.random.default_rng(1).random(200) < 0.2).astype(np.float64)
    expected, held = [], 0.0
    for one in series:
        held = max(0.0, held + (np.log(2.0) if one else np.log(0.8 / 0.9)))
        expected.append(held)
    assert cusum(series, 0.1, 0.2) == pytest.approx(np.array(expected))


def test_a_limit_of_four_and_a_half_raises_seven_false_alarms_in_a_hundred() -> None:
    disagreed = (np.random.default_rng(0).random((2000, 300)) < 0.1).astype(np.float64)
    highest = cusum(disagreed, 0.1, 0.2).max(axis=1)
    assert np.quantile(highest, 0.93) == pytest.approx(4.5, abs=0.25)


def test_a_coder_who_changes_passes_the_limit_after_they_changed() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(40), 20)
    names = tuple(f"t{at:02}" for at in range(40))
    disagreed = rng.random(800) < np.where(clusters < 20, 0.1, 0.3)
    chart = control_chart("ann", names, disagreed, clusters, seed=1, runs=300)
    assert chart is not None
    assert chart.alarm is not None
    assert "t20" <= chart.alarm <= "t35"
    assert control_chart("ann", names[:9], disagreed[:180], clusters[:180], seed=1) is None


def test_texts_are_told_apart_by_transcript() -> None:
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(40, 5))
    after = np.arange(40) >= 20
    alike = text_shift(vectors, ~after, after, names=("a", "b"), seed=1, draws=300)
    vectors[after] += 1.0
    moved = text_shift(vectors, ~after, after, names=("a", "b"), seed=1, draws=300)
    few = text_shift(vectors, ~after, after & (np.arange(40) < 25), names=("a", "b"), seed=1)
    assert not alike.moved
    assert moved.moved
    assert few.p is None
    assert not few.distance.defined
    assert "5 transcripts" in (few.reason or "")


def test_the_interval_of_a_distance_of_texts_holds_what_it_is_of() -> None:
    rng = np.random.default_rng(5)
    after = np.arange(30) >= 14

    def distance(vectors: Floats, late: Bools) -> Estimate:
        return text_shift(vectors, ~late, late, names=("a", "b"), seed=1, draws=1).distance

    many = rng.normal(size=(2400, 3))
    many[1200:] += 0.8
    truth = distance(many, np.arange(2400) >= 1200).value
    # By definition: twice the mean distance across, less the mean distances within.
    small = rng.normal(size=(30, 3))
    across, early, late = (
        np.mean([np.linalg.norm(small[one] - small[other]) for one, other in pairs])
        for pairs in (
            [(one, other) for one in range(14) for other in range(14, 30)],
            list(combinations(range(14), 2)),
            list(combinations(range(14, 30), 2)),
        )
    )
    assert distance(small, after).value == pytest.approx(2 * across - early - late)
    held = 0
    for _ in range(200):
        vectors = rng.normal(size=(30, 3))
        vectors[after] += 0.8
        found = distance(vectors, after)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert 0.9 <= held / 200 <= 0.99


def test_saturation_of_a_small_table() -> None:
    met = np.array(
        [[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1]],
        dtype=np.bool_,
    )
    found = saturation_of([f"t{at}" for at in range(6)], met)
    assert found.codes == (2, 3, 3, 3, 3, 4)
    assert found.pairs == (2, 4, 6, 8, 10, 12)
    # One of four codes was met in a single transcript, among twelve pairs.
    assert found.coverage.value == pytest.approx(1 - 1 / 12)
    # The run of transcripts five and six adds one code to the three of the first four.
    assert found.new_share == pytest.approx(1 / 3)
    assert found.reached is None
    assert found.stayed is None
    orders = [met[list(chosen)].any(axis=0).sum() for chosen in combinations(range(6), 2)]
    assert found.expected[1] == pytest.approx(np.mean(orders))
    assert found.expected[5] == pytest.approx(4)
    assert found.new_codes == (2, 1, 0, 0, 0, 1)
    assert found.new_pairs == (2,) * 6
    # The fitted curve rises to where it tends, close to what it was fitted to.
    assert found.fitted == pytest.approx(found.expected, abs=0.1)
    assert found.fitted[-1] < found.asymptote
    assert saturation_of(["t0"], met[:1]).fitted == ()


@pytest.mark.parametrize(
    ("brings", "reached", "stayed"),
    [
        ([4, 0, 0, 0, 0, 0, 0], 6, 6),
        ([4, 0, 0, 0, 0, 0, 1], 6, None),
        ([4, 0, 0, 0, 0, 0, 1, 0, 0, 0], 6, 9),
        ([4, 0, 0, 0, 1, 0, 0, 0], 7, 7),
        ([4, 0, 0, 0, 1, 1, 1], None, None),
    ],
)
def test_when_new_codes_became_few_and_since_when(
    brings: list[int], reached: int | None, stayed: int | None
) -> None:
    met = np.zeros((len(brings), sum(brings)), dtype=np.bool_)
    for at, until in enumerate(np.cumsum(brings).tolist()):
        met[at, until - brings[at] : until] = True
    found = saturation_of([f"t{at}" for at in range(len(brings))], met)
    assert (found.reached, found.stayed) == (reached, stayed)


def transcript(name: str, **attributes: str) -> Transcript:
    return Transcript(name=name, turns=(), attributes=attributes)


def test_waves_are_in_the_order_of_numbers_and_those_without_one_stand_apart() -> None:
    found = waves_by_attribute(
        [transcript("a", wave="10"), transcript("b", wave="2"), transcript("c")], "wave"
    )
    assert found.names == ("2", "10")
    assert found.wave.tolist() == [1, 0, -1]


def test_dates_are_cut_where_the_halves_are_equal_and_days_stay_together() -> None:
    days = ["2026-01-01", "2026-02-01", "2026-02-01", "2026-02-01", "2026-03-01", ""]
    found = waves_by_halves([transcript(str(at), date=day) for at, day in enumerate(days)], "date")
    assert found.names == ("before 2026-02-01", "from 2026-02-01")
    assert found.wave.tolist() == [0, 1, 1, 1, 1, -1]
    assert waves_by_halves([transcript("a", date="2026-01-01")], "date").names == ()

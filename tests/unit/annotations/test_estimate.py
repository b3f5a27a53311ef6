import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from annotations.reliability.estimate import (
    Estimate,
    Replicates,
    Scale,
    insufficient_positives,
    jackknife,
    leave_one_out,
)

Floats = NDArray[np.float64]


def share(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return sums[..., 0] / sums[..., 1]


def sums_of(yes: list[int], units: list[int]) -> Floats:
    return np.array([[[a, b]] for a, b in zip(yes, units, strict=True)], dtype=np.float64)


def one(sums: Floats, scale: Scale = Scale.LOGIT, **more: object) -> Estimate:
    replicates = leave_one_out(sums, share, used=sums[..., 1] > 0)
    (estimate,) = jackknife(replicates, scale=scale, n=[int(sums[..., 1].sum())], **more)
    return estimate


def test_the_interval_is_that_of_a_loop_over_transcripts() -> None:
    rng = np.random.default_rng(3)
    yes, units = rng.integers(1, 9, size=14), rng.integers(9, 20, size=14)
    z = []
    for left_out in range(14):
        kept = np.arange(14) != left_out
        p = yes[kept].sum() / units[kept].sum()
        z.append(np.log(p / (1 - p)))
    spread = np.sqrt(13 / 14 * ((np.array(z) - np.mean(z)) ** 2).sum()) * stats.t.ppf(0.975, 13)
    p = yes.sum() / units.sum()
    centre = np.log(p / (1 - p))
    found = one(sums_of(yes.tolist(), units.tolist()))
    assert found.low == pytest.approx(1 / (1 + np.exp(spread - centre)))
    assert found.high == pytest.approx(1 / (1 + np.exp(-spread - centre)))
    assert (found.n, found.clusters) == (units.sum(), 14)
    assert found.method == "transcript jackknife, t, logit scale"


def test_for_a_mean_the_raw_jackknife_is_the_t_interval() -> None:
    values = np.random.default_rng(5).normal(size=12)
    sums = np.stack([values, np.ones(12)], axis=-1)[:, np.newaxis]
    found = one(sums, Scale.RAW)
    low, high = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_below_ten_transcripts_there_is_a_value_and_no_interval() -> None:
    found = one(sums_of([3] * 8 + [4], [10] * 9))
    assert found.value == pytest.approx(28 / 90)
    assert found.low is None
    assert found.high is None
    assert found.reason == "insufficient: 9 transcripts, an interval needs 10"


def test_transcripts_without_anything_to_count_do_not_make_up_the_ten() -> None:
    found = one(sums_of([3, 4] * 4 + [0] * 20, [10] * 8 + [0] * 20))
    assert found.clusters == 8
    assert found.low is None


def test_transcripts_without_anything_to_count_leave_the_interval_as_it_is() -> None:
    yes, units = [3, 4, 2, 5] * 3, [10] * 12
    padded = one(sums_of(yes + [0] * 7, units + [0] * 7))
    assert padded == one(sums_of(yes, units))


def test_few_positives_allow_no_interval() -> None:
    shortage = [insufficient_positives(9.5)]
    found = one(sums_of([1] * 12, [10] * 12), shortage=shortage)
    assert found.low is None
    assert found.reason == "insufficient: 9.5 codings a coder, an interval needs 10"
    assert insufficient_positives(10) is None


def test_an_undefined_value_is_nan_with_its_reason() -> None:
    found = one(sums_of([0] * 12, [0] * 12), undefined=["nobody read it"])
    assert np.isnan(found.value)
    assert not found.defined
    assert (found.low, found.high, found.reason) == (None, None, "nobody read it")


def test_no_interval_where_a_replicate_is_undefined() -> None:
    replicates = Replicates(
        values=np.array([0.5]),
        deletions=np.array([[0.4]] * 11 + [[np.nan]]),
        used=np.ones((12, 1), dtype=np.bool_),
    )
    (found,) = jackknife(replicates, scale=Scale.ATANH, n=[100])
    assert found.value == 0.5
    assert found.low is None
    assert "without one of the transcripts" in str(found.reason)


def test_replicates_that_never_vary_do_not_claim_certainty() -> None:
    found = one(sums_of([10] * 12, [10] * 12))
    assert found.value == 1.0
    assert found.low is None
    assert "same whichever transcript is left out" in str(found.reason)


def test_a_replicate_on_the_border_falls_back_to_the_raw_scale_cut_at_the_border() -> None:
    found = one(sums_of([10] * 11 + [6], [10] * 12))
    assert found.method == "transcript jackknife, t, raw scale"
    assert found.low is not None
    assert found.low < found.value < 1.0
    assert found.high == 1.0


def test_many_statistics_at_once_are_those_one_by_one() -> None:
    rng = np.random.default_rng(11)
    sums = np.stack([rng.integers(0, 5, (15, 6)), rng.integers(5, 9, (15, 6))], axis=-1) * 1.0
    together = jackknife(
        leave_one_out(sums, share, used=sums[..., 1] > 0),
        scale=Scale.LOGIT,
        n=sums[..., 1].sum(axis=0).astype(int).tolist(),
    )
    for at, found in enumerate(together):
        alone = one(sums[:, [at]])
        assert (found.value, found.low, found.high) == pytest.approx(
            (alone.value, alone.low, alone.high)
        )
        assert found.n == alone.n

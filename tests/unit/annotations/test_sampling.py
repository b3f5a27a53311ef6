from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.inter_rater import cohens_kappa

from annotations.codings import CodingTable
from annotations.reliability.sampling import kappa_variance, plan_of, segments_needed
from annotations.transcripts import Segment


@pytest.mark.parametrize(
    ("prevalence", "segments"), [(0.03, 1789), (0.05, 1091), (0.10, 569), (0.20, 314), (0.50, 196)]
)
def test_segments_for_a_half_width_of_a_tenth_at_kappa_seven_tenths(
    prevalence: float, segments: int
) -> None:
    assert segments_needed(kappa=0.7, prevalence=prevalence, half_width=0.1) == segments


def test_the_variance_is_the_published_one() -> None:
    table = np.array([[88.0, 14, 18], [10, 40, 10], [2, 6, 12]])
    variance = kappa_variance(table / 200) / 200
    assert np.sqrt(variance) == pytest.approx(0.051001816, abs=1e-6)


def test_the_variance_of_random_tables_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(6)
    for size in (2, 3, 5):
        for _ in range(50):
            table = rng.integers(1, 40, (size, size))
            expected = cohens_kappa(table).var_kappa
            found = kappa_variance(table / table.sum()) / table.sum()
            assert found == pytest.approx(expected, abs=1e-9)


def test_impossible_wishes_are_refused() -> None:
    with pytest.raises(ValueError, match="prevalence 0"):
        segments_needed(kappa=0.7, prevalence=0, half_width=0.1)
    with pytest.raises(ValueError, match="cannot have a kappa"):
        segments_needed(kappa=-0.9, prevalence=0.1, half_width=0.1)


def pilot(applied: NDArray[np.bool_], clusters: NDArray[np.int64]) -> CodingTable:
    read = np.ones(applied.shape[:2], dtype=np.bool_)
    return CodingTable(
        units=tuple(
            Segment(transcript=f"t{at}", turn=0, start=0, end=1, speaker="", text="x")
            for at in clusters
        ),
        codes=tuple(f"code {at}" for at in range(applied.shape[2])),
        coders=tuple("abcde"[: len(applied)]),
        transcripts=tuple(f"t{at}" for at in range(int(clusters.max()) + 1)),
        clusters=clusters,
        read=read,
        assisted=np.zeros_like(read),
        applied=applied,
    )


def noisy(seed: int, transcripts: int, each: int, clumped: float) -> CodingTable:
    """Two coders; with `clumped`, some transcripts are coded far less alike than others."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(transcripts), each)
    truth = rng.random((transcripts * each, 1)) < 0.3
    error = 0.1 + clumped * rng.choice([-0.09, 0.3], transcripts)[clusters][:, np.newaxis]
    return pilot(np.stack([truth, truth ^ (rng.random(truth.shape) < error)]), clusters)


def test_a_plan_asks_for_more_where_transcripts_differ() -> None:
    (even,) = plan_of(noisy(1, 40, 50, 0.0))
    (clumped,) = plan_of(noisy(1, 40, 50, 1.0))
    assert even.design_effect is not None
    assert clumped.design_effect is not None
    assert even.design_effect < 2 < clumped.design_effect
    assert clumped.segments == segments_needed(
        kappa=clumped.kappa,
        prevalence=clumped.prevalence,
        half_width=0.1,
        design_effect=clumped.design_effect,
    )
    assert clumped.transcripts == -(-clumped.segments // 50)


def test_for_independent_segments_more_coders_do_not_look_like_a_design_effect() -> None:
    rng = np.random.default_rng(12)
    clusters = np.repeat(np.arange(200), 5)
    truth = rng.random((1000, 1)) < 0.3
    applied = truth ^ (rng.random((5, *truth.shape)) < 0.15)
    table = pilot(applied, clusters)
    (plan,) = plan_of(table)
    assert plan.design_effect == pytest.approx(1, abs=0.35)
    alone = replace(table, clusters=np.arange(1000), transcripts=tuple(map(str, range(1000))))
    assert plan_of(alone)[0].design_effect == pytest.approx(1)


def test_half_the_width_needs_four_times_the_segments() -> None:
    table = noisy(2, 30, 40, 0.5)
    (wide,), (narrow,) = plan_of(table, half_width=0.1), plan_of(table, half_width=0.05)
    assert wide.segments is not None
    assert narrow.segments == pytest.approx(4 * wide.segments, abs=4)


def test_a_pilot_that_is_too_small_says_so() -> None:
    (few,) = plan_of(noisy(3, 6, 50, 0.0))
    assert few.segments is None
    assert few.reason == "insufficient: 6 transcripts, an interval needs 10"
    rare = noisy(3, 12, 5, 0.0)
    rare.applied[:, 8:] = False
    (scarce,) = plan_of(rare)
    assert scarce.transcripts is None
    assert "codings a coder" in str(scarce.reason)
    same = noisy(3, 12, 20, 0.0)
    same.applied[1] = same.applied[0]
    assert "does not vary" in str(plan_of(same)[0].reason)


def test_a_pilot_by_one_coder_plans_nothing() -> None:
    table = noisy(4, 12, 20, 0.0).of_coders(["a"])
    (plan,) = plan_of(table)
    assert plan.reason == "insufficient: 0 transcripts, an interval needs 10"

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from annotations.codings import CodingTable
from annotations.reliability.agreement import ModelCoding
from annotations.reliability.anchoring import Anchoring, anchoring_of
from annotations.transcripts import Segment


def study(
    seed: int, *, copying: float, arm: int = 20, units: int = 30, stop_adding: bool = False
) -> tuple[CodingTable, ModelCoding]:
    """Two coders; in shown transcripts they take over the model's coding with a probability."""
    rng = np.random.default_rng(seed)
    transcripts = 2 * arm
    clusters = np.repeat(np.arange(transcripts), units)
    truth = rng.random((len(clusters), 3)) < 0.3
    model = truth ^ (rng.random(truth.shape) < 0.2)
    own = truth ^ (rng.random((2, *truth.shape)) < 0.1)
    shown = (clusters % 2 == 1)[np.newaxis, :, np.newaxis]
    applied = np.where(shown & (rng.random(own.shape) < copying), model, own)
    if stop_adding:
        applied[..., 0] &= ~shown[..., 0] | model[:, 0]
    read = np.ones((2, len(clusters)), dtype=np.bool_)
    table = CodingTable(
        units=tuple(
            Segment(transcript=f"t{at}", turn=0, start=0, end=9, speaker="", text="one two three")
            for at in clusters
        ),
        codes=("first", "second", "third"),
        coders=("a", "b"),
        transcripts=tuple(f"t{at}" for at in range(transcripts)),
        clusters=clusters,
        read=read,
        assisted=read & shown[..., 0],
        applied=applied,
    )
    everything = np.ones(len(clusters), dtype=np.bool_)
    return table, ModelCoding(version="v1", read=everything, applied=model)


def found(seed: int, **more: object) -> Anchoring:
    table, model = study(seed, **more)
    return anchoring_of(table, model, seed=1, draws=500)


def test_copying_shows_as_agreement_gained_with_the_model() -> None:
    alpha = found(1, copying=0.6).overall.alpha
    assert alpha.difference.value == pytest.approx(alpha.shown.value - alpha.blind.value)
    assert alpha.difference.low is not None
    assert alpha.difference.low > 0.1
    assert alpha.p is not None
    assert alpha.p < 0.01


def test_without_copying_there_is_no_difference() -> None:
    outcome = found(2, copying=0.0)
    low, high = outcome.overall.alpha.difference.low, outcome.overall.alpha.difference.high
    assert low is not None
    assert high is not None
    assert low < 0 < high
    assert outcome.overall.alpha.p is not None
    assert outcome.overall.alpha.p > 0.05
    assert not any(code.abandoned for code in outcome.codes)


def test_figures_are_counts_per_thousand_words_read() -> None:
    table, model = study(3, copying=0.3)
    outcome = anchoring_of(table, model, seed=1, draws=100)
    blind = table.clusters % 2 == 0
    words = 3 * 2 * blind.sum()
    frequency = table.applied[:, blind, 1].sum() / words * 1000
    added = (table.applied[:, blind, 1] & ~model.applied[blind, 1]).sum() / words * 1000
    assert outcome.codes[1].frequency.blind.value == pytest.approx(frequency)
    assert outcome.codes[1].added.blind.value == pytest.approx(added)
    assert (outcome.blind, outcome.shown) == (20, 20)


def test_for_equal_transcripts_the_interval_is_welchs() -> None:
    table, model = study(4, copying=0.3)
    outcome = anchoring_of(table, model, seed=1, draws=100).codes[2].frequency
    per_transcript = np.array(
        [table.applied[:, table.clusters == at, 2].sum() / (30 * 6) * 1000 for at in range(40)]
    )
    test = stats.ttest_ind(per_transcript[1::2], per_transcript[::2], equal_var=False)
    low, high = test.confidence_interval()
    assert outcome.difference.low == pytest.approx(low)
    assert outcome.difference.high == pytest.approx(high)
    exact = stats.permutation_test(
        (per_transcript[1::2], per_transcript[::2]),
        lambda one, other: one.mean() - other.mean(),
        n_resamples=4000,
        rng=np.random.default_rng(1),
    )
    again = anchoring_of(table, model, seed=1, draws=4000).codes[2].frequency
    assert again.p == pytest.approx(exact.pvalue, abs=0.03)


def test_a_code_that_people_stop_adding_is_named_and_others_seldom() -> None:
    named = np.array(
        [
            [code.abandoned for code in found(seed, copying=0.0, stop_adding=True, units=10).codes]
            for seed in range(20)
        ]
    )
    assert named[:, 0].all()
    # 5% of codes that did not change are expected to be named wrongly, 2 of 40.
    assert named[:, 1:].sum() <= 6
    outcome = found(0, copying=0.0, stop_adding=True, units=10)
    assert outcome.codes[0].added.shown.value == 0
    assert not outcome.overall.abandoned


def test_readings_without_suggestions_in_a_shown_transcript_count_in_neither_arm() -> None:
    table, model = study(6, copying=0.3)
    assisted = table.assisted.copy()
    assisted[0, table.clusters == 1] = False
    mixed = anchoring_of(replace(table, assisted=assisted), model, seed=1, draws=50)
    read = table.read.copy()
    read[0, table.clusters == 1] = False
    without = anchoring_of(
        replace(
            table,
            read=read,
            assisted=table.assisted & read,
            applied=table.applied & read[..., np.newaxis],
        ),
        model,
        seed=1,
        draws=50,
    )
    assert mixed == without


def test_few_transcripts_in_an_arm_allow_description_only() -> None:
    outcome = found(7, copying=0.6, arm=8)
    assert outcome.overall.alpha.difference.value > 0
    assert outcome.overall.alpha.difference.low is None
    assert "8 blind and 8 shown" in str(outcome.overall.alpha.difference.reason)
    assert outcome.overall.alpha.p is None


def test_a_study_without_shown_transcripts_has_nothing_to_compare() -> None:
    table, model = study(8, copying=0.0)
    blind = replace(table, assisted=np.zeros_like(table.assisted))
    outcome = anchoring_of(blind, model, seed=1, draws=50)
    assert (outcome.blind, outcome.shown) == (40, 0)
    assert outcome.overall.alpha.blind.low is not None
    assert np.isnan(outcome.overall.alpha.difference.value)
    assert outcome.overall.alpha.p is None


def test_the_same_seed_gives_the_same_p() -> None:
    assert found(9, copying=0.2) == found(9, copying=0.2)

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from annotations.codings import CodingTable
from annotations.reliability.agreement import (
    MAJORITY,
    ModelCoding,
    agreement_of,
    model_agreement_of,
)
from annotations.transcripts import Segment

Bools = NDArray[np.bool_]


def table_of(
    applied: Bools,
    *,
    read: Bools | None = None,
    transcripts: int = 12,
    coders: Sequence[str] = "abcdefgh",
) -> CodingTable:
    """`applied` (coders, units, codes); units are dealt out over the transcripts."""
    number, units, codes = applied.shape
    seen = np.ones((number, units), dtype=np.bool_) if read is None else read
    clusters = np.arange(units) % transcripts
    return CodingTable(
        units=tuple(
            Segment(
                transcript=f"t{cluster}", turn=at, start=0, end=1, speaker="", text="x", before=()
            )
            for at, cluster in enumerate(clusters)
        ),
        codes=tuple(f"code {at}" for at in range(codes)),
        coders=tuple(coders[:number]),
        transcripts=tuple(f"t{at}" for at in range(transcripts)),
        clusters=clusters,
        read=seen,
        assisted=np.zeros_like(seen),
        applied=applied & seen[..., np.newaxis],
    )


def noisy(seed: int, *, coders: int = 3, units: int = 240, codes: int = 4) -> Bools:
    rng = np.random.default_rng(seed)
    truth = rng.random((units, codes)) < 0.3
    return np.where(rng.random((coders, units, codes)) < 0.8, truth, ~truth)


def study_table(folder: Path) -> CodingTable:
    """A tidy study in which every coding is of a whole turn."""
    with (folder / "codings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    turns = list(dict.fromkeys((row["transcript"], row["turn"]) for row in rows))
    coders = list(dict.fromkeys(row["coder"] for row in rows))
    codes = list(dict.fromkeys(row["code"] for row in rows if row["code"]))
    transcripts = list(dict.fromkeys(name for name, _ in turns))
    unit_at = {turn: at for at, turn in enumerate(turns)}
    read = np.zeros((len(coders), len(turns)), dtype=np.bool_)
    applied = np.zeros((len(coders), len(turns), len(codes)), dtype=np.bool_)
    for row in rows:
        unit, coder = unit_at[row["transcript"], row["turn"]], coders.index(row["coder"])
        read[coder, unit] = True
        if row["code"]:
            applied[coder, unit, codes.index(row["code"])] = True
    return CodingTable(
        units=tuple(
            Segment(transcript=name, turn=int(turn), start=0, end=1, speaker="", text="x")
            for name, turn in turns
        ),
        codes=tuple(codes),
        coders=tuple(coders),
        transcripts=tuple(transcripts),
        clusters=np.array([transcripts.index(name) for name, _ in turns]),
        read=read,
        assisted=np.zeros_like(read),
        applied=applied,
    )


@pytest.mark.parametrize(
    ("study", "pooled", "mean"), [("leoka", 0.6801, 0.4089), ("sight", 0.8293, 0.8185)]
)
def test_published_studies_give_their_known_alphas(
    shared_data: Path, study: str, pooled: float, mean: float
) -> None:
    found = agreement_of(study_table(shared_data / study))
    assert found.pooled.alpha.value == pytest.approx(pooled, abs=5e-5)
    assert np.mean([code.alpha.value for code in found.codes]) == pytest.approx(mean, abs=5e-5)
    alpha = found.pooled.alpha
    assert alpha.low is not None
    assert alpha.high is not None
    assert alpha.low < alpha.value < alpha.high


def test_a_pair_is_cohens_kappa_over_all_code_decisions_both_read() -> None:
    applied = noisy(1)
    read = np.ones((3, 240), dtype=np.bool_)
    read[0, :50] = False
    found = agreement_of(table_of(applied, read=read))
    assert [pair.coders for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    first, second = applied[0, 50:].ravel(), applied[1, 50:].ravel()
    assert found.pairs[0].kappa.value == pytest.approx(cohen_kappa_score(first, second))
    assert found.pairs[0].percent.value == pytest.approx((first == second).mean())
    assert found.pairs[0].kappa.n == 190 * 4
    assert found.pairs[0].kappa.clusters == 12


def test_an_interval_is_what_recomputing_without_each_transcript_gives() -> None:
    table = table_of(noisy(2))
    whole = agreement_of(table)
    z = []
    for left_out in range(12):
        kept = np.repeat(table.clusters[np.newaxis] != left_out, 3, axis=0)
        part = agreement_of(
            replace(table, read=kept, applied=table.applied & kept[..., np.newaxis])
        )
        z.append(np.arctanh([part.pooled.alpha.value, part.codes[1].alpha.value]))
    spread = 2.200985160 * np.sqrt(11 / 12 * ((z - np.mean(z, axis=0)) ** 2).sum(axis=0))
    for estimate, half in zip([whole.pooled.alpha, whole.codes[1].alpha], spread, strict=True):
        assert estimate.low == pytest.approx(np.tanh(np.arctanh(estimate.value) - half))
        assert estimate.high == pytest.approx(np.tanh(np.arctanh(estimate.value) + half))


def test_adjudication_is_not_a_coder() -> None:
    applied = noisy(3)
    with_it = agreement_of(table_of(applied, coders=["a", "adjudicated", "b"]))
    without = agreement_of(table_of(applied[[0, 2]], coders=["a", "b"]))
    assert with_it.coders == ("a", "b")
    assert with_it == without


def test_assisted_readings_do_not_count_as_agreement() -> None:
    table = table_of(noisy(4))
    assisted = np.zeros_like(table.read)
    assisted[1, table.clusters < 2] = True
    found = agreement_of(replace(table, assisted=assisted))
    gone = table.read & ~assisted
    assert found == agreement_of(
        replace(table, read=gone, applied=table.applied & gone[..., np.newaxis])
    )
    assert found.pairs[0].kappa.clusters == 10


def test_a_code_that_nobody_used_has_no_alpha() -> None:
    applied = noisy(5)
    applied[..., 2] = False
    code = agreement_of(table_of(applied)).codes[2]
    assert math.isnan(code.alpha.value)
    assert "same" in str(code.alpha.reason)
    assert code.prevalence.value == 0
    assert code.percent.value == 1
    assert code.percent.low is None


def test_a_code_that_one_coder_hardly_used_has_a_value_and_no_interval() -> None:
    applied = noisy(6, coders=2)
    applied[1, 8:, 0] = False
    code = agreement_of(table_of(applied)).codes[0]
    assert code.alpha.low is None
    assert "codings a coder" in str(code.alpha.reason)


def test_a_coder_who_coded_everything_agrees_no_more_than_chance() -> None:
    applied = noisy(7, coders=2)
    applied[1] = True
    found = agreement_of(table_of(applied))
    assert found.pairs[0].kappa.value == pytest.approx(0)
    assert found.pairs[0].kappa.low is None
    assert "insufficient" in str(found.pairs[0].kappa.reason)


def test_one_coder_leaves_prevalence_and_says_what_is_missing() -> None:
    found = agreement_of(table_of(noisy(8, coders=1)))
    assert found.pairs == ()
    assert math.isnan(found.pooled.alpha.value)
    assert found.pooled.alpha.reason == "no unit was read by two coders"
    assert found.codes[0].alpha.reason == "no unit was read by two coders"
    assert found.codes[0].prevalence.low is not None


def test_coders_without_a_unit_in_common_have_no_agreement() -> None:
    read = np.zeros((2, 240), dtype=np.bool_)
    read[0, :120] = read[1, 120:] = True
    found = agreement_of(table_of(noisy(9, coders=2), read=read))
    assert found.pairs[0].kappa.reason == "the two read no unit in common"
    assert math.isnan(found.pairs[0].kappa.value)
    assert (found.pairs[0].kappa.n, found.pairs[0].kappa.clusters) == (0, 0)
    assert math.isnan(found.pooled.alpha.value)


def test_a_study_without_readings_or_codes_is_answered() -> None:
    nothing = np.zeros((2, 24), dtype=np.bool_)
    found = agreement_of(table_of(noisy(10, coders=2, units=24), read=nothing))
    assert found.coders == ()
    assert math.isnan(found.codes[0].prevalence.value)
    assert math.isnan(found.pooled.percent.value)
    bare = agreement_of(table_of(np.zeros((2, 24, 0), dtype=np.bool_)))
    assert bare.codes == ()
    assert math.isnan(bare.pooled.alpha.value)


def test_nine_transcripts_give_values_and_no_intervals() -> None:
    found = agreement_of(table_of(noisy(11), transcripts=9))
    assert found.pooled.alpha.value > 0
    assert found.pooled.alpha.reason == "insufficient: 9 transcripts, an interval needs 10"


def test_the_model_is_compared_with_each_coder_on_what_both_read() -> None:
    applied = noisy(12)
    table = table_of(applied)
    model = noisy(12, coders=4)[3]
    read = table.clusters < 10
    found = agreement_of(table, model=ModelCoding(version="v1", read=read, applied=model)).model
    assert found is not None
    assert (found.version, found.transcripts) == ("v1", 10)
    assert [one.coder for one in found.against] == ["a", "b", "c", MAJORITY]
    for coder in range(3):
        expected = cohen_kappa_score(applied[coder, read].ravel(), model[read].ravel())
        assert found.against[coder].kappa.value == pytest.approx(expected)
        assert found.against[coder].kappa.n == read.sum() * 4
    most = applied.sum(axis=0) >= 2
    assert found.against[3].kappa.value == pytest.approx(
        cohen_kappa_score(most[read].ravel(), model[read].ravel())
    )


def test_decisions_on_which_the_majority_is_tied_are_left_out() -> None:
    applied = noisy(13, coders=2)
    table = table_of(applied)
    everything = np.ones(240, dtype=np.bool_)
    found = model_agreement_of(table, everything, applied[0], "v1").against[-1]
    assert found.kappa.value == pytest.approx(1)
    assert found.kappa.n == (applied[0] == applied[1]).sum()


def test_the_model_is_not_scored_on_assisted_readings() -> None:
    table = table_of(noisy(14))
    helped = replace(table, assisted=table.read & (table.clusters < 4))
    everything = np.ones(240, dtype=np.bool_)
    found = model_agreement_of(helped, everything, table.applied[0], "v1")
    assert found.transcripts == 8
    assert found.against[0].kappa.clusters == 8


def test_a_model_coding_of_another_shape_is_refused() -> None:
    table = table_of(noisy(15))
    with pytest.raises(ValueError, match="expected"):
        model_agreement_of(table, np.ones(7, dtype=np.bool_), table.applied[0], "v1")

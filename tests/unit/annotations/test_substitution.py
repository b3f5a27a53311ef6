from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from nltk.metrics import masi_distance
from numpy.typing import NDArray
from scipy import stats

from annotations.codings import CodingTable
from annotations.reliability.agreement import ModelCoding
from annotations.reliability.ceiling import ceiling_of
from annotations.reliability.substitution import Expertise, substitution_of
from annotations.transcripts import Segment

Bools = NDArray[np.bool_]


def table_of(applied: Bools, read: Bools | None = None, transcripts: int = 20) -> CodingTable:
    coders, units, codes = applied.shape
    clusters = np.arange(units) % transcripts
    seen = np.ones((coders, units), dtype=np.bool_) if read is None else read
    return CodingTable(
        units=tuple(
            Segment(transcript=f"t{at}", turn=0, start=0, end=1, speaker="", text="x")
            for at in clusters
        ),
        codes=tuple(f"code {at}" for at in range(codes)),
        coders=tuple("abcdefgh"[:coders]),
        transcripts=tuple(f"t{at}" for at in range(transcripts)),
        clusters=clusters,
        read=seen,
        assisted=np.zeros_like(seen),
        applied=applied & seen[..., np.newaxis],
    )


def noisy(
    seed: int, errors: Sequence[float], *, units: int = 400, codes: int = 3
) -> tuple[Bools, Bools]:
    """Coders' codings of one truth, the model's last."""
    rng = np.random.default_rng(seed)
    truth = rng.random((units, codes)) < 0.3
    wrong = rng.random((len(errors), units, codes)) < np.array(errors)[:, np.newaxis, np.newaxis]
    found = truth ^ wrong
    return found[:-1], found[-1]


def coding_of(applied: Bools, read: Bools | None = None) -> ModelCoding:
    everything = np.ones(len(applied), dtype=np.bool_)
    return ModelCoding(version="v1", read=everything if read is None else read, applied=applied)


def test_every_figure_is_that_of_the_definition_worked_unit_by_unit() -> None:
    applied, model = noisy(1, [0.1, 0.2, 0.15, 0.15])
    read = np.random.default_rng(2).random((3, 400)) < 0.8
    found = substitution_of(table_of(applied, read), coding_of(model), expertise=Expertise.SKILLED)
    p_values = []
    for coder in range(3):
        means: dict[int, list[int]] = {}
        wins = []
        for unit in range(400):
            others = [one for one in range(3) if one != coder and read[one, unit]]
            if not read[coder, unit] or not others:
                continue

            def score(
                mine: NDArray[np.bool_], unit: int = unit, others: list[int] = others
            ) -> float:
                same = []
                for one in others:
                    first, second = (
                        set(np.flatnonzero(mine)),
                        set(np.flatnonzero(applied[one, unit])),
                    )
                    same.append(1.0 if first == second else 1 - _masi(first, second))
                return round(sum(same) / len(same), 9)

            of_model, of_coder = score(model[unit]), score(applied[coder, unit])
            wins.append(of_model >= of_coder)
            means.setdefault(unit % 20, []).append(
                int(of_coder >= of_model) - int(of_model >= of_coder)
            )
        assert found.by_transcript.coders[coder].model_wins == pytest.approx(np.mean(wins))
        assert found.by_transcript.coders[coder].units == len(wins)
        leads = [np.mean(values) for values in means.values()]
        p_values.append(stats.ttest_1samp(leads, 0.15, alternative="less").pvalue)
        assert found.by_transcript.coders[coder].p == pytest.approx(p_values[-1])
        flat = [value for values in means.values() for value in values]
        assert found.by_unit.coders[coder].p == pytest.approx(
            stats.ttest_1samp(flat, 0.15, alternative="less").pvalue
        )
    assert found.rho.value == pytest.approx(
        np.mean([one.model_wins for one in found.by_transcript.coders])
    )
    # Benjamini-Yekutieli by hand: p_(k) <= k / (m * (1 + 1/2 + 1/3)) * 0.05.
    order = np.sort(p_values)
    limits = np.arange(1, 4) / (3 * (1 + 1 / 2 + 1 / 3)) * 0.05
    passing = np.flatnonzero(order <= limits)
    assert found.by_transcript.omega == pytest.approx(
        (passing.max() + 1 if len(passing) else 0) / 3
    )


def _masi(first: set[int], second: set[int]) -> float:
    # nltk divides by zero on two empty sets, and rounds its weights to 0.67 and 0.33.
    jaccard = len(first & second) / len(first | second)
    weight = {0.67: 2 / 3, 0.33: 1 / 3}
    if not first & second:
        return 1.0
    rounded = round((1 - masi_distance(first, second)) / jaccard, 2)
    return 1 - jaccard * weight.get(rounded, rounded)


def test_a_model_as_good_as_the_coders_passes_and_a_poor_one_does_not() -> None:
    good = substitution_of(table_of(noisy(3, [0.12] * 4)[0]), coding_of(noisy(3, [0.12] * 4)[1]))
    assert good.passed is True
    assert good.by_transcript.omega == 1
    assert "may stand in" in good.verdict
    assert "assuming" in good.verdict
    assert good.rho.low is not None
    applied, model = noisy(3, [0.05, 0.05, 0.05, 0.4])
    poor = substitution_of(table_of(applied), coding_of(model))
    assert poor.passed is False
    assert "may not stand in" in poor.verdict


def test_two_coders_are_too_few_to_test() -> None:
    applied, model = noisy(4, [0.1, 0.1, 0.1])
    found = substitution_of(table_of(applied), coding_of(model))
    assert found.passed is None
    assert np.isnan(found.by_transcript.omega)
    assert found.verdict.startswith("Not testable: the test needs 3 coders")


def test_a_coder_with_few_units_or_few_transcripts_is_left_out_by_name() -> None:
    applied, model = noisy(5, [0.1] * 6)
    table = table_of(applied)
    read = table.read.copy()
    read[1, 25:] = False
    read[3] = table.clusters < 9
    found = substitution_of(table_of(applied, read), coding_of(model))
    assert found.left_out == ("b", "d")
    assert [one.coder for one in found.by_transcript.coders] == ["a", "c", "e"]


def test_a_group_of_codes_is_tested_by_itself() -> None:
    applied, model = noisy(6, [0.1] * 4)
    whole = substitution_of(table_of(applied), coding_of(model), codes=["code 1"])
    alone = substitution_of(table_of(applied[..., [1]]), coding_of(model[:, [1]]))
    assert whole.codes == ("code 1",)
    assert whole.by_transcript == alone.by_transcript


def test_expertise_sets_how_much_worse_the_model_may_be() -> None:
    applied, model = noisy(7, [0.06, 0.06, 0.06, 0.13], codes=1)
    p = [
        substitution_of(table_of(applied), coding_of(model), expertise=level)
        .by_transcript.coders[0]
        .p
        for level in (Expertise.EXPERT, Expertise.SKILLED, Expertise.CROWD)
    ]
    assert p[0] < p[1] < p[2]


def test_the_model_matches_the_ceiling_where_it_errs_as_the_coders_do() -> None:
    applied, model = noisy(8, [0.1] * 4)
    overall, *codes = ceiling_of(table_of(applied), coding_of(model))
    assert overall.code is None
    assert [one.code for one in codes] == ["code 0", "code 1", "code 2"]
    assert overall.difference.value == pytest.approx(
        overall.with_model.value - overall.between_coders.value
    )
    assert overall.difference.low is not None
    assert overall.difference.high is not None
    assert overall.difference.low < 0 < overall.difference.high
    assert overall.between_coders.n == 1200
    applied, model = noisy(8, [0.1, 0.1, 0.1, 0.4])
    worse = ceiling_of(table_of(applied), coding_of(model))[0].difference
    assert worse.high is not None
    assert worse.high < 0


def test_a_model_that_copies_a_coder_has_that_coders_agreement() -> None:
    applied, _ = noisy(9, [0.1, 0.2, 0.1])
    overall = ceiling_of(table_of(applied), coding_of(applied[0]))[0]
    assert overall.with_model.value == pytest.approx((1 + overall.between_coders.value) / 2)


def test_the_ceiling_stands_on_units_that_the_model_and_two_coders_read() -> None:
    applied, model = noisy(10, [0.1, 0.2, 0.1])
    table = table_of(applied)
    model_read = table.clusters < 15
    read = np.stack([np.ones(400, dtype=np.bool_), table.clusters > 2])
    both = model_read & read[1]
    part = ceiling_of(table_of(applied, read), coding_of(model, model_read))
    kept = np.repeat(both[np.newaxis], 2, axis=0)
    assert part == ceiling_of(table_of(applied, kept), coding_of(model, both))
    nothing = ceiling_of(replace(table, read=table.read & False), coding_of(model))
    assert nothing[0].difference.reason == "no unit that the model coded was read by two coders"


def test_a_coder_of_a_few_units_does_not_rule_the_ceiling() -> None:
    applied, model = noisy(11, [0.1, 0.1, 0.45, 0.1])
    few = np.arange(400) % 20 < 2
    read = np.stack([np.ones(400, dtype=np.bool_), np.ones(400, dtype=np.bool_), few])
    found = ceiling_of(table_of(applied, read), coding_of(model))
    alone = ceiling_of(table_of(applied[:2]), coding_of(model))
    assert [one.between_coders for one in found] == [one.between_coders for one in alone]
    assert [one.difference for one in found] == [one.difference for one in alone]
    assert found[0].difference.low is not None
    assert found[0].left_out == (("c",),)
    # As many transcripts as an interval needs: deletions go below that, and stay the same pairs'.
    read[2] = np.arange(400) % 20 < 10
    every = ceiling_of(table_of(applied, read), coding_of(model))[0]
    assert every.left_out == ()
    assert every.between_coders.value < alone[0].between_coders.value
    assert every.between_coders.low is not None


def test_where_no_pair_of_coders_has_enough_all_count() -> None:
    applied, model = noisy(12, [0.1, 0.2, 0.3, 0.1], units=90)
    read = np.arange(90) % 20 < np.array([[9], [9], [2]])
    found = ceiling_of(table_of(applied, read), coding_of(model))[0]
    assert found.left_out == ()
    assert np.isfinite(found.difference.value)
    assert found.difference.low is None

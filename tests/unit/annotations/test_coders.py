from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from annotations.codings import CodingTable
from annotations.reliability.coders import coder_figures_of, confusions_of
from annotations.transcripts import Segment

Bools = NDArray[np.bool_]


def table_of(
    applied: Bools, read: Bools | None = None, codes: Sequence[str] = (), transcripts: int = 15
) -> CodingTable:
    coders, units, number = applied.shape
    clusters = np.arange(units) % transcripts
    seen = np.ones((coders, units), dtype=np.bool_) if read is None else read
    return CodingTable(
        units=tuple(
            Segment(transcript=f"t{at}", turn=0, start=0, end=1, speaker="", text="x")
            for at in clusters
        ),
        codes=tuple(codes) or tuple(f"code {at}" for at in range(number)),
        coders=tuple("abcdefgh"[:coders]),
        transcripts=tuple(f"t{at}" for at in range(transcripts)),
        clusters=clusters,
        read=seen,
        assisted=np.zeros_like(seen),
        applied=applied & seen[..., np.newaxis],
    )


def noisy(seed: int, *, coders: int = 4, units: int = 300, codes: int = 3) -> Bools:
    rng = np.random.default_rng(seed)
    truth = rng.random((units, codes)) < 0.2
    return rng.random((coders, units, codes)) < np.where(truth, 0.8, 0.05)


def test_a_coder_is_compared_with_the_majority_of_the_others() -> None:
    applied = noisy(0)
    read = np.random.default_rng(1).random(applied.shape[:2]) < 0.8
    found = coder_figures_of(table_of(applied, read))
    assert [one.coder for one in found] == ["a", "b", "c", "d"]
    for coder, figures in enumerate(found):
        own, theirs = [], []
        for unit in np.flatnonzero(read[coder]):
            others = [at for at in range(4) if at != coder and read[at, unit]]
            for code in range(3):
                votes = [applied[at, unit, code] for at in others]
                if votes and np.mean(votes) != 0.5:
                    own.append(applied[coder, unit, code])
                    theirs.append(np.mean(votes) > 0.5)
        assert figures.kappa.value == pytest.approx(cohen_kappa_score(own, theirs))
        assert figures.percent.value == pytest.approx(np.mean(np.equal(own, theirs)))
        assert figures.kappa.n == len(own)
        assert figures.kappa.low is not None
        assert figures.kappa.low < figures.kappa.value


def test_codes_are_marked_where_a_coder_uses_them_more_or_less_than_the_others() -> None:
    applied = noisy(2)
    rng = np.random.default_rng(3)
    applied[0, :, 1] |= rng.random(300) < 0.3
    applied[2, :, 0] &= rng.random(300) < 0.3
    first, _, third, _ = coder_figures_of(table_of(applied))
    assert [use.tendency for use in first.use] == [None, "over", None]
    assert third.use[0].tendency == "under"
    over = first.use[1]
    assert over.own == pytest.approx(applied[0, :, 1].mean())
    assert over.others == pytest.approx(applied[1:, :, 1].mean())
    assert over.difference.value == pytest.approx(over.own - over.others)
    assert over.ratio.value == pytest.approx(over.own / over.others)
    assert over.ratio.low is not None
    assert 1 < over.ratio.low < over.ratio.value
    assert "log scale" in over.ratio.method


def test_a_coder_who_never_uses_a_code_has_a_ratio_of_0_without_an_interval() -> None:
    applied = noisy(4)
    applied[1, :, 2] = False
    use = coder_figures_of(table_of(applied))[1].use[2]
    assert (use.ratio.value, use.ratio.low) == (0.0, None)
    assert use.ratio.reason == "the coder never applied the code here"
    applied[:, :, 2] = False
    nobody = coder_figures_of(table_of(applied))[1].use[2]
    assert not nobody.ratio.defined
    assert nobody.ratio.reason == "nobody applied the code here"


def test_a_coder_without_company_has_no_figures_but_a_reason() -> None:
    read = np.zeros((2, 300), dtype=np.bool_)
    read[0, :150] = read[1, 150:] = True
    for one in coder_figures_of(table_of(noisy(5, coders=2), read)):
        assert one.units == 0
        assert one.kappa.reason == "nobody else read what this coder read"
        assert all(not use.difference.defined for use in one.use)
    (alone,) = coder_figures_of(table_of(noisy(5, coders=1)))
    assert not alone.alpha.defined


def test_confused_codes_are_those_applied_in_each_others_place() -> None:
    codes = ["Trust", "Support", "Pay"]
    # The first says Trust where the second says Support, 12 times; Pay is added, not swapped.
    first = [[1, 0, 0]] * 12 + [[1, 0, 1]] * 8 + [[0, 0, 0]] * 10
    second = [[0, 1, 0]] * 12 + [[1, 0, 0]] * 8 + [[0, 0, 0]] * 10
    applied = np.array([first, second], dtype=np.bool_)
    (found,) = confusions_of(table_of(applied, codes=codes))
    assert found.codes == ("Trust", "Support")
    assert found.times == 12
    assert found.share.value == pytest.approx(12 / 20)
    assert found.share.n == 20
    assert found.share.low is not None


def test_confusions_are_counted_over_all_pairs_of_coders_who_read_a_unit() -> None:
    applied = noisy(6, coders=4, codes=4)
    read = np.random.default_rng(7).random(applied.shape[:2]) < 0.7
    found = confusions_of(table_of(applied, read))
    assert len(found) == 6
    for one in found:
        left, right = (int(code[-1]) for code in one.codes)
        times = either = 0
        for coder in range(4):
            for other in range(coder):
                for unit in np.flatnonzero(read[coder] & read[other]):
                    x, y = applied[coder, unit], applied[other, unit]
                    times += bool(x[left] & ~x[right] & y[right] & ~y[left])
                    times += bool(x[right] & ~x[left] & y[left] & ~y[right])
                    either += bool((x | y)[[left, right]].any())
        assert (one.times, one.share.n) == (times, either)
    shares = [one.share.value for one in found]
    assert shares == sorted(shares, reverse=True)


def test_a_confusion_seen_a_few_times_does_not_head_the_list() -> None:
    first = [[1, 0, 0, 0]] * 2 + [[0, 0, 1, 0]] * 8 + [[0, 0, 1, 0]] * 10
    second = [[0, 1, 0, 0]] * 2 + [[0, 0, 0, 1]] * 8 + [[0, 0, 1, 0]] * 10
    found = confusions_of(table_of(np.array([first, second], dtype=np.bool_)))
    assert [one.times for one in found] == [8, 2]
    assert found[0].share.value < found[1].share.value == 1.0
    assert found[1].share.reason == "insufficient: 2 transcripts, an interval needs 10"
    assert found[0].share.reason == "insufficient: confused 8 times, an interval needs 10"
    assert confusions_of(table_of(np.array([first, first], dtype=np.bool_))) == ()

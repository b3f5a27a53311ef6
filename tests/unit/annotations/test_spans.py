import numpy as np
import pytest

from annotations.codings import Coding, Reading
from annotations.reliability.spans import CharacterComparison, compare_characters
from annotations.transcripts import Transcript, Turn

SPANS = list[tuple[str, int, int, int]]


def compare(
    spans: SPANS,
    *,
    transcripts: int = 1,
    lengths: tuple[int, ...] = (1000,),
    first: tuple[str, ...] = ("ann",),
    second: tuple[str, ...] = ("ben",),
    unread: tuple[tuple[str, int], ...] = (),
    code: str = "trust",
) -> CharacterComparison:
    """`spans`: coder, turn, start, end, the same in every transcript."""
    names = [f"t{at}" for at in range(transcripts)]
    people = [*first, *second]
    return compare_characters(
        transcripts=[
            Transcript(
                name=name,
                turns=tuple(
                    Turn(index=at, speaker="", text="x" * length)
                    for at, length in enumerate(lengths)
                ),
            )
            for name in names
        ],
        codings=[
            Coding(transcript=name, turn=turn, start=start, end=end, code=code, coder=coder)
            for name in names
            for coder, turn, start, end in spans
        ],
        readings=[
            Reading(transcript=name, turn=turn, coder=coder)
            for name in names
            for turn in range(len(lengths))
            for coder in people
            if (coder, turn) not in unread
        ],
        codes=["trust"],
        first=first,
        second=second,
    )


@pytest.mark.parametrize(
    ("spans", "kappa"),
    [
        ([("ann", 0, 0, 150), ("ben", 0, 100, 200)], 0.318182),
        ([("ann", 0, 0, 200), ("ben", 0, 0, 50)], 0.347826),
    ],
)
def test_nvivos_documented_example(spans: SPANS, kappa: float) -> None:
    (source,) = compare(spans).sources
    assert (source.both, source.neither) == (50, 800)
    assert source.first_only + source.second_only == 150
    assert source.percent.value == pytest.approx(0.85)
    assert source.kappa.value == pytest.approx(kappa, abs=1e-6)
    assert source.nvivo_kappa == source.kappa.value
    assert source.kappa.n == 1000


def test_a_group_applied_what_any_member_applied() -> None:
    spans = [("ann", 0, 0, 100), ("cat", 0, 80, 150), ("ben", 0, 100, 200)]
    (source,) = compare(spans, first=("ann", "cat")).sources
    assert source.kappa.value == pytest.approx(0.318182, abs=1e-6)


def test_where_nobody_coded_kappa_is_undefined_and_nvivos_figure_is_shown() -> None:
    (source,) = compare([]).sources
    assert np.isnan(source.kappa.value)
    assert "NVivo prints 1" in str(source.kappa.reason)
    assert source.nvivo_kappa == 1
    assert source.percent.value == 1


def test_overlapping_spans_of_one_coder_count_once() -> None:
    spans = [("ann", 0, 0, 100), ("ann", 0, 50, 150), ("ben", 0, 100, 200)]
    (source,) = compare(spans).sources
    assert (source.first_only, source.both, source.second_only) == (100, 50, 50)


def test_turns_that_one_side_did_not_read_are_left_out() -> None:
    spans = [("ann", 0, 0, 150), ("ben", 0, 100, 200), ("ann", 1, 0, 500)]
    found = compare(spans, lengths=(1000, 600), unread=(("ben", 1),))
    assert found.sources[0].kappa.value == pytest.approx(0.318182, abs=1e-6)
    nothing = compare(spans, lengths=(1000, 600), unread=(("ben", 0), ("ben", 1)))
    assert nothing.sources == ()
    assert nothing.codes[0].kappa.reason == "the two sides read no turn in common"


def test_over_all_sources_the_characters_are_added_up() -> None:
    found = compare([("ann", 0, 0, 150), ("ben", 0, 100, 200)], transcripts=4)
    assert len(found.sources) == 4
    assert found.codes[0].kappa.value == pytest.approx(0.318182, abs=1e-6)
    assert found.codes[0].kappa.n == 4000
    assert found.codes[0].kappa.low is None
    assert "insufficient: 4 transcripts" in str(found.codes[0].kappa.reason)


def test_twelve_differing_sources_give_an_interval() -> None:
    rng = np.random.default_rng(0)
    names = [f"t{at}" for at in range(12)]
    starts = rng.integers(0, 60, 12).tolist()
    found = compare_characters(
        transcripts=[
            Transcript(name=name, turns=(Turn(index=0, speaker="", text="x" * 300),))
            for name in names
        ],
        codings=[
            Coding(
                transcript=name, turn=0, start=move * at, end=100 + at * move, code="c", coder=coder
            )
            for name, at in zip(names, starts, strict=True)
            for coder, move in (("ann", 1), ("ben", 0))
        ],
        readings=[
            Reading(transcript=name, turn=0, coder=coder)
            for name in names
            for coder in ("ann", "ben")
        ],
        codes=["c"],
        first=["ann"],
        second=["ben"],
    )
    kappa = found.codes[0].kappa
    assert kappa.low is not None
    assert kappa.high is not None
    assert kappa.low < kappa.value < kappa.high


def test_nobody_is_compared_with_themself() -> None:
    with pytest.raises(ValueError, match="ben is on both sides"):
        compare([], first=("ann", "ben"))

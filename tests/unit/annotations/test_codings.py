"""Codings over segments, and the table of units x codes x coders."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.codings import (
    ADJUDICATED,
    PART_TURN_WORDS,
    Coding,
    CodingTable,
    Reading,
    carries,
    natural_segmentation,
)
from annotations.transcripts import Segment, Segmentation, Transcript, Turn

Make = Callable[..., Transcript]

TRANSCRIPT = Transcript(
    name="T",
    turns=tuple(
        Turn(index=at, speaker="A", text=text) for at, text in enumerate(("0123456789",) * 3)
    ),
)


def segment(start: int, end: int) -> Segment:
    return Segment(
        transcript="T", turn=0, start=start, end=end, speaker="A", text="x" * (end - start)
    )


def coding(turn: int, code: str, coder: str, start: int = 0, end: int = 10) -> Coding:
    return Coding(transcript="T", turn=turn, start=start, end=end, code=code, coder=coder)


def table(
    *codings: Coding,
    readings: dict[str, list[int]],
    codes: tuple[str, ...] = ("x",),
    **options: bool,
) -> CodingTable:
    return CodingTable.of(
        transcripts=[TRANSCRIPT],
        codings=codings,
        readings=[
            Reading(transcript="T", turn=turn, coder=coder, **options)
            for coder, turns in readings.items()
            for turn in turns
        ],
        codes=codes,
        coders=tuple(readings),
        segmentation=Segmentation(),
    )


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [
        (10, 20, True),
        (0, 99, True),
        (10, 15, True),  # half of the segment
        (5, 15, True),  # half of each
        (0, 14, False),  # less than half of either
        (12, 14, True),  # little of the segment, all of the coding
        (8, 12, True),  # half of the coding
        (7, 12, False),  # less than half of either
        (0, 10, False),  # beside it
        (20, 30, False),
    ],
)
def test_a_segment_carries_a_coding_that_half_covers_it_or_half_lies_in_it(
    start: int, end: int, counts: bool
) -> None:
    assert carries(segment(10, 20), start, end) is counts


def test_a_whole_turn_coding_counts_for_an_empty_turn() -> None:
    assert carries(segment(0, 0), 0, 0)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.data())
def test_a_coding_over_adjoining_segments_is_carried_by_one_at_least(
    lengths: list[int], data: st.DataObject
) -> None:
    bounds = [0, *np.cumsum(lengths).tolist()]
    start = data.draw(st.integers(0, bounds[-1] - 1))
    end = data.draw(st.integers(start + 1, bounds[-1]))
    pieces = [segment(left, right) for left, right in pairwise(bounds)]
    assert any(carries(piece, start, end) for piece in pieces)


def test_read_and_not_applied_is_apart_from_not_read() -> None:
    made = table(coding(0, "x", "ann"), readings={"ann": [0, 1], "bob": [0]})
    assert made.read.tolist() == [[True, True, False], [True, False, False]]
    assert made.applied[:, :, 0].tolist() == [[True, False, False], [False, False, False]]


def test_a_coding_of_a_turn_that_was_not_read_is_left_out() -> None:
    made = table(coding(2, "x", "ann"), readings={"ann": [0]})
    assert not made.applied.any()


def test_codes_and_coders_that_are_not_listed_are_left_out() -> None:
    made = table(
        coding(0, "other", "ann"),
        coding(0, "x", "eve"),
        coding(1, "x", "ann"),
        readings={"ann": [0, 1]},
    )
    assert made.applied[0, :, 0].tolist() == [False, True, False]


def test_units_know_their_transcript() -> None:
    other = Transcript(name="U", turns=TRANSCRIPT.turns[:1])
    made = CodingTable.of(
        transcripts=[TRANSCRIPT, other],
        codings=[],
        readings=[],
        codes=[],
        coders=[],
        segmentation=Segmentation(),
    )
    assert made.transcripts == ("T", "U")
    assert made.clusters.tolist() == [0, 0, 0, 1]
    assert made.applied.shape == (0, 4, 0)


def test_the_majority_of_those_who_read_decides() -> None:
    made = table(
        coding(0, "x", "ann"),
        coding(0, "x", "bob"),
        coding(1, "x", "ann"),
        readings={"ann": [0, 1], "bob": [0, 1], "eve": [0]},
    )
    label = made.majority()[:, 0]
    assert label[:2].tolist() == [1.0, 0.5]
    assert np.isnan(label[2])


def test_less_than_half_is_no() -> None:
    made = table(coding(0, "x", "ann"), readings={"ann": [0], "bob": [0], "eve": [0]})
    assert made.majority()[0, 0] == 0.0


def test_what_the_team_agreed_on_stands_above_the_majority() -> None:
    made = table(
        coding(0, "x", "ann"),
        coding(0, "x", "bob"),
        coding(1, "x", "ann"),
        readings={"ann": [0, 1], "bob": [0, 1], ADJUDICATED: [0]},
    )
    assert made.majority()[:2, 0].tolist() == [0.0, 0.5]


def test_the_majority_is_the_same_whoever_comes_first() -> None:
    made = table(
        coding(0, "x", "ann"),
        coding(0, "x", "bob"),
        readings={"ann": [0, 1], "bob": [0], "eve": [0, 1]},
    )
    turned = made.of_coders(("eve", "bob", "ann"))
    np.testing.assert_array_equal(made.majority(), turned.majority())
    assert turned.applied[:, 0, 0].tolist() == [False, True, True]


def test_assisted_readings_can_be_taken_as_not_made() -> None:
    made = table(coding(0, "x", "ann"), readings={"ann": [0]}, assisted=True)
    assert made.assisted.any()
    bare = made.unassisted()
    assert not bare.read.any()
    assert not bare.applied.any()
    assert made.read.any()


def test_a_table_may_be_cut_finer_than_people_coded() -> None:
    text = "This is the first. " * 20
    turn = Transcript(name="T", turns=(Turn(index=0, speaker="A", text=text),))
    made = CodingTable.of(
        transcripts=[turn],
        codings=[coding(0, "x", "ann", 0, len(text) // 2)],
        readings=[Reading(transcript="T", turn=0, coder="ann")],
        codes=["x"],
        coders=["ann"],
        segmentation=Segmentation(max_words=20),
    )
    assert made.applied[0, :, 0].tolist() == [True, True, False, False]
    assert made.read.all()


def test_long_turns_are_cut_where_most_people_coded_parts_of_them(transcript: Make) -> None:
    text = "A sentence of five words. " * 20
    known = {"T": transcript("T", text, "One. Two.")}
    whole, part = coding(0, "x", "ann", 0, len(text)), coding(0, "x", "bob", 0, 25)
    short = coding(1, "x", "ann", 0, 4)
    assert natural_segmentation(known, []) == Segmentation()
    assert natural_segmentation(known, [whole, whole, part]) == Segmentation()
    assert natural_segmentation(known, [whole, short, short]) == Segmentation()
    cut = Segmentation(max_words=PART_TURN_WORDS)
    assert natural_segmentation(known, [whole, part, part]) == cut

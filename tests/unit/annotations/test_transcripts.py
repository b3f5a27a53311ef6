"""Transcripts and how they are cut into segments."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.transcripts import CONTEXT_TURNS, Segmentation, Transcript, Turn

Make = Callable[..., Transcript]

WORDS = st.lists(
    st.sampled_from(["one", "two", "😀", "Dr.", "end.", 'said."', "why?", "\n", "  ", "…", "(no!)"])
).map(" ".join)


def one_turn(text: str) -> Transcript:
    return Transcript(name="T", turns=(Turn(index=0, speaker="A", text=text),))


def test_without_a_limit_a_turn_is_a_segment(transcript: Make) -> None:
    made = transcript("T", "One. Two.", "", " padded ")
    segments = list(Segmentation().segments(made))
    assert [(item.turn, item.start, item.end, item.text) for item in segments] == [
        (0, 0, 9, "One. Two."),
        (1, 0, 0, ""),
        (2, 0, 8, " padded "),
    ]


@given(WORDS, st.integers(1, 6))
def test_segments_hold_every_word_once_and_in_order(text: str, most: int) -> None:
    segments = list(Segmentation(max_words=most).segments(one_turn(text)))
    assert all(item.text == text[item.start : item.end] for item in segments)
    assert all(left.end <= right.start for left, right in pairwise(segments))
    assert [word for item in segments for word in item.text.split()] == text.split()


@given(WORDS, st.integers(1, 6))
def test_segments_are_cut_between_sentences_alone(text: str, most: int) -> None:
    segments = list(Segmentation(max_words=most).segments(one_turn(text)))
    for item in segments[:-1]:
        assert item.text.rstrip("\"')”’]").endswith((".", "!", "?", "…"))


def test_a_short_turn_is_not_cut() -> None:
    (segment,) = Segmentation(max_words=4).segments(one_turn("One. Two. Three. Four."))
    assert segment.text == "One. Two. Three. Four."


def test_a_long_turn_is_cut_into_pieces_of_about_one_size() -> None:
    text = " ".join(f"This is sentence {number}." for number in range(10))
    lengths = [
        len(item.text.split()) for item in Segmentation(max_words=20).segments(one_turn(text))
    ]
    assert lengths == [20, 20]


def test_a_single_long_sentence_is_never_cut() -> None:
    text = "word " * 50 + "end."
    assert len(list(Segmentation(max_words=10).segments(one_turn(text)))) == 1


def test_a_segment_carries_the_turns_before_it(transcript: Make) -> None:
    made = transcript("T", *"abcdefg")
    last = list(Segmentation().segments(made))[-1]
    assert [turn.text for turn in last.before] == list("def")[-CONTEXT_TURNS:]
    assert next(iter(Segmentation().segments(made))).before == ()


@pytest.mark.parametrize(("text", "words"), [("", 0), ("  one\ntwo  three ", 3)])
def test_words_are_counted_by_white_space(text: str, words: int) -> None:
    assert one_turn(text).words == words


def test_a_segment_is_known_by_where_it_is() -> None:
    keys = [item.key for item in Segmentation(max_words=1).segments(one_turn("A. B."))]
    assert keys == [("T", 0, 0, 2), ("T", 0, 3, 5)]

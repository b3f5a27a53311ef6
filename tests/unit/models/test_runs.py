"""Neighbours with the same code become one suggestion, and their sentences are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.transcripts import Segment, Segmentation, Transcript, Turn
from models.runs import Run, runs_of, sentences_of, whole_of

TEXT = "One two three.  Four five six? Seven eight nine! Ten eleven twelve."
INTERVIEW = Transcript(
    name="interview",
    turns=(
        Turn(index=0, speaker="A", text=TEXT),
        Turn(index=1, speaker="B", text="Thirteen fourteen fifteen."),
    ),
)
SEGMENTS = tuple(Segmentation(max_words=3).segments(INTERVIEW))


def decided(*rows: str) -> np.ndarray:
    return np.array([[mark == "x" for mark in row] for row in rows])


def test_neighbours_in_a_turn_become_one_and_turns_stay_apart() -> None:
    shown = decided("x.", "xx", ".x", "x.", "x.")
    scores = np.array([[0.6, 0.1], [0.9, 0.5], [0.2, 0.5], [0.7, 0.1], [0.8, 0.1]])
    assert runs_of(SEGMENTS, shown, scores) == [
        Run(code=0, first=0, last=1, best=1),
        Run(code=1, first=1, last=2, best=1),
        Run(code=0, first=3, last=3, best=3),
        Run(code=0, first=4, last=4, best=4),
    ]


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=5, max_size=5))
def test_every_decision_is_in_exactly_one_run_and_nothing_else_is(rows: list[list[bool]]) -> None:
    shown = np.array(rows)
    found = runs_of(SEGMENTS, shown, np.zeros((5, 3)))
    covered = [(row, run.code) for run in found for row in range(run.first, run.last + 1)]
    assert sorted(covered) == [(int(r), int(c)) for r, c in np.argwhere(shown)]
    assert [(run.first, run.code) for run in found] == sorted((r.first, r.code) for r in found)


def test_a_run_reads_as_the_turn_does_with_the_white_space_between() -> None:
    whole = whole_of(Run(code=0, first=0, last=1, best=0), SEGMENTS, {"interview": INTERVIEW})
    assert whole.text == "One two three.  Four five six?" == TEXT[whole.start : whole.end]
    assert whole.key == ("interview", 0, 0, 30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Well.  I left! 🚌 \n", ["Well.", "I left!", "🚌"]),
        ("no full stop anywhere", ["no full stop anywhere"]),
        (" \n", []),
    ],
)
def test_sentences_keep_their_place_and_no_white_space(text: str, expected: list[str]) -> None:
    turn = f"Before. {text}"
    segment = Segment(transcript="t", turn=0, start=8, end=len(turn), speaker="", text=text)
    found = sentences_of(segment)
    assert [one.text for one in found] == expected
    assert all(turn[one.start : one.end] == one.text for one in found)

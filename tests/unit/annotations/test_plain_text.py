"""Plain text transcripts: where a turn begins, and who speaks."""

import pytest

from annotations.formats import plain_text


def turns(text: str) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in plain_text.read(text).turns]


def test_a_speaker_and_a_colon_begin_a_turn() -> None:
    assert turns("Interviewer: How did it go?\nNurse Ellis: Badly. At 10:30 we were full.\n") == [
        ("Interviewer", "How did it go?"),
        ("Nurse Ellis", "Badly. At 10:30 we were full."),
    ]


def test_lines_without_a_speaker_go_on_with_the_turn() -> None:
    text = "I: Tell me.\r\nP3: I said to her\r\nwait here: do not move.\r\n\r\nShe did.\r\n"
    assert turns(text) == [
        ("I", "Tell me."),
        ("P3", "I said to her wait here: do not move. She did."),
    ]


def test_turns_are_numbered_from_zero() -> None:
    transcript = plain_text.read("A: one\nB: two\nA: three\n")
    assert [turn.index for turn in transcript.turns] == [0, 1, 2]


def test_words_before_the_first_speaker_are_a_turn_of_nobody() -> None:
    assert turns("Recorded in March.\nA: one\n") == [("", "Recorded in March."), ("A", "one")]


def test_a_speaker_alone_on_a_line_speaks_the_lines_below() -> None:
    assert turns("ANNA:\nWe waited.\n\nBEN:\nSo did we.\n") == [
        ("ANNA", "We waited."),
        ("BEN", "So did we."),
    ]


@pytest.mark.parametrize("label", ["Dr. Ní Bhriain", "P 3", "[Anna]", "Ms O'Brien", "李", "int"])
def test_labels_of_many_kinds_are_speakers(label: str) -> None:
    assert [speaker for speaker, _ in turns(f"{label}: one\n{label}: two\n")] == [
        label.strip("[]")
    ] * 2


def test_time_stamps_beside_the_speaker_are_dropped() -> None:
    assert turns("[00:01:02] Anna: one\nBen (00:02:10.5): two\n") == [
        ("Anna", "one"),
        ("Ben", "two"),
    ]


def test_a_text_that_names_no_speaker_has_a_turn_a_paragraph() -> None:
    assert turns("The first\nparagraph.\n\n\nThe second.") == [
        ("", "The first paragraph."),
        ("", "The second."),
    ]


def test_a_full_width_colon_counts() -> None:
    assert turns("记者：你好\n医生：很忙\n") == [("记者", "你好"), ("医生", "很忙")]

"""Who speaks, in the many ways in which people write it."""

import pytest

from annotations.formats import plain_text
from annotations.formats.speech import Paragraph, turns_of


def said(text: str) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in plain_text.read(text).turns]


TWO = [("Anna", "We waited."), ("Ben", "So did we.")]


@pytest.mark.parametrize(
    "text",
    [
        "Anna: We waited.\nBen: So did we.",
        "[00:12:03] Anna: We waited.\n[00:12:09] Ben: So did we.",
        "00:12:03 Anna: We waited.\n00:12:09.5 Ben: So did we.",
        "Anna (00:01): We waited.\nBen (01:02:03): So did we.",
        "Anna [0:01]: We waited.\nBen [0:09]: So did we.",
        "Anna: [00:01] We waited.\nBen: (00:09) So did we.",
        "#00:00:01-2# Anna: We waited.\nBen: So did we. #00:00:09-1#",
        "0:01 - 0:04 Anna: We waited.\n0:04 - 0:09 Ben: So did we.",
        "Anna:\tWe waited.\nBen:\tSo did we.",
        "Anna\u00a0: We waited.\n\u200bBen\u00a0:\u00a0So did we.",
        ">> Anna: We waited.\n>> Ben: So did we.",
        "- Anna: We waited.\n- Ben: So did we.",
        "\ufeffAnna: We waited.\r\n\r\n\r\nBen: So did we.\r\n",
        "Anna:\nWe waited.\n\nBen:\nSo did we.",
        "[Anna]: We waited.\n[Ben]: So did we.",
    ],
)
def test_labels_and_times_of_many_forms(text: str) -> None:
    assert said(text) == TWO


def test_numbered_lines_lose_their_numbers() -> None:
    text = "1  INT: And you?\n2  P1: I was at\n3  the desk at 10:30\n4\n5  INT: Oh.\n6  P1: Yes."
    assert said(text) == [
        ("INT", "And you?"),
        ("P1", "I was at the desk at 10:30"),
        ("INT", "Oh."),
        ("P1", "Yes."),
    ]


def test_a_name_and_a_time_above_the_words() -> None:
    text = "Speaker 1  0:03\nWe waited.\n\nSpeaker 2  0:09\nSo did we.\n\nSpeaker 1  0:12\nOh."
    assert said(text) == [
        ("Speaker 1", "We waited."),
        ("Speaker 2", "So did we."),
        ("Speaker 1", "Oh."),
    ]


def test_a_name_alone_above_the_words() -> None:
    text = "\n\n".join(["INTERVIEWER\nAnd?", "P07\nWe waited.", "INTERVIEWER\nOh.", "P07\nYes."])
    assert [speaker for speaker, _ in said(text)] == ["INTERVIEWER", "P07"] * 2


@pytest.mark.parametrize(
    "prose",
    [
        "The thing is: we were short of staff.",
        "What I mean: nobody rang.",
        "Look: nobody rang.",
        "My point: nobody rang.",
        "I told her, and this is true: go home.",
        "Remember: wash your hands.",
        "It said “Danger: keep out” on the door.",
        "We met at 10:30 and left.",
    ],
)
def test_a_colon_in_speech_makes_no_speaker(prose: str) -> None:
    text = f"Anna: We waited.\n{prose}\nBen: So did we."
    assert said(text) == [("Anna", f"We waited. {prose}"), TWO[1]]


def test_the_head_of_a_file_is_no_speaker() -> None:
    text = "Date: 3 March\nLocation: Leeds\n\nAnna: We waited.\nBen: So did we."
    assert said(text) == [("", "Date: 3 March Location: Leeds"), *TWO]


@pytest.mark.parametrize(
    "label",
    [
        "Dr O’Neill-Hughes", "Ludwig van Beethoven", "Jeanne d'Arc", "Prof. al-Sayed", "Żaneta",
        "Ольга", "山田", "محمد", "Interviewer 1", "INT", "P-07", "Anna (nurse)", "R&D Lead",
    ],
)  # fmt: skip
def test_names_of_many_kinds(label: str) -> None:
    assert [name for name, _ in said(f"{label}: one.\nX: two.\n{label}: three.")] == [
        label, "X", label,
    ]  # fmt: skip


def test_one_speaker_spelt_in_two_ways_is_one() -> None:
    assert [name for name, _ in said("INT: a\nP: b\nInt: c\nP: d\nINT: e")] == [
        "INT", "P", "INT", "P", "INT",
    ]  # fmt: skip


def test_notes_in_brackets_stay_in_the_turn() -> None:
    assert said("Anna: We waited.\n[laughs]\nBen: So did we.") == [
        ("Anna", "We waited. [laughs]"),
        TWO[1],
    ]


def test_a_bold_label_needs_no_colon_and_a_bold_word_is_no_label() -> None:
    spoken = turns_of(
        [
            Paragraph(text="Anna We waited.", label="Anna"),
            Paragraph(text="Never would I go back.", label="Never"),
            Paragraph(text="Ben So did we.", label="Ben"),
            Paragraph(text="Anna Oh.", label="Anna"),
            Paragraph(text="Ben Yes.", label="Ben"),
        ]
    )
    assert [(turn.speaker, turn.text) for turn in spoken.turns] == [
        ("Anna", "We waited. Never would I go back."),
        ("Ben", "So did we."),
        ("Anna", "Oh."),
        ("Ben", "Yes."),
    ]

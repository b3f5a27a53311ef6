"""WebVTT and SRT into turns."""

from collections import Counter
from pathlib import Path

import pytest

from annotations.formats import subtitles

VOICES = """WEBVTT - a title

NOTE Anna: this is a remark

STYLE
::cue { color: red }

1
00:00:01.000 --> 00:00:02.000 align:start
<v Anna>We <i>waited</i> &amp;

00:00:02.000 --> 00:00:03.000
<v.loud Anna>waited.</v>

00:00:04.000 --> 00:00:05.000
<v Ben>So did we.</v>
and we left.
"""
PREFIXES = """1
00:00:01,000 --> 00:00:02,000
ANNA: We waited &amp;

2
00:00:02,000 --> 00:00:03,000
waited.

3
00:00:04,000 --> 00:00:05,000
BEN: {\\an8}So did we.

4
00:00:05,000 --> 00:00:06,000
BEN: and we left.
"""


def said(text: str) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in subtitles.read(text).spoken.turns]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "names"), [(VOICES, ("Anna", "Ben")), (PREFIXES, ("ANNA", "BEN"))]
)
def test_cues_are_joined_into_turns(text: str, names: tuple[str, str], end: str) -> None:
    assert said(text.replace("\n", end)) == [
        (names[0], "We waited & waited."),
        (names[1], "So did we. and we left."),
    ]


def test_two_voices_in_a_cue_are_two_turns() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna>Hello. <v Ben>Hello.\n"
    assert said(text) == [("Anna", "Hello."), ("Ben", "Hello.")]


def test_where_nobody_is_named_a_pause_ends_a_turn() -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nWe\n2\n00:00:02,100 --> 00:00:03,000\nwaited.\n\n"
        "3\n00:00:09,000 --> 00:00:10,000\nSo did we.\n"
    )
    assert said(text) == [("", "We waited."), ("", "So did we.")]


def test_lines_that_roll_are_said_once() -> None:
    text = "00:01.000 --> 00:02.000\nWe\n\n00:02.000 --> 00:03.000\nWe\nwaited.\n"
    assert said(text) == [("", "We waited.")]


def test_cues_that_cannot_be_read_are_counted() -> None:
    found = subtitles.read("WEBVTT\n\nsoon --> later\nHello.\n\n00:01.000 --> 00:02.000\nBye.\n")
    assert (found.cues, found.unread) == (1, 1)


def test_a_real_recording_of_one_lecturer(shared_data: Path) -> None:
    text = (shared_data / "formats" / "zoom.vtt").read_text("utf-8-sig")
    found = subtitles.read(text)
    assert (found.cues, found.unread) == (264, 0)
    assert Counter(turn.speaker for turn in found.spoken.turns) == {"Caleob King": 33}
    words = text.replace("Caleob King: ", "").split("\n")
    spoken = " ".join(
        line.strip() for line in words
        if line.strip() and "-->" not in line and not line.strip().isdigit() and line != "WEBVTT"
    )  # fmt: skip
    told = " ".join(turn.text for turn in found.spoken.turns)
    assert " ".join(told.split()) == " ".join(spoken.split())
    assert max(len(turn.text.split()) for turn in found.spoken.turns) < 200


@pytest.mark.parametrize("name", ["", "<v Anna>"])
def test_who_speaks_for_long_has_several_turns(name: str) -> None:
    cues = "".join(
        f"00:{at // 60:02}:{at % 60:02}.000 --> 00:{at // 60:02}:{at % 60:02}.900\n"
        f"{name}we waited for word {at}{'.' if at % 7 == 0 else ''}\n\n"
        for at in (*range(100), *range(110, 130))
    )
    found = said(f"WEBVTT\n\n{cues}")
    sizes = [len(words.split()) for _, words in found]
    assert {speaker for speaker, _ in found} == {"Anna" if name else ""}
    assert sum(sizes) == 120 * 5
    assert max(sizes) <= subtitles.LONG + 7 * 5
    assert min(sizes[:-1]) >= subtitles.SHORT
    assert found[-1][1].startswith("we waited for word 110")
    assert all(words.endswith(".") for _, words in found[:-2])

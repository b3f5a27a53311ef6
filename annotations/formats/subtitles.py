"""WebVTT and SRT: cues with times, joined into the turns of their speakers.

Read by its timing lines alone, which the two formats share, since conferencing and transcription
programs each bend the rest (headers, numbers, blank lines) in their own way.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from annotations.formats.labels import plain
from annotations.formats.speech import Paragraph, Spoken, labels_of, speaker_of, turns_of

PAUSE = 2.0
"""Seconds of silence between cues that end a turn where nobody is named, or a long one."""

SHORT = 50
"""Words that a turn has at the least before a pause ends it while its speaker goes on."""

LONG = 150
"""Words after which the end of a sentence ends a turn while its speaker goes on."""

_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?", re.ASCII)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]([^<>]*)>")
_TAG = re.compile(r"</?[A-Za-z0-9.:][^<>]*>|\{\\[^{}]*\}")
_CHANGE = re.compile(r"\s*(?:>>+|[-–—](?=\s))\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cue:
    """The lines between one timing line and the next blank line; times in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subtitles:
    """Turns, with the number of cues and of timing lines that cannot be understood."""

    spoken: Spoken
    cues: int
    unread: int


def read(text: str) -> Subtitles:
    """Turns of subtitles.

    A speaker is named by a voice tag (`<v Anna>`) or before a colon; cues without a name go on
    with the turn before, and cues of the same speaker are one turn. Where nobody is named, a
    pause ends a turn. Who speaks for long has several turns, so that a passage can be found and
    coded: one of `SHORT` words ends at a pause, one of `LONG` with a sentence. A line that
    repeats the one before it is dropped, as captions that roll over the screen repeat theirs.
    """
    lines = text.splitlines()
    cues = list(_cues(lines))
    unread = sum("-->" in line for line in lines) - len(cues)
    spoken = turns_of(_paragraphs(cues))
    return Subtitles(spoken=spoken, cues=len(cues), unread=max(unread, 0))


def _cues(lines: Sequence[str]) -> Iterator[_Cue]:
    position = 0
    while position < len(lines):
        match = _TIMING.fullmatch(lines[position])
        position += 1
        if match is None:
            continue
        begin = position
        while position < len(lines) and lines[position].strip() and "-->" not in lines[position]:
            position += 1
        said = lines[begin:position]
        follows = position < len(lines) and "-->" in lines[position]
        if follows and said and said[-1].strip().isdigit():
            said = said[:-1]  # the next cue's number, where no blank line is between
        numbers = match.groups()
        yield _Cue(start=_seconds(numbers[:4]), end=_seconds(numbers[4:]), lines=tuple(said))


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _paragraphs(cues: Sequence[_Cue]) -> list[Paragraph]:
    pieces = list(_pieces(cues))
    speakers = labels_of(piece.text for piece in pieces if not piece.sure)
    named = speakers or any(piece.sure for piece in pieces)
    joined: list[Paragraph] = []
    before, words_so_far, closed = "", 0, False
    for piece in pieces:
        found = None if piece.sure else speaker_of(piece.text, speakers)
        label, words = found or (piece.label, piece.text)
        goes_on = bool(joined and named and (label.casefold() == before.casefold() or not label))
        ends = words_so_far >= LONG and closed
        apart = piece.apart or (ends and not named)
        if goes_on:
            ends = ends or (words_so_far >= SHORT and piece.apart)
            label = before if ends else ""
        if label:
            before = label
        if label or (apart and not named):
            words_so_far = 0
        words_so_far += len(words.split())
        closed = words.rstrip("\"'”’)]").endswith((".", "!", "?", "…", "。"))
        joined.append(Paragraph(text=words, label=label, sure=bool(label), apart=apart))
    return joined


def _pieces(cues: Sequence[_Cue]) -> Iterator[Paragraph]:
    end, last = 0.0, ""
    for cue in cues:
        apart = cue.start - end >= PAUSE
        end = cue.end
        for line in cue.lines:
            parts = _VOICE.split(line)
            voices = [None, *parts[1::2]]
            for voice, raw in zip(voices, parts[::2], strict=True):
                words = plain(_unescaped(_TAG.sub("", raw))).strip()
                change = _CHANGE.match(words)
                words = words[change.end() :] if change else words
                label = plain(_unescaped(voice or "")).strip()
                if words and not (words == last and not label):
                    yield Paragraph(text=words, label=label, sure=bool(label), apart=apart)
                    apart = False
                last = words or last


def _unescaped(text: str) -> str:
    """Text whose references (`&amp;`) are the characters; as it is where a number is endless."""
    try:
        return html.unescape(text)
    except ValueError:
        return text

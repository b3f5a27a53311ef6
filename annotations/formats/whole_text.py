"""Offsets into a whole document, as other tools count, to spans of turns."""

import re
from bisect import bisect_left
from dataclasses import dataclass

from annotations.formats import plain_text
from annotations.transcripts import Transcript, Turn

_WORD = re.compile(r"\S+")
_LONGEST_LABEL = 200
"""Characters before a turn that may be a speaker, a time stamp and white space."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Characters `start` to `end` (exclusive) of a turn that a passage covers."""

    turn: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeText:
    """A transcript, and where in the document each character of its turns stands.

    `places[turn][i]` is the offset in the document of character i of the turn.
    """

    transcript: Transcript
    places: tuple[tuple[int, ...], ...]

    def parts(self, start: int, end: int) -> tuple[Part, ...]:
        """The turns' characters among characters `start` to `end` of the document.

        Empty where there are none: the passage was a speaker's name or white space.
        """
        found = []
        for turn, places in enumerate(self.places):
            if not places or places[-1] < start:
                continue
            if places[0] >= end:
                break
            first, last = bisect_left(places, start), bisect_left(places, end)
            if first < last:
                found.append(Part(turn=turn, start=first, end=last))
        return tuple(found)


def lay_out(name: str, text: str, *, known: Transcript | None = None) -> WholeText | None:
    """The turns of a document and their places; None where it has no words.

    They are those of the `known` transcript of its name, where its words are these; else those
    that the plain text reader finds; else each line is a turn.
    """
    found = Transcript(name=name, turns=plain_text.read(text).turns)
    for transcript in (known, found):
        placed = _placed(text, transcript) if transcript is not None else None
        if placed is not None:
            return placed
    return _by_line(name, text)


def _placed(text: str, transcript: Transcript) -> WholeText | None:
    """Where the turns stand, one after the other with nothing but labels between."""
    places: list[tuple[int, ...]] = []
    at = 0
    for turn in transcript.turns:
        words = [match[0] for match in _WORD.finditer(turn.text)]
        pattern = re.compile(r"\s+".join(map(re.escape, words)))
        found = pattern.search(text, _after_label(text, at, turn.speaker))
        if found is None or len(text[at : found.start()].strip()) > _LONGEST_LABEL:
            return None
        places.append(_each(turn.text, text, found.start()))
        at = found.end()
    # What is left out at the end would be lost.
    return WholeText(transcript=transcript, places=tuple(places)) if not text[at:].strip() else None


def _after_label(text: str, at: int, speaker: str) -> int:
    """Where words may begin: the words of a turn may occur in its label ("Nurse: Nurse")."""
    if not speaker:
        return at
    label = text.find(speaker, at, at + _LONGEST_LABEL)
    return at if label < 0 else label + len(speaker)


def _each(words: str, text: str, at: int) -> tuple[int, ...]:
    """The offset of every character; white space may be longer or shorter in the document."""
    places: list[int] = []
    for character in words:
        if character.isspace():
            places.append(min(at, len(text)))
            at += text[at : at + 1].isspace()
        else:
            while text[at].isspace():
                at += 1
            places.append(at)
            at += 1
    return tuple(places)


def _by_line(name: str, text: str) -> WholeText | None:
    turns: list[Turn] = []
    places: list[tuple[int, ...]] = []
    for match in re.finditer(r"[^\r\n]*\S[^\r\n]*", text):
        turns.append(Turn(index=len(turns), speaker="", text=match[0]))
        places.append(tuple(range(match.start(), match.end())))
    transcript = Transcript(name=name, turns=tuple(turns))
    return WholeText(transcript=transcript, places=tuple(places)) if turns else None

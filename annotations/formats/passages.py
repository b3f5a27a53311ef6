"""Where words are in a transcript, when nothing but the words is known."""

from dataclasses import dataclass

from annotations.formats.layout import Part
from annotations.transcripts import Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The one place of the words, a part a turn; empty where they occur `times` 0 or several."""

    parts: tuple[Part, ...]
    times: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bare:
    """Text without white space, and for each character its turn and offset (turn -1: none)."""

    text: str
    turns: tuple[int, ...]
    offsets: tuple[int, ...]


class Passages:
    """Looks words up in a transcript; white space does not matter.

    A passage may go over several turns, with the speakers' names between or without.
    """

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._with = _bare(transcript, labels=True)
        self._without = _bare(transcript, labels=False)

    def find(self, words: str) -> Found:
        """The place of the words. Names of speakers at its edges are left out."""
        wanted = "".join(words.split())
        if not wanted:
            return Found(parts=(), times=0)
        for text in (self._without, self._with):
            first = text.text.find(wanted)
            if first < 0:
                continue
            if text.text.find(wanted, first + 1) >= 0:
                return Found(parts=(), times=max(text.text.count(wanted), 2))
            return Found(parts=_parts(text, first, first + len(wanted)), times=1)
        return Found(parts=(), times=0)


def _bare(transcript: Transcript, *, labels: bool) -> _Bare:
    characters: list[str] = []
    turns: list[int] = []
    offsets: list[int] = []
    for turn in transcript.turns:
        label = "".join(f"{turn.speaker}:".split()) if labels and turn.speaker else ""
        characters += label
        turns += [-1] * len(label)
        offsets += [-1] * len(label)
        for offset, character in enumerate(turn.text):
            if not character.isspace():
                characters.append(character)
                turns.append(turn.index)
                offsets.append(offset)
    return _Bare(text="".join(characters), turns=tuple(turns), offsets=tuple(offsets))


def _parts(text: _Bare, start: int, end: int) -> tuple[Part, ...]:
    span: dict[int, tuple[int, int]] = {}
    for at in range(start, end):
        turn, offset = text.turns[at], text.offsets[at]
        if turn >= 0:
            span[turn] = (span.get(turn, (offset, 0))[0], offset + 1)
    return tuple(
        Part(turn=turn, start=one[0], end=one[1], continues=at > 0)
        for at, (turn, one) in enumerate(span.items())
    )

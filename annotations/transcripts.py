"""Transcripts, their turns, and the segments that are classified."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

CONTEXT_TURNS = 3
"""How many earlier turns a segment carries, for models that read what came before."""

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One speaker's uninterrupted speech. Offsets into `text` count Unicode code points.

    `interviewer`: said by an interviewer, so it is context of what follows and no segment.
    """

    index: int
    speaker: str
    text: str
    interviewer: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """One interview or document: its turns in order, `turns[i].index == i`."""

    name: str
    turns: tuple[Turn, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> int:
        """Number of white-space separated words in all turns."""
        return sum(len(turn.text.split()) for turn in self.turns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """The unit that is classified: characters `start` to `end` (exclusive) of one turn.

    `before` holds up to `CONTEXT_TURNS` turns that came before this one, the nearest last.
    """

    transcript: str
    turn: int
    start: int
    end: int
    speaker: str
    text: str
    before: tuple[Turn, ...] = ()

    @property
    def key(self) -> tuple[str, int, int, int]:
        """What identifies the segment within a study."""
        return (self.transcript, self.turn, self.start, self.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class Segmentation:
    """How turns become segments.

    `max_words` None: a turn is a segment. Otherwise a turn of more words than that is cut
    between sentences into pieces of at most about that many words; a single sentence is
    never cut. White space between pieces belongs to neither.
    """

    max_words: int | None = None

    def segments(self, transcript: Transcript) -> Iterator[Segment]:
        """Yield the segments of a transcript in order; an interviewer's turns have none."""
        for turn in transcript.turns:
            if turn.interviewer:
                continue
            before = transcript.turns[max(0, turn.index - CONTEXT_TURNS) : turn.index]
            for start, end in self._pieces(turn.text):
                yield Segment(
                    transcript=transcript.name,
                    turn=turn.index,
                    start=start,
                    end=end,
                    speaker=turn.speaker,
                    text=turn.text[start:end],
                    before=before,
                )

    def _pieces(self, text: str) -> list[tuple[int, int]]:
        words = len(text.split())
        if self.max_words is None or words <= self.max_words:
            return [(0, len(text))]
        target = words / -(-words // self.max_words)
        pieces: list[tuple[int, int]] = []
        start, held = 0, 0
        for left, right in _sentences(text):
            length = len(text[left:right].split())
            if held and held + length / 2 > target:
                pieces.append((start, start + len(text[start:left].rstrip())))
                start, held = left, 0
            held += length
        pieces.append((start, start + len(text[start:].rstrip())))
        return pieces


def _sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of a text; white space after a sentence belongs to it."""
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    ends = [*starts[1:], len(text)]
    return [(left, right) for left, right in zip(starts, ends, strict=True) if right > left]

"""How the text of a coded document lies in turns, and back.

Projects of REFI-QDA, QualCoder and Taguette are laid out alike: the same text gives the same turns.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from annotations.formats import plain_text
from annotations.formats.offsets import Span
from annotations.formats.speech import labels_of, speaker_of
from annotations.transcripts import Transcript, Turn

_WRAPPED = 120
"""No line of a text that was wrapped by hand is longer than this."""

_SPOKEN_SHARE = 5
"""One line in so many begins with a speaker, or what looks like speakers are none."""

_BESIDE_SPEAKER = 30
"""Characters that may stand beside a speaker before their words: a colon, a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Where a turn's words stand in the text: `start` to `end` (exclusive), and who spoke."""

    start: int
    end: int
    speaker: str = ""
    interviewer: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Characters `start` to `end` of a turn that a passage covers; the later parts continue."""

    turn: int
    start: int
    end: int
    continues: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """From offsets in the text of a turn to those in the study's, whose white space is another.

    *Shapes:* `before` (characters of the text + 1,), how many that are no white space come
    before each; `places` (as many as there are in all,), where each stands in the study's turn.
    """

    before: NDArray[np.int64]
    places: NDArray[np.int64]

    @classmethod
    def of(cls, here: str, there: str) -> "Shift":
        """From a turn as it is here to the same words as they are there."""
        return cls(
            before=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(_inked(here))]),
            places=np.flatnonzero(_inked(there)),
        )

    def shifted(self, start: int, end: int) -> Span:
        """The characters there that `start` to `end` are here; none where all is white space."""
        first, after = int(self.before[start]), int(self.before[end])
        if first == after:
            return Span(start=0, end=0)
        return Span(start=int(self.places[first]), end=int(self.places[after - 1]) + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The turns of a text, in order and apart from each other.

    `known` are the study's own turns where the text is theirs but for white space, and
    `shifts` how offsets change in those of them whose white space is not the text's.
    """

    text: str
    pieces: tuple[Piece, ...]
    known: tuple[Turn, ...] | None = None
    shifts: Mapping[int, Shift] = field(default_factory=dict)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns, their words as they stand in the text or the study."""
        if self.known is not None:
            return self.known
        return tuple(
            Turn(
                index=index,
                speaker=one.speaker,
                text=self.text[one.start : one.end],
                interviewer=one.interviewer,
            )
            for index, one in enumerate(self.pieces)
        )

    def as_known(self, known: Transcript | None) -> "Layout":
        """The same with the study's own turns, where a line's end is all that differs."""
        words = [_one_line_end(turn.text) for turn in known.turns] if known is not None else None
        same = words == [self.text[one.start : one.end] for one in self.pieces]
        return _with(self.text, self.pieces, known) if known is not None and same else self

    def parts(self, span: Span) -> tuple[Part, ...]:
        """The parts of a passage in each turn that it touches.

        Empty where it covers nothing but white space between turns, or speakers' names.
        """
        first = bisect_right(self.pieces, span.start, key=lambda piece: piece.end)
        parts: list[Part] = []
        for turn in range(first, len(self.pieces)):
            piece = self.pieces[turn]
            if piece.start >= span.end:
                break
            within = Span(start=max(span.start, piece.start), end=min(span.end, piece.end))
            if within.start < within.end:
                part = self._part(turn, within, continues=bool(parts))
                if part.start < part.end:
                    parts.append(part)
        return tuple(parts)

    def _part(self, turn: int, span: Span, *, continues: bool) -> Part:
        piece = self.pieces[turn]
        start, end = span.start - piece.start, span.end - piece.start
        if turn in self.shifts:
            moved = self.shifts[turn].shifted(start, end)
            start, end = moved.start, moved.end
        return Part(turn=turn, start=start, end=end, continues=continues)


def lay_out(text: str, *, known: Transcript | None) -> Layout:
    """Find the turns of a text.

    They are those of the `known` transcript of the same name where its words are these;
    otherwise a turn begins where a line begins with a speaker, if enough lines do, and where
    they do not, each paragraph is a turn: a line, or in a text wrapped by hand what stands
    between empty lines.
    """
    found = None if known is None else _aligned(text, known.turns)
    if known is not None and found is not None:
        return _with(text, found, known)
    return Layout(text=text, pieces=_spoken(text) or _paragraphs(text))


def render(transcript: Transcript) -> Layout:
    """A transcript as one text: a turn a line, its speaker before a colon."""
    written: list[str] = []
    pieces: list[Piece] = []
    length = 0
    for turn in transcript.turns:
        label = _one_line_end(f"{turn.speaker}: ") if turn.speaker else ""
        words = _one_line_end(turn.text)
        start = length + len(label)
        pieces.append(
            Piece(
                start=start,
                end=start + len(words),
                speaker=turn.speaker,
                interviewer=turn.interviewer,
            )
        )
        written.append(f"{label}{words}\n")
        length += len(written[-1])
    return Layout(text="".join(written), pieces=tuple(pieces))


def _with(text: str, pieces: tuple[Piece, ...], known: Transcript) -> Layout:
    here = [text[one.start : one.end] for one in pieces]
    shifts = {
        turn.index: Shift.of(words, turn.text)
        for turn, words in zip(known.turns, here, strict=True)
        if _one_line_end(turn.text) != words
    }
    return Layout(text=text, pieces=pieces, known=known.turns, shifts=shifts)


def _inked(text: str) -> NDArray[np.bool_]:
    """Which characters of a text are no white space. *Shape:* (characters,)."""
    spaces = (mark.isspace() for mark in text)
    return ~np.fromiter(spaces, dtype=np.bool_, count=len(text))


def _one_line_end(text: str) -> str:
    """A text of the same length whose lines end with a line feed each: offsets stay."""
    return text.replace("\r\n", " \n").replace("\r", "\n")


def _dense(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


def _aligned(text: str, turns: Sequence[Turn]) -> tuple[Piece, ...] | None:
    """Where the turns stand in the text, one after the other with nothing but speakers between.

    White space does not count. None where there are other words, too.
    """
    dense = _dense(text)
    places = np.flatnonzero(_inked(text))
    pieces: list[Piece] = []
    at = 0
    for turn in turns:
        words, speaker = _dense(turn.text), _dense(turn.speaker)
        if speaker and dense.startswith(f"{speaker}:", at):
            at += len(speaker) + 1
        # A label may still stand before the words, such as one with a time.
        room = len(speaker) + _BESIDE_SPEAKER if speaker else 0
        start = dense.find(words, at, at + room + len(words))
        if start < 0 or (start > at and speaker.casefold() not in dense[at:start].casefold()):
            return None
        at = start + len(words)
        if words:
            first, last = int(places[start]), int(places[at - 1])
            pieces.append(Piece(start=first, end=last + 1, speaker=turn.speaker))
        else:
            here = pieces[-1].end if pieces else 0
            pieces.append(Piece(start=here, end=here, speaker=turn.speaker))
    return tuple(pieces) if at == len(dense) else None


def _spoken(text: str) -> tuple[Piece, ...]:
    """The turns that the plain-text reader finds, empty where too few lines name a speaker.

    That reader drops time stamps and numbers of lines; where such stand within a turn, its
    words are not found as they are, and labels before colons alone begin the turns.
    """
    turns = plain_text.read(text).turns
    named = sum(bool(turn.speaker) for turn in turns)
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    if named < 2 or _SPOKEN_SHARE * named < lines:
        return ()
    return _aligned(text, turns) or _labelled(text)


def _labelled(text: str) -> tuple[Piece, ...]:
    """A turn from each label before a colon to the next; empty where a piece has no words."""
    speakers = labels_of(text.split("\n"))
    begun: list[tuple[str, int, int]] = [("", 0, 0)]
    at = 0
    for line in text.split("\n"):
        found = speaker_of(line, speakers)
        if found is not None:
            begun.append((found[0], at, at + len(line) - len(found[1].lstrip())))
        at += len(line) + 1
    ends = [*(label for _, label, _ in begun[1:]), len(text)]
    pieces = [
        Piece(
            start=words + len(said) - len(said.lstrip()),
            end=words + len(said.rstrip()),
            speaker=speaker,
        )
        for (speaker, _, words), end in zip(begun, ends, strict=True)
        if (said := text[words:end]).strip()
    ]
    return tuple(pieces) if len(pieces) > 1 else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """A line and where it begins; `words` leaves the white space around it out."""

    start: int
    text: str

    @property
    def words(self) -> Span:
        left = self.start + len(self.text) - len(self.text.lstrip())
        return Span(start=left, end=left + len(self.text.strip()))


def _paragraphs(text: str) -> tuple[Piece, ...]:
    blocks: list[list[_Line]] = [[]]
    at, longest = 0, 0
    for line in text.split("\n"):
        if line.strip():
            blocks[-1].append(_Line(start=at, text=line))
        elif blocks[-1]:
            blocks.append([])
        at += len(line) + 1
        longest = max(longest, len(line))
    blocks = [block for block in blocks if block]
    if len(blocks) < 2 or longest > _WRAPPED:
        blocks = [[line] for block in blocks for line in block]
    return tuple(Piece(start=block[0].words.start, end=block[-1].words.end) for block in blocks)

"""How the text of a source lies in turns, and back."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from annotations.formats import plain_text
from annotations.formats.refi.offsets import Span
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
class Layout:
    """The turns of a text, in order and apart from each other.

    `known` are the study's own turns where the text is theirs but for white space.
    """

    text: str
    pieces: tuple[Piece, ...]
    known: tuple[Turn, ...] | None = None

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
        return replace(self, known=known.turns) if known is not None and same else self

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
        words = self.text[piece.start : piece.end]
        if self.known is not None and _one_line_end(self.known[turn].text) != words:
            # White space differs: the words are found by counting what is none.
            dense = [at for at, mark in enumerate(self.known[turn].text) if not mark.isspace()]
            before = len(_dense(words[:start]))
            inside = len(_dense(words[start:end]))
            start, end = (dense[before], dense[before + inside - 1] + 1) if inside else (0, 0)
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
        return Layout(text=text, pieces=found, known=known.turns)
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
    places = [at for at, mark in enumerate(text) if not mark.isspace()]
    pieces: list[Piece] = []
    at = 0
    for turn in turns:
        words, speaker = _dense(turn.text), _dense(turn.speaker)
        if speaker and dense.startswith(f"{speaker}:", at):
            at += len(speaker) + 1
        # A label may still stand before the words, such as one with a time.
        room = len(speaker) + _BESIDE_SPEAKER if speaker else 0
        start = dense.find(words, at, at + room + len(words))
        if start < 0 or (start > at and speaker not in dense[at:start]):
            return None
        at = start + len(words)
        if words:
            pieces.append(Piece(start=places[start], end=places[at - 1] + 1, speaker=turn.speaker))
        else:
            here = pieces[-1].end if pieces else 0
            pieces.append(Piece(start=here, end=here, speaker=turn.speaker))
    return tuple(pieces) if at == len(dense) else None


def _spoken(text: str) -> tuple[Piece, ...]:
    """The turns that the plain-text reader finds, empty where too few lines name a speaker."""
    turns = plain_text.read(text).turns
    named = sum(bool(turn.speaker) for turn in turns)
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    if named < 2 or _SPOKEN_SHARE * named < lines:
        return ()
    return _aligned(text, turns) or ()


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

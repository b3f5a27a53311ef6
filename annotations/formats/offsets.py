"""How a tool counts the characters of a text, found out from the passages that it marked.

The standard says Unicode code points; tools on Windows and in Java count UTF-16 units, and a
line's end counts one or two, whatever the file has. Offsets here are into the text with every
line's end as one line feed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

_LINE_END = re.compile(r"\r\n|\r|\n")
_ASTRAL = 0xFFFF
_ELLIPSIS = re.compile(r"(?:\.\.\.|…)\s*$")
_SHORTEST_EXCERPT = 4
_LONGEST_EXCERPT = 200
_MOST_LOOKED_FOR = 500


class LineEnd(Enum):
    """What the end of a line counts."""

    ONE = "1"
    TWO = "2"
    AS_IN_FILE = "as many as in the file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counting:
    """A way to count: `utf16` units or code points, and what the end of a line counts."""

    utf16: bool
    line_end: LineEnd

    def __str__(self) -> str:
        unit = "UTF-16 units" if self.utf16 else "code points"
        return f"{unit}, a line's end {self.line_end.value}"


STANDARD = Counting(utf16=False, line_end=LineEnd.ONE)
"""How we count, and the standard where lines end with one character."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceText:
    """A text with line feeds, and for each of them whether the file had two characters there."""

    text: str
    doubled: tuple[bool, ...] = ()

    @classmethod
    def of(cls, raw: str) -> "SourceText":
        """The text of a file, without a byte order mark."""
        ends = _LINE_END.findall(raw)
        return cls(text=_LINE_END.sub("\n", raw), doubled=tuple(len(end) > 1 for end in ends))

    def starts(self, counting: Counting) -> NDArray[np.int64]:
        """Where each character begins as the tool counts. *Shape:* (characters + 1,)."""
        points = np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        widths = np.ones(len(points) + 1, dtype=np.int64)
        if counting.utf16:
            widths[:-1] += points > _ASTRAL
        breaks = np.flatnonzero(points == ord("\n"))
        if counting.line_end is LineEnd.TWO:
            widths[breaks] = 2
        elif counting.line_end is LineEnd.AS_IN_FILE:
            widths[breaks] += np.asarray(self.doubled, dtype=np.int64)
        return np.cumsum(widths) - widths


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A passage as a tool gives it: its offsets, and its name, often the words it begins with."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a text with line feeds."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """The spans of a source's marks, None where one fits nowhere, under the counting used."""

    counting: Counting
    spans: tuple[Span | None, ...]

    @property
    def misfits(self) -> int:
        """How many marks fit nowhere."""
        return self.spans.count(None)


def locate(
    texts: Sequence[SourceText], marks: Sequence[Sequence[Mark]], *, origin: str
) -> tuple[Located, ...]:
    """The spans of every source's marks, under the one counting that fits all of them best.

    A mark fits where it lies inside the text, cuts no character, and where its name is an
    excerpt of the text, begins with that. Among countings that fit as many marks, the better
    one has more named marks that fit, then more that begin and end between words, then what
    the tool that wrote the file (`origin`) is known to do. A source that one counting does
    not fit may have one of its own: projects are merged from several machines.
    """
    ways = _ways(origin)
    tried = [
        [_try(text, some, way) for text, some in zip(texts, marks, strict=True)] for way in ways
    ]
    best = max(range(len(ways)), key=lambda way: (_total(tried[way]), -way))
    found = []
    for source in range(len(texts)):
        used = tried[best][source]
        if used.fits < len(marks[source]):
            used = max((trial[source] for trial in tried), key=lambda one: one.score)
            if used.fits == tried[best][source].fits:
                used = tried[best][source]
        found.append(Located(counting=used.counting, spans=used.spans))
    return tuple(found)


def locate_as(text: SourceText, marks: Sequence[Mark], counting: Counting) -> Located:
    """The spans of marks that are known to be counted so."""
    starts = text.starts(counting)
    spans = tuple(_span(text.text, starts, mark) for mark in marks)
    return Located(counting=counting, spans=spans)


def _ways(origin: str) -> list[Counting]:
    """Every counting, the likeliest first."""
    windows = re.search(r"nvivo|maxqda|dedoose|transana", origin, re.IGNORECASE) is not None
    return [
        Counting(utf16=utf16, line_end=line_end)
        for utf16 in ((True, False) if windows else (False, True))
        for line_end in (LineEnd.AS_IN_FILE, LineEnd.ONE, LineEnd.TWO)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    counting: Counting
    spans: tuple[Span | None, ...]
    named: int
    edges: int

    @property
    def fits(self) -> int:
        return len(self.spans) - self.spans.count(None)

    @property
    def score(self) -> tuple[int, int, int]:
        return (self.fits, self.named, self.edges)


def _total(trials: Sequence[_Trial]) -> tuple[int, int, int]:
    return (
        sum(one.fits for one in trials),
        sum(one.named for one in trials),
        sum(one.edges for one in trials),
    )


def _try(source: SourceText, marks: Sequence[Mark], counting: Counting) -> _Trial:
    if not marks:
        return _Trial(counting=counting, spans=(), named=0, edges=0)
    starts = source.starts(counting)
    spans: list[Span | None] = []
    named = edges = looked_for = 0
    for mark in marks:
        span = _span(source.text, starts, mark)
        if span is not None:
            excerpt = _excerpt(mark.name)
            if excerpt and _begins(source.text, span, excerpt):
                named += 1
            elif len(excerpt) >= _SHORTEST_EXCERPT and looked_for < _MOST_LOOKED_FOR:
                looked_for += 1
                span = None if excerpt in source.text else span
        if span is not None:
            edges += _edges(source.text, span)
        spans.append(span)
    return _Trial(counting=counting, spans=tuple(spans), named=named, edges=edges)


def _span(text: str, starts: NDArray[np.int64], mark: Mark) -> Span | None:
    """The characters between two offsets; inside a line's end is before or after all of it."""
    if not 0 <= mark.start < mark.end <= starts[-1]:
        return None
    start = int(np.searchsorted(starts, mark.start, side="right")) - 1
    end = int(np.searchsorted(starts, mark.end, side="left"))
    halves = (start, mark.start), (end, mark.end)
    if any(starts[at] != given and text[at - (given < starts[at])] != "\n" for at, given in halves):
        return None
    return Span(start=start, end=end)


def _excerpt(name: str) -> str:
    return " ".join(_ELLIPSIS.sub("", name[:_LONGEST_EXCERPT]).split())


def _begins(text: str, span: Span, excerpt: str) -> bool:
    # A name may be cut short or have its white space tidied: compare as many words as it has.
    passage = " ".join(text[span.start : min(span.end, span.start + 4 * len(excerpt) + 40)].split())
    return passage.startswith(excerpt) or (bool(passage) and excerpt.startswith(passage))


def _edges(text: str, span: Span) -> int:
    """0 to 3: whether a passage begins and ends where words do, and begins with one."""
    begins = not text[span.start].isspace()
    return begins + (not _inside(text, span.start)) + (not _inside(text, span.end))


def _inside(text: str, at: int) -> bool:
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()

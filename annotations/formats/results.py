"""One result of a Label Studio annotation: its labels, and the characters that it covers."""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotations.formats.utf16 import code_point_offset
from annotations.transcripts import Transcript, Turn

Json = dict[str, Any]
"""A JSON object of Label Studio, whose values are checked where they are used."""

CODED_TYPES = ("paragraphlabels", "labels", "taxonomy", "choices")
"""The `type` of results that hold codes."""


MEMO_TYPE = "textarea"
"""The `type` of results that hold what a coder typed."""


_MOST_DIGITS = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Characters `start` to `end` of a turn, in code points."""

    turn: int
    start: int
    end: int


def memos_of(result: Sequence[Json]) -> dict[str, str]:
    """What a coder typed beside regions, by the region's id, several texts joined by a line.

    That is what stands in text fields of a region, and in the note that Label Studio itself
    keeps of a region which the coder drew (on a suggestion, the model's reason stands there).
    """
    found: dict[str, list[str]] = {}
    for item in result:
        value = item.get("value")
        texts: object = value.get("text") if isinstance(value, dict) else None
        if item.get("type") != MEMO_TYPE:
            meta = item.get("meta")
            drawn = item.get("origin") == "manual" and isinstance(meta, dict)
            texts = meta.get("text") if drawn and isinstance(meta, dict) else None
        texts = texts if isinstance(texts, list) else [texts]
        words = [text.strip() for text in texts if isinstance(text, str) and text.strip()]
        if words:
            found.setdefault(str(item.get("id", "")), []).extend(words)
    return {region: "\n".join(dict.fromkeys(texts)) for region, texts in found.items()}


class UnreadableRegion(ValueError):
    """A region that does not fit its text; the message says how."""


def labels_of(item: Json) -> list[tuple[str, ...]]:
    """The labels chosen in a result, each as its levels."""
    value = item.get("value")
    chosen = value.get(item.get("type")) if isinstance(value, dict) else None
    chosen = chosen if isinstance(chosen, list) else [chosen]
    labels = [label if isinstance(label, list) else [label] for label in chosen]
    return [tuple(str(level) for level in levels) for levels in labels if levels and all(levels)]


def spans_of(item: Json, transcript: Transcript) -> tuple[Span, ...]:
    """The characters that a result covers, a span a turn; every turn where it names none.

    The words that Label Studio recorded beside the offsets must be those of the transcript,
    where it is one turn (between turns it may record speakers); white space is not compared,
    since the recorded words are trimmed differently.
    """
    value = item.get("value")
    if not isinstance(value, dict):
        raise UnreadableRegion("without a value")
    if "start" not in value and "end" not in value:
        return tuple(
            Span(turn=turn.index, start=0, end=len(turn.text)) for turn in transcript.turns
        )
    if "startOffset" in value or "endOffset" in value:
        spans = _paragraph_spans(value, transcript)
    elif len(transcript.turns) == 1:
        start, end = _whole(value.get("start")), _whole(value.get("end"))
        spans = (_span(transcript.turns[0], start, end),)
    else:
        raise UnreadableRegion("with offsets into one text, on a transcript of several turns")
    spans = tuple(span for span in spans if span.end > span.start)
    if not spans:
        raise UnreadableRegion("without a character")
    recorded = value.get("text")
    if len(spans) == 1 and isinstance(recorded, str):
        span = spans[0]
        covered = transcript.turns[span.turn].text[span.start : span.end]
        if _bare(recorded) == _bare(covered):
            return spans
        raise UnreadableRegion("where the text has other words than were recorded")
    return spans


def _paragraph_spans(value: Json, transcript: Transcript) -> tuple[Span, ...]:
    first, last = _whole(value.get("start")), _whole(value.get("end"))
    start, end = _whole(value.get("startOffset")), _whole(value.get("endOffset"))
    if not first <= last < len(transcript.turns):
        raise UnreadableRegion("of turns that the transcript does not have")
    return tuple(
        _span(turn, start if turn.index == first else 0, end if turn.index == last else None)
        for turn in transcript.turns[first : last + 1]
    )


def _span(turn: Turn, start: int, end: int | None) -> Span:
    try:
        return Span(
            turn=turn.index,
            start=code_point_offset(turn.text, start),
            end=len(turn.text) if end is None else code_point_offset(turn.text, end, up=True),
        )
    except ValueError:
        raise UnreadableRegion("beyond the end of the text") from None


def _whole(value: object) -> int:
    """An offset; paragraphs write turn numbers as strings."""
    digits = value if isinstance(value, str) and len(value) <= _MOST_DIGITS else ""
    if digits.isascii() and digits.isdecimal():
        return int(digits)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise UnreadableRegion(f"with an offset {reprlib.repr(value)}, expected a number of characters")


def _bare(text: str) -> str:
    # Some versions record a line break as backslash and n.
    return "".join(text.replace("\\n", "").split())

"""What a coder did with what was shown: accepted, changed, rejected, or added of their own.

Label Studio has no events for these. They follow from comparing the regions of an annotation
with the suggestions that its coder saw, a code and a span at a time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from annotations.formats.regions import Region


class DecisionKind(StrEnum):
    """What became of a suggestion, or that there was none."""

    ACCEPTED = "accepted"
    CHANGED = "changed"
    REJECTED = "rejected"
    ADDED = "added"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSpan:
    """A code suggested for characters `start` to `end` of a turn; `region` is the id given to it.

    `region` is empty where none is known.
    """

    region: str
    turn: int
    start: int
    end: int
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """One decision on one code and span.

    The span is what the coder left, for a rejection what was shown. `shown` is the
    suggestion, None for an addition.
    """

    kind: DecisionKind
    code: str
    turn: int
    start: int
    end: int
    shown: ShownSpan | None = None


def decide(shown: Iterable[ShownSpan], regions: Iterable[Region]) -> tuple[Decision, ...]:
    """Compare what was shown with what was submitted.

    Every suggested code and span gets exactly one decision, and every code and span of the
    regions is the subject of exactly one that is not a rejection. The same code on the same
    span is accepted, whatever the region's id: coders copy and redraw. A suggestion whose
    extent differs is changed if a region of its id still has its code, or if a region with
    its code shares at least half of the shorter of the two with it. Another code in its place
    is a rejection of the one and an addition of the other.

    The order of the arguments does not matter; decisions come in order of turn, start, end,
    code. Duplicates count once.
    """
    suggested = sorted({_place(span): span for span in _by_region(shown)}.values(), key=_place)
    left = sorted({_place(mark): mark for mark in _by_region(_marks(regions))}.values(), key=_place)
    pairs: dict[ShownSpan, ShownSpan] = {}

    _pair(pairs, suggested, left, lambda span, mark: _place(span) == _place(mark))
    _pair(
        pairs, suggested, left, lambda span, mark: bool(span.region) and span.region == mark.region
    )
    _pair(pairs, suggested, left, _overlaps)

    taken = set(pairs.values())
    decisions = [_decision(span, pairs.get(span)) for span in suggested]
    decisions.extend(_of(DecisionKind.ADDED, mark, None) for mark in left if mark not in taken)
    return tuple(sorted(decisions, key=lambda item: (*_place(item), item.kind)))


def _marks(regions: Iterable[Region]) -> Iterable[ShownSpan]:
    for region in regions:
        for code in region.codes:
            yield ShownSpan(
                region=region.id, turn=region.turn, start=region.start, end=region.end, code=code
            )


def _by_region(spans: Iterable[ShownSpan]) -> Sequence[ShownSpan]:
    # Of duplicates the last one wins in a dict, so that here it is the one with the first id.
    return sorted(spans, key=lambda span: span.region, reverse=True)


def _place(item: ShownSpan | Decision) -> tuple[int, int, int, str]:
    return (item.turn, item.start, item.end, item.code)


def _shared(one: ShownSpan, other: ShownSpan) -> int:
    """Characters in common, negative by the gap where there are none."""
    return min(one.end, other.end) - max(one.start, other.start)


def _overlaps(span: ShownSpan, mark: ShownSpan) -> bool:
    shared = _shared(span, mark)
    shorter = min(span.end - span.start, mark.end - mark.start)
    return span.turn == mark.turn and shared > 0 and 2 * shared >= shorter


def _pair(
    pairs: dict[ShownSpan, ShownSpan],
    suggested: Sequence[ShownSpan],
    left: Sequence[ShownSpan],
    belong: Callable[[ShownSpan, ShownSpan], bool],
) -> None:
    """Add pairs of the same code that belong together, the closest first, each span once."""
    taken = set(pairs.values())
    candidates = [
        (abs(span.turn - mark.turn), -_shared(span, mark), _place(span), _place(mark), span, mark)
        for span in suggested
        if span not in pairs
        for mark in left
        if mark not in taken and span.code == mark.code and belong(span, mark)
    ]
    for *_, span, mark in sorted(candidates, key=lambda item: item[:4]):
        if span not in pairs and mark not in taken:
            pairs[span] = mark
            taken.add(mark)


def _decision(span: ShownSpan, mark: ShownSpan | None) -> Decision:
    if mark is None:
        return _of(DecisionKind.REJECTED, span, span)
    same = _place(span) == _place(mark)
    return _of(DecisionKind.ACCEPTED if same else DecisionKind.CHANGED, mark, span)


def _of(kind: DecisionKind, place: ShownSpan, shown: ShownSpan | None) -> Decision:
    return Decision(
        kind=kind,
        code=place.code,
        turn=place.turn,
        start=place.start,
        end=place.end,
        shown=shown,
    )

"""Suggestions as a coder sees them in Label Studio: where, and why."""

from collections.abc import Iterable

from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import PredictedSpan, result_of
from annotations.transcripts import Transcript
from models.suggestions import Suggestion

EXCERPT = 160
"""How many characters of a colleague's excerpt are shown."""


def spans_of(suggestions: Iterable[Suggestion]) -> list[PredictedSpan]:
    """Suggestions as spans for Label Studio, each with its reason in words."""
    return [
        PredictedSpan(
            turn=one.turn,
            start=one.start,
            end=one.end,
            code=one.code,
            score=one.score,
            reason=reason_of(one),
        )
        for one in suggestions
    ]


def region_ids(
    suggestions: Iterable[Suggestion], transcript: Transcript, config: LabelConfig
) -> list[str]:
    """The id of the region that shows each suggestion, empty where the labels cannot show it."""
    shown = [result_of(spans_of([one]), transcript, config) for one in suggestions]
    return [str(regions[0]["id"]) if regions else "" for regions in shown]


def reason_of(suggestion: Suggestion) -> str:
    """The nearest excerpt that a colleague coded so, then the score and its threshold."""
    figures = f"Score {suggestion.score:.2f}, suggested from {suggestion.threshold:.2f}."
    if not suggestion.because:
        return figures
    one = suggestion.because[0]
    text = one.text if len(one.text) <= EXCERPT else f"{one.text[:EXCERPT].rstrip()} …"
    return f"“{text}” was coded so by {one.coder} ({one.transcript}, turn {one.turn}).\n{figures}"

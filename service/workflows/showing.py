"""Suggestions as a coder sees them in Label Studio: where, and why."""

from collections.abc import Iterable

from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import PredictedSpan, result_of
from annotations.transcripts import Transcript
from models.suggestions import Suggestion

EXCERPT = 160
"""How many characters of a sentence or an excerpt are shown."""


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
    """The sentence that carries the code, the nearest excerpt that a colleague coded so, figures.

    A line each, the first two where there are any.
    """
    lines = []
    if suggestion.evidence is not None:
        lines.append(f"Evidence: “{_cut(suggestion.evidence.text)}”")
    if suggestion.because:
        one = suggestion.because[0]
        if suggestion.from_definition:
            lines.append(f"From its definition, not from codings: “{_cut(one.text)}”")
        else:
            place = f"{one.transcript}, turn {one.turn}"
            lines.append(f"“{_cut(one.text)}” was coded so by {one.coder} ({place}).")
    lines.append(f"Score {suggestion.score:.2f}, suggested from {suggestion.threshold:.2f}.")
    return "\n".join(lines)


def _cut(text: str) -> str:
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT].rstrip()} …"

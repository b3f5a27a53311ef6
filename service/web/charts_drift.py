"""Plots of drift: what changed by code, control charts, and how new codes dwindle."""

from collections.abc import Sequence

import altair as alt

from annotations.numerals import many
from service.web.charts import ACCENT, INK, Document, plain_chart, svg

_WIDTH = 460
_ROW = 22
_HEIGHT = 180


def changes_chart(comparison: Document, number: int) -> str:
    """The difference in use of each code with its interval. Empty without an interval."""
    rows = [
        {
            "code": change["subject"],
            "value": change["difference"]["value"],
            "low": change["difference"]["low"],
            "high": change["difference"]["high"],
        }
        for change in comparison["changes"]
        if change["difference"]["low"] is not None
    ]
    if not rows:
        return ""
    title = "difference of shares"
    y = alt.Y("code:N", sort=[row["code"] for row in rows], title=None)
    lines = (
        plain_chart(rows)
        .mark_rule(color=ACCENT, strokeWidth=2)
        .encode(alt.X("low:Q", title=title), y, alt.X2("high:Q"))
    )
    points = (
        plain_chart(rows)
        .mark_point(size=60, color=ACCENT, fill=ACCENT, opacity=1)
        .encode(alt.X("value:Q", title=title), y)
    )
    none = (
        plain_chart([{"bar": 0.0}])
        .mark_rule(color=INK, strokeDash=[3, 3], opacity=0.6)
        .encode(alt.X("bar:Q", title=title))
    )
    return svg(
        alt.layer(none, lines, points, width=_WIDTH, height=_ROW * len(rows)),
        f"changes-{number}",
        f"Change of use from {comparison['before']} to {comparison['after']}",
        f"{many(len(rows), 'code')}, each with the difference of its shares and the 95% interval; "
        "the dashed line is no change. The table holds the same figures.",
    )


def control_plot(chart: Document, number: int) -> str:
    """A coder's cumulative sum by transcript, with its limit."""
    rows = [{"at": at + 1, "sum": value} for at, value in enumerate(chart["path"])]
    x = alt.X("at:Q", title="transcripts in the order of coding")
    line = (
        plain_chart(rows).mark_line(color=ACCENT, point=True).encode(x, alt.Y("sum:Q", title="sum"))
    )
    limit = (
        plain_chart([{"limit": chart["limit"]}])
        .mark_rule(color=INK, strokeDash=[3, 3], opacity=0.6)
        .encode(alt.Y("limit:Q", title="sum"))
    )
    passed = f"It passes at {chart['alarm']}." if chart["alarm"] else "It stays below."
    return svg(
        alt.layer(line, limit, width=_WIDTH, height=_HEIGHT),
        f"control-{number}",
        f"Control chart of {chart['coder']}",
        f"The cumulative sum of disagreements over {many(len(rows), 'transcript')}; the dashed "
        f"line is the limit. {passed}",
    )


def saturation_plot(found: Document) -> str:
    """Codes met after each transcript, as coded and in random order. Empty without transcripts."""
    if not found["codes"]:
        return ""
    series: Sequence[tuple[str, Sequence[float]]] = (
        ("as coded", found["codes"]),
        ("in random order", found["expected"]),
        ("fitted curve", found["fitted"]),
    )
    rows = [
        {"at": at + 1, "codes": value, "order": name}
        for name, values in series
        for at, value in enumerate(values)
    ]
    lines = (
        plain_chart(rows)
        .mark_line(color=ACCENT)
        .encode(
            alt.X("at:Q", title="transcripts"),
            alt.Y("codes:Q", title="codes met"),
            strokeDash=alt.StrokeDash("order:N", title=None),
        )
    )
    return svg(
        alt.layer(lines, width=_WIDTH, height=_HEIGHT),
        "saturation",
        "Codes met as transcripts were coded",
        f"{many(found['codes'][-1], 'code')} after {many(len(found['codes']), 'transcript')}; the "
        "second line is the mean over random orders of the same transcripts.",
    )


def pairs_plot(found: Document) -> str:
    """Pairs of a code and a transcript met after each transcript. Empty without transcripts."""
    if not found["pairs"]:
        return ""
    rows = [{"at": at + 1, "pairs": value} for at, value in enumerate(found["pairs"])]
    line = (
        plain_chart(rows)
        .mark_line(color=ACCENT)
        .encode(
            alt.X("at:Q", title="transcripts"),
            alt.Y("pairs:Q", title="pairs of a code and a transcript"),
        )
    )
    return svg(
        alt.layer(line, width=_WIDTH, height=_HEIGHT),
        "pairs",
        "Pairs of a code and a transcript as transcripts were coded",
        f"{many(found['pairs'][-1], 'pair')} after {many(len(found['pairs']), 'transcript')}. The "
        "table holds the same figures.",
    )

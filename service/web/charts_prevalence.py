"""The plot of shares: each code by cell, with intervals, and what the model alone would say."""

from collections.abc import Sequence
from itertools import groupby

import altair as alt

from annotations.numerals import many
from service.web.cells import cell_name
from service.web.charts import ACCENT, INK, Document, plain_chart, svg

_WIDTH = 420
_ROW = 18
_MOST = 300
"""Rows that a plot has at most: beyond, it shows all transcripts together alone."""


def shares_chart(shares: Sequence[Document]) -> str:
    """Shares with intervals, by code and cell. Empty without a value."""
    drawn = [one for one in shares if one["corrected"]["value"] is not None]
    if len(drawn) > _MOST:
        drawn = [one for one in drawn if not one["cell"]]
    if not drawn:
        return ""
    codes = [code for code, _ in groupby(one["code"] for one in drawn)]
    cells = list(dict.fromkeys(cell_name(one["cell"]) for one in drawn))
    rows = [
        {
            "code": one["code"],
            "cell": cell_name(one["cell"]),
            **{name: one["corrected"][name] for name in ("value", "low", "high")},
            "model": one["model"],
        }
        for one in drawn
    ]
    most = max(row[name] or 0.0 for row in rows for name in ("value", "high", "model")) or 1.0
    x = alt.Scale(domain=[0.0, most], nice=True)
    y = alt.Y("cell:N", sort=cells, title=None)
    base = plain_chart(rows)
    lines = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(color=ACCENT, strokeWidth=2)
        .encode(alt.X("low:Q", scale=x, title="share that carries the code"), y, alt.X2("high:Q"))
    )
    points = base.mark_point(size=50, color=ACCENT, opacity=1).encode(
        alt.X("value:Q", scale=x, title="share that carries the code"),
        y,
        fill=alt.condition("isValid(datum.low)", alt.value(ACCENT), alt.value("transparent")),
    )
    naive = base.mark_point(shape="cross", size=40, color=INK, opacity=0.6).encode(
        alt.X("model:Q", scale=x, title="share that carries the code"), y
    )
    chart = alt.layer(naive, lines, points, width=_WIDTH, height=_ROW * len(cells)).facet(
        row=alt.Row(
            "code:N",
            sort=codes,
            title=None,
            header=alt.Header(labelAngle=0, labelAlign="left", labelOrient="top", labelColor=INK),
        ),
        spacing=8,
    )
    without = sum(row["low"] is None for row in rows)
    hollow = f" Open circles, {without}, have no interval." if without else ""
    return svg(
        chart,
        "shares",
        "How common each code is, with 95% intervals",
        f"{many(len(codes), 'code')} in {many(len(cells), 'cell')}. A circle with a line is the "
        f"estimate with its interval, a cross what the model alone would count.{hollow} The table "
        "of shares holds the same figures.",
    )

"""The report's plots, as SVG that stands in the page itself."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import vl_convert

from annotations.codebook import SEPARATOR
from annotations.numerals import decimals, many

Document = Mapping[str, Any]
Drawn = alt.LayerChart | alt.FacetChart

INK = "currentColor"
"""The text's colour, so that a plot is readable on a light and on a dark page."""

ACCENT = "#3f7fbf"
_FONT = "sans-serif"
_WIDTH = 460
_ROW = 22
_CELL = 34
_MOST = 40
_SQUARE = 300
_LABEL = 320
_NAME = 44
"""Characters of a code's path beside a plot; more do not fit into `_LABEL`."""
_OWN = 30
"""Characters that its own name keeps where the path is longer."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CONFIG: dict[str, Any] = {
    "background": "transparent",
    # The reader's font may be wider than the one that was measured.
    "padding": {"left": 32, "top": 5, "right": 5, "bottom": 24},
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": INK,
        "tickColor": INK,
        "gridColor": INK,
        "gridOpacity": 0.15,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": _LABEL,
    },
}


def forest(codes: Sequence[Document], pooled: Document) -> str:
    """Alpha of each code with its interval, and of all codes pooled. Empty without a value."""
    short = labels([one["code"] for one in codes])
    named = [
        *((short[one["code"]], one["alpha"]) for one in codes),
        ("all codes pooled", pooled["alpha"]),
    ]
    rows = [
        {"code": code, "alpha": alpha["value"], "low": alpha["low"], "high": alpha["high"]}
        for code, alpha in named
        if alpha["value"] is not None
    ]
    if not rows:
        return ""
    order = [row["code"] for row in rows]
    least = min(row["alpha"] if row["low"] is None else row["low"] for row in rows)
    x = alt.Scale(domain=[min(0.0, least), 1.0], nice=True)
    y = alt.Y("code:N", sort=order, title=None)
    lines = (
        plain_chart([row for row in rows if row["low"] is not None])
        .mark_rule(color=ACCENT, strokeWidth=2)
        .encode(alt.X("low:Q", scale=x, title="Krippendorff's alpha"), y, alt.X2("high:Q"))
    )
    # A value without an interval is an open circle.
    points = (
        plain_chart(rows)
        .mark_point(size=60, color=ACCENT, opacity=1)
        .encode(
            alt.X("alpha:Q", scale=x, title="Krippendorff's alpha"),
            y,
            fill=alt.condition("isValid(datum.low)", alt.value(ACCENT), alt.value("transparent")),
        )
    )
    bars = (
        plain_chart([{"bar": 0.667}, {"bar": 0.8}])
        .mark_rule(color=INK, strokeDash=[3, 3], opacity=0.6)
        .encode(alt.X("bar:Q", scale=x, title="Krippendorff's alpha"))
    )
    chart = alt.layer(bars, lines, points, width=_WIDTH, height=_ROW * len(rows))
    without = sum(row["low"] is None for row in rows)
    hollow = f" Open circles, {without}, have no interval." if without else ""
    return svg(
        chart,
        "forest",
        "Krippendorff's alpha by code with 95% intervals",
        f"{many(len(rows), 'row')}, from the code with alpha {_least(rows)} upward. Dashed lines "
        f"stand at .667 and .80.{hollow} The table of codes holds the same figures.",
    )


def coder_matrix(coders: Sequence[str], pairs: Sequence[Document]) -> str:
    """Cohen's kappa of every pair of coders. Empty below three coders."""
    if not 2 < len(coders) <= _MOST:
        return ""
    cells = []
    for pair in pairs:
        kappa = pair["kappa"]["value"]
        if kappa is not None:
            for row, column in (pair["coders"], pair["coders"][::-1]):
                cells.append(
                    {"row": row, "column": column, "value": kappa, "text": _decimals(kappa)}
                )
    if not cells:
        return ""
    return svg(
        heat(cells, coders, coders, most=1.0),
        "matrix",
        "Cohen's kappa between coders",
        f"{many(len(coders), 'coder')} by {len(coders)}; the stronger the colour, the higher "
        "kappa. Empty where two read nothing in common. The table of pairs holds the same figures.",
    )


def confusion(codes: Sequence[str], confusions: Sequence[Document]) -> str:
    """How often two codes were taken for each other. Empty where none were."""
    if not confusions:
        return ""
    cells = []
    for one in confusions:
        share = one["share"]["value"]
        for row, column in (one["codes"], one["codes"][::-1]):
            cells.append({"row": row, "column": column, "value": share, "text": _decimals(share)})
    taken = {cell["row"] for cell in cells}
    names = [code for code in codes if code in taken]
    return svg(
        heat(cells, names, names, most=max(cell["value"] for cell in cells)),
        "confusion",
        "Codes taken for each other",
        f"{many(len(names), 'code')} by {len(names)}; the stronger the colour, the larger the "
        "share of disputed units in which one coder applied the one and another the other. The "
        "table of confusions holds the same figures.",
    )


def reliability(bins: Sequence[Document]) -> str:
    """What a model said against what was so, a point a bin. Empty without bins."""
    if not bins:
        return ""
    x, y = (
        axis(f"{name}:Q", scale=alt.Scale(domain=[0, 1]), title=title)
        for axis, name, title in (
            (alt.X, "said", "mean probability"),
            (alt.Y, "observed", "share coded so"),
        )
    )
    ideal = (
        plain_chart([{"said": 0, "observed": 0}, {"said": 1, "observed": 1}])
        .mark_line(color=INK, strokeDash=[3, 3], opacity=0.6)
        .encode(x, y)
    )
    points = (
        plain_chart(bins).mark_point(size=60, color=ACCENT, fill=ACCENT, opacity=1).encode(x, y)
    )
    farthest = max(abs(one["said"] - one["observed"]) for one in bins)
    return svg(
        alt.layer(ideal, points, width=_SQUARE, height=_SQUARE),
        "reliability",
        "Reliability diagram of the model's probabilities",
        f"{len(bins)} bins; on the dashed line a probability means what it says. The bin farthest "
        f"from it is off by {_decimals(farthest)}. The table of bins holds the same figures.",
    )


def heat(
    cells: Sequence[Document], rows: Sequence[str], columns: Sequence[str], *, most: float
) -> Drawn:
    """Rows against columns, in full colour at the value `most`; a cell says what is written."""
    down, across = labels(rows), labels(columns)
    named = [{**cell, "row": down[cell["row"]], "column": across[cell["column"]]} for cell in cells]
    base = plain_chart(named).encode(
        alt.X("column:N", sort=list(across.values()), title=None, axis=alt.Axis(labelAngle=-90)),
        alt.Y("row:N", sort=list(down.values()), title=None),
    )
    # Half strength at most: the figures are written over it in the text's colour.
    strength = alt.Opacity(
        "value:Q", scale=alt.Scale(domain=[0, most], range=[0, 0.55], clamp=True), legend=None
    )
    squares = base.mark_rect(color=ACCENT).encode(strength)
    figures = base.mark_text(color=INK, fontSize=11).encode(alt.Text("text:N"))
    chart = alt.layer(squares, figures, width=_CELL * len(columns), height=_ROW * len(rows))
    # The reader's font may be wider than the one that was measured, the more the longer a label.
    left, bottom = (max(24, 2 * max(map(len, side.values()))) for side in (down, across))
    return chart.properties(padding={"left": left, "top": 5, "right": 5, "bottom": bottom})


def labels(paths: Sequence[str]) -> dict[str, str]:
    """What stands beside a plot for each path: all of a short one, both ends of a long one.

    No two are alike: those that are the same when cut are numbered.
    """
    found: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        name = short = _short(path)
        number = 1
        while short in found.values():
            number += 1
            short = f"{name} ({number})"
        found[path] = short
    return found


def _short(path: str) -> str:
    if len(path) <= _NAME:
        return path
    above, mark, own = path.rpartition(SEPARATOR)
    if not above:
        return _cut(path, _NAME)
    # A short name of its own leaves more room to those above it.
    own = _cut(own, max(_OWN, _NAME - len(mark) - len(above)))
    return f"{_cut(above, _NAME - len(mark) - len(own))}{mark}{own}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def plain_chart(rows: Sequence[Document]) -> alt.Chart:
    """A chart over these rows, without marks yet."""
    data: alt.Data = alt.Data.from_dict({"values": list(rows)})
    return alt.Chart(data)


def svg(chart: Drawn, name: str, title: str, description: str) -> str:
    """Render without a network, and say in words what is to be seen."""
    made = _drawable(chart.configure(**_CONFIG).to_dict())
    drawn: str = vl_convert.vegalite_to_svg(made, allowed_base_urls=[])
    head = (
        f'<svg role="img" aria-labelledby="{name}-title {name}-text" class="plot" '
        f'xmlns="http://www.w3.org/2000/svg"'
    )
    size = re.search(r'viewBox="[^"]+"', drawn)
    width = re.search(r'\bwidth="(\d+)', drawn)
    body = drawn[drawn.index(">") + 1 :]
    # What is drawn is told in words and in the tables; its hundred marks need no names.
    body = re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", body)
    if size is None or width is None:
        raise ValueError("the plot was drawn without a size")
    return (
        f'{head} {size[0]} width="{width[1]}">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-text">{escape(description)}</desc>{body}'
    )


def _drawable(value: Any) -> Any:
    """The same without characters that XML has none of: what draws ends the process at one."""
    if isinstance(value, str):
        return _NOT_XML.sub(_picture, value)
    if isinstance(value, dict):
        return {_drawable(key): _drawable(one) for key, one in value.items()}
    return [_drawable(one) for one in value] if isinstance(value, list) else value


def _picture(found: re.Match[str]) -> str:
    # Each control character has a picture of its own, so that names stay apart.
    return chr(0x2400 + ord(found[0])) if found[0] < " " else "\ufffd"


def _least(rows: Sequence[Document]) -> str:
    return _decimals(min(row["alpha"] for row in rows))


def _decimals(value: float) -> str:
    return decimals(value)

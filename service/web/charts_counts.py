"""Plots of counts: codes by attribute, and codes that meet."""

from annotations.numerals import many
from service.web.charts import Document, heat, svg

_MOST_COLUMNS = 40
_MOST_CODES = 60


def matrix_chart(matrix: Document) -> str:
    """References per 1,000 words of each code, in each column. Empty where there is nothing.

    Per 1,000 words, so that columns of unequal size can be compared by colour; the number
    written is the number of references. Only codes that were applied are drawn.
    """
    columns = [column["name"] for column in matrix["columns"]]
    names = _unlike(columns)
    # A parent's sum would outshine the codes it is made of.
    rows = [row for row in matrix["rows"] if row["own"]]
    if not rows or len(columns) > _MOST_COLUMNS or len(rows) > _MOST_CODES:
        return ""
    cells = [
        {
            "row": row["code"],
            "column": name,
            "value": cell["per_1000"] or 0.0,
            "text": str(cell["references"]),
        }
        for row in rows
        for name, cell in zip(names, row["cells"], strict=True)
    ]
    most = max(cell["value"] for cell in cells)
    return svg(
        heat(cells, [row["code"] for row in rows], names, most=most or 1.0),
        "counts",
        "References by code and attribute",
        f"{many(len(rows), 'code')} by {many(len(columns), 'group')} of transcripts. The number is "
        "how many references, the colour how many per 1,000 words. The table holds the same "
        "figures.",
    )


def cooccurrence_chart(found: Document) -> str:
    """Jaccard of every pair of codes that meet. Empty where none do."""
    pairs = found["pairs"]
    met = {code for pair in pairs for code in pair["codes"]}
    names = [use["code"] for use in found["codes"] if use["code"] in met]
    if not pairs or len(names) > _MOST_CODES:
        return ""
    cells = [
        {
            "row": row,
            "column": column,
            "value": pair["jaccard"],
            "text": str(pair["segments"]),
        }
        for pair in pairs
        for row, column in (pair["codes"], pair["codes"][::-1])
    ]
    return svg(
        heat(cells, names, names, most=max(cell["value"] for cell in cells)),
        "cooccurrence",
        "Codes that meet on a segment",
        f"{many(len(names), 'code')} by {len(names)}. The number is on how many segments one coder "
        "applied both, the colour their Jaccard index. The table holds the same figures.",
    )


def _unlike(columns: list[str]) -> list[str]:
    """Names of columns, told apart where two attributes share a value."""
    seen: dict[str, int] = {}
    names = []
    for name in columns:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names

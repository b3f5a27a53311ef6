"""Counts as sections of a page, and as one HTML document that needs nothing else."""

from typing import Any

from markupsafe import Markup

from service.web.charts_counts import cooccurrence_chart, matrix_chart
from service.web.figures import Node, Section, Table, label
from service.web.page import Page, standing_alone

MATRIX_WORDS = (
    "A reference is a stretch of a turn that carries the code: codings of a code that share a "
    "character are one. A code with others below it counts theirs too, so a passage with two "
    "of them counts twice there; transcripts count once. Words are those of the turns read."
)
MATRIX_PLOT = "In the plot the number is references, the colour references per 1,000 words."
COOCCURRENCE_WORDS = (
    "Two codes meet where one coder applied both to the same segment. Segments are on how many "
    "they meet; Jaccard is the share of readings (a segment by a coder) with either code that "
    "have both."
)
COOCCURRENCE_PLOT = "In the plot the number is segments, the colour Jaccard."


def matrix_page(study: str, document: Any) -> Page:
    """The matrix's JSON document as a page, with its chart."""
    root = Node.root(document)
    return standing_alone(
        "counts.html",
        title=f"References in {study}",
        section=matrix_section(root),
        notes=list(root["notes"]),
    )


def cooccurrence_page(study: str, document: Any) -> Page:
    """The co-occurrence's JSON document as a page, with its chart."""
    root = Node.root(document)
    return standing_alone(
        "counts.html",
        title=f"Codes that meet in {study}",
        section=cooccurrence_section(root),
        notes=list(root["notes"]),
    )


def matrix_section(root: Node) -> Section:
    """References, transcripts and references per 1,000 words, a table each."""
    columns = ("code", *(column["name"] for column in root.value["columns"]))
    size = (
        (label("transcripts read"), *(column["transcripts"] for column in root["columns"])),
        (label("words read"), *(column["words"] for column in root["columns"])),
    )
    tables = [
        Table(
            caption=caption,
            columns=columns,
            rows=[
                *((row["code"], *(cell[field] for cell in row["cells"])) for row in root["rows"]),
                *(size if field == "references" else ()),
            ],
        )
        for field, caption in (
            ("references", "References"),
            ("transcripts", "Transcripts with at least one reference"),
            ("per_1000", "References per 1,000 words"),
        )
    ]
    plot = matrix_chart(root.value)
    return Section(
        name="matrix",
        title="References by code and attribute",
        words=_words(MATRIX_WORDS, MATRIX_PLOT if plot else "", root),
        plot=Markup(plot),  # noqa: S704 - drawn by ourselves
        tables=tables,
    )


def cooccurrence_section(root: Node) -> Section:
    """The pairs of codes that meet, the commonest first."""
    plot = cooccurrence_chart(root.value)
    return Section(
        name="cooccurrence",
        title="Codes that meet on a segment",
        words=_words(COOCCURRENCE_WORDS, COOCCURRENCE_PLOT if plot else "", root),
        plot=Markup(plot),  # noqa: S704 - drawn by ourselves
        tables=[
            Table(
                caption="Pairs of codes",
                columns=("code", "and code", "segments", "readings", "either", "Jaccard"),
                rows=[
                    (
                        *pair["codes"],
                        *(pair[name] for name in ("segments", "both", "either", "jaccard")),
                    )
                    for pair in root["pairs"]
                ],
                heads=2,
            )
        ],
    )


def _words(what: str, plot: str, root: Node) -> str:
    return " ".join(filter(None, (what, plot, f"Coded by: {root.value['coded_by']}.")))

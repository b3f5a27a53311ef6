"""The report on prevalence as HTML: a document that needs nothing else, or a part of a page."""

from typing import Any

from markupsafe import Markup

from service.web.cells import cell_name
from service.web.charts_prevalence import shares_chart
from service.web.environment import environment
from service.web.figures import Node, Section, Table, label
from service.web.page import Page, standing_alone

_OF = {
    "these-interviews": "These very interviews are described: only which of them people coded "
    "was left to chance.",
    "people-like-these": "People like these are described: the interviews are a sample of them.",
}
_SHARES = (
    "The estimate is the model's coding of every transcript, corrected by what people found in the "
    "sample. Beside it: what people's sample alone says, and what the model alone would count, "
    "which has its errors in it. The effective sample is how many coded transcripts would have "
    "told as much without a model."
)
_DIFFERENCES = (
    "The share in the first cell minus that in the second, for cells that differ in one attribute. "
    "Judge by the corrected p: of many comparisons some look large by chance."
)


def prevalence_page(document: Any) -> Page:
    """Lay out the report's JSON document: every figure on the page is taken from there."""
    return standing_alone("prevalence.html", **_content(document))


def prevalence_part(document: Any) -> Markup:
    """The same report to stand in a page of the service."""
    # Rendered by a template, which escaped what is not ours.
    return Markup(  # noqa: S704
        environment().get_template("_prevalence.html").render(**_content(document))
    )


def _content(document: Any) -> dict[str, Any]:
    root = Node.root(document)
    return {
        "study": root["study"],
        "unit": root["unit"],
        "words": _OF[root["of"].value],
        "notes": list(root["notes"]),
        "sections": [_shares(root), _cells(root), *_differences(root)],
        "methods": root["methods"],
    }


def _shares(root: Node) -> Section:
    return Section(
        name="shares",
        title="How common each code is",
        words=_SHARES,
        plot=Markup(shares_chart(root.value["shares"])),  # noqa: S704 - drawn by ourselves
        tables=[
            Table(
                caption="Shares by code and cell",
                columns=(
                    *("code", "cell", "estimate", "people's sample alone", "model alone"),
                    *("effective sample", "coded sample", "weight of the model"),
                    "of it on probabilities",
                ),
                rows=[
                    (
                        one["code"],
                        _name(one["cell"]),
                        one["corrected"],
                        one["people"],
                        one["model"],
                        one["effective"],
                        one["corrected"]["clusters"],
                        one["tuning"],
                        one["tuning_probabilities"],
                    )
                    for one in root["shares"]
                ],
                heads=2,
            )
        ],
    )


def _cells(root: Node) -> Section:
    names = ("transcripts", "certain", "drawn", "coded", "units")
    return Section(
        name="sample",
        title="The sample",
        words="Transcripts that people had coded for certain enter as counted; of the others some "
        "were drawn, and an estimate needs all of those coded.",
        tables=[
            Table(
                caption="Transcripts by cell",
                columns=(
                    "cell",
                    "transcripts",
                    "coded for certain",
                    "drawn",
                    "of those coded",
                    root.value["unit"],
                ),
                rows=[
                    (_name(one["values"]), *(one[name] for name in names)) for one in root["cells"]
                ],
            )
        ],
    )


def _differences(root: Node) -> list[Section]:
    if not root["differences"]:
        return []
    return [
        Section(
            name="differences",
            title="Differences between cells",
            words=_DIFFERENCES,
            tables=[
                Table(
                    caption="Differences by code",
                    columns=(
                        *("code", "first", "second", "difference", "p"),
                        *("p, Holm", "p, Benjamini-Hochberg"),
                    ),
                    rows=[
                        (
                            one["code"],
                            _name(one["first"]),
                            _name(one["second"]),
                            one["difference"],
                            one["p"],
                            one["holm"],
                            one["benjamini_hochberg"],
                        )
                        for one in root["differences"]
                    ],
                    heads=3,
                )
            ],
        )
    ]


def _name(values: Node) -> Node:
    return label(cell_name(values.value))

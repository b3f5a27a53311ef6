"""The drift report's JSON document as sections of a page, and as a page of its own."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from annotations.numerals import many
from annotations.reliability.drift.outcome import LEANING, TITLES, USE
from service.web.charts_drift import changes_chart, control_plot, saturation_plot
from service.web.environment import environment
from service.web.figures import Node, Section, Table, label
from service.web.page import Page, standing_alone

TESTS = (
    "p comes from exchanging whole transcripts between the waves, never segments, for agreement "
    "from leaving out one transcript at a time; corrected is after Benjamini-Hochberg over "
    "everything in this section, and what is at most .05 then has moved. Detectable is the "
    "difference that these data would show nine times out of ten."
)


def drift_page(document: Any) -> Page:
    """The whole report; every figure names its place in the document (`data-at`)."""
    return standing_alone("drift.html", **_content(document))


def drift_part(document: Any) -> Markup:
    """The same report to stand in a page of the service."""
    # Rendered by a template, which escaped what is not ours.
    return Markup(  # noqa: S704
        environment().get_template("_drift.html").render(**_content(document))
    )


def _content(document: Any) -> dict[str, Any]:
    root = Node.root(document)
    return {
        "heading": f"Drift in {root.value['study']}",
        "summary": list(root["summary"]),
        "findings": list(root["findings"]),
        "waves": _waves(root),
        "sections": [one for one in _sections(root) if one is not None],
        "notes": list(root["notes"]),
    }


def _waves(root: Node) -> Table:
    return Table(
        caption="The waves, and what was read of them without suggestions in sight",
        columns=("wave", "transcripts", "segments", "coders"),
        rows=[
            (
                wave["name"],
                wave["transcripts"],
                wave["segments"],
                label(", ".join(wave.value["coders"]) or "nobody"),
            )
            for wave in root["waves"]
        ],
    )


def _sections(root: Node) -> list[Section | None]:
    return [
        *(_question(question) for question in root["questions"]),
        _trends(root),
        _rankings(root),
        _charts(root),
        _recoded(root),
        _texts(root),
        _acceptance(root),
        _saturation(root),
    ]


def _question(question: Node) -> Section | None:
    name = question.value["name"]
    tables, plots = [], ""
    for number, pair in enumerate(question["comparisons"]):
        before, after = pair.value["before"], pair.value["after"]
        rows = [
            (
                change["subject"],
                *(change[part] for part in ("before", "after", "difference")),
                *(change[part] for part in ("p", "adjusted", "moved", "detectable")),
            )
            for change in pair["changes"]
            if name != LEANING or change.value["p"] is not None
        ]
        if rows:
            tables.append(
                Table(
                    caption=f"{TITLES[name]}: {before} and {after}",
                    columns=(
                        "what",
                        f"in {before}",
                        f"in {after}",
                        "difference",
                        "p",
                        "corrected",
                        "moved",
                        "detectable",
                    ),
                    rows=rows,
                )
            )
        if name == USE:
            plots += changes_chart(pair.value, number)
    if not tables:
        return None
    return Section(name=name, title=TITLES[name], words=TESTS, plot=_drawn(plots), tables=tables)


def _trends(root: Node) -> Section | None:
    return _tabled(
        root["trends"],
        name="trends",
        title="Trend of use over the waves",
        words="The slope is the change of a code's share from one wave to the next.",
        columns={"subject": "code", "slope": "slope", "p": "p", "adjusted": "corrected"}
        | {"moved": "moved"},
    )


def _rankings(root: Node) -> Section | None:
    return _tabled(
        root["rankings"],
        name="rankings",
        title="Codes as the model sees them, by wave",
        words=(
            "AUC: how often a segment with the code has a higher held-out score than another. "
            "Beside it the look-alikes that show a change of meaning most, of all codes': how much "
            "oftener than the model expects people gave them the code (-1 to 1), a use that "
            "rises or falls as a whole set aside. Chosen as the largest, so their intervals are "
            "too narrow; p of the meaning takes the choice into account."
        ),
        columns={
            "code": "code",
            "before": "before",
            "auc_before": "AUC before",
            "after": "after",
            "auc_after": "AUC after",
            "like": "look-alikes of",
            "beyond_before": "beyond, before",
            "beyond_after": "beyond, after",
            "beyond_difference": "difference",
        },
    )


def _charts(root: Node) -> Section | None:
    plots = "".join(control_plot(one.value, at) for at, one in enumerate(root["charts"]))
    return _tabled(
        root["charts"],
        name="charts",
        title="Control charts of coders",
        words=(
            "The sum grows when a coder disagrees with the others and shrinks when not. The limit "
            "is what one in twenty random orders of the same transcripts passes."
        ),
        columns={
            "coder": "coder",
            "segments": "segments",
            "limit": "limit",
            "alarm": "passes the limit at",
        },
        plots=plots,
    )


def _recoded(root: Node) -> Section | None:
    rounds = [one for one in root["recoded"] if one.value["agreement"]]
    if not rounds:
        return None
    return Section(
        name="recoded",
        title="Coders beside their own earlier coding",
        words=(
            "Old excerpts that a coder coded again, blind, each segment counting as many times as "
            "it stands for in all that they had coded. The change is codings now minus codings "
            "then; p by flipping the sign of whole transcripts, corrected over coders and codes."
        ),
        plot=_drawn(""),
        tables=[_round(one) for one in rounds],
    )


def _round(one: Node) -> Table:
    found = one.value
    return Table(
        caption=(
            f"{found['coder']}: {found['excerpts']} of {many(found['drawn'], 'excerpt')} drawn "
            f"on {found['drawn_at'][:10]}, from {many(found['transcripts'], 'transcript')}"
        ),
        columns=("code", "then", "now", "alpha", "change", "p", "corrected", "moved"),
        rows=[
            (
                label(item.value["code"] or "all codes"),
                *(item[name] for name in ("before", "after", "alpha", "shift")),
                *(item[name] for name in ("p", "adjusted", "moved")),
            )
            for item in one["agreement"]
        ],
    )


def _texts(root: Node) -> Section | None:
    return _tabled(
        root["texts"],
        name="texts",
        title="Are the texts alike",
        words=(
            "The energy distance between the transcripts' mean embeddings, about 0 where they "
            "are alike, with its interval, which says how far and may reach below 0; p, "
            "which says whether, is by exchanging transcripts."
        ),
        columns={
            "before": "transcripts",
            "after": "beside",
            "distance": "distance",
            "p": "p",
            "moved": "unlike",
            "reason": "why not tested",
        },
    )


def _acceptance(root: Node) -> Section | None:
    return _tabled(
        root["acceptance"],
        name="acceptance",
        title="What coders did with suggestions, by model version",
        words="The share that was kept as it was. It is not a measure of reliability.",
        columns={
            name: name
            for name in ("version", "transcripts", "accepted", "changed", "rejected", "share")
        },
    )


def _saturation(root: Node) -> Section | None:
    found = root["saturation"]
    if not found:
        return None
    rows = [
        (label(words), found[name])
        for words, name in (
            ("chance that a code met in one more transcript is known (Good-Turing)", "coverage"),
            (
                "new codes in the last two transcripts, as a share of the first four's",
                "new_share",
            ),
            ("transcripts after which that was first at most .05", "reached"),
            ("transcripts from which on it stayed so", "stayed"),
            ("codes that the fitted curve tends to", "asymptote"),
        )
    ]
    return Section(
        name="saturation",
        title="Saturation",
        words="Whether transcripts still bring new codes, in the order in which they were coded.",
        plot=_drawn(saturation_plot(found.value)),
        tables=[Table(caption="Saturation of the codebook", columns=("what", "figure"), rows=rows)],
    )


def _tabled(
    nodes: Node,
    *,
    name: str,
    title: str,
    words: str,
    columns: Mapping[str, str],
    plots: str = "",
) -> Section | None:
    """A section with one row a node; None where there is none."""
    if not nodes:
        return None
    return Section(
        name=name,
        title=title,
        words=words,
        plot=_drawn(plots),
        tables=[
            Table(
                caption=title,
                columns=tuple(columns.values()),
                rows=[tuple(node[field] for field in columns) for node in nodes],
            )
        ],
    )


def _drawn(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - drawn by ourselves

"""The reliability report's JSON document, section by section."""

from markupsafe import Markup

from service.web import charts
from service.web.figures import Node, Section, Table, label
from service.web.sections_model import model_sections
from service.web.sections_spans import characters_section, gamma_section

_MEASURES = {
    "prevalence": "prevalence",
    "bias": "bias",
    "percent": "percent",
    "positive": "positive",
    "negative": "negative",
    "fleiss": "Fleiss' kappa",
    "conger": "Conger's kappa",
    "alpha": "alpha",
    "ac1": "AC1",
    "brennan_prediger": "Brennan-Prediger",
}


def sections_of(document: Node) -> list[Section]:
    """What there is to show, in the order of the page; empty parts are left out."""
    found = [
        _codes(document),
        _measures(document),
        _pairs(document),
        _levels(document),
        _coders(document),
        _confusion(document),
        *model_sections(document),
        _planning(document),
        characters_section(document),
        gamma_section(document),
    ]
    return [one for one in found if one is not None]


def summary_of(document: Node) -> Table:
    """The study in one table."""
    extent, pooled, sets = document["extent"], document["pooled"], document["sets"]
    names = (
        ("coders", extent["coders"]),
        ("codes", extent["codes"]),
        ("transcripts", extent["transcripts"]),
        (f"units ({document['unit']})", extent["units"]),
        ("units read by two coders or more", extent["twice"]),
        ("percent agreement, all codes pooled", pooled["percent"]),
        ("Krippendorff's alpha, all codes pooled", pooled["alpha"]),
        ("alpha over sets of codes: equal or not", sets["nominal"]),
        ("alpha over sets of codes: Jaccard distance", sets["jaccard"]),
        ("alpha over sets of codes: MASI distance", sets["masi"]),
    )
    return Table(
        caption="The study as a whole",
        columns=("what", "figure"),
        rows=[(label(name), figure) for name, figure in names],
    )


def _codes(document: Node) -> Section:
    codes, pooled = document["codes"], document["pooled"]
    rows = [
        (one["code"], one["prevalence"], one["percent"], one["alpha"], *_size(one["alpha"]))
        for one in codes
    ]
    whole = (label("all codes pooled"), Node(value=None), pooled["percent"], pooled["alpha"])
    return Section(
        name="codes",
        title="By code",
        words="Judge a code by the lower end of its interval: by convention .80 is reliable, "
        ".667 allows tentative conclusions.",
        plot=Markup(charts.forest(codes.value, pooled.value)),  # noqa: S704 - drawn by ourselves
        tables=[
            Table(
                caption="Agreement on each code",
                columns=("code", "prevalence", "percent", "alpha", "units", "transcripts"),
                rows=[*rows, (*whole, *_size(pooled["alpha"]))],
            )
        ],
    )


def _measures(document: Node) -> Section:
    measures = document["measures"]
    rows = [(one["code"], *(one[name] for name in _MEASURES)) for one in measures["codes"]]
    pooled = (label("all codes pooled"), *(measures["pooled"][name] for name in _MEASURES))
    cautions = [(one["code"], one["caution"]) for one in measures["codes"] if one["caution"]]
    tables = [
        Table(
            caption="All measures side by side",
            columns=("code", *_MEASURES.values()),
            rows=[*rows, pooled],
        )
    ]
    if cautions:
        tables.append(
            Table(
                caption="Codes whose prevalence makes kappa and alpha uninformative",
                columns=("code", "why"),
                rows=cautions,
            )
        )
    return Section(
        name="measures",
        title="All measures",
        words="AC1 and Brennan-Prediger stand beside alpha and never instead of it: at a low "
        "prevalence they are high for coders who hardly agree on what carries the code.",
        tables=tables,
    )


def _pairs(document: Node) -> Section | None:
    if not document["pairs"]:
        return None
    drawn = charts.coder_matrix(document["coders"].value, document["pairs"].value)
    return Section(
        name="pairs",
        title="Between coders",
        plot=Markup(drawn),  # noqa: S704 - drawn by ourselves
        tables=[
            Table(
                caption="Every pair of coders, over all codes",
                columns=("coder", "coder", "percent", "Cohen's kappa", "decisions", "transcripts"),
                rows=[
                    (*one["coders"], one["percent"], one["kappa"], *_size(one["kappa"]))
                    for one in document["pairs"]
                ],
                heads=2,
            )
        ],
    )


def _levels(document: Node) -> Section | None:
    levels = list(document["by_level"])
    if not levels:
        return None
    tables = [
        Table(
            caption="All codes pooled, by level of the tree",
            columns=("level", "percent", "alpha"),
            rows=[
                (one["level"], one["pooled"]["percent"], one["pooled"]["alpha"]) for one in levels
            ],
        ),
        # The last level is the codes as they were applied, which have their own section.
        *(
            Table(
                caption=f"Codes at level {one['level']}",
                columns=("code", "prevalence", "percent", "alpha"),
                rows=[
                    (code["code"], code["prevalence"], code["percent"], code["alpha"])
                    for code in one["codes"]
                ],
            )
            for one in levels[:-1]
        ),
    ]
    return Section(
        name="levels",
        title="By level of the tree",
        words="Codings taken for their ancestors: where agreement rises towards the top, coders "
        "agree on the branch and not on the code.",
        tables=tables,
    )


def _coders(document: Node) -> Section | None:
    coders = list(document["by_coder"])
    if len(coders) < 2:
        return None
    marked = [
        (one["coder"], use["code"], use["own"], use["others"], use["difference"], use["ratio"])
        for one in coders
        for use in one["use"]
        if use["tendency"]
    ]
    tables = [
        Table(
            caption="Each coder against the majority of the others",
            columns=("coder", "percent", "kappa", "alpha", "units", "transcripts"),
            rows=[
                (
                    one["coder"],
                    one["percent"],
                    one["kappa"],
                    one["alpha"],
                    one["units"],
                    one["transcripts"],
                )
                for one in coders
            ],
        )
    ]
    if marked:
        tables.append(
            Table(
                caption="Codes that a coder uses more or less than the others on the same units",
                columns=("coder", "code", "own share", "others' share", "difference", "ratio"),
                rows=marked,
                heads=2,
            )
        )
    return Section(
        name="coders",
        title="Each coder and the rest",
        words="Of many codes and coders some stand out by chance: about one in twenty of those "
        "compared.",
        tables=tables,
    )


def _confusion(document: Node) -> Section | None:
    if not document["confusion"]:
        return None
    codes = [one["code"] for one in document["codes"].value]
    drawn = charts.confusion(codes, document["confusion"].value)
    return Section(
        name="confusion",
        title="Codes taken for each other",
        words="Where one coder applied the one code alone and another coder the other alone. "
        "These are candidates for clearer definitions.",
        plot=Markup(drawn),  # noqa: S704 - drawn by ourselves
        tables=[
            Table(
                caption="Pairs of codes, the most confused first",
                columns=("code", "code", "times", "share of units that either was applied to"),
                rows=[(*one["codes"], one["times"], one["share"]) for one in document["confusion"]],
                heads=2,
            )
        ],
    )


def _planning(document: Node) -> Section | None:
    plans = list(document["planning"])
    if not plans:
        return None
    names = ("code", "prevalence", "kappa", "design_effect", "segments", "transcripts", "reason")
    return Section(
        name="planning",
        title="How much to double-code",
        words="For a kappa known to within a tenth on either side, what two coders must both "
        "read, in all.",
        tables=[
            Table(
                caption="From this study as a pilot",
                columns=(
                    "code",
                    "prevalence",
                    "kappa",
                    "design effect",
                    "segments",
                    "transcripts",
                    "why not",
                ),
                rows=[tuple(one[name] for name in names) for one in plans],
            )
        ],
    )


def _size(estimate: Node) -> tuple[Node, Node]:
    return estimate["n"], estimate["clusters"]

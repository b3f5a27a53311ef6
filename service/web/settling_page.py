"""Whether a codebook is done, as a part of a page: its versions, saturation, and candidates."""

from typing import Any

from markupsafe import Markup

from annotations.numerals import many
from service.web.charts_drift import pairs_plot, saturation_plot
from service.web.environment import environment
from service.web.figures import Node, Section, Table, label

VERSIONS_WORDS = (
    "Of the codes that the version before had, how many are not as they were; and of the codings "
    "that had been made before, which share counts as another code, as none, or waits for "
    "a choice. Renaming and redefining touch a code, and its codings stay its own."
)
SATURATION_WORDS = (
    "New codes, and new pairs of a code and a transcript, in the order in which transcripts were "
    "coded. The fitted curve is a·n/(b + n). A codebook that has settled brings no new codes; "
    "pairs go on growing, as each transcript holds some of the codes."
)


def settling_part(stability: Any, candidates: Any | None, missing: str) -> Markup:
    """The documents as a part of a page; `missing` says why there are no candidates."""
    root = Node.root(stability)
    sections = [one for one in (_versions(root), _saturation(root)) if one is not None]
    return Markup(  # noqa: S704 - rendered by a template, which escaped what is not ours
        environment()
        .get_template("_settling.html")
        .render(
            sections=sections,
            coded=stability["saturation"] is not None,
            notes=list(root["notes"]),
            found=None if candidates is None else Node.root(candidates),
            missing=missing,
        )
    )


def _versions(root: Node) -> Section | None:
    if not root["versions"]:
        return None
    columns = ("version", "edits", "codes before", "touched", "added", "codings before")
    return Section(
        name="versions",
        title="What each version changed",
        words=VERSIONS_WORDS,
        tables=[
            Table(
                caption="Versions of the codebook",
                columns=(*columns, "read otherwise", "of codes touched"),
                rows=[
                    (
                        one["version"],
                        label(
                            ", ".join(f"{n} {kind}" for kind, n in one.value["operations"].items())
                        ),
                        *(one[name] for name in ("codes", "touched", "added", "codings")),
                        one["reread"],
                        one["of_touched"],
                    )
                    for one in root["versions"]
                ],
            )
        ],
    )


def _saturation(root: Node) -> Section | None:
    found = root["saturation"]
    if not found:
        return None
    plots = saturation_plot(found.value) + pairs_plot(found.value)
    figures = [
        (label("chance that a code met in one more transcript is known"), found["coverage"]),
        (
            label(
                f"new codes in the last {many(found.value['run'], 'transcript')}, as a share of "
                f"the first {found.value['base']}'s"
            ),
            found["new_share"],
        ),
        (label("transcripts after which that was first at most .05"), found["reached"]),
        (label("transcripts from which on it stayed so"), found["stayed"]),
        (label("codes that the fitted curve tends to"), found["asymptote"]),
    ]
    return Section(
        name="saturation",
        title="Saturation",
        words=SATURATION_WORDS,
        plot=Markup(plots),  # noqa: S704 - drawn by ourselves
        tables=[
            Table(caption="Saturation", columns=("what", "figure"), rows=figures),
            Table(
                caption="Transcripts in the order of coding",
                columns=("transcript", "new codes", "codes so far", "its codes", "pairs so far"),
                rows=[
                    tuple(
                        one[name]
                        for name in ("transcript", "new_codes", "codes", "new_pairs", "pairs")
                    )
                    for one in root["transcripts"]
                ],
            ),
        ],
    )

"""The sections on the model: agreement with coders, calibration, substitution, anchoring."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from service.web import charts
from service.web.figures import Node, Section, Table, label


def model_sections(document: Node) -> Iterator[Section]:
    """The model against coders, its probabilities, whether it may stand in for one, anchoring."""
    if document["model"]:
        model = document["model"]
        yield Section(
            name="model",
            title="The model among the coders",
            words="Only on transcripts coded without its suggestions in sight.",
            tables=[
                Table(
                    caption=f"Model {model['version']} against each coder",
                    columns=("coder", "percent", "kappa", "alpha"),
                    rows=[
                        (one["coder"], one["percent"], one["kappa"], one["alpha"])
                        for one in model["against"]
                    ],
                ),
                *_ceiling(document),
            ],
        )
    if document["calibration"]:
        yield _calibration(document["calibration"])
    if document["substitution"]:
        yield _substitution(document["substitution"])
    if document["anchoring"]:
        yield _anchoring(document["anchoring"])


def _calibration(calibration: Node) -> Section:
    return Section(
        name="calibration",
        title="Do the model's probabilities mean what they say?",
        words="Its held-out probabilities by segment, codes pooled, in bins of equal mass, beside "
        "the share that the coders' majority coded so. The expected calibration error is the mean "
        "distance of the two, weighted by the bins' size; chance alone makes it positive.",
        plot=Markup(charts.reliability(calibration["bins"].value)),  # noqa: S704 - drawn by ourselves
        tables=[
            Table(
                caption="Expected calibration error",
                columns=("codes", "error"),
                rows=[(label("pooled"), calibration["error"])],
            ),
            *_bins(calibration),
        ],
    )


def _bins(calibration: Node) -> Sequence[Table]:
    if not calibration["bins"]:
        return ()
    return [
        Table(
            caption="What was said and what was so",
            columns=("bin", "mean probability", "share coded so", "decisions"),
            rows=[
                (label(str(number)), one["said"], one["observed"], one["n"])
                for number, one in enumerate(calibration["bins"], start=1)
            ],
        )
    ]


def _ceiling(document: Node) -> Sequence[Table]:
    if not document["ceiling"]:
        return ()
    return [
        Table(
            caption="The ceiling: mean alpha of pairs of coders, and of coders with the model, "
            "on the same units",
            columns=("code", "between coders", "with the model", "difference"),
            rows=[
                (
                    one["code"] if one["code"] else label("all codes pooled"),
                    one["between_coders"],
                    one["with_model"],
                    one["difference"],
                )
                for one in document["ceiling"]
            ],
        )
    ]


def _substitution(substitution: Node) -> Section:
    overall = substitution["overall"]
    tests = [
        (label("all codes"), overall),
        *((one["group"], one["test"]) for one in substitution["groups"]),
    ]
    tables = [
        Table(
            caption="The alternative annotator test: omega is the share of coders beaten, rho "
            "the mean share of units on which the model does at least as well as a coder",
            columns=("codes", "omega by transcripts", "omega by units, as published", "rho"),
            rows=[
                (name, test["by_transcript"]["omega"], test["by_unit"]["omega"], test["rho"])
                for name, test in tests
            ],
        )
    ]
    if overall["by_transcript"]["coders"]:
        tables.append(
            Table(
                caption="The model in the place of each coder, by transcripts, all codes",
                columns=(
                    "coder",
                    "units",
                    "transcripts",
                    "model wins",
                    "coder wins",
                    "p",
                    "beaten",
                ),
                rows=[
                    tuple(
                        one[name]
                        for name in (
                            "coder",
                            "units",
                            "transcripts",
                            "model_wins",
                            "coder_wins",
                            "p",
                            "beaten",
                        )
                    )
                    for one in overall["by_transcript"]["coders"]
                ],
            )
        )
    return Section(
        name="substitution",
        title="May the model stand in for a coder?",
        said=[overall["verdict"]],
        tables=tables,
    )


def _anchoring(anchoring: Node) -> Section:
    everything = [anchoring["overall"], *anchoring["codes"]]
    captions = {
        "alpha": "Alpha between model and people",
        "frequency": "Codings per 1,000 words",
        "added": "Codings per 1,000 words that the model had not suggested",
    }
    return Section(
        name="anchoring",
        title="What suggestions do to people",
        words="Transcripts coded with suggestions in sight beside transcripts coded blind. How "
        "many suggestions people accept is not a measure of reliability.",
        tables=[
            Table(
                caption=caption,
                columns=("code", "blind", "shown", "difference", "p"),
                rows=[
                    (
                        one["code"] if one["code"] else label("all codes"),
                        *(one[name][side] for side in ("blind", "shown", "difference", "p")),
                    )
                    for one in everything
                ],
            )
            for name, caption in captions.items()
        ],
    )

"""The sections on characters and on codings as people cut them."""

from service.web.figures import Node, Section, Table, label


def characters_section(document: Node) -> Section | None:
    """NVivo's coding comparison, None where it was not asked for."""
    compared = list(document["characters"])
    if not compared:
        return None
    tables = []
    for one in compared:
        who = " and ".join([*one["first"].value, *one["second"].value])
        tables.append(
            Table(
                caption=f"{who}, over all sources",
                columns=("code", "percent", "kappa"),
                rows=[(code["code"], code["percent"], code["kappa"]) for code in one["codes"]],
            )
        )
        if one["sources"]:
            names = (
                "both",
                "first_only",
                "second_only",
                "neither",
                "percent",
                "kappa",
                "nvivo_kappa",
            )
            tables.append(
                Table(
                    caption=f"{who}, source by source (where one of the two applied the code)",
                    columns=(
                        *("source", "code", "both", "first only", "second only", "neither"),
                        *("percent", "kappa", "kappa as NVivo prints it"),
                    ),
                    rows=[
                        (source["transcript"], source["code"], *(source[name] for name in names))
                        for source in one["sources"]
                    ],
                    heads=2,
                )
            )
    return Section(
        name="characters",
        title="Coding comparison by characters",
        words="As in NVivo: over the characters of all turns that both coders read.",
        tables=tables,
    )


def gamma_section(document: Node) -> Section | None:
    """Agreement on where codings begin and end, None where it was not asked for."""
    gamma = document["gamma"]
    if not gamma:
        return None
    tables = [
        Table(
            caption="Agreement on codings as people cut them",
            columns=("", "figure"),
            rows=[
                (label("gamma: where codings are, and their codes"), gamma["gamma"]),
                (label("gamma-cat: the codes of aligned codings"), gamma["gamma_cat"]),
                (label("error of the chance disorder, relative"), gamma["chance_error"]),
                (label("random rearrangements of a transcript"), gamma["samples"]),
            ],
        ),
        Table(
            caption="By transcript",
            columns=("transcript", "codings", "disorder", "by chance", "gamma"),
            rows=[
                tuple(
                    one[name] for name in ("transcript", "spans", "observed", "expected", "gamma")
                )
                for one in gamma["transcripts"]
            ],
        ),
    ]
    if gamma["left_out"]:
        tables.append(
            Table(
                caption="Transcripts left out",
                columns=("transcript", "why"),
                rows=[(one["transcript"], one["reason"]) for one in gamma["left_out"]],
            )
        )
    return Section(
        name="gamma",
        title="Where codings begin and end",
        said=[gamma["caution"]] if gamma["caution"] else (),
        tables=tables,
    )

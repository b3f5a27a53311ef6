"""Commands on a study that was extended: prevalence, odds."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.counting import Csv, Html
from service.cli.options import Home, Json, Study, names_in, open_home
from service.cli.present import p_cell, progress, say, show_json, show_table, warn
from service.cli.writing import write_file

if TYPE_CHECKING:
    from annotations.reliability.prevalence.report import PrevalenceReport

By = Annotated[
    list[str] | None,
    typer.Option(
        help="Attributes of transcripts, separated by commas; may be repeated.", show_default=False
    ),
]
Unit = Annotated[str, typer.Option(help="Of what the share is: segments, words or transcripts.")]
Of = Annotated[
    str,
    typer.Option(
        help="What is described: these-interviews, or people-like-these, of whom the interviews "
        "are a sample."
    ),
]

Model = Annotated[
    str | None,
    typer.Option(
        help="A model version (else the one that was in use when the sample was drawn).",
        show_default=False,
    ),
]

Level = Annotated[
    int | None,
    typer.Option(min=1, help="Take codes for their ancestors at this level.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("prevalence")(prevalence)
    app.command("odds")(odds)


def prevalence(
    context: typer.Context,
    study: Study,
    by: By = None,
    unit: Unit = "segments",
    of: Of = "these-interviews",
    model: Model = None,
    level: Level = None,
    html: Html = None,
    csv: Csv = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Estimate how common each code is, from the model's coding and the sample people coded."""
    from service.workflows.extending import prevalence as run

    with progress() as report_progress:
        found = run(
            open_home(context, home),
            study,
            by=names_in(by),
            unit=unit,
            of=of,
            model=model,
            level=level,
            progress=report_progress,
        )
    if html is not None:
        from service.documents import document
        from service.web.prevalence_page import prevalence_page

        write_file(html, prevalence_page(document(found)).html)
        say(f"Wrote {html}.")
    if csv is not None:
        from service.prevalence_csv import prevalence_csv

        write_file(csv, prevalence_csv(found))
        say(f"Wrote {csv}.")
    if json:
        show_json(found)
        return
    show_prevalence(found)


def show_prevalence(found: "PrevalenceReport") -> None:
    """Print shares and differences as tables."""
    from service.web.cells import cell_name

    show_table(
        f"Share of {found.unit} in {found.study} ({found.of}); 95% intervals: jackknife over "
        "transcripts",
        ["code", "cell", "estimate", "people's sample alone", "model alone", "effective sample"],
        [
            (
                one.code,
                cell_name(one.cell),
                one.corrected,
                one.people,
                one.model,
                None if one.effective is None else f"{one.effective:.0f}",
            )
            for one in found.shares
        ],
    )
    shown = [one for one in found.differences if one.p is not None and one.p < 0.05]
    if found.differences:
        show_table(
            f"Differences between cells with p below .05 before correction, of "
            f"{len(found.differences)}",
            ["code", "first", "second", "difference", "p, Holm", "p, Benjamini-Hochberg"],
            [
                (
                    one.code,
                    cell_name(one.first),
                    cell_name(one.second),
                    one.difference,
                    p_cell(one.holm),
                    p_cell(one.benjamini_hochberg),
                )
                for one in shown
            ],
        )
    for note in found.notes:
        warn(note)


def odds(
    context: typer.Context,
    study: Study,
    on: Annotated[
        list[str],
        typer.Option(
            help="Attributes to compare, separated by commas; may be repeated.", show_default=False
        ),
    ],
    unit: Annotated[str, typer.Option(help="Of what: segments or transcripts.")] = "segments",
    of: Of = "these-interviews",
    model: Model = None,
    level: Level = None,
    csv: Csv = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Say who speaks of each code more: odds ratios by attributes, the others held equal."""
    from service.workflows.extending import odds as run

    with progress() as report_progress:
        found = run(
            open_home(context, home),
            study,
            on=names_in(on),
            unit=unit,
            of=of,
            model=model,
            level=level,
            progress=report_progress,
        )
    if csv is not None:
        from service.prevalence_csv import odds_csv

        write_file(csv, odds_csv(found))
        say(f"Wrote {csv}.")
    if json:
        show_json(found)
        return
    show_table(
        f"Odds of {found.unit} in {found.study} ({found.of}), other attributes held equal",
        [
            *("code", "attribute", "value", "against", "odds ratio", "p, Holm"),
            *("p, Benjamini-Hochberg", "weight of the model"),
        ],
        [
            (
                one.code,
                one.term.attribute,
                one.term.value or "not given",
                one.term.reference or "not given",
                one.ratio,
                p_cell(one.holm),
                p_cell(one.benjamini_hochberg),
                one.tuning,
            )
            for one in found.ratios
        ],
    )
    for note in found.notes:
        warn(note)

"""Commands that extend a study: plan, sample, prevalence, odds."""

from typing import TYPE_CHECKING, Annotated

import typer

from annotations.errors import command
from service.cli.counting import Csv, Html
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import progress, say, show_json, show_line, show_table, warn
from service.cli.writing import write_file

if TYPE_CHECKING:
    from annotations.reliability.prevalence.planning import CodePlan
    from annotations.reliability.prevalence.report import PrevalenceReport

By = Annotated[
    str, typer.Option(help="Attributes of transcripts, separated by commas.", show_default=False)
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


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("plan")(plan)
    app.command("sample")(sample)
    app.command("prevalence")(prevalence)
    app.command("odds")(odds)


def names_in(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def sample(
    context: typer.Context,
    study: Study,
    size: Annotated[
        int, typer.Option(min=1, help="How many transcripts to draw.", show_default=False)
    ],
    by: By = "",
    seed: Annotated[int, typer.Option(min=0, max=2**62, help="The same seed, the same draw.")] = 0,
    allocation: Annotated[
        str,
        typer.Option(help="How cells share the sample: proportional to their sizes, or equal."),
    ] = "proportional",
    unsure_first: Annotated[
        bool,
        typer.Option(
            "--unsure-first",
            help="Make transcripts likelier to be drawn the more the model is unsure of them.",
        ),
    ] = False,
    code: Annotated[
        list[str] | None,
        typer.Option(
            help="With --unsure-first: unsure of this code and those below it; may be repeated "
            "(else of all codes).",
            show_default=False,
        ),
    ] = None,
    push: Annotated[
        bool, typer.Option("--push", help="Make them tasks in Label Studio, suggestions withheld.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Draw transcripts for people to code, at random, with every one's probability recorded."""
    from service.web.cells import cell_name
    from service.workflows.drawing import sample as run

    if code and not unsure_first:
        raise typer.BadParameter(
            "it names what the model is to be unsure of; give --unsure-first with it",
            param_hint="--code",
        )
    with progress() as report_progress:
        found = run(
            open_home(context, home),
            study,
            size=size,
            by=names_in(by),
            seed=seed,
            allocation=allocation,
            unsure_of=(code or ()) if unsure_first else None,
            to_label_studio=push,
            progress=report_progress,
        )
    if json:
        show_json(found)
        return
    show_table(
        f"Drawn in {study}, seed {found.seed}" + (" (as before)" if found.before else ""),
        [
            *("cell", "transcripts", "coded for certain", "drawn"),
            "probability" if found.unsure_of is None else "mean probability",
        ],
        [
            (
                cell_name(one.values),
                one.transcripts,
                one.certain,
                one.drawn,
                one.probability,
            )
            for one in found.strata
        ],
    )
    show_table(
        "To be coded by people, without suggestions",
        ["transcript", "cell", "words", "probability", "coded"],
        [
            (
                one.transcript,
                cell_name(one.stratum),
                one.words,
                one.probability,
                "yes" if one.coded else "not yet",
            )
            for one in found.transcripts
        ],
    )
    if found.pushed is not None:
        show_line(
            f"{found.pushed.tasks_created} new tasks, withheld on {found.pushed.withheld}: "
            f"{found.pushed.project_url}"
        )
    for note in found.notes:
        warn(note)
    if all(one.coded for one in found.transcripts):
        say(f"All are coded: {command('prevalence', study)}")


def plan(
    context: typer.Context,
    study: Study,
    by: By = "",
    total: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many transcripts there will be (else those that there are).",
            show_default=False,
        ),
    ] = None,
    sizes: Annotated[
        str,
        typer.Option(help="Sizes of the sample, separated by commas.", show_default=False),
    ] = "",
    unit: Unit = "segments",
    of: Of = "these-interviews",
    json: Json = False,
    home: Home = None,
) -> None:
    """Say what samples of several sizes would buy for each code, from what is coded already."""
    from service.workflows.extending import plan as run

    with progress() as report_progress:
        found = run(
            open_home(context, home),
            study,
            by=names_in(by),
            unit=unit,
            of=of,
            total=total,
            sizes=_numbers_in(sizes),
            progress=report_progress,
        )
    if json:
        show_json(found)
        return
    cells = f"; in brackets for one of {found.cells} cells" if found.cells > 1 else ""
    show_table(
        f"Half-width of the interval of a share of {found.unit}, with {found.total} transcripts, "
        f"{found.pilot} of them coded already{cells}",
        ["code", "share", *(f"{size} drawn" for size in found.sizes), "weight of the model"],
        [_plan_row(one, found.cells, len(found.sizes)) for one in found.codes],
    )
    for reason in sorted({one.reason for one in found.codes if one.reason}):
        show_line(f"  – {reason}")
    if not found.codes:
        warn(f"Nobody coded a whole transcript of {study} without suggestions: there is no pilot")


def _plan_row(one: "CodePlan", cells: int, sizes: int) -> tuple[object, ...]:
    if one.reason:
        return (one.code, one.share, *("–",) * sizes, one.tuning)

    def cell(whole: float | None, part: float | None) -> str:
        text = "–" if whole is None else f"± {whole:.3f}"
        if cells > 1:
            text += " (–)" if part is None else f" ({part:.3f})"
        return text

    return (one.code, one.share, *(cell(s.whole, s.cell) for s in one.sizes), one.tuning)


def _numbers_in(text: str) -> list[int]:
    try:
        found = [int(word) for word in names_in(text)]
    except ValueError:
        found = [0]
    if any(number < 1 for number in found):
        raise typer.BadParameter(
            f"{text!r} is no list of sizes; write numbers with commas, such as 20,40,80",
            param_hint="--sizes",
        )
    return found


def prevalence(
    context: typer.Context,
    study: Study,
    by: By = "",
    unit: Unit = "segments",
    of: Of = "these-interviews",
    model: Model = None,
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
                    f"{one.holm:.3f}",
                    f"{one.benjamini_hochberg:.3f}",
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
        str, typer.Option(help="Attributes to compare, separated by commas.", show_default=False)
    ],
    unit: Annotated[str, typer.Option(help="Of what: segments or transcripts.")] = "segments",
    of: Of = "these-interviews",
    model: Model = None,
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
            progress=report_progress,
        )
    if json:
        show_json(found)
        return
    show_table(
        f"Odds of {found.unit} in {found.study} ({found.of}), other attributes held equal",
        ["code", "attribute", "value", "against", "odds ratio", "p, Holm", "p, Benjamini-Hochberg"],
        [
            (
                one.code,
                one.term.attribute,
                one.term.value or "not given",
                one.term.reference or "not given",
                one.ratio,
                None if one.holm is None else f"{one.holm:.3f}",
                None if one.benjamini_hochberg is None else f"{one.benjamini_hochberg:.3f}",
            )
            for one in found.ratios
        ],
    )
    for note in found.notes:
        warn(note)

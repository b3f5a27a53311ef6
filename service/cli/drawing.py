"""Commands that draw what people are to code: plan, sample."""

from typing import TYPE_CHECKING, Annotated

import typer

from annotations.errors import command
from annotations.numerals import many
from service.cli.extending import By, Of, Unit
from service.cli.options import Home, Json, Study, names_in, open_home
from service.cli.present import progress, say, show_json, show_line, show_table, warn

if TYPE_CHECKING:
    from annotations.reliability.prevalence.planning import CodePlan, SizePlan

UnsureFirst = Annotated[
    bool,
    typer.Option(
        "--unsure-first",
        help="Make transcripts likelier to be drawn the more the model is unsure of them.",
    ),
]
UnsureOf = Annotated[
    list[str] | None,
    typer.Option(
        "--code",
        help="With --unsure-first: unsure of this code and those below it; may be repeated (else "
        "of all codes).",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("plan")(plan)
    app.command("sample")(sample)


def sample(
    context: typer.Context,
    study: Study,
    size: Annotated[
        int, typer.Option(min=1, help="How many transcripts to draw.", show_default=False)
    ],
    by: By = None,
    seed: Annotated[int, typer.Option(min=0, max=2**62, help="The same seed, the same draw.")] = 0,
    allocation: Annotated[
        str,
        typer.Option(help="How cells share the sample: proportional to their sizes, or equal."),
    ] = "proportional",
    unsure_first: UnsureFirst = False,
    code: UnsureOf = None,
    push: Annotated[
        bool, typer.Option("--push", help="Make them tasks in Label Studio, suggestions withheld.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Draw transcripts for people to code, at random, with every one's probability recorded."""
    from service.web.cells import cell_name
    from service.workflows.drawing import sample as run

    unsure_of = _unsure_of(unsure_first, code)
    with progress() as report_progress:
        found = run(
            open_home(context, home),
            study,
            size=size,
            by=names_in(by),
            seed=seed,
            allocation=allocation,
            unsure_of=unsure_of,
            to_label_studio=push,
            progress=report_progress,
        )
    if json:
        show_json(found)
        return
    show_table(
        f"Drawn in {study}, seed {found.seed}" + (" (as before)" if found.before else ""),
        [
            *("cell", "transcripts", "certain", "drawn"),
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
            f"{many(found.pushed.tasks_created, 'new task')}, withheld on {found.pushed.withheld}: "
            f"{found.pushed.project_url}"
        )
    for note in found.notes:
        warn(note)
    if all(one.coded for one in found.transcripts):
        say(f"All are coded: {command('prevalence', study)}")


def _unsure_of(unsure_first: bool, codes: list[str] | None) -> list[str] | None:
    if codes and not unsure_first:
        raise typer.BadParameter(
            "it names what the model is to be unsure of; give --unsure-first with it",
            param_hint="--code",
        )
    return (codes or []) if unsure_first else None


def plan(
    context: typer.Context,
    study: Study,
    by: By = None,
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
    unsure_first: UnsureFirst = False,
    code: UnsureOf = None,
    unit: Unit = "segments",
    of: Of = "these-interviews",
    json: Json = False,
    home: Home = None,
) -> None:
    """Say what samples of several sizes would buy for each code, from what is coded already."""
    from service.workflows.planning import plan as run

    unsure_of = _unsure_of(unsure_first, code)
    with progress() as report_progress:
        found = run(
            open_home(context, home),
            study,
            by=names_in(by),
            unit=unit,
            of=of,
            total=total,
            sizes=_numbers_in(sizes),
            unsure_of=unsure_of,
            progress=report_progress,
        )
    if json:
        show_json(found)
        return
    cells = f"; in brackets for one of {found.cells} cells" if found.cells > 1 else ""
    how = "" if found.unsure_of is None else ", unsure first"
    show_table(
        f"Half-width of the interval of a share of {found.unit}, with "
        f"{many(found.total, 'transcript')}, {found.pilot} of them coded already{how}{cells}",
        ["code", "share", *(f"{size} drawn" for size in found.sizes), "weight of the model"],
        [
            plan_row(one, found.cells, found.total - found.pilot, len(found.sizes))
            for one in found.codes
        ],
    )
    for reason in sorted({one.reason for one in found.codes if one.reason}):
        show_line(f"  – {reason}")
    if not found.codes:
        warn(f"Nobody coded a whole transcript of {study} without suggestions: there is no pilot")


def plan_row(one: "CodePlan", cells: int, left: int, sizes: int) -> tuple[object, ...]:
    """The row of a code in the table of a plan; `left` transcripts are not coded yet."""
    if one.reason:
        return (one.code, one.share, *("–",) * sizes, one.tuning)

    def width(figure: float | None, size: int, sign: str = "") -> str:
        if figure is None:
            return "–"
        # Where all that is left is drawn, nothing is estimated.
        return "counted" if figure == 0 and size >= left else f"{sign}{figure:.3f}"

    def cell(at: "SizePlan") -> str:
        text = width(at.whole, at.size, "± ")
        return f"{text} ({width(at.cell, at.size)})" if cells > 1 else text

    return (one.code, one.share, *(cell(at) for at in one.sizes), one.tuning)


def _numbers_in(text: str) -> list[int]:
    try:
        found = [int(word) for word in names_in([text])]
    except ValueError:
        found = [0]
    if any(number < 1 for number in found):
        raise typer.BadParameter(
            f"{text!r} is no list of sizes; write numbers with commas, such as 20,40,80",
            param_hint="--sizes",
        )
    return found

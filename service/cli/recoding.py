"""The command by which coders code old excerpts again, blind."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from annotations.numerals import form, many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import p_cell, progress, say, show_json, show_line, show_table, warn

if TYPE_CHECKING:
    from service.workflows.recoded import RecodeReport
    from service.workflows.recoding import CoderPlan, RecodePlan


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("recode-sample")(recode_sample)


def recode_sample(
    context: typer.Context,
    study: Study,
    size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Excerpts a coder (else 60, or two of each code where that is more).",
            show_default=False,
        ),
    ] = None,
    coder: Annotated[
        list[str] | None,
        typer.Option(help="Whose; may be given again (else everybody's).", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**62,
            help="The same seed, the same draw; another one draws a further round.",
            show_default=False,
        ),
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option(min=0, help="Only what was coded so many days ago.", show_default=False),
    ] = None,
    push: Annotated[
        bool, typer.Option("--push", help="Make them tasks in Label Studio, unmarked.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Each coder's agreement with themself so far.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Draw old excerpts for their coders to code again, blind, and say how far they agree."""
    if report:
        if push or coder or any(one is not None for one in (size, seed, older_than)):
            raise typer.BadParameter(
                "--report shows what was drawn and coded again; it goes with --json alone",
                param_hint="--report",
            )
        from service.workflows.recoded import recode_report

        told = recode_report(open_home(context, home), study)
        if json:
            show_json(told)
        else:
            _show_report(told)
        return
    from service.workflows.recoding import recode_sample as run

    with progress() as report_progress:
        found = run(
            open_home(context, home),
            study,
            size=size,
            coders=coder or (),
            seed=seed,
            days=older_than,
            to_label_studio=push,
            progress=report_progress,
        )
    if json:
        show_json(found)
        return
    _show_plan(found)


def _show_plan(found: "RecodePlan") -> None:
    from annotations.errors import command

    for one in found.coders:
        show_line(_plan_words(one))
        show_table(
            f"What {one.coder} codes again, seed {one.seed}",
            ["rarest code on it", "excerpts", "probability"],
            [(item.code or "no code", item.drawn, item.probability) for item in one.strata],
        )
        if one.pushed is not None:
            show_line(
                f"{many(one.pushed.created, 'new task')} of {one.pushed.tasks}, for {one.coder} "
                f"alone: {one.pushed.project_url}"
            )
    for note in found.notes:
        warn(note)
    if any(one.pushed for one in found.coders):
        say(
            "Send each coder their address, and ask them not to look at their old coding. Then: "
            f"{command('label-studio', 'sync', found.study)}, and "
            f"{command('recode-sample', found.study, '--report')}"
        )


def _plan_words(one: "CoderPlan") -> str:
    drawn = "Drawn before" if one.before else "Drawn"
    back = f"; {one.returned} {form(one.returned, 'is', 'are')} coded again" if one.returned else ""
    return (
        f"{drawn} for {one.coder}: {many(one.excerpts, 'excerpt')} from "
        f"{many(len(one.transcripts), 'transcript')}{_age(one)}{back}. They come unmarked, in "
        "random order, after the turns that they answer to."
    )


def _days(least: int, most: int) -> str:
    return many(most, "day") if least == most else f"{least} to {many(most, 'day')}"


def _age(one: "CoderPlan") -> str:
    if one.oldest is None or one.newest is None:
        return ", coded nobody knows when"
    undated = f" ({one.undated} without a date)" if one.undated else ""
    days = [(datetime.now(moment.tzinfo) - moment).days for moment in (one.newest, one.oldest)]
    return f", coded {_days(days[0], days[1])} ago{undated}"


def _show_report(told: "RecodeReport") -> None:
    for one in told.rounds:
        for sentence in one.words:
            show_line(sentence)
        if one.agreement:
            show_table(
                f"{one.coder}, drawn {one.drawn_at:%Y-%m-%d}",
                ["code", "then", "now", "alpha", "change", "p", "corrected", ""],
                [
                    (
                        item.code or "all codes",
                        item.before,
                        item.after,
                        item.alpha,
                        item.shift,
                        p_cell(item.p),
                        p_cell(item.adjusted),
                        "moved" if item.moved else "",
                    )
                    for item in one.agreement
                ],
            )
        if one.annotators and one.annotators != (one.coder,):
            show_line(f"Coded in Label Studio as {', '.join(one.annotators)}.")
    for note in told.notes:
        warn(note)

"""The command that looks for drift."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotations.numerals import many
from service.cli.options import Home, Json, Study, names_in, open_home
from service.cli.present import p_cell, say, show_json, show_line, show_table, warn
from service.cli.writing import write_file

if TYPE_CHECKING:
    from annotations.reliability.drift.outcome import DriftReport, Question


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("drift")(drift)


def drift(
    context: typer.Context,
    study: Study,
    by: Annotated[
        str,
        typer.Option(
            help="What tells the waves: wave (an attribute), date (earlier and later half), "
            "codebook (the version read under), or coder (waves, only coders are asked about)."
        ),
    ] = "wave",
    attribute: Annotated[
        str | None,
        typer.Option(
            help="The attribute of transcripts that holds waves or dates (else wave or date).",
            show_default=False,
        ),
    ] = None,
    adjust: Annotated[
        list[str] | None,
        typer.Option(
            help="Attributes to hold constant when use is compared, separated by commas; may be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    codebook: Annotated[
        int | None,
        typer.Option(
            min=1, help="Read codings under this version of the codebook.", show_default=False
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one page.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Compare waves: what codes are used for, how coders code, whether the model still fits."""
    from service.workflows.drifting import drift as run

    house = open_home(context, home)
    found = run(
        house, study, by=by, attribute=attribute, adjust=names_in(adjust), codebook=codebook
    )
    if html is not None:
        from service.documents import document
        from service.web.drift_page import drift_page

        write_file(html, drift_page(document(found)).html)
        say(f"Wrote {html}.")
    if json:
        show_json(found)
        return
    _show(found)
    if html is None:
        say(
            "Texts, trends, control charts, what was done with suggestions and detectable "
            "differences: --html FILE or --json"
        )


def _show(found: "DriftReport") -> None:
    for sentence in found.summary:
        show_line(sentence)
    for finding in found.findings:
        for name, excerpts in (
            (finding.before, finding.excerpts_before),
            (finding.after, finding.excerpts_after),
        ):
            for one in excerpts:
                show_line(f"  {name}, {one.transcript}, turn {one.turn}: {one.text}")
    for question in found.questions:
        _show_question(question)
    for note in found.notes:
        warn(note)


def _show_question(question: "Question") -> None:
    from annotations.reliability.drift.outcome import LEANING, TITLES

    for pair in question.comparisons:
        # Coders times codes are many: what did not move is in the other forms.
        shown = tuple(one for one in pair.changes if question.name != LEANING or one.moved)
        rows = [
            (
                change.subject,
                change.before,
                change.after,
                change.difference,
                p_cell(change.p),
                p_cell(change.adjusted),
                "moved" if change.moved else "",
            )
            for change in shown
        ]
        title = f"{TITLES[question.name]}: {pair.before} and {pair.after}"
        if rows:
            show_table(
                title,
                ["", pair.before, pair.after, "difference", "p", "corrected", ""],
                rows,
            )
        rest = [one for one in pair.changes if question.name == LEANING and not one.moved]
        tested = sum(one.p is not None for one in rest)
        untested = len(rest) - tested
        told = [
            words
            for number, words in (
                (tested, f"{many(tested, 'pair')} did not move"),
                (untested, f"{many(untested, 'pair')} had too little to be tested"),
            )
            if number
        ]
        if told:
            show_line(f"{title}: {', '.join(told)} (all of them: --json)")

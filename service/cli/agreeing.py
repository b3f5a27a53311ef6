"""Commands on reliability: agreement and disagreements."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotations.errors import StateError, command
from annotations.numerals import form, many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import (
    estimate_text,
    progress,
    say,
    show_json,
    show_line,
    show_table,
    warn,
)

if TYPE_CHECKING:
    from annotations.reliability.report import ReliabilityReport

Unit = Annotated[
    str, typer.Option(help="What is compared: segment, turn, transcript or character.")
]
_CONFUSED = 5


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("agreement")(agreement)
    app.command("disagreements")(disagreements)


def agreement(
    context: typer.Context,
    study: Study,
    unit: Unit = "segment",
    level: Annotated[
        int | None,
        typer.Option(
            min=1, help="Take codes for their ancestors at this level.", show_default=False
        ),
    ] = None,
    expertise: Annotated[
        str,
        typer.Option(
            help="The coders' expertise, expert, skilled or crowd: how much worse than one of "
            "them the model may do to stand in."
        ),
    ] = "skilled",
    gamma: Annotated[
        bool,
        typer.Option("--gamma", help="Also gamma, on where codings begin and end: up to minutes."),
    ] = False,
    codebook: Annotated[
        int | None,
        typer.Option(
            min=1, help="Read codings under this version of the codebook.", show_default=False
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Write the whole report as one HTML file.", show_default=False),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write every figure as CSV.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Report how far coders agree with each other, and the model with them."""
    from service.workflows.agreeing import agreement as run

    found = run(
        open_home(context, home),
        study,
        unit=unit,
        level=level,
        expertise=expertise,
        gamma=gamma,
        codebook=codebook,
    )
    if html is not None:
        _write_page(html, found)
    if csv is not None:
        _write_table(csv, found)
    if json:
        show_json(found)
    else:
        show_agreement(found)


def disagreements(
    context: typer.Context,
    study: Study,
    code: Annotated[
        str | None,
        typer.Option(help="Only this code and those below it.", show_default=False),
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="With the words of each unit.")] = False,
    push: Annotated[
        bool,
        typer.Option("--push", help="Send what is not settled to Label Studio, coders by name."),
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """List where coders differ, or send it to Label Studio to be settled."""
    from service.workflows.adjudicating import disagreements as run
    from service.workflows.adjudicating import push_disagreements

    house = open_home(context, home)
    if push:
        with progress() as report_progress:
            pushed = push_disagreements(house, study, code=code, progress=report_progress)
        if json:
            show_json(pushed)
            return
        show_line(
            f"{many(pushed.created, 'transcript was', 'transcripts were')} sent, {pushed.tasks} "
            f"{form(pushed.tasks, 'is', 'are')} there: "
            f"{pushed.project_url}"
        )
        sync = command("label-studio", "sync", study)
        say(f"What is submitted there is the agreed coding: {sync}")
        return
    found = run(house, study, code=code, text=text)
    if json:
        show_json(found)
        return
    show_table(
        f"Where coders of {study} differ: {many(len(found.units), 'unit')}, {found.open:,} of them "
        "open",
        ["transcript", "turn", "characters", "code", "applied by", "not by", "agreed"],
        [
            (
                unit.transcript,
                unit.turn,
                f"{unit.start} to {unit.end}",
                one.code,
                ", ".join(one.applied),
                ", ".join(one.not_applied),
                {True: "yes", False: "no", None: "open"}[one.agreed],
            )
            for unit in found.units
            for one in unit.codes
        ],
    )
    for unit in found.units:
        if unit.text is not None:
            show_line(f"{unit.transcript}, turn {unit.turn}: {unit.text}")
    if found.settled is not None:
        settled = found.settled
        show_table(
            f"Before and after {many(settled.units, 'unit')} of "
            f"{many(settled.transcripts, 'transcript')} {form(settled.units, 'was', 'were')} "
            "settled; reliability is the figure before",
            ["", "percent", "alpha or kappa"],
            [
                ("between coders, before", settled.before.percent, settled.before.alpha),
                ("between coders, after", settled.after.percent, settled.after.alpha),
                *((" and ".join(one.coders), one.percent, one.kappa) for one in settled.coders),
            ],
        )


def _write_page(path: Path, found: "ReliabilityReport") -> None:
    from service.documents import document
    from service.web.page import agreement_page

    page = agreement_page(document(found))
    with _writing(path):
        path.write_text(page.html, encoding="utf-8")
    say(f"The report was written to {path}")


def _write_table(path: Path, found: "ReliabilityReport") -> None:
    from service.agreement_csv import write_csv

    with _writing(path):
        count = write_csv(path, found)
    say(f"{many(count, 'figure was', 'figures were')} written to {path}")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder that exists."
        ) from error


def show_agreement(found: "ReliabilityReport") -> None:
    """Print the agreement report as tables."""
    from annotations.reliability.methods import pieces_of

    pieces = pieces_of(found.unit, found.extent.max_words)
    unit = found.unit if pieces is None else f"{found.unit} ({pieces})"
    level = "" if found.level is None else f", codes at level {found.level}"
    show_line(
        f"Agreement in {found.study}, by {unit}{level}; 95% intervals: jackknife over transcripts"
    )
    show_table(
        "Between coders",
        ["coders", "percent", "Cohen's kappa"],
        [(" and ".join(pair.coders), pair.percent, pair.kappa) for pair in found.pairs],
    )
    rare = {one.code for one in found.measures.codes if one.caution}
    show_table(
        "By code",
        ["code", "prevalence", "percent", "Krippendorff's alpha"],
        [
            *(
                (f"{c.code} *" if c.code in rare else c.code, c.prevalence, c.percent, c.alpha)
                for c in found.codes
            ),
            ("all codes pooled", None, found.pooled.percent, found.pooled.alpha),
        ],
    )
    if rare:
        show_line("  * rare or near universal: a few disagreements decide kappa and alpha")
    _show_rest(found)
    if found.model is None:
        say(f"No model yet. Train one: {command('train', found.study)}")
    else:
        _show_model(found)
    for note in found.notes:
        if found.model is not None or not note.startswith("No model"):
            warn(note)


def _show_rest(found: "ReliabilityReport") -> None:
    """Sets of codes, levels, coders, confusions: each in a few lines."""
    show_line(
        f"Sets of codes on a {found.unit}: alpha with MASI distance "
        f"{estimate_text(found.sets.masi)}, Jaccard {estimate_text(found.sets.jaccard)}"
    )
    if found.gamma is not None:
        show_line(
            f"Codings as cut: gamma {estimate_text(found.gamma.gamma)}, codes of aligned codings "
            f"gamma-cat {estimate_text(found.gamma.gamma_cat)}"
        )
        if found.gamma.caution is not None:
            warn(f"Gamma: {found.gamma.caution}.")
    for one in found.by_level:
        show_line(f"Codes at level {one.level}, pooled: alpha {estimate_text(one.pooled.alpha)}")
    if len(found.coders) > 2:
        show_table(
            "Each coder against the majority of the others",
            ["coder", "kappa", "uses more", "uses less"],
            [
                (
                    one.coder,
                    one.kappa,
                    *(
                        ", ".join(use.code for use in one.use if use.tendency == tendency)
                        for tendency in ("over", "under")
                    ),
                )
                for one in found.by_coder
            ],
        )
    if found.confusion:
        show_table(
            "Codes taken for each other",
            ["codes", "times", "share"],
            [
                (" and ".join(one.codes), one.times, one.share)
                for one in found.confusion[:_CONFUSED]
            ],
        )


def _show_model(found: "ReliabilityReport") -> None:
    if found.model is None:
        return
    show_table(
        f"Model {found.model.version} against coders, on "
        f"{many(found.model.transcripts, 'transcript')} coded without its suggestions in sight",
        ["coder", "percent", "kappa", "alpha"],
        [(a.coder, a.percent, a.kappa, a.alpha) for a in found.model.against],
    )
    for whole in found.ceiling[:1]:
        show_line(
            f"Ceiling: alpha between coders {estimate_text(whole.between_coders)}, with the model "
            f"{estimate_text(whole.with_model)}, difference {estimate_text(whole.difference)}"
        )
    if found.calibration is not None and found.calibration.bins:
        show_line(
            "Expected calibration error of its held-out probabilities: "
            f"{estimate_text(found.calibration.error)}"
        )
    if found.substitution is not None:
        show_line(found.substitution.overall.verdict)
    if found.anchoring is not None:
        alpha = found.anchoring.overall.alpha
        show_line(
            f"Model and people: alpha {estimate_text(alpha.blind)} where people coded blind, "
            f"{estimate_text(alpha.shown)} with suggestions in sight"
        )

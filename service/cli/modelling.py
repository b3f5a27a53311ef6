"""Commands on models: train, models, suggest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotations.errors import command
from annotations.numerals import decimals, many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import progress, say, show_json, show_line, show_table, warn

if TYPE_CHECKING:
    from models.report import TrainReport


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("train")(train)
    app.command("models")(models)
    app.command("suggest")(suggest)


def train(
    context: typer.Context,
    study: Study,
    encoder: Annotated[
        str | None,
        typer.Option(help="A local folder or hub name of a transformers encoder."),
    ] = None,
    min_support: Annotated[
        int, typer.Option(min=1, help="Codings a code needs before it is suggested.")
    ] = 10,
    min_kappa: Annotated[
        float, typer.Option(min=-1, max=1, help="Held-out kappa a code needs to be suggested.")
    ] = 0.3,
    aim: Annotated[
        str, typer.Option(help="What thresholds are for: kappa, f1, or precision=SHARE.")
    ] = "kappa",
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    seed: Annotated[
        int, typer.Option(min=0, help="The same data and seed give the same version.")
    ] = 0,
    tier: Annotated[
        str,
        typer.Option(
            help="fast (frozen encoder), best (fine-tuned, minutes to hours), or auto: by the "
            "size of the data and the machine."
        ),
    ] = "auto",
    minutes: Annotated[
        float, typer.Option(min=0.01, help="About how long fine-tuning may take, in all.")
    ] = 60.0,
    trust_definitions: Annotated[
        bool,
        typer.Option(
            "--trust-definitions",
            help="Suggest codes that have a definition and too few codings, marked so.",
        ),
    ] = False,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh",
            help="Go on from the model in use, with what was asked for then: learn what was coded "
            "since, keep its choices and the held-out scores of what it knew. Seconds; in full "
            "where more than a fifth has changed.",
        ),
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Train a model, cross-validate it by transcript, publish a version."""
    from models.thresholds import Aim
    from service.workflows.modelling import list_models
    from service.workflows.training import train_study
    from training.options import TIERS, TrainOptions

    try:
        aimed = Aim.parse(aim)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--aim") from None
    if tier not in TIERS:
        raise typer.BadParameter(
            f"{tier!r} is none of {', '.join(TIERS)}.", context, param_hint="--tier"
        )
    options = TrainOptions(
        encoder=encoder,
        min_support=min_support,
        min_kappa=min_kappa,
        folds=folds,
        seed=seed,
        aim=aimed,
        tier=tier,
        minutes=minutes,
        trust_definitions=trust_definitions,
    )
    if refresh and (asked := _asked_for(context)):
        raise typer.BadParameter(
            f"it trains as the model in use was trained. Leave out {', '.join(asked)}, or "
            "leave out --refresh to train in full.",
            context,
            param_hint="--refresh",
        )
    house = open_home(context, home)
    if refresh and not list_models(house, study):
        say(f"{study} has no model to go on from: training in full.")
    with progress() as report_progress:
        report = train_study(house, study, None if refresh else options, progress=report_progress)
    if json:
        show_json(report)
    else:
        _show_figures(report)
        _show_shortcomings(report)
        _show_choices(report)


def _asked_for(context: typer.Context) -> list[str]:
    """The options of how to train that were given."""
    others = ("study", "json", "home", "refresh")
    return [
        f"--{name.replace('_', '-')}"
        for name in context.params
        if name not in others
        and (source := context.get_parameter_source(name)) is not None
        and source.name == "COMMANDLINE"
    ]


def _show_figures(report: "TrainReport") -> None:
    """What was held out: by code, over all codes, and whether probabilities are to be believed."""
    show_table(
        f"Model {report.model_version}: held-out figures, folds by transcript",
        [
            *("code", "support", "gate", "kappa", "precision", "recall", "F1"),
            *("calibration error", "why"),
        ],
        [
            (
                *(c.code, c.support, c.gate, c.kappa, c.precision, c.recall, c.f1),
                *(c.calibration_error, c.reason or ""),
            )
            for c in report.codes
        ],
    )
    show_table(
        "Over all codes",
        ["figure", "model", "tf-idf baseline"],
        [
            ("kappa", report.kappa, report.baseline.kappa),
            ("macro F1", report.macro_f1, report.baseline.macro_f1),
            ("micro F1", report.micro_f1, report.baseline.micro_f1),
        ],
    )
    show_table(
        "Do its probabilities mean what they say?",
        ["expected calibration error, codes pooled", "thresholds are for"],
        [(report.calibration.error, report.aim)],
    )


def _show_shortcomings(report: "TrainReport") -> None:
    missed = [
        f"{one.code} ({decimals(one.precision.value, 3)})"
        for one in report.codes
        if one.gate == "open" and one.aim_met is False
    ]
    if missed:
        warn(
            f"Held-out precision is below the one aimed at ({report.aim}), by no more than chance "
            f"may do or on a definition alone: {', '.join(missed)}"
        )
    behind = [code.code for code in report.codes if code.beats_baseline is False]
    if behind:
        warn(f"No better than the tf-idf baseline on: {', '.join(behind)}")


def _show_choices(report: "TrainReport") -> None:
    """What training chose and why, its notes, and how long it took."""
    from models.report import NONE_OPEN

    say(f"Tier {report.tier}: {report.tier_reason}.")
    taken = [f"{one.name} {one.value}" for one in report.choices if one.taken]
    say(f"Held-out loss chose: {', '.join(taken) if taken else 'nothing beyond the segments'}.")
    for note in report.notes:
        (warn if note.startswith(NONE_OPEN) else say)(note)
    say(f"Took {report.seconds:.0f} s.")


def models(
    context: typer.Context,
    study: Study,
    use: Annotated[
        str | None, typer.Option(help="Use this version from now on.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """List a study's model versions, or choose one."""
    from service.workflows.modelling import list_models, use_model

    house = open_home(context, home)
    if use is not None:
        version = use_model(house, study, use).version
        say(f"{study} now uses model {version}.")
    found = list_models(house, study)
    if json:
        show_json({"models": found})
    elif not found:
        say(f"{study} has no model yet. Make one: {command('train', study)}")
    else:
        show_table(
            f"Models of {study}",
            ["version", "made", "training", "MB", "kappa", "macro F1", "codebook", "in use"],
            [
                (
                    m.version,
                    m.created_at,
                    f"refreshed from {m.refreshed_from}" if m.refreshed_from else "in full",
                    f"{m.size / 1e6:.1f}",
                    m.kappa,
                    m.macro_f1,
                    m.codebook_version,
                    "yes" if m.active else "",
                )
                for m in found
            ],
        )
        for one in next((m.retrain for m in found if m.active), ()):
            warn(f"Needs a training: {one.code}, {one.reason}.")


def suggest(
    context: typer.Context,
    study: Study,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Transcripts; else the study's uncoded ones.")
    ] = None,
    interviewer: Annotated[
        list[str] | None,
        typer.Option(help="A speaker of these files who interviews.", show_default=False),
    ] = None,
    all_codes: Annotated[
        bool, typer.Option("--all-codes", help="Every code's score for every segment.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Write the suggestions as tidy CSV.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Suggest codes for new files or for the study's uncoded transcripts."""
    from service.workflows.suggesting import suggest as run
    from service.workflows.suggesting import write_csv

    with progress() as report_progress:
        result = run(
            open_home(context, home),
            study,
            paths or [],
            interviewers=interviewer or [],
            all_codes=all_codes,
            progress=report_progress,
        )
    if csv is not None:
        write_csv(csv, result)
        say(f"{many(len(result.batch.suggestions), 'suggestion')} written to {csv}")
    if not result.transcripts:
        warn(f"Every transcript of {study} is coded. Name files to have others coded.")
    if json:
        show_json(result.batch)
    elif csv is None:
        for suggestion in result.batch.suggestions:
            show_line(
                f"{suggestion.transcript}, turn {suggestion.turn}: {suggestion.code} "
                f"({suggestion.score:.2f}, from {suggestion.threshold:.2f})\n    {suggestion.text}"
            )
            if suggestion.evidence is not None:
                show_line(f"    evidence: {suggestion.evidence.text}")
            for exemplar in suggestion.because[:1]:
                if suggestion.from_definition:
                    show_line(f"    from its definition, not from codings: {exemplar.text}")
                    continue
                show_line(
                    f"    because {exemplar.coder} coded so in {exemplar.transcript}, "
                    f"turn {exemplar.turn}: {exemplar.text}"
                )
        number = many(len(result.batch.suggestions), "suggestion")
        say(f"{number} by model {result.batch.model_version}")

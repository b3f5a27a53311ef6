"""Commands on Label Studio: connect, push, sync, doctor."""

from typing import Annotated

import typer

from annotations.errors import command
from annotations.numerals import many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import progress, say, show_json, show_line, show_table, warn

label_studio = typer.Typer(help="Work with Label Studio.", no_args_is_help=True)

Blind = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Share of transcripts whose suggestions are withheld (default 0.15)."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    for one in (connect, push, sync, doctor):
        label_studio.command()(one)
    app.add_typer(label_studio, name="label-studio")


def connect(
    context: typer.Context,
    study: Study,
    url: Annotated[str, typer.Option(help="Label Studio's address.", show_default=False)],
    token: Annotated[
        str,
        typer.Option(
            envvar="SECOND_CODER_LABEL_STUDIO_TOKEN",
            help="An access token of a Label Studio user.",
            show_default=False,
        ),
    ],
    ml_url: Annotated[
        str | None,
        typer.Option(help="This service's address as Label Studio sees it.", show_default=False),
    ] = None,
    blind: Blind = None,
    coders: Annotated[
        int | None,
        typer.Option(min=1, help="How many coders are to code each transcript (default 1)."),
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Make the Label Studio project, its labels, the backend connection and the webhook."""
    from service.workflows.labelling import connect as run

    result = run(
        open_home(context, home),
        study,
        url=url,
        token=token,
        ml_url=ml_url,
        blind=blind,
        coders=coders,
    )
    if json:
        show_json(result)
        return
    show_line(f"{study} is project {result.project_id} of Label Studio: {result.project_url}")
    if ml_url is None:
        say("Without --ml-url decisions come back by `second-coder label-studio sync` alone.")


def push(
    context: typer.Context,
    study: Study,
    blind: Blind = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Coded transcripts too, without suggestions, to code again."),
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Send transcripts and suggestions to Label Studio in bulk."""
    from service.workflows.pushing import push as run

    with progress() as report_progress:
        result = run(
            open_home(context, home),
            study,
            blind=blind,
            everything=everything,
            progress=report_progress,
        )
    if json:
        show_json(result)
        return
    show_line(
        f"{many(result.tasks_created, 'new task')}; {many(result.suggestions, 'suggestion')} shown "
        f"on {many(result.shown, 'transcript')}; withheld on {result.withheld} in the blind sample"
    )
    for note in result.notes:
        warn(note)


def sync(context: typer.Context, study: Study, json: Json = False, home: Home = None) -> None:
    """Fetch annotations and work out the decisions on suggestions."""
    from service.workflows.following import follow
    from service.workflows.syncing import sync as run

    house = open_home(context, home)
    with progress() as report_progress:
        result = run(house, study, progress=report_progress)
        followed = follow(house, study, progress=report_progress)
    if json:
        show_json(result)
        return
    show_line(
        f"{many(result.annotations, 'annotation')}, {result.changed:,} of them new or changed, "
        f"{result.removed} gone; {result.skipped} skipped by coders"
    )
    if result.chosen:
        show_line(f"{many(result.chosen, 'choice')} after a split")
    if result.recoded:
        show_line(
            f"{many(result.recoded, 'excerpt')} coded again: "
            f"{command('recode-sample', study, '--report')}"
        )
    if followed.relabelled:
        show_line(
            f"Label Studio has codebook version {followed.version} now: "
            f"{many(followed.annotations, 'annotation')} relabelled"
        )
    if followed.proposals:
        warn(
            f"{many(followed.proposals, 'edit')} of the labels found there. To see: "
            f"{command('codebook', 'proposals', study)}"
        )
    for note in result.notes:
        warn(note)


def doctor(context: typer.Context, study: Study, json: Json = False, home: Home = None) -> None:
    """Check the connection for every known trap; say what to do about each."""
    from service.workflows.labelling import doctor as run

    findings = run(open_home(context, home), study)
    if json:
        show_json({"findings": findings})
    else:
        marks = {True: "ok", False: "PROBLEM", None: "not checked"}
        show_table(
            f"Label Studio and {study}",
            ["check", "state", "finding", "what to do"],
            [(f.name, marks[f.ok], f.message, f.remedy or "") for f in findings],
        )
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(1)

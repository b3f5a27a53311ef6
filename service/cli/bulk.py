"""The command that codes a large number of transcripts: code."""

from pathlib import Path
from typing import Annotated

import typer

from annotations.numerals import form, many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import long_run, say, show_json, warn

_MOST_TOLD = 20


def add_to(app: typer.Typer) -> None:
    """Register this command."""
    app.command("code")(code)


def code(
    context: typer.Context,
    study: Study,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Transcripts: files, folders, Parquet.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(help="The folder to write to.", show_default=False, file_okay=False)
    ],
    engine: Annotated[
        str, typer.Option(help="local: this machine's cores; ray: a Ray cluster.")
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="How many work at once; else one a core.", show_default=False),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="The Ray cluster; else one here.", show_default=False)
    ] = None,
    interviewer: Annotated[
        list[str] | None,
        typer.Option(help="A speaker of these files who interviews.", show_default=False),
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Code any number of transcripts into Parquet; run it again to go on after a stop."""
    from service.workflows.bulk import extend

    with long_run() as report:
        found = extend(
            open_home(context, home),
            study,
            paths,
            out,
            engine=engine,
            workers=workers,
            address=address,
            interviewers=interviewer or [],
            progress=lambda now: report(
                now.share, now.before, now.transcripts, now.words, now.seconds
            ),
        )
    if json:
        show_json(found)
    else:
        earlier = found.transcripts - found.coded
        say(
            f"{many(found.transcripts, 'transcript')} ({earlier:,} of them coded before), "
            f"{many(found.words, 'word')}, {many(found.codings, 'coding')} by model "
            f"{found.model_version} in {found.folder}."
        )
        if not found.open_codes:
            from models.report import NONE_OPEN

            warn(NONE_OPEN)
    if found.problems:
        unread = len(found.problems)
        warn(f"{unread:,} could not be read and {form(unread, 'is', 'are')} not coded:")
    for problem in found.problems[:_MOST_TOLD]:
        warn(str(problem))
    if len(found.problems) > _MOST_TOLD:
        warn(f"All of them are in {found.folder / 'report.json'}.")
    if found.problems:
        raise typer.Exit(1)

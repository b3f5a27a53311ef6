"""Commands that keep a study safe: backup and restore."""

from pathlib import Path
from typing import Annotated

import typer

from annotations.numerals import many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import say, show_json, warn


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    context: typer.Context,
    study: Study,
    file: Annotated[
        Path, typer.Argument(help="The file to write.", show_default=False, dir_okay=False)
    ],
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Also the token for Label Studio.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Write a study with its models into one file, while the service runs."""
    from service.workflows.backing_up import backup as run

    made = run(open_home(context, home), study, file, with_secrets=with_secrets)
    if json:
        show_json(made)
    else:
        say(
            f"{study} is in {file} ({made.bytes / 1e6:.1f} MB): "
            f"{many(sum(made.rows.values()), 'row')}, {many(len(made.models), 'model')}."
        )
    for note in made.notes:
        warn(note)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A backup.", show_default=False, dir_okay=False)],
    name: Annotated[
        str | None, typer.Option("--as", help="The study's name here.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Put the study of a backup into the database: all of it, or nothing where it is damaged."""
    from service.workflows.backing_up import restore as run

    made = run(open_home(context, home), file, name)
    if json:
        show_json(made)
    else:
        say(
            f"{made.study} is restored: {many(sum(made.rows.values()), 'row')}, "
            f"{many(len(made.models), 'model')}."
        )
    for note in made.notes:
        warn(note)

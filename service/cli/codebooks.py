"""Commands on a study's codebook: show, log, diff, apply, export; others are added here."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from annotations.codebook_versions.wording import in_words
from annotations.errors import InputError, Problem, command
from service.cli.codebook_settling import candidates, stability
from service.cli.codebook_words import CHANGE, row, show_applied
from service.cli.codebook_work import Author, accept, decline, follow, proposals, worklist
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import say, show_json, show_line, show_table

codebook = typer.Typer(help="The study's codebook and its versions.", no_args_is_help=True)

Version = Annotated[int, typer.Argument(min=0, help="A version's number.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    codebook.command("show")(show)
    codebook.command("log")(log)
    codebook.command("diff")(diff)
    codebook.command("apply")(apply)
    codebook.command("export")(export)
    for one in (stability, candidates, worklist, proposals, accept, decline):
        codebook.command()(one)
    app.add_typer(codebook, name="codebook")


def show(context: typer.Context, study: Study, json: Json = False, home: Home = None) -> None:
    """Show the tree of codes with definitions and numbers of codings."""
    from service.workflows.studying import show_codebook

    found = show_codebook(open_home(context, home), study)
    if json:
        show_json(found)
        return
    show_table(
        f"Codebook of {study}, version {found.version}",
        ["code", "codings", "transcripts", "definition"],
        [
            ("  " * (code.level - 1) + code.name, code.codings, code.transcripts, code.definition)
            for code in found.codes
        ],
    )
    for one in found.retired:
        show_line(f"  retired: {one}")


def log(context: typer.Context, study: Study, json: Json = False, home: Home = None) -> None:
    """List the versions of the codebook: what was edited, by whom, when and why."""
    from service.workflows.codebooks import codebook_log

    found = codebook_log(open_home(context, home), study)
    if json:
        show_json(found)
        return
    show_table(
        f"Versions of the codebook of {study}",
        ["version", "when", "by", "codes", "edits", "why"],
        [
            (one.number, one.at, one.author, one.codes, len(one.operations), one.reason)
            for one in found.versions
        ],
    )
    for one in found.versions:
        for edit in one.operations:
            show_line(f"  {one.number}: {in_words(edit)}")


def diff(
    context: typer.Context,
    study: Study,
    start: Version,
    end: Version,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show what differs between two versions, code by code."""
    from service.workflows.codebooks import codebook_diff

    found = codebook_diff(open_home(context, home), study, start, end)
    if json:
        show_json(found)
        return
    if not found.changes:
        say(f"Versions {start} and {end} are the same.")
        return
    show_table(
        f"Codebook of {study}, from version {start} to {end}",
        CHANGE,
        [row(one) for one in found.changes],
    )


def apply(
    context: typer.Context,
    study: Study,
    file: Annotated[
        Path, typer.Argument(help="A YAML list of edits.", exists=True, dir_okay=False)
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only say what would happen.")
    ] = False,
    author: Author = None,
    reason: Annotated[
        str, typer.Option(help="Why, for what the file does not say.", show_default=False)
    ] = "",
    json: Json = False,
    home: Home = None,
) -> None:
    """Edit the codebook by a list of operations: all or none, first as a trial."""
    from annotations.formats.codebook_yaml import MOST_BYTES, read_operations
    from annotations.formats.files import read_text
    from service.workflows.codebooks import apply_edits

    house = open_home(context, home)
    content = read_text(file, most=MOST_BYTES)
    if content.problem is not None:
        raise InputError(content.problem)
    result = apply_edits(
        house,
        study,
        read_operations(content.text, str(file)),
        author=author or getpass.getuser(),
        reason=reason,
        keep=yes,
    )
    if json:
        if yes:
            follow(house, study)
        show_json(result)
        return
    show_applied(result)
    if yes:
        follow(house, study)
        if result.after.waiting:
            say(f"Excerpts to choose for: {command('codebook', 'worklist', study)}")
    else:
        say("Nothing was stored. Add --yes to do it.")


def export(
    context: typer.Context,
    study: Study,
    to: Annotated[
        Path | None,
        typer.Option(
            help="A .yaml, .csv or .qdc file (else YAML to the screen).", show_default=False
        ),
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="The newest unless given.", show_default=False)
    ] = None,
    home: Home = None,
) -> None:
    """Write the codebook: as YAML that `apply` reads, as codebook.csv, or for other tools."""
    from annotations.formats.tidy_csv_out import write_codebook
    from service.workflows.codebooks import codebook_as_qdc, codebook_as_yaml, codebook_of

    house = open_home(context, home)
    if to is None:
        show_line(codebook_as_yaml(house, study, version).rstrip())
        return
    if to.suffix.lower() in (".yaml", ".yml"):
        to.write_text(codebook_as_yaml(house, study, version), encoding="utf-8")
    elif to.suffix.lower() == ".csv":
        write_codebook(to, codebook_of(house, study, version))
    elif to.suffix.lower() == ".qdc":
        to.write_bytes(codebook_as_qdc(house, study, version))
    else:
        message = "the ending says how a codebook is written; use .yaml, .csv or .qdc"
        raise InputError(Problem(file=str(to), line=None, message=message))
    say(f"The codebook of {study} was written to {to}")

"""Commands on studies: import, studies, show."""

from pathlib import Path
from typing import Annotated

import typer

from annotations.errors import command
from annotations.numerals import form, many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import say, show_json, show_line, show_table, warn


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("import")(import_)
    app.command("studies")(studies)
    app.command("show")(show)


def import_(
    context: typer.Context,
    study: Study,
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", show_default=False)],
    coder: Annotated[
        str | None, typer.Option(help="Who coded, where a file does not say.", show_default=False)
    ] = None,
    interviewer: Annotated[
        list[str] | None,
        typer.Option(
            help="A speaker who interviews: context, not coded. Repeat for several.",
            show_default=False,
        ),
    ] = None,
    code_interviewer: Annotated[
        bool | None,
        typer.Option(
            "--code-interviewer/--no-code-interviewer",
            help="Whether the study codes the turns of interviewers all the same.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show turns and speakers, and store nothing.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Read transcripts and codings into a study; importing the same again changes nothing."""
    from service.cli.previewing import show_preview
    from service.workflows.importing import import_paths, preview_paths

    house = open_home(context, home)
    interviewers = interviewer or []
    if dry_run:
        found = preview_paths(house, study, paths, coder=coder, interviewers=interviewers)
        if json:
            show_json(found)
        else:
            show_preview(found)
        return
    result = import_paths(
        house,
        study,
        paths,
        coder=coder,
        interviewers=interviewers,
        code_interviewer=code_interviewer,
    )
    if json:
        show_json(result)
        return
    added = result.added
    changes = [
        f"; {many(number, one, more)}"
        for number, one, more in (
            (added.attributes, "attribute changed", "attributes changed"),
            (added.definitions, "definition changed", "definitions changed"),
            (
                added.interviewers,
                "interviewer's mark on a turn changed",
                "interviewers' marks on turns changed",
            ),
            (added.memos, "memo", None),
            (added.sets, "set", None),
            (added.choices, "choice made after a split", "choices made after a split"),
        )
        if number
    ]
    show_line(
        f"{study}: {many(added.transcripts, 'transcript')}, {many(added.turns, 'turn')}, "
        f"{many(added.codes, 'code')}, {many(added.readings, 'reading')} and "
        f"{many(added.codings, 'coding')} came in{''.join(changes)}"
    )
    if not added.anything and code_interviewer is None:
        say("Everything in these files was in the study already.")
    if result.units_changed is not None:
        warn(result.units_changed)
    for problem in result.refused:
        warn(f"Left out: {problem}")
    for problem in result.notes:
        warn(str(problem))


def studies(context: typer.Context, json: Json = False, home: Home = None) -> None:
    """List the studies."""
    from service.workflows.studying import list_studies

    found = list_studies(open_home(context, home))
    if json:
        show_json({"studies": found})
    elif not found:
        say("No study yet. Make one: second-coder import STUDY PATH...")
    else:
        show_table(
            "Studies",
            ["study", "transcripts", "coded", "coders", "codes", "codings", "model"],
            [
                (s.study, s.transcripts, s.coded, s.coders, s.codes, s.codings, s.model)
                for s in found
            ],
        )


def show(context: typer.Context, study: Study, json: Json = False, home: Home = None) -> None:
    """Show a study: transcripts, coders, codes, models, decisions."""
    from service.workflows.codebook_notes import waiting_words
    from service.workflows.studying import show_study

    found = show_study(open_home(context, home), study)
    if json:
        show_json(found)
        return
    show_line(
        f"{study}: {many(found.transcripts, 'transcript')}, {many(found.turns, 'turn')}, "
        f"{many(found.words, 'word')}, {many(found.codes, 'code')}, {many(found.codings, 'coding')}"
    )
    if found.model_codings:
        say(
            f"{many(found.model_codings, 'coding')} by models came in with files; "
            f"{form(found.model_codings, 'it trains', 'they train')} nothing and "
            f"{form(found.model_codings, 'counts', 'count')} nowhere."
        )
    if found.interviewers:
        coded = "coded like all others" if found.code_interviewer else "context, not coded"
        say(f"Interviewers: {', '.join(found.interviewers)} (their turns are {coded})")
    show_table(
        "Coders",
        ["coder", "transcripts", "turns read", "codings"],
        [(c.coder, c.transcripts, c.turns, c.codings) for c in found.coders],
    )
    show_table(
        "Models",
        ["version", "made", "kappa", "in use"],
        [(m.version, m.created_at, m.kappa, "yes" if m.active else "") for m in found.models],
    )
    if found.decisions:
        show_table(
            "Decisions on suggestions (acceptance is not a measure of reliability)",
            ["code", "accepted", "changed", "rejected", "added"],
            [(d.code, d.accepted, d.changed, d.rejected, d.added) for d in found.decisions],
        )
    if found.unread.waiting:
        say(f"{waiting_words(found.unread)} See them: {command('codebook', 'worklist', study)}")
    if found.unread.retired:
        say(
            f"{many(found.unread.retired, 'coding')} of retired codes "
            f"{form(found.unread.retired, 'is', 'are')} in the record and not counted."
        )
    if found.blind:
        say(f"Blind sample (suggestions withheld): {', '.join(found.blind)}")

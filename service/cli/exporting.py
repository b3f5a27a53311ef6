"""Commands that take a study out: export and quotes."""

from pathlib import Path
from typing import Annotated

import typer

from annotations.numerals import many
from service.cli.options import Home, Json, Study, names_in, open_home
from service.cli.present import say, show_json, show_line, warn


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("export")(export)
    app.command("quotes")(quotes)


def export(
    context: typer.Context,
    study: Study,
    out: Annotated[
        Path, typer.Option(help="The folder to write to.", show_default=False, file_okay=False)
    ],
    format_: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="csv, parquet, label-studio, qdpx or qdc (REFI-QDA project, codebook); give it "
            "again for several. Default: csv and parquet.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Write a study's transcripts, codes, codings, readings, suggestions and decisions."""
    from service.workflows.exporting import export as run

    found = run(open_home(context, home), study, out, formats=format_ or ("csv", "parquet"))
    if json:
        show_json(found)
        return
    for path in found.files:
        show_line(str(path))
    for note in found.notes:
        warn(note)


def quotes(
    context: typer.Context,
    study: Study,
    code: Annotated[
        str, typer.Option(help="The code; those below it are included.", show_default=False)
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Attributes to group by, separated by commas; may be repeated.",
            show_default=False,
        ),
    ] = None,
    coded_by: Annotated[
        str, typer.Option(help="people, majority, model, or a coder's name.")
    ] = "people",
    out: Annotated[
        Path | None,
        typer.Option(help="Write to a file: .docx, .csv or .txt.", show_default=False),
    ] = None,
    pseudonyms: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the columns name, pseudonym, for speakers and transcripts.",
            show_default=False,
        ),
    ] = None,
    in_text: Annotated[
        bool, typer.Option("--in-text", help="Put pseudonyms into the words, too.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Retrieve the passages of a code with speaker, attributes and what was said before."""
    from service.workflows.quoting import as_text, quotes_of, write_quotes

    found = quotes_of(
        open_home(context, home),
        study,
        code,
        by=names_in(by),
        coded_by=coded_by,
        pseudonyms=pseudonyms,
        in_text=in_text,
    )
    if out is not None:
        write_quotes(out, found)
        say(f"Wrote {many(found.number, 'quotation')} to {out}.")
    if json:
        show_json(found)
    elif out is None:
        show_line(as_text(found))
    for note in found.notes:
        warn(note)

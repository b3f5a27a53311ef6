"""Commands that count: matrix and cooccurrence."""

from pathlib import Path
from typing import Annotated

import typer

from annotations.numerals import many
from service.cli.options import Home, Json, Study, names_in, open_home
from service.cli.present import say, show_json, show_table, show_wide_table, warn
from service.cli.writing import write_file

CodedBy = Annotated[
    str,
    typer.Option(
        help="Whose codings count: people (a passage once, whoever coded it), majority, model, or "
        "a coder's name."
    ),
]
Html = Annotated[
    Path | None, typer.Option(help="Write tables and chart as one page.", show_default=False)
]
Csv = Annotated[
    Path | None, typer.Option(help="Write one row a figure as CSV.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("matrix")(matrix)
    app.command("cooccurrence")(cooccurrence)


def matrix(
    context: typer.Context,
    study: Study,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Attributes of transcripts, separated by commas; may be repeated.",
            show_default=False,
        ),
    ] = None,
    coded_by: CodedBy = "people",
    html: Html = None,
    csv: Csv = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Count references and transcripts per code and attribute; a parent's include its codes'."""
    from service.workflows.counting import matrix as run

    found = run(open_home(context, home), study, by=names_in(by), coded_by=coded_by)
    if html is not None:
        from service.documents import document
        from service.web.counts_page import matrix_page

        write_file(html, matrix_page(study, document(found)).html)
        say(f"Wrote {html}.")
    if csv is not None:
        from service.counts_csv import matrix_csv

        write_file(csv, matrix_csv(found))
        say(f"Wrote {csv}.")
    if json:
        show_json(found)
        return
    show_wide_table(
        f"References in {study}, coded by {found.coded_by} (in brackets: transcripts)",
        ["code", *(column.name for column in found.columns)],
        [
            (
                "  " * (row.level - 1) + row.name,
                *(f"{cell.references} ({cell.transcripts})" for cell in row.cells),
            )
            for row in found.rows
        ]
        + [
            ("transcripts read", *(str(column.transcripts) for column in found.columns)),
            ("words read", *(str(column.words) for column in found.columns)),
        ],
    )
    for note in found.notes:
        warn(note)


def cooccurrence(
    context: typer.Context,
    study: Study,
    coded_by: CodedBy = "people",
    html: Html = None,
    csv: Csv = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """List the codes that one coder applied to the same segment."""
    from service.workflows.counting import cooccurrence as run

    found = run(open_home(context, home), study, coded_by=coded_by)
    if html is not None:
        from service.documents import document
        from service.web.counts_page import cooccurrence_page

        write_file(html, cooccurrence_page(study, document(found)).html)
        say(f"Wrote {html}.")
    if csv is not None:
        from service.counts_csv import cooccurrence_csv

        write_file(csv, cooccurrence_csv(found))
        say(f"Wrote {csv}.")
    if json:
        show_json(found)
        return
    show_table(
        f"Codes that meet in {study}: {many(found.segments, 'segment')}, coded by {found.coded_by}",
        ["code", "and code", "segments", "Jaccard"],
        [(*pair.codes, pair.segments, pair.jaccard) for pair in found.pairs],
    )
    if not found.pairs:
        say("No two codes were applied to the same segment by one coder.")
    for note in found.notes:
        warn(note)

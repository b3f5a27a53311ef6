"""The command on what to code next."""

from typing import TYPE_CHECKING, Annotated

import typer

from annotations.numerals import many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import progress, say, show_json, show_table

if TYPE_CHECKING:
    from training.select import Ranked


def add_to(app: typer.Typer) -> None:
    """Register this command."""
    app.command("next")(next_)


def next_(
    context: typer.Context,
    study: Study,
    top: Annotated[int, typer.Option(min=1, help="How many transcripts to rank.")] = 10,
    json: Json = False,
    home: Home = None,
) -> None:
    """Rank uncoded transcripts by use to the model and by what the sample lacks."""
    from service.workflows.recommending import recommend

    with progress() as report_progress:
        found = recommend(open_home(context, home), study, top=top, progress=report_progress)
    if json:
        show_json(found)
        return
    if found.transcripts:
        show_table(
            f"What to code next: {len(found.transcripts)} of {many(found.uncoded, 'transcript')}",
            ["rank", "transcript", "value", "use", "diversity", "coverage", "why"],
            [
                (
                    *(one.rank, one.transcript, one.value, one.use, one.diversity, one.coverage),
                    _why(one),
                )
                for one in found.transcripts
            ],
        )
    for note in found.notes:
        say(note)


def _why(one: "Ranked") -> str:
    parts = []
    if one.unsure_of:
        parts.append(f"unsure of {', '.join(one.unsure_of)}")
    if one.cell:
        cell = " × ".join(value or "–" for value in one.cell)
        parts.append(f"{one.cell_coded} of {one.cell_size} coded in {cell}")
    return "; ".join(parts)

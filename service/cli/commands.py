"""All commands in one application."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli import (
    agreeing,
    bulk,
    choosing,
    codebooks,
    counting,
    drawing,
    drifting,
    exporting,
    extending,
    keeping,
    labelling,
    modelling,
    recoding,
    running,
    studying,
)

app = typer.Typer(
    name="second-coder",
    help="Suggests codes for interview transcripts and says how far to trust them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _everywhere(
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Where the state lives.", show_default=False, file_okay=False),
    ] = None,
) -> None:
    """Suggests codes for interview transcripts and says how far to trust them."""


studying.add_to(app)
codebooks.add_to(app)
modelling.add_to(app)
choosing.add_to(app)
agreeing.add_to(app)
counting.add_to(app)
drifting.add_to(app)
recoding.add_to(app)
exporting.add_to(app)
drawing.add_to(app)
extending.add_to(app)
bulk.add_to(app)
keeping.add_to(app)
labelling.add_to(app)
running.add_to(app)

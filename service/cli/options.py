"""What every command shares: where the state lives, and JSON or tables."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from service.house import House

Study = Annotated[str, typer.Argument(help="The study's name.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Where the state lives (else SECOND_CODER_HOME, else ./var).",
        show_default=False,
        file_okay=False,
    ),
]


def names_in(given: Iterable[str] | None) -> list[str]:
    """The names of an option that may be repeated, each time several with commas; each once."""
    names = (name.strip() for text in given or () for name in text.split(","))
    return list(dict.fromkeys(name for name in names if name))


def place_of_home(context: typer.Context, home: Path | None) -> Path:
    """The folder `--home`, given before or after the command's name; nothing is opened."""
    from service.settings import read_settings

    settings = read_settings(home=home or context.find_root().params.get("home"))
    return settings.home.expanduser().resolve()


def open_home(context: typer.Context, home: Path | None) -> "House":
    """The house under `--home`, given before or after the command's name.

    Its database is closed when the command is done.
    """
    from service.house import open_house
    from service.settings import read_settings

    house = open_house(read_settings(home=home or context.find_root().params.get("home")))
    context.call_on_close(house.database.close)
    return house

"""The house: where a service's state lives, opened once and handed to every workflow."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from annotations.errors import SettingsError
from service.settings import Settings
from service.storage.schema import migrate
from service.storage.session import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """Settings, database and places.

    `home` is the folder of everything; in it `artifacts` holds the published models, `cache`
    the embeddings, and `queue` is the file of the job queue.
    """

    settings: Settings
    database: Database
    home: Path
    artifacts: Path
    cache: Path
    queue: Path


def open_house(settings: Settings) -> House:
    """Make the folders, bring the database up to date, and return the house.

    Raises SettingsError where the home cannot be used, StateError where a newer version of
    Second Coder made the database, ExternalError where the database cannot be reached.
    """
    home = settings.home.expanduser().resolve()
    artifacts, cache = home / "models", home / "cache"
    try:
        # Interviews are confidential: nobody but the owner looks into the home.
        for folder in (home, artifacts, cache):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(
            f"The home {home} cannot be used: {error.strerror}. "
            "Choose a folder with --home or SECOND_CODER_HOME."
        ) from error
    _close(home, artifacts, cache)
    database = Database(
        settings.database_url.get_secret_value()
        if settings.database_url is not None
        # Not as a URL in text, in which ?, # and % of a folder's name would mean something else.
        else URL.create("sqlite", database=str(home / "second-coder.sqlite"))
    )
    migrate(database)
    return House(
        settings=settings.model_copy(update={"home": home}),
        database=database,
        home=home,
        artifacts=artifacts,
        cache=cache,
        queue=home / "queue.sqlite",
    )


def _close(home: Path, *folders: Path) -> None:
    """Take from everybody else what an earlier version, or its folder, left open to them.

    The home itself may be a folder that its owner opened to others on purpose.
    """
    for place in (*folders, *home.glob("*.sqlite*")):
        # SQLite deletes its logs whenever another command closes the database, and there are file
        # systems that cannot be written to or know no modes: what is wrong there, others tell.
        with suppress(OSError):
            found = place.stat()
            if found.st_uid == os.geteuid() and found.st_mode & 0o077:
                place.chmod(found.st_mode & 0o700)

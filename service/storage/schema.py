"""Brings a database to the tables that this version of the program knows."""

from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

from annotations.errors import StateError
from service.storage.session import Database

HEAD = "0009"
"""The newest migration. Kept here so that an up-to-date database is known without Alembic."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_283_554_109
"""Any number that nobody else uses: the PostgreSQL lock for migrating."""


def stored_revision(connection: Connection) -> str | None:
    """The revision that the database is at, None where it has no tables yet."""
    try:
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except (OperationalError, ProgrammingError):
        return None
    return found


def migrate(database: Database, to: str = HEAD) -> None:
    """Upgrade the database if it is not there already; two processes may do so at once.

    Raises StateError where a newer version of the program made it.
    """
    try:
        with database.reading_engine.connect() as connection:
            found = stored_revision(connection)
        if found == to:
            return
        check_known(found)
        with database.engine.begin() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            _alembic(connection, "upgrade", to)
    except DatabaseError as error:
        raise database.refusal(error) from error


def downgrade(database: Database, to: str = "base") -> None:
    """Take migrations back, with the data that only they can hold."""
    with database.engine.begin() as connection:
        _alembic(connection, "downgrade", to)


def check_known(revision: str | None, what: str = "The database") -> None:
    """Raise StateError where a newer version of the program made `what`."""
    if revision is None:
        return
    known = {path.name.split("_", 1)[0] for path in (_MIGRATIONS / "versions").glob("*.py")}
    if revision not in known:
        raise StateError(
            f"{what} was made by a newer version of Second Coder (its tables are at "
            f"{revision}, this version knows up to {HEAD}). Update Second Coder."
        )


def _alembic(connection: Connection, action: str, revision: str) -> None:
    # Slow to import, and rarely needed.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    getattr(command, action)(config, revision)

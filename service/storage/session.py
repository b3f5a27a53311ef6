"""The database and its unit of work: read and write by it, commit on purpose."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    InternalError,
    OperationalError,
)
from sqlalchemy.orm import Session

from annotations.errors import DatabaseRefused, InputError, Problem, SettingsError
from annotations.write_ahead import keep_a_log
from service.storage.codebook_log import CodebookLog
from service.storage.draws import Draws
from service.storage.jobs import Jobs
from service.storage.label_studio import LabelStudio
from service.storage.models import Models
from service.storage.overviews import Overviews
from service.storage.recodings import Recodings
from service.storage.recommendations import Recommendations
from service.storage.snapshots import Snapshots
from service.storage.studies import Studies
from service.storage.suggestions import Suggestions

WAIT_SECONDS = 30
"""How long a writer waits for another one on SQLite."""

_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What libpq waits for a server that is gone without a word: seconds, the last milliseconds."""

_TOO_LONG_FOR_AN_INDEX = "54000"
_SECRETS = ("password", "sslpassword", "passfile")
"""What libpq takes after the question mark of an address and nobody else needs to see."""

_DAMAGED = re.compile("malformed|not a database|corrupt")


class UnitOfWork:
    """Everything read and written together. Without `commit` nothing of it stays."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def studies(self) -> Studies:
        """Studies, transcripts, codebooks, codings."""
        return Studies(self._session)

    @cached_property
    def codebooks(self) -> CodebookLog:
        """Versions of codebooks, choices after splits, proposed edits."""
        return CodebookLog(self._session)

    @cached_property
    def models(self) -> Models:
        """Published model versions."""
        return Models(self._session)

    @cached_property
    def suggestions(self) -> Suggestions:
        """Suggestions, shown and withheld."""
        return Suggestions(self._session)

    @cached_property
    def recommendations(self) -> Recommendations:
        """What was recommended to be coded next."""
        return Recommendations(self._session)

    @cached_property
    def draws(self) -> Draws:
        """Samples drawn for people to code."""
        return Draws(self._session)

    @cached_property
    def recodings(self) -> Recodings:
        """Old excerpts that coders code again, blind."""
        return Recodings(self._session)

    @cached_property
    def label_studio(self) -> LabelStudio:
        """Connections, tasks, mirrored annotations, decisions."""
        return LabelStudio(self._session)

    @cached_property
    def overviews(self) -> Overviews:
        """Counts for pages."""
        return Overviews(self._session)

    @cached_property
    def jobs(self) -> Jobs:
        """Slow work."""
        return Jobs(self._session)

    @cached_property
    def snapshots(self) -> Snapshots:
        """Whole studies as records, for backups."""
        return Snapshots(self._session)

    def commit(self) -> None:
        """Keep what was written so far."""
        self._session.commit()


class Database:
    """A SQLite file or a PostgreSQL database.

    `url` is `sqlite:///FILE` or `postgresql://...`; nothing is opened before it is needed.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = _checked(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"

    def __repr__(self) -> str:
        return f"Database({_shown(self.url)!r})"

    @cached_property
    def engine(self) -> Engine:
        """The connections, made on first use."""
        # hide_parameters: a statement in a log or a traceback must not carry interview text.
        if not self.is_sqlite:
            # What the address itself says comes first.
            given = {key: value for key, value in _PATIENCE.items() if key not in self.url.query}
            return create_engine(
                self.url, hide_parameters=True, pool_pre_ping=True, connect_args=given
            )
        engine = create_engine(
            self.url, hide_parameters=True, connect_args={"timeout": WAIT_SECONDS}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @cached_property
    def reading_engine(self) -> Engine:
        """The same connections, in transactions that cannot write."""
        if self.is_sqlite:
            return self.engine.execution_options(read_only=True)
        return self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """Read and write; rolled back at the end unless committed.

        On SQLite there is one writer at a time, and this waits to be it: do nothing slow inside.
        """
        with self._session(self.engine) as work:
            yield work

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """Read alone: one consistent state, in nobody's way. The database refuses to write."""
        with self._session(self.reading_engine) as work:
            yield work

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[UnitOfWork]:
        with Session(engine, expire_on_commit=False) as session:
            try:
                yield UnitOfWork(session)
            except DatabaseError as error:
                unfit = _unfit(error)
                if unfit is not None:
                    raise InputError(unfit) from error
                # The other kinds are wrong statements: ours to mend, not the user's.
                if type(error) in (DatabaseError, InternalError, OperationalError):
                    raise self.refusal(error) from error
                raise
            finally:
                session.rollback()

    def refusal(self, error: DBAPIError) -> DatabaseRefused:
        """What to tell the user when the database cannot be reached or does not answer."""
        said = str(error.orig).strip()
        if not self.is_sqlite:
            return DatabaseRefused(
                f"The database {_shown(self.url)} refused: {said}. Check that it runs and that "
                "SECOND_CODER_DATABASE_URL is right."
            )
        place = f"The database {self.url.database}"
        if _DAMAGED.search(said):
            return DatabaseRefused(
                f"{place} is damaged: {said}. Restore it from a backup, or move it away, import "
                "the files again and run second-coder label-studio sync."
            )
        if "locked" in said:
            return DatabaseRefused(
                f"{place} is in use by another command for more than {WAIT_SECONDS} seconds. "
                "Wait until that one is done, and run this one again."
            )
        return DatabaseRefused(
            f"{place} cannot be used: {said}. Check that its folder may be written to and has "
            "free space, or choose another with --home or SECOND_CODER_HOME."
        )


def _shown(url: URL) -> str:
    """The address without what opens the database."""
    return url.difference_update_query(_SECRETS).render_as_string(hide_password=True)


def _unfit(error: DatabaseError) -> Problem | None:
    """What was given that SQLite would keep and PostgreSQL cannot, None where that is not it."""
    if isinstance(error, DataError) and "NUL" in str(error.orig):
        message = "a name or a text holds a NUL character, which PostgreSQL cannot keep; remove it"
    elif getattr(error.orig, "sqlstate", None) == _TOO_LONG_FOR_AN_INDEX:
        message = (
            "the name of a transcript, a code or a coder is longer than PostgreSQL can find again "
            f"({str(error.orig).splitlines()[0]}); shorten it to 600 characters or fewer"
        )
    else:
        return None
    return Problem(file="What was given", line=None, message=message)


def _checked(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            "The database URL cannot be read. It looks like postgresql://user:password@host/name "
            "or sqlite:///path/to/file."
        ) from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        if "@" in f"{parsed.host}{parsed.database}":
            # What was taken for a host or a name would show pieces of the password.
            raise SettingsError(
                "The database URL cannot be read: its password holds letters that end it early. "
                "Write them percent-encoded (%40 for @, %2F for /, %23 for #), or choose one of "
                "letters and digits, such as `openssl rand -hex 32` makes."
            )
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise SettingsError(
        f"A database of the kind {backend!r} with the name {parsed.database!r} cannot be used. "
        "Give postgresql://user:password@host/name or sqlite:///path/to/file."
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: _begin_sqlite does.
    connection.isolation_level = None
    keep_a_log(connection, wait_seconds=WAIT_SECONDS)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer in a deferred transaction fails at once when somebody else
    # wrote meanwhile, whatever the timeout: so writers say so from the start.
    reads = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {int(reads)}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

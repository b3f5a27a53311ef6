"""A study into one file while the service runs, and out of it again, on either database."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, MetaData
from sqlalchemy.exc import InterfaceError, OperationalError, StatementError
from sqlalchemy.orm import Session

from annotations.errors import (
    ArtifactError,
    ExternalError,
    InputError,
    Problem,
    StateError,
    command,
)
from models.artifacts import publish, verify, version_of_files
from service.backup_file import BackupReader, BackupWriter, Manifest
from service.house import House
from service.shared_models import share
from service.storage.records import now
from service.storage.schema import HEAD, check_known, migrate
from service.storage.session import Database, UnitOfWork
from service.storage.snapshots import Record, Snapshots
from service.workflows.modelling import folder_of

Records = Callable[[str], Iterable[Record]]


@dataclass(frozen=True, kw_only=True, slots=True)
class BackedUp:
    """A backup: rows by table, model versions in it, and what is not."""

    study: str
    file: Path
    bytes: int
    rows: Mapping[str, int]
    models: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """A study that was restored: its name here, rows by table, and what is left to do."""

    study: str
    rows: Mapping[str, int]
    models: tuple[str, ...]
    notes: tuple[str, ...]


def backup(house: House, study: str, file: Path, *, with_secrets: bool = False) -> BackedUp:
    """Write a study into a file: one state of it, in nobody's way.

    `with_secrets`: Label Studio's token and the webhook's secret, too. Jobs are no part of it.
    Raises NotFound for an unknown study, StateError where the file cannot be written.
    """
    if file.exists():
        raise StateError(f"{file} is there already; name another file, or move that one away.")
    try:
        with BackupWriter(file) as writer, house.database.reading() as work:
            rows = {
                table: writer.add_table(
                    table, work.snapshots.records(study, table, with_secrets=with_secrets)
                )
                for table in work.snapshots.tables
            }
            # The files of a version never change, so they may be read after the rows.
            kept, notes = _add_models(house, work, writer, study)
            writer.finish(
                Manifest(
                    study=study,
                    revision=HEAD,
                    created_at=now(),
                    secrets=with_secrets,
                    rows=rows,
                    models=kept,
                )
            )
            size = file.stat().st_size
    except OSError as error:
        raise StateError(
            f"{file} cannot be written: {error.strerror}. Name a file in a folder that you may "
            "write to and that has free space."
        ) from error
    return BackedUp(study=study, file=file, bytes=size, rows=rows, models=kept, notes=notes)


def restore(house: House, file: Path, name: str | None = None) -> Restored:
    """Put the study of a backup into the database, under its own name or another.

    All or nothing; a model that cannot be shared then is told in the notes. Raises InputError
    where the file is damaged or the name is taken, StateError where a newer version of Second
    Coder wrote it.
    """
    with BackupReader(file) as reader:
        check_known(reader.manifest.revision, "The backup")
        study = name or reader.manifest.study
        with house.database.reading() as work:
            if work.studies.exists(study):
                message = f"there is a study {study!r} already; choose another name with --as"
                raise InputError(Problem(file=str(file), line=None, message=message))
        for version in reader.manifest.models:
            _check_model(reader, version, file)
        with (
            _blaming(file),
            _records_of(reader) as records,
            # Before the rows, which a transaction waits with: others want to write, too.
            _models_placed(house, reader),
            house.database.unit_of_work() as work,
        ):
            connections = [_Connection.of(one) for one in records("connections")]
            free = [one for one in connections if not one.taken(work)]
            rows = work.snapshots.restore(
                study, lambda table: () if table == "connections" and not free else records(table)
            )
            work.commit()
        secrets = reader.manifest.secrets
    return Restored(
        study=study,
        rows=rows,
        models=reader.manifest.models,
        notes=(
            *(note for one in connections if (note := one.note(study, one in free, secrets))),
            *_share(house, reader.manifest.models),
        ),
    )


def _check_model(reader: BackupReader, version: str, file: Path) -> None:
    if version_of_files(reader.model(version)) != version:
        message = f"holds files under the name of model {version} that are another's"
        raise InputError(Problem(file=str(file), line=None, message=message))


@contextmanager
def _models_placed(house: House, reader: BackupReader) -> Iterator[None]:
    """Put the models in place; where what follows fails, those that were not there go again."""
    versions = reader.manifest.models
    new = [one for one in versions if not (house.artifacts / one).exists()]
    try:
        for version in versions:
            publish(reader.model(version), house.artifacts)
        yield
    except BaseException:
        with house.database.reading() as work:
            # Whoever restored the same backup meanwhile has them now.
            others = work.models.used()
        for version in set(new) - others:
            shutil.rmtree(house.artifacts / version, ignore_errors=True)
        raise


def _share(house: House, versions: Iterable[str]) -> Iterator[str]:
    """Put models where other machines find them; what is left to do where that fails."""
    place = house.settings.artifacts
    if place is None:
        return
    for version in versions:
        folder = house.artifacts / version
        try:
            share(place, folder)
        except ExternalError as error:
            yield (
                f"The study is restored, and model {version} works on this machine alone. {error} "
                f"Then copy the folder {folder} into the shared place, under its name."
            )


@contextmanager
def _blaming(file: Path) -> Iterator[None]:
    """Say of rows that no tables can hold that the file is at fault."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise  # The database's own trouble.
    except (KeyError, TypeError, ValueError, OverflowError, StatementError) as error:
        message = "is damaged: rows in it do not belong together; nothing was restored"
        raise InputError(Problem(file=str(file), line=None, message=message)) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Connection:
    """The Label Studio project that a study of a backup was connected to."""

    url: str
    project_id: int

    @classmethod
    def of(cls, record: Record) -> "_Connection":
        return cls(url=record["url"], project_id=record["project_id"])

    def taken(self, work: UnitOfWork) -> bool:
        """Whether another study here has the project: two would undo each other's work."""
        others = work.label_studio.connections_of_project(self.project_id)
        return any(other.url == self.url for other in others)

    def note(self, study: str, restored: bool, with_secrets: bool) -> str | None:
        if not restored:
            return (
                f"Another study is connected to project {self.project_id} at {self.url}, so "
                f"{study} is not; it has its annotations, and no sync will change them."
            )
        if with_secrets:
            return None
        again = command("label-studio", "connect", study, "--url", self.url)
        return f"The backup holds no secrets. Connect again: {again} --token TOKEN --ml-url URL"


@contextmanager
def _records_of(reader: BackupReader) -> Iterator[Records]:
    """The rows of a backup, in the tables of this version.

    Older ones are put into a database of their own version and come out of it migrated, as a
    database does that is upgraded.
    """
    if reader.manifest.revision == HEAD:
        yield reader.records
        return
    with tempfile.TemporaryDirectory(prefix="second-coder-restore-") as folder:
        database = Database(URL.create("sqlite", database=str(Path(folder) / "older.sqlite")))
        try:
            migrate(database, to=reader.manifest.revision)
            before = MetaData()
            before.reflect(database.engine)
            with Session(database.engine) as session:
                Snapshots(session, before).restore(reader.manifest.study, reader.records)
                session.commit()
            migrate(database)
            with database.reading() as work:
                yield lambda table: work.snapshots.records(
                    reader.manifest.study, table, with_secrets=True
                )
        finally:
            database.close()


def _add_models(
    house: House, work: UnitOfWork, writer: BackupWriter, study: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kept, notes = [], []
    for record in work.models.list(study):
        try:
            folder = folder_of(house, record.version)
            verify(folder)
        except ArtifactError as error:
            notes.append(f"The files of model {record.version} are not in the backup: {error}")
            continue
        writer.add_model(folder)
        kept.append(record.version)
    return tuple(kept), tuple(notes)

import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from annotations.errors import (
    DatabaseRefused,
    ExternalError,
    InputError,
    NotFound,
    SecondCoderError,
    SettingsError,
    StateError,
)
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.storage import schema
from service.storage.base import Base
from service.storage.schema import HEAD, downgrade, migrate, stored_revision
from service.storage.session import Database


def tables_of(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


def test_models_and_migrations_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        found = {
            index["name"]
            for table in Base.metadata.tables
            for index in inspect(connection).get_indexes(table)
        }
    # What the comparison does not see on every database: that partial indexes are there.
    wanted = {index.name for table in Base.metadata.tables.values() for index in table.indexes}
    assert wanted <= found


def test_the_newest_revision_is_the_one_named_in_the_program() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [HEAD]


def test_migrations_go_down_and_up_again(database: Database) -> None:
    assert tables_of(database) == set(Base.metadata.tables)
    downgrade(database)
    assert tables_of(database) == set()
    with database.engine.connect() as connection:
        assert stored_revision(connection) is None
    migrate(database)
    assert tables_of(database) == set(Base.metadata.tables)


def test_processes_may_migrate_at_once(empty_url: str) -> None:
    barrier = threading.Barrier(6)
    failures: list[BaseException] = []

    def open_database() -> None:
        mine = Database(empty_url)
        barrier.wait()
        try:
            migrate(mine)
        except Exception as error:  # noqa: BLE001 - looked at below
            failures.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=open_database) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    database = Database(empty_url)
    assert tables_of(database) == set(Base.metadata.tables)
    database.close()


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match=r"newer version.*9999"):
        migrate(database)


def test_reading_refuses_to_write(database: Database) -> None:
    with (
        pytest.raises((DBAPIError, ExternalError)),
        database.reading() as work,
    ):
        work.studies.create("trusts")
    # The connection goes back to the pool and can write again.
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.commit()


def test_reading_sees_one_state_throughout(database: Database) -> None:
    with database.reading() as reader:
        assert reader.studies.names() == ()
        with database.unit_of_work() as writer:
            writer.studies.create("trusts")
            writer.commit()
        assert reader.studies.names() == ()
    with database.reading() as reader:
        assert reader.studies.names() == ("trusts",)


def test_writers_wait_for_each_other(database: Database) -> None:
    """Each reads before it writes: what fails on SQLite where a transaction begins as a reader."""
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for turn in range(5):
                with database.unit_of_work() as work:
                    assert not work.studies.exists(f"study {number} {turn}")
                    work.studies.create(f"study {number} {turn}")
                    work.commit()
        except Exception as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.reading() as work:
        assert len(work.studies.names()) == 30


def test_the_database_itself_keeps_rows_together(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM transcripts"))
    assert (rows("turns"), rows("codings"), rows("readings")) == (0, 0, 0)
    with pytest.raises(DBAPIError), database.engine.begin() as connection:
        connection.execute(text("INSERT INTO turns VALUES (4711, 0, 'a', 'b')"))


def test_an_error_of_the_database_tells_no_text(database: Database, study: str) -> None:
    twice = text("INSERT INTO turns SELECT transcript_id, 0, 'Nurse', :words FROM turns")
    with database.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(twice, {"words": "my secret"})
    assert "my secret" not in str(refused.value)


def test_a_nul_in_a_name_is_no_failure_of_ours(database: Database, study: str) -> None:
    with pytest.raises((NotFound, InputError)) as refused, database.reading() as work:
        work.studies.load(f"{study}\0")
    assert database.is_sqlite or "NUL character" in str(refused.value)


def test_a_name_that_is_too_long_for_an_index_is_told_as_such(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    # At random, for it is compressed before it is measured.
    letters = "".join(map(chr, random.Random(0).choices(range(0x10000, 0x20000), k=4000)))

    def add(name: str) -> None:
        transcript = Transcript(name=name, turns=(Turn(index=0, speaker="", text="Well."),))
        with database.unit_of_work() as work:
            work.studies.add(study, Material(transcripts=(transcript,)))
            work.commit()

    before = rows("transcripts")
    if not database.is_sqlite:
        with pytest.raises(InputError, match="shorten it to 600"):
            add(letters)
        assert rows("transcripts") == before
    add(letters[:600])
    assert rows("transcripts") == before + 1


def test_passwords_are_not_in_repr_or_errors() -> None:
    database = Database("postgresql://ana:hush@127.0.0.1:1/study?connect_timeout=2")
    assert "hush" not in repr(database)
    with pytest.raises(ExternalError) as refused:
        migrate(database)
    assert "127.0.0.1" in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(("more", "seconds"), [("", "10"), ("connect_timeout=7", "7")])
def test_a_server_that_is_gone_without_a_word_is_given_up(
    new_postgres: Callable[[], AbstractContextManager[str]], more: str, seconds: str
) -> None:
    with new_postgres() as url:
        database = Database(f"{url}{'&' if '?' in url else '?'}{more}")
        with database.engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            said = driver.info.get_parameters()
        database.close()
    assert said["connect_timeout"] == seconds
    assert said["tcp_user_timeout"] == "30000"
    assert (said["keepalives_idle"], said["keepalives_count"]) == ("30", "3")


@pytest.mark.parametrize("key", ["password", "sslpassword", "passfile"])
def test_passwords_after_the_question_mark_are_not_shown_either(key: str) -> None:
    database = Database(f"postgresql://ana@127.0.0.1:1/study?{key}=hush&connect_timeout=2")
    assert "hush" not in repr(database)
    with pytest.raises(DatabaseRefused) as refused:
        migrate(database)
    assert "connect_timeout=2" in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://u:hush@h/d", "hush", "file.sqlite"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="postgresql://") as refused:
        Database(url)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("password", ["hu@sh", "hu@s/h", "hu/sh@x", "h@sh#y"])
def test_a_password_that_ends_early_is_named_and_not_shown(password: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Database(f"postgresql://ann:{password}@host/name")
    assert "percent-encoded" in str(refused.value)
    assert not {"hu", "sh", "s/h", "sh#y"} & set(str(refused.value).split())


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "notes.sqlite"
    file.write_text("These are notes, and no database at all. " * 100)
    with pytest.raises(SecondCoderError, match=r"notes\.sqlite"):
        migrate(Database(f"sqlite:///{file}"))
    assert file.read_text().startswith("These are notes")


def test_a_study_from_before_interviewers_were_marked_stays_readable(empty_url: str) -> None:
    old = Database(empty_url)
    migrate(old, "0001")
    with old.engine.begin() as connection:
        for statement in (
            "INSERT INTO studies (id, name, declared, created_at) "
            "VALUES (1, 's', false, '2026-01-01 00:00:00')",
            "INSERT INTO transcripts (id, study_id, name, words, attributes) "
            "VALUES (1, 1, 'T', 1, '{}')",
            "INSERT INTO turns (transcript_id, number, speaker, text) VALUES (1, 0, 'I', 'How?')",
        ):
            connection.execute(text(statement))
    migrate(old)
    with old.reading() as work:
        (turn,) = work.studies.transcript("s", "T").turns
    assert (turn.text, turn.interviewer) == ("How?", False)
    with old.engine.begin() as connection:
        schema._alembic(connection, "downgrade", "0001")
        assert connection.scalar(text("SELECT text FROM turns")) == "How?"
    old.close()

"""A study goes from one database into another, every table of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, DateTime, Double, Integer, MetaData, insert, select
from sqlalchemy.orm import Session

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.errors import InputError
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.storage.schema import migrate
from service.storage.session import Database
from service.storage.snapshots import NOT_KEPT, Snapshots, tables_of
from service.storage.tables import Base

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def _value(column: Column[Any], seed: int, parents: dict[str, int]) -> Any:
    if column.foreign_keys:
        return parents[next(iter(column.foreign_keys)).column.table.name]
    known = Base.metadata.tables[str(column.table)].c
    if column.name in known and known[column.name].info.get("code_keys"):
        return [{"id": parents["codes"], "state": "live", "code": f"code {seed}"}]
    kind = getattr(column.type, "impl_instance", column.type)
    if isinstance(kind, DateTime):
        return MOMENT
    if isinstance(kind, JSON):
        return [{"näme": [1, 2.5, None], "seed": seed}]
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Double):
        return 0.1 + seed
    if isinstance(kind, Integer):
        return 1000 * seed
    return f"{column.name} 😀 {seed}"


def fill(database: Database, metadata: MetaData, seed: int) -> str:
    """Make a study that has a row in every table; its name."""
    parents: dict[str, int] = {}
    with database.engine.begin() as connection:
        for table in tables_of(metadata):
            values = {
                column.name: _value(column, seed, parents)
                for column in table.c
                if column.name != "id"
            }
            made = connection.execute(insert(table).values(**values))
            if "id" in table.c:
                parents[table.name] = made.inserted_primary_key[0]
        return str(connection.scalar(select(metadata.tables["studies"].c.name).limit(1)))


def _content(snapshots: Snapshots, study: str) -> dict[str, list[dict[str, Any]]]:
    """Every row without the keys, which are made anew."""
    return {
        table: [
            {
                name: value
                for name, value in record.items()
                if name != "id"
                and not Base.metadata.tables[table].c[name].foreign_keys
                and not Base.metadata.tables[table].c[name].info.get("code_keys")
            }
            for record in snapshots.records(study, table, with_secrets=True)
        ]
        for table in snapshots.tables
    }


def test_every_table_but_the_jobs_belongs_to_a_study() -> None:
    kept = {table.name for table in tables_of(Base.metadata)}
    assert kept == Base.metadata.tables.keys() - NOT_KEPT


def test_a_study_comes_into_another_database_as_it_was_and_nothing_of_others(
    database: Database, tmp_path: Any
) -> None:
    fill(database, Base.metadata, seed=1)
    fill(database, Base.metadata, seed=2)
    other = Database(f"sqlite:///{tmp_path / 'other.sqlite'}")
    migrate(other)
    fill(other, Base.metadata, seed=3)
    with database.reading() as source, other.unit_of_work() as target:
        name = "name 😀 2"
        counts = target.snapshots.restore(
            "copy", lambda table: source.snapshots.records(name, table, with_secrets=True)
        )
        target.commit()
        before = _content(source.snapshots, name)
    assert set(counts.values()) == {1}
    with other.reading() as target:
        (code,) = target.snapshots.records("copy", "codes")
        (version,) = target.snapshots.records("copy", "codebook_versions")
        (choice,) = target.snapshots.records("copy", "coding_choices")
    assert [one["id"] for one in (*version["codes"], *version["passages"])] == [code["id"]] * 2
    assert choice["chosen_by"]
    with other.reading() as target, database.unit_of_work() as back:
        after = _content(target.snapshots, "copy")
        # And into a database where the same project is connected already, without that.
        back.snapshots.restore(
            "again",
            lambda table: (
                ()
                if table == "connections"
                else target.snapshots.records("copy", table, with_secrets=True)
            ),
        )
        again = _content(back.snapshots, "again")
        assert back.studies.names() == ("again", "name 😀 1", "name 😀 2")
    assert before["studies"][0].pop("name") == name
    assert after["studies"][0].pop("name") == "copy"
    assert after == before
    again["studies"][0].pop("name")
    assert again == {**before, "connections": []}
    other.close()


def test_secrets_stay_out_and_come_back_as_ones_that_nobody_knows(database: Database) -> None:
    fill(database, Base.metadata, seed=1)
    name = "name 😀 1"
    with database.unit_of_work() as work:
        (record,) = work.snapshots.records(name, "connections")
        assert (record["token"], record["webhook_secret"]) == ("", "")
        (told,) = work.snapshots.records(name, "connections", with_secrets=True)
        assert told["token"].startswith("token")
        record["project_id"] = 5
        work.snapshots.restore(
            "copy",
            lambda table: (
                [record] if table == "connections" else work.snapshots.records(name, table)
            ),
        )
        (made,) = work.snapshots.records("copy", "connections", with_secrets=True)
        assert min(len(made["token"]), len(made["webhook_secret"])) >= 32


def test_a_name_that_is_taken_changes_nothing(database: Database) -> None:
    fill(database, Base.metadata, seed=1)
    name = "name 😀 1"
    with database.unit_of_work() as work, pytest.raises(InputError, match="already"):
        work.snapshots.restore(name, lambda table: work.snapshots.records(name, table))
    with database.reading() as work:
        assert work.studies.names() == (name,)


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_rows_of_an_older_version_are_put_into_its_own_tables(revision: str, tmp_path: Any) -> None:
    old = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    migrate(old, revision)
    metadata = MetaData()
    metadata.reflect(old.engine)
    fill(old, metadata, seed=1)
    with Session(old.engine) as session:
        snapshots = Snapshots(session, metadata)
        assert "recommendations" not in snapshots.tables
        (turn,) = snapshots.records("name 😀 1", "turns")
        (annotation,) = snapshots.records("name 😀 1", "annotations")
        snapshots.restore(
            "copy",
            lambda table: () if table == "connections" else snapshots.records("name 😀 1", table),
        )
        (copied,) = snapshots.records("copy", "turns")
        (copy,) = snapshots.records("copy", "annotations")
    assert copied["text"] == turn["text"] == "text 😀 1"
    assert datetime.fromisoformat(copy["created_at"]) == datetime.fromisoformat(
        annotation["created_at"]
    )
    old.close()


def test_rows_of_all_tables_are_of_one_moment_while_others_write(
    database: Database, eventually: Callable
) -> None:
    written: list[int] = []
    over = Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            name = f"ward {number}"
            with database.unit_of_work() as work:
                work.studies.add(
                    "nurses",
                    Material(
                        transcripts=(
                            Transcript(
                                name=name, turns=(Turn(index=0, speaker="P", text="So it is."),)
                            ),
                        ),
                        codings=(
                            Coding(transcript=name, turn=0, start=0, end=2, code="A", coder="ana"),
                        ),
                        readings=(Reading(transcript=name, turn=0, coder="ana"),),
                        codebook=Codebook.of([Code(path="A")], declared=False),
                    ),
                )
                work.commit()
            number += 1
            written.append(number)

    with database.unit_of_work() as work:
        work.studies.create("nurses")
        work.commit()
    writer = Thread(target=write)
    writer.start()
    try:
        eventually(lambda: len(written) > 2, "nothing was written")
        with database.reading() as work:
            counts = []
            for table in ("transcripts", "codings", "readings"):
                counts.append(sum(1 for _ in work.snapshots.records("nurses", table)))
                before = len(written)
                eventually(lambda now=before: len(written) > now + 1, "the writer had to wait")
    finally:
        over.set()
        writer.join()
    assert counts[0] > 2
    assert len(set(counts)) == 1
    assert len(written) > counts[0]

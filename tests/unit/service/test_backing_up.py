"""Restoring a study with its models: all of it is there afterwards, or nothing is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from annotations.errors import InputError
from models.artifacts import publish
from service.backup_file import BackupWriter, Manifest
from service.house import House, open_house
from service.settings import read_settings
from service.storage.records import ModelRecord, now
from service.storage.schema import HEAD
from service.workflows import backing_up
from service.workflows.backing_up import restore

Backup = Callable[..., Path]


@pytest.fixture
def house(home: Path, tmp_path: Path) -> Iterator[House]:
    """Where backups are restored, which shares its models in a folder."""
    house = open_house(read_settings(home=home, artifacts=str(tmp_path / "shared")))
    yield house
    house.database.close()


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    """The folders of two models."""
    store = tmp_path / "store"
    return [store / publish({"model.json": content}, store) for content in (b"1", b"2")]


@pytest.fixture
def backup(
    models: list[Path],
    tmp_path: Path,
    on_database: Callable[..., AbstractContextManager[str | None]],
) -> Backup:
    """Write a backup of a study with the models, and of other tables instead of its own."""

    def write(folders: Sequence[Path] = models, **tables: Sequence[Mapping[str, Any]]) -> Path:
        home, file = tmp_path / "first", tmp_path / "s.zip"
        with on_database(home):
            first = open_house(read_settings(home=home))
            with first.database.unit_of_work() as work:
                work.studies.create("s")
                for folder in models:
                    record = ModelRecord(version=folder.name, encoder="e", size_bytes=1, figures={})
                    work.models.add("s", record)
                work.commit()
            with BackupWriter(file) as writer, first.database.reading() as work:
                rows = {
                    table: writer.add_table(
                        table, tables.get(table, work.snapshots.records("s", table))
                    )
                    for table in work.snapshots.tables
                }
                for folder in folders:
                    writer.add_model(folder)
                writer.finish(
                    Manifest(
                        study="s",
                        revision=HEAD,
                        created_at=now(),
                        secrets=False,
                        rows=rows,
                        models=tuple(folder.name for folder in folders),
                    )
                )
            first.database.close()
        return file

    return write


def there(house: House) -> list[str]:
    """The models in the home and those shared, and the studies."""
    assert house.settings.artifacts is not None
    folders = [house.artifacts, Path(house.settings.artifacts)]
    with house.database.reading() as work:
        studies = work.studies.names()
    return [*(one.name for place in folders for one in sorted(place.glob("*"))), *studies]


def test_both_models_are_there_and_shared(house: House, backup: Backup, models: list[Path]) -> None:
    assert restore(house, backup()).notes == ()
    names = sorted(folder.name for folder in models)
    assert there(house) == [*names, *names, "s"]


def test_a_second_model_under_a_wrong_name_leaves_nothing_of_the_first(
    house: House, backup: Backup, models: list[Path]
) -> None:
    wrong = models[1].rename(models[1].with_name("0123456789abcdef"))
    file = backup([models[0], wrong])
    with pytest.raises(InputError, match="0123456789abcdef that are another's"):
        restore(house, file)
    assert there(house) == []


def test_rows_that_are_refused_leave_no_model(house: House, backup: Backup) -> None:
    file = backup(connections=[{"id": 1}])
    with pytest.raises(InputError, match="do not belong together"):
        restore(house, file)
    assert there(house) == []


def test_a_model_that_was_there_stays_where_a_backup_is_refused(
    house: House, backup: Backup, models: list[Path]
) -> None:
    publish({"model.json": b"1"}, house.artifacts)
    file = backup(connections=[{"id": 1}])
    with pytest.raises(InputError):
        restore(house, file)
    assert there(house) == [models[0].name]


def test_models_that_another_study_has_by_now_stay_where_a_backup_is_refused(
    house: House, backup: Backup, models: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backup()

    def publish_as_others_do(files: Mapping[str, bytes], store: Path) -> str:
        version = publish(files, store)
        with house.database.unit_of_work() as work:
            if not work.studies.exists("s"):
                work.studies.create("s")
            record = ModelRecord(version=version, encoder="e", size_bytes=1, figures={})
            work.models.add("s", record)
            work.commit()
        return version

    monkeypatch.setattr(backing_up, "publish", publish_as_others_do)
    # Others wrote while models were put in place, and took the name.
    with pytest.raises(InputError, match="a study of this name already"):
        restore(house, file)
    assert there(house) == [*sorted(folder.name for folder in models), "s"]


def test_a_disk_that_fills_up_leaves_nothing(
    house: House, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backup()
    placed: list[str] = []

    def publish_one(files: Mapping[str, bytes], store: Path) -> str:
        if placed:
            raise OSError(28, "No space left on device")
        placed.append(publish(files, store))
        return placed[0]

    monkeypatch.setattr(backing_up, "publish", publish_one)
    with pytest.raises(OSError, match="No space left"):
        restore(house, file)
    assert placed
    assert there(house) == []


def test_where_sharing_alone_fails_the_study_is_there_and_says_what_to_do(
    home: Path, backup: Backup, models: list[Path]
) -> None:
    file = backup()
    house = open_house(read_settings(home=home, artifacts="nonsense://host/models"))
    found = restore(house, file)
    with house.database.reading() as work:
        assert work.studies.names() == ("s",)
    assert {one.name for one in house.artifacts.iterdir()} == {one.name for one in models}
    assert len(found.notes) == 2
    for folder in models:
        (note,) = (one for one in found.notes if folder.name in one)
        assert "SECOND_CODER_ARTIFACTS" in note
        assert f"copy the folder {house.artifacts / folder.name} into the shared place" in note
    house.database.close()

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from annotations.errors import ExternalError, SettingsError
from service.house import open_house
from service.settings import read_settings


def test_a_house_is_opened_where_nothing_was(home: Path) -> None:
    house = open_house(read_settings(home=home / "deep" / "home", database_url=None))
    with house.database.unit_of_work() as work:
        work.studies.create("trusts")
        work.commit()
    house.database.close()
    for folder in (house.home, house.artifacts, house.cache):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.is_relative_to(home)
    assert house.queue.parent == house.home


@pytest.mark.sqlite("its file lies in the home")
def test_what_a_command_writes_is_its_owners_alone_in_an_open_folder_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True, mode=0o755)
    home.chmod(0o755)
    database = home / "second-coder.sqlite"
    database.touch(mode=0o644)
    sample = Path(__file__).resolve().parents[3] / "examples" / "middle_managers"
    command = "from service.cli import main; main()"
    for arguments in (
        ("import", "managers", str(sample)),
        ("matrix", "managers", "--csv", str(home / "matrix.csv")),
    ):
        subprocess.run(
            [sys.executable, "-c", command, "--home", str(home), *arguments],
            check=True,
            capture_output=True,
            env={key: value for key, value in os.environ.items() if "SECOND_CODER" not in key},
        )
    made = [place for place in home.rglob("*") if place.is_file()]
    assert {home / "matrix.csv", database} <= set(made)
    for place in (*made, home / "models"):
        assert not place.stat().st_mode & 0o077, place


@pytest.mark.parametrize("when", ["before it is looked at", "before it is closed"])
def test_a_file_that_sqlite_deletes_meanwhile_does_not_keep_from_a_home(
    home: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    open_house(read_settings(home=home)).database.close()
    log = home / "queue.sqlite-wal"
    stat_of, close = Path.stat, Path.chmod

    def look(place: Path, **more: bool) -> os.stat_result:
        if place == log and when == "before it is looked at":
            log.unlink(missing_ok=True)
        return stat_of(place, **more)

    def close_(place: Path, mode: int, **more: bool) -> None:
        log.unlink()
        close(place, mode, **more)

    log.touch()
    log.chmod(0o644)
    monkeypatch.setattr(Path, "stat", look)
    monkeypatch.setattr(Path, "chmod", close_)
    open_house(read_settings(home=home)).database.close()
    assert not log.exists()


def test_a_home_opens_where_modes_cannot_be_changed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_house(read_settings(home=home)).database.close()
    (home / "models").chmod(0o755)
    asked = []

    def refuse(place: Path, _mode: int) -> None:
        asked.append(place)
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "chmod", refuse)
    open_house(read_settings(home=home)).database.close()
    assert home / "models" in asked


def test_studies_are_on_the_database_that_the_tests_are_run_on(
    home: Path, database_kind: str
) -> None:
    house = open_house(read_settings(home=home))
    with house.database.unit_of_work() as work:
        work.studies.create("trusts")
        work.commit()
    house.database.close()
    assert house.database.url.get_backend_name() == database_kind
    assert (home / "second-coder.sqlite").exists() == (database_kind == "sqlite")


def test_a_house_opened_again_holds_what_it_held(home: Path) -> None:
    settings = read_settings(home=home)
    for expected in ((), ("trusts",)):
        house = open_house(settings)
        with house.database.unit_of_work() as work:
            assert work.studies.names() == expected
            if not expected:
                work.studies.create("trusts")
                work.commit()
        house.database.close()


@pytest.mark.sqlite("it looks for the file")
@pytest.mark.parametrize("name", ["a?b", "a%20b", "a#b", "a@b:c", "my home ü 😀 'q'"])
def test_everything_is_in_the_home_whatever_its_name(tmp_path: Path, name: str) -> None:
    house = open_house(read_settings(home=tmp_path / name, database_url=None))
    house.database.close()
    assert (tmp_path / name / "second-coder.sqlite").is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_places_do_not_depend_on_where_the_process_goes(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    house = open_house(read_settings(home=Path("var")))
    house.database.close()
    assert house.artifacts.is_absolute()
    assert house.settings.home == tmp_path / "var"


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("")
    with pytest.raises(SettingsError, match="--home"):
        open_house(read_settings(home=file))


def test_a_database_that_is_not_there_is_reported(tmp_path: Path) -> None:
    url = "postgresql://ana:hush@127.0.0.1:1/study?connect_timeout=2"
    with pytest.raises(ExternalError, match="SECOND_CODER_DATABASE_URL") as refused:
        open_house(read_settings(home=tmp_path, database_url=url))
    assert "hush" not in str(refused.value)


def test_an_up_to_date_house_opens_without_the_migration_tool(home: Path) -> None:
    """Start-up time matters: every command opens the house."""
    opening = (
        "import sys; from pathlib import Path; from service.house import open_house; "
        "from service.settings import read_settings; "
        f"open_house(read_settings(home=Path({str(home)!r}))).database.close(); "
        "print('alembic' in sys.modules, 'torch' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", opening], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["True", "False"], ["False", "False"]]

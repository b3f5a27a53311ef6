"""A fresh database for each test, on SQLite and on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.storage.schema import migrate
from service.storage.session import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'study.sqlite'}"
        return
    with request.getfixturevalue("new_postgres")() as url:
        yield url


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    """A database with the newest tables and nothing in them."""
    database = Database(empty_url)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def material() -> Material:
    """Two transcripts, two coders, three codes; an emoji and accents in the words."""
    return Material(
        transcripts=(
            Transcript(
                name="ward",
                turns=(
                    Turn(index=0, speaker="Interviewer", text="Who helps you? 😀"),
                    Turn(index=1, speaker="Nurse", text="My sister, née Müller, and the ward."),
                    Turn(index=2, speaker="Nurse", text=""),
                ),
                attributes={"trust": "Acute"},
            ),
            Transcript(
                name="clinic",
                turns=(Turn(index=0, speaker="Doctor", text="Nobody. We are too few."),),
            ),
        ),
        codings=(
            Coding(transcript="ward", turn=1, start=0, end=9, code="Support > Family", coder="ana"),
            Coding(transcript="ward", turn=1, start=0, end=9, code="Support > Family", coder="bo"),
            Coding(transcript="clinic", turn=0, start=0, end=7, code="Strain", coder="ana"),
        ),
        readings=(
            Reading(transcript="ward", turn=0, coder="ana"),
            Reading(transcript="ward", turn=1, coder="ana"),
            Reading(transcript="ward", turn=1, coder="bo"),
            Reading(transcript="clinic", turn=0, coder="ana"),
        ),
        codebook=Codebook.of(
            [
                Code(path="Support > Family", definition="Help from kin", examples=("my aunt",)),
                Code(path="Strain"),
            ],
            declared=True,
        ),
    )


@pytest.fixture
def study(database: Database, material: Material) -> str:
    """The name of a study that holds the material."""
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.studies.add("trusts", material)
        work.commit()
    return "trusts"


@pytest.fixture
def rows(database: Database) -> Callable[[str], int]:
    """How many rows a table has."""

    def count(table: str) -> int:
        with database.engine.connect() as connection:
            return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)

    return count

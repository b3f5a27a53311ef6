from collections.abc import Callable
from dataclasses import replace

import pytest

from annotations.drawing import Member
from annotations.errors import NotFound
from service.storage.records import DrawRecord
from service.storage.schema import HEAD, downgrade, migrate
from service.storage.session import Database

BEFORE_DOUBTS = "0007"


def record(*members: Member, seed: int = 1) -> DrawRecord:
    return DrawRecord(
        size=1, by=("trust",), allocation="equal", seed=seed, version="v", members=members
    )


def member(name: str, *, drawn: bool, probability: float = 1 / 3) -> Member:
    return Member(transcript=name, stratum=("Acute",), probability=probability, drawn=drawn)


def add(database: Database, study: str, found: DrawRecord) -> None:
    with database.unit_of_work() as work:
        work.draws.add(study, found)
        work.commit()


def test_a_draw_comes_back_as_it_was_and_the_newest_is_last(database: Database, study: str) -> None:
    first = record(member("clinic", drawn=True), member("ward", drawn=False))
    second = record(member("clinic", drawn=False), member("ward", drawn=True), seed=2**60)
    add(database, study, first)
    add(database, study, second)
    with database.reading() as work:
        assert work.draws.list(study) == (first, second)
        # What an earlier draw has drawn stays withheld.
        assert work.draws.drawn(study) == {"clinic", "ward"}


@pytest.mark.parametrize("unsure_of", [None, (), ("Beds", "Staff > Rota")])
def test_whose_doubts_decided_comes_back(
    database: Database, study: str, unsure_of: tuple[str, ...] | None
) -> None:
    found = replace(record(member("clinic", drawn=True)), unsure_of=unsure_of)
    add(database, study, found)
    with database.reading() as work:
        assert work.draws.list(study) == (found,)


def test_a_draw_of_what_there_is_not_is_refused_whole(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    with pytest.raises(NotFound):
        add(database, study, record(member("nowhere", drawn=True)))
    assert (rows("draws"), rows("draw_members")) == (0, 0)


def test_a_draw_from_before_doubts_could_decide_had_even_chances(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    found = replace(record(member("clinic", drawn=True)), unsure_of=("Beds",))
    add(database, study, found)
    before = [rows(table) for table in ("turns", "codings", "readings", "draw_members")]
    # What 0008 follows: the tables of then, with all that they held.
    downgrade(database, BEFORE_DOUBTS)
    migrate(database, HEAD)
    with database.reading() as work:
        assert work.draws.list(study) == (replace(found, unsure_of=None),)
    assert [rows(table) for table in ("turns", "codings", "readings", "draw_members")] == before


def test_a_study_of_the_version_before_is_read_after_the_upgrade(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    add(database, study, record(member("clinic", drawn=True)))
    before = [rows(table) for table in ("turns", "codings", "readings")]
    downgrade(database, "0005")
    migrate(database, HEAD)
    with database.reading() as work:
        assert work.draws.list(study) == ()
    assert [rows(table) for table in ("turns", "codings", "readings")] == before

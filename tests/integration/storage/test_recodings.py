"""Excerpts coded again are kept apart, and read under today's codebook."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from annotations.codebook import Code
from annotations.codebook_versions.operations import Add, Merge, Rename, Retire, Split
from annotations.codings import Coding
from annotations.errors import NotFound
from service.storage.records import RecodeDraw, RecodeExcerpt
from service.storage.schema import HEAD, downgrade, migrate
from service.storage.session import Database

Rows = Callable[[str], int]
DRAWN = datetime(2026, 3, 1, tzinfo=UTC)
CODED = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)


def coding(code: str, *, end: int = 9) -> Coding:
    return Coding(
        transcript="ward", turn=1, start=0, end=end, code=code, coder="ana", coded_at=CODED
    )


def draw(key: str = "d1", *, transcript: str = "ward") -> RecodeDraw:
    first = RecodeExcerpt(
        transcript=transcript,
        turn=1,
        key=f"{key}-1",
        stratum="Support > Family",
        probability=1 / 3,
        coded_at=CODED,
        before=(coding("Support > Family"),),
    )
    second = RecodeExcerpt(
        transcript="clinic",
        turn=0,
        key=f"{key}-2",
        stratum="",
        probability=0.1,
        coded_at=None,
        before=(),
    )
    return RecodeDraw(
        coder="ana",
        size=2,
        seed=2**60,
        days=14,
        key=key,
        excerpts=(first, second),
        created_at=DRAWN,
    )


@pytest.fixture
def drawn(database: Database, study: str) -> str:
    with database.unit_of_work() as work:
        work.recodings.add(study, draw())
        work.commit()
    return study


def take(
    database: Database, study: str, *codings: Coding, at: datetime = DRAWN, key: str = "d1-1"
) -> bool:
    with database.unit_of_work() as work:
        changed = work.recodings.take(study, key, codings, annotator="ana@x", at=at)
        work.commit()
    return changed


def excerpts(database: Database, study: str) -> tuple[RecodeExcerpt, ...]:
    with database.reading() as work:
        return work.recodings.list(study)[-1].excerpts


def test_a_draw_comes_back_as_it_was(database: Database, drawn: str) -> None:
    with database.reading() as work:
        assert work.recodings.list(drawn) == (draw(),)
    with database.unit_of_work() as work:
        work.recodings.add(drawn, draw("d2"))
        work.recodings.pushed(drawn, "d1", 2**40)
        work.recodings.remove(drawn, "d2")
        (found,) = work.recodings.list(drawn)
    assert (found.key, found.project_id) == ("d1", 2**40)


def test_a_draw_of_what_there_is_not_is_refused_whole(
    database: Database, study: str, rows: Rows
) -> None:
    with pytest.raises(NotFound), database.unit_of_work() as work:
        work.recodings.add(study, draw(transcript="nowhere"))
    assert (rows("recode_draws"), rows("recode_excerpts")) == (0, 0)


def test_what_is_coded_again_is_no_coding_of_the_study(
    database: Database, drawn: str, rows: Rows
) -> None:
    with database.reading() as work:
        before = (work.studies.load(drawn), work.studies.summary(drawn))
        record = work.codebooks.record(drawn)
    assert take(database, drawn, coding("Strain"), coding("Strain"), coding("Strain", end=4))
    assert not take(database, drawn, coding("Strain"))
    assert rows("recode_codings") == 3
    first, second = excerpts(database, drawn)
    assert first.after is not None
    assert {(one.code, one.end) for one in first.after} == {("Strain", 9), ("Strain", 4)}
    assert (first.recoded_at, first.annotator) == (DRAWN, "ana@x")
    assert second.after is None
    with database.reading() as work:
        assert (work.studies.load(drawn), work.studies.summary(drawn)) == before
        assert work.codebooks.record(drawn) == record
        assert work.label_studio.annotation_ids(drawn) == ()
    # Changed in Label Studio, and deleted there.
    assert take(database, drawn, at=DRAWN + timedelta(hours=1))
    assert excerpts(database, drawn)[0].after == ()
    with database.unit_of_work() as work:
        assert work.recodings.forget(drawn, ["d1-1", "d1-2"]) == 1
        work.commit()
    assert excerpts(database, drawn)[0] == draw().excerpts[0]
    assert rows("recode_codings") == 1


def test_both_codings_are_read_under_todays_codebook(database: Database, drawn: str) -> None:
    def revise(operation: Add | Merge | Rename | Retire | Split) -> None:
        with database.unit_of_work() as work:
            work.codebooks.revise(drawn, [operation], author="asha", reason="")
            work.commit()

    revise(Rename(code="Support > Family", to="Kin"))
    revise(Add(code=Code(path="Weather")))
    assert take(
        database,
        drawn,
        coding("Support > Kin"),
        coding("Weather"),
        at=datetime.now(UTC) + timedelta(minutes=1),
    )
    first, _ = excerpts(database, drawn)
    assert [one.code for one in first.before] == ["Support > Kin"]
    assert first.after is not None
    assert {one.code for one in first.after} == {"Support > Kin", "Weather"}
    assert first.younger == {"Weather"}
    assert not first.undecided

    revise(Merge(codes=("Support > Kin", "Strain"), into=Code(path="Burden")))
    first, _ = excerpts(database, drawn)
    assert [one.code for one in first.before] == ["Burden"]
    assert first.younger == {"Weather"}

    revise(Split(code="Burden", into=(Code(path="Weight"), Code(path="Load"))))
    first, second = excerpts(database, drawn)
    assert (first.undecided, first.before) == (True, ())
    assert not second.undecided
    assert first.younger == {"Weather"}


def test_a_study_of_the_version_before_is_read_after_the_upgrade(
    database: Database, drawn: str, rows: Rows
) -> None:
    tables = ("turns", "codings", "readings", "codes", "codebook_versions")
    before = [rows(table) for table in tables]
    with database.reading() as work:
        whole = work.studies.load(drawn)
    downgrade(database, "0006")
    migrate(database, HEAD)
    with database.reading() as work:
        assert work.recodings.list(drawn) == ()
        assert work.studies.load(drawn) == whole
    assert [rows(table) for table in tables] == before

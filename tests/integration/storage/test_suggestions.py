from collections.abc import Callable
from dataclasses import replace

import pytest

from annotations.errors import NotFound
from models.suggestions import Evidence, Exemplar, Suggestion
from service.storage.session import Database


def suggestion(code: str, start: int = 0, end: int = 9, score: float = 0.8) -> Suggestion:
    return Suggestion(
        transcript="ward",
        turn=1,
        start=start,
        end=end,
        text="My sister, née Müller, and the ward."[start:end],
        code=code,
        score=score,
        threshold=0.4,
        model_version="aaa",
        because=(
            Exemplar(transcript="clinic", turn=0, start=0, end=7, text="Nobody.", coder="ana"),
        ),
    )


def store(database: Database, *items: Suggestion, shown: bool, version: str = "aaa") -> None:
    with database.unit_of_work() as work:
        work.suggestions.store(
            "trusts",
            version=version,
            transcript="ward",
            suggestions=items,
            shown=shown,
            region_ids=[f"region {number}" for number, _ in enumerate(items)],
        )
        work.commit()


def test_a_suggestion_comes_back_with_its_reason(database: Database, study: str) -> None:
    first, second = suggestion("Strain", 11, 21), suggestion("Support > Family")
    store(database, first, second, shown=True)
    with database.reading() as work:
        found = work.suggestions.of(study, version="aaa", transcript="ward")
    assert [item.suggestion for item in found] == [second, first]
    assert first.text == "née Müller"
    assert [item.region_id for item in found] == ["region 1", "region 0"]
    assert all(item.shown for item in found)


def test_a_suggestion_comes_back_with_its_evidence(database: Database, study: str) -> None:
    whole = replace(
        suggestion("Strain", 0, 36), evidence=Evidence(start=11, end=21, text="née Müller")
    )
    store(database, whole, shown=True)
    with database.reading() as work:
        (found,) = work.suggestions.of(study, version="aaa", transcript="ward")
    assert found.suggestion == whole


def test_storing_again_replaces_what_the_version_said(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    store(database, suggestion("Strain"), suggestion("Support > Family"), shown=False)
    store(database, suggestion("Strain"), shown=False)
    store(database, suggestion("Strain"), shown=False, version="bbb")
    assert (rows("suggestion_batches"), rows("suggestions")) == (2, 2)


def test_suggestions_of_many_transcripts_come_each_by_its_version(
    database: Database, study: str
) -> None:
    here, there = suggestion("Strain"), replace(suggestion("Strain", 0, 7), transcript="clinic")
    store(database, here, shown=False)
    store(database, suggestion("Support > Family"), shown=False, version="bbb")
    with database.unit_of_work() as work:
        elsewhere = replace(there, turn=0, text="Nobody.", model_version="bbb")
        work.suggestions.store(
            study, version="bbb", transcript="clinic", suggestions=[elsewhere], shown=True
        )
        work.commit()
    with database.reading() as work:
        found = work.suggestions.of_many(study, {"clinic": "bbb", "ward": "aaa"})
        missing = work.suggestions.of_many(study, {"clinic": "aaa"})
    assert {name: [one.suggestion for one in some] for name, some in found.items()} == {
        "clinic": [elsewhere],
        "ward": [here],
    }
    assert missing == {"clinic": ()}


def test_withheld_suggestions_are_kept(database: Database, study: str) -> None:
    store(database, suggestion("Strain"), shown=False)
    with database.reading() as work:
        found = work.suggestions.of(study, version="aaa", transcript="ward")
        assert [item.shown for item in found] == [False]
        assert work.suggestions.shown_transcripts(study) == frozenset()
        assert work.suggestions.looked_at(study, version="aaa") == {"ward"}
        assert work.suggestions.looked_at(study, version="bbb") == frozenset()


def test_what_was_shown_once_was_shown(database: Database, study: str) -> None:
    store(database, suggestion("Strain"), shown=True)
    store(database, suggestion("Strain"), shown=False)
    store(database, suggestion("Strain"), shown=False, version="bbb")
    with database.reading() as work:
        assert work.suggestions.shown_transcripts(study) == {"ward"}
        assert work.suggestions.shown_versions(study) == {"ward": "aaa"}
        (found,) = work.suggestions.of(study, version="bbb", transcript="ward")
        assert not found.shown


def test_a_version_that_suggested_nothing_has_still_been_shown(
    database: Database, study: str
) -> None:
    store(database, shown=True)
    with database.reading() as work:
        assert work.suggestions.of(study, version="aaa", transcript="ward") == ()
        assert work.suggestions.shown_transcripts(study) == {"ward"}


def test_an_unknown_transcript_is_refused(database: Database, study: str) -> None:
    with database.unit_of_work() as work, pytest.raises(NotFound, match="'nowhere'"):
        work.suggestions.store(
            study, version="aaa", transcript="nowhere", suggestions=(), shown=True
        )

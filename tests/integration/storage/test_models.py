from dataclasses import replace
from datetime import UTC, datetime

import pytest

from annotations.errors import NotFound
from service.storage.records import ModelRecord
from service.storage.session import Database

FIRST = ModelRecord(
    version="aaa",
    encoder="tiny",
    size_bytes=5_000_000_000,
    figures={"kappa": {"value": 0.5, "low": None}, "codes": [1, 2]},
    created_at=datetime(2024, 3, 1, tzinfo=UTC),
)
SECOND = replace(FIRST, version="bbb", created_at=datetime(2024, 4, 1, tzinfo=UTC))


@pytest.fixture
def models(database: Database, study: str) -> Database:
    with database.unit_of_work() as work:
        work.models.add(study, FIRST)
        work.models.add(study, SECOND)
        work.commit()
    return database


def versions(database: Database) -> list[tuple[str, bool]]:
    with database.reading() as work:
        return [(record.version, record.active) for record in work.models.list("trusts")]


def test_the_newest_model_is_in_use(models: Database) -> None:
    assert versions(models) == [("bbb", True), ("aaa", False)]
    with models.reading() as work:
        assert work.models.active("trusts") == SECOND
        assert work.studies.summary("trusts").active_model == "bbb"


def test_an_older_version_can_be_chosen(models: Database) -> None:
    with models.unit_of_work() as work:
        assert work.models.use("trusts", "aaa") == FIRST
        work.commit()
    assert versions(models) == [("bbb", False), ("aaa", True)]


def test_an_unknown_version_is_answered_with_those_there_are(models: Database) -> None:
    with models.unit_of_work() as work:
        with pytest.raises(NotFound, match=r"'ccc'.*bbb, aaa"):
            work.models.use("trusts", "ccc")
        work.commit()
    assert versions(models) == [("bbb", True), ("aaa", False)]


def test_training_the_same_again_makes_no_second_row(models: Database) -> None:
    again = replace(FIRST, figures={"kappa": None}, created_at=datetime(2024, 5, 1, tzinfo=UTC))
    with models.unit_of_work() as work:
        work.models.add("trusts", again)
        work.commit()
    assert versions(models) == [("aaa", True), ("bbb", False)]
    with models.reading() as work:
        assert work.models.active("trusts") == again


def test_a_study_without_a_model_has_none_in_use(models: Database) -> None:
    with models.unit_of_work() as work:
        work.studies.create("other")
        assert work.models.active("other") is None
        assert work.models.list("other") == ()
        with pytest.raises(NotFound, match="none yet"):
            work.models.use("other", "aaa")

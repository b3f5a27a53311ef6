from collections.abc import Callable

import pytest

from annotations.errors import NotFound
from service.storage.schema import HEAD, downgrade, migrate
from service.storage.session import Database


def recommend(database: Database, study: str, *names: str) -> None:
    with database.unit_of_work() as work:
        work.recommendations.add(study, names)
        work.commit()


def test_a_recommendation_keeps_the_time_of_the_first(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    recommend(database, study, "ward", "ward")
    with database.reading() as work:
        first = work.recommendations.of(study)
    recommend(database, study, "ward", "clinic")
    with database.reading() as work:
        again = work.recommendations.of(study)
    assert again["ward"] == first["ward"]
    assert set(again) == {"ward", "clinic"}
    assert rows("recommendations") == 2


def test_a_transcript_that_there_is_not_is_not_noted(database: Database, study: str) -> None:
    with pytest.raises(NotFound):
        recommend(database, study, "nowhere")


def test_a_study_of_the_version_before_is_read_after_the_upgrade(
    database: Database, study: str
) -> None:
    downgrade(database, "0002")
    migrate(database, HEAD)
    with database.reading() as work:
        assert work.studies.load(study).name == study
        assert work.recommendations.of(study) == {}

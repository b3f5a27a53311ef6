from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from annotations.codings import Reading
from service import queue
from service.handlers import retrain_if_due
from service.house import House
from service.storage.records import AnnotationRecord, ModelRecord, now


@pytest.fixture
def house_of_three(house: House) -> House:
    """Three annotations start a training."""
    settings = house.settings.model_copy(update={"retrain_after": 3})
    return replace(house, settings=settings)


@pytest.fixture
def annotate(house: House, study: str) -> Callable[[int], None]:
    """A coder submits annotations from this number on."""

    def submit(first: int, count: int = 1) -> None:
        with house.database.unit_of_work() as work:
            for number in range(first, first + count):
                record = AnnotationRecord(
                    annotation_id=number,
                    task_id=1,
                    transcript="ward",
                    coder=f"coder {number}",
                    created_at=now(),
                    updated_at=now(),
                    cancelled=False,
                    assisted=False,
                    parent_prediction=None,
                    shown_version=None,
                    result=[],
                    lead_time=None,
                )
                reading = Reading(transcript="ward", turn=0, coder=record.coder)
                work.label_studio.replace_annotation(
                    study, record, codings=(), readings=(reading,), decisions=()
                )
            work.commit()

    return submit


def train(house: House, study: str, *, ago: timedelta = timedelta()) -> None:
    with house.database.unit_of_work() as work:
        record = ModelRecord(
            version=f"v{ago}", encoder="e", size_bytes=1, figures={}, created_at=now() - ago
        )
        work.models.add(study, record)
        work.commit()


def test_a_training_is_asked_for_once_enough_annotations_came_in(
    house_of_three: House, study: str, annotate: Callable[..., None]
) -> None:
    train(house_of_three, study)
    annotate(1, count=2)
    assert retrain_if_due(house_of_three, study) == {}
    annotate(3)
    first = retrain_if_due(house_of_three, study)
    assert list(first) == ["training_job"]
    with house_of_three.database.reading() as work:
        assert [job.kind for job in work.jobs.list(study)] == [queue.TRAIN]


def test_annotations_from_before_the_model_do_not_count(
    house_of_three: House, study: str, annotate: Callable[..., None]
) -> None:
    annotate(1, count=5)
    train(house_of_three, study)
    assert retrain_if_due(house_of_three, study) == {}


def test_a_rollback_is_not_undone_by_annotations_that_the_newest_model_learned_from(
    house_of_three: House, study: str, annotate: Callable[..., None]
) -> None:
    train(house_of_three, study, ago=timedelta(hours=1))
    annotate(1, count=5)
    train(house_of_three, study)
    with house_of_three.database.unit_of_work() as work:
        older = work.models.list(study)[-1]
        work.models.use(study, older.version)
        work.commit()
    assert retrain_if_due(house_of_three, study) == {}
    annotate(6, count=3)
    assert retrain_if_due(house_of_three, study) != {}


def test_a_training_that_failed_is_not_asked_for_with_every_annotation(
    house_of_three: House, study: str, annotate: Callable[..., None]
) -> None:
    train(house_of_three, study, ago=timedelta(hours=1))
    annotate(1, count=3)
    assert retrain_if_due(house_of_three, study) != {}
    with house_of_three.database.unit_of_work() as work:
        (job,) = work.jobs.list(study)
        assert work.jobs.claim(job.id, "worker") is not None
        work.jobs.fail(job.id, "worker", "too few examples")
        work.commit()
    annotate(4)
    assert retrain_if_due(house_of_three, study) == {}
    annotate(5, count=2)
    assert retrain_if_due(house_of_three, study) != {}


def test_the_first_training_is_left_to_people(
    house_of_three: House, study: str, annotate: Callable[..., None]
) -> None:
    annotate(1, count=10)
    assert retrain_if_due(house_of_three, study) == {}


def test_nothing_is_asked_for_where_retraining_is_switched_off(
    house: House, study: str, annotate: Callable[..., None]
) -> None:
    assert house.settings.retrain_after == 0
    train(house, study)
    annotate(1, count=10)
    assert retrain_if_due(house, study) == {}

import pickle
import sqlite3
from collections.abc import Callable

import pytest
from huey.registry import Message

from annotations.errors import NotFound
from service import queue
from service.house import House


def messages(house: House) -> list[bytes]:
    with sqlite3.connect(house.queue) as connection:
        found = [bytes(row[0]) for row in connection.execute("SELECT data FROM task ORDER BY id")]
    connection.close()
    return found


@pytest.mark.sqlite("PostgreSQL needs no messages")
def test_a_message_is_json_with_the_number_of_the_job_alone(house: House, study: str) -> None:
    job = queue.enqueue(house, queue.SYNC_ANNOTATIONS, study, {"annotation_ids": [7]})
    (message,) = messages(house)
    assert message.startswith(b"{")
    assert f'"args": [{job.id}]'.encode() in message
    assert b"7" not in message.replace(b'"id"', b"").split(b'"args"')[1].replace(
        str(job.id).encode(), b""
    )


def test_a_pickled_message_is_refused() -> None:
    serializer = queue.JsonSerializer()
    with pytest.raises(ValueError, match=r"."):
        serializer.deserialize(pickle.dumps(Message(id="1", name="job", args=(1,))))


def test_a_message_comes_back_as_it_was_sent() -> None:
    serializer = queue.JsonSerializer()
    message = Message(id="1", name="queue.job", args=(3,), kwargs={})
    back = serializer.deserialize(serializer.serialize(message))
    assert (back.id, back.name, back.args) == ("1", "queue.job", (3,))


def test_what_json_could_not_carry_faithfully_is_refused() -> None:
    with pytest.raises(TypeError, match="number of a job"):
        queue.JsonSerializer().serialize({"anything": "else"})


def test_a_burst_becomes_one_job_with_all_that_it_asked_for(house: House, study: str) -> None:
    for number in range(100):
        job = queue.enqueue(
            house, queue.SYNC_ANNOTATIONS, study, {"annotation_ids": [number, number + 1]}
        )
    with house.database.reading() as work:
        (only,) = work.jobs.list(study)
    assert only.id == job.id
    assert sorted(only.payload["annotation_ids"]) == list(range(101))


def test_training_does_not_stand_before_decisions_in_the_queue(house: House, study: str) -> None:
    training = queue.enqueue(house, queue.TRAIN, study)
    sync = queue.enqueue(house, queue.SYNC, study)
    quick = queue.open_lane(house, queue.QUICK)
    assert quick.take() == sync.id
    with house.database.unit_of_work() as work:
        work.jobs.claim(sync.id, "a worker")
        work.commit()
    assert quick.take() is None
    slow = queue.open_lane(house, queue.SLOW)
    assert slow.take() == training.id
    for lane in (quick, slow):
        lane.close()


@pytest.mark.sqlite("PostgreSQL needs no messages")
def test_lost_messages_are_sent_again_and_only_those(house: House, study: str) -> None:
    job = queue.enqueue(house, queue.TRAIN, study)
    with house.database.reading() as work:
        waiting = work.jobs.list(states=("queued",))
    queue.wake_all(house, waiting)
    assert len(messages(house)) == 1
    lane = queue.open_lane(house, queue.SLOW)
    assert lane.take() == job.id
    lane.close()
    assert messages(house) == []
    queue.wake_all(house, waiting)
    (message,) = messages(house)
    assert f'"args": [{job.id}]'.encode() in message


def test_nothing_is_asked_for_a_study_that_is_not_there(
    house: House, jobs: Callable[[], list[tuple[str, str]]]
) -> None:
    with pytest.raises(NotFound):
        queue.enqueue(house, queue.TRAIN, "nobody")
    assert jobs() == []
    assert not house.queue.exists()

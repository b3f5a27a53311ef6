"""The queue: huey carries the number of a job, everything else about it is in the jobs table.

A message that is lost, doubled or late does no harm: the table says what is to be done, the
worker looks there too, and a job can be claimed once. On PostgreSQL, which several services and
workers share, there are no messages: workers look into the table itself.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from huey import SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from service.house import House
from service.storage.records import Job
from service.storage.session import Database

QUICK = "quick"
SLOW = "slow"
LANES = (QUICK, SLOW)

TRAIN = "train"
SYNC = "sync"
SYNC_ANNOTATIONS = "sync-annotations"
PUSH = "push"
FOLLOW = "follow"
KINDS = (TRAIN, SYNC, SYNC_ANNOTATIONS, PUSH, FOLLOW)
"""What jobs there are: `follow` brings Label Studio to the codebook; `train` may take minutes and
has a lane of its own."""


class JsonSerializer(Serializer):  # type: ignore[misc] # huey has no types
    """Messages as JSON instead of pickle: reading one can run no code."""

    def _serialize(self, data: Any) -> bytes:
        if not isinstance(data, Message) or data.kwargs or data.eta or data.on_complete:
            raise TypeError("the queue carries plain calls with the number of a job")
        call = {"id": data.id, "name": data.name, "args": list(data.args)}
        return json.dumps(call).encode()

    def _deserialize(self, data: bytes) -> Message:
        call = json.loads(bytes(data))
        return Message(id=call["id"], name=call["name"], args=tuple(call["args"]), kwargs={})


class Lane(Protocol):
    """One queue of job numbers."""

    @property
    def name(self) -> str:
        """`quick` or `slow`."""

    def take(self) -> int | None:
        """The number of a job that waits, None where there is none. It is still to be claimed."""

    def close(self) -> None:
        """Let go of the queue."""


class Messages:
    """A lane as messages in a SQLite file."""

    def __init__(self, file: Path, name: str) -> None:
        self.name = name
        self._huey = SqliteHuey(
            name,
            filename=str(file),
            serializer=JsonSerializer(),
            results=False,
            timeout=30,
        )
        self._send = self._huey.task(name="job")(_never)

    def send(self, number: int) -> None:
        """Tell whoever takes from this lane about a job."""
        self._send(number)

    def take(self) -> int | None:
        """Take the oldest message, which is gone then."""
        message = self._huey.dequeue()
        return None if message is None else int(message.args[0])

    def is_empty(self) -> bool:
        """Whether no message is on its way."""
        return bool(self._huey.storage.queue_size() == 0)

    def close(self) -> None:
        """Close the file."""
        self._huey.storage.close()


class Table:
    """A lane as the jobs table itself."""

    def __init__(self, database: Database, name: str) -> None:
        self.name = name
        self._database = database

    def take(self) -> int | None:
        """The oldest job that waits and may be begun."""
        with self._database.reading() as work:
            return work.jobs.next(kinds_of(self.name))

    def close(self) -> None:
        """Nothing is held."""


def _never(_number: int) -> None:
    raise RuntimeError("a message is taken by its number, and not run by the queue")


def open_lane(house: House, name: str) -> Lane:
    """Open one lane, to take jobs from."""
    if house.database.is_sqlite:
        return Messages(house.queue, name)
    return Table(house.database, name)


def kinds_of(lane: str) -> tuple[str, ...]:
    """The kinds of jobs that wait in a lane. Of one study, one of them runs at a time."""
    return tuple(kind for kind in KINDS if lane_of(kind) == lane)


def lane_of(kind: str) -> str:
    """The lane in which jobs of a kind wait."""
    return SLOW if kind == TRAIN else QUICK


def enqueue(house: House, kind: str, study: str, payload: Mapping[str, Any] | None = None) -> Job:
    """Ask for work. A job of the same kind that still waits takes it in and is returned.

    Raises NotFound where there is no such study.
    """
    with house.database.unit_of_work() as work:
        job = work.jobs.create(kind, study, payload)
        work.commit()
    wake(house, kind, job.id)
    return job


def wake(house: House, kind: str, number: int) -> None:
    """Tell the workers about a job. Telling twice does no harm."""
    if not house.database.is_sqlite:
        return
    with closing(Messages(house.queue, lane_of(kind))) as lane:
        lane.send(number)


def wake_all(house: House, waiting: Sequence[Job]) -> None:
    """Tell the workers about waiting jobs again, where no message is on its way any more."""
    if not house.database.is_sqlite:
        return
    for name in LANES:
        mine = [job for job in waiting if lane_of(job.kind) == name]
        if not mine:
            continue
        with closing(Messages(house.queue, name)) as lane:
            if lane.is_empty():
                for job in reversed(mine):
                    lane.send(job.id)

"""The queue: huey carries the number of a job, everything else about it is in the jobs table.

A message that is lost, doubled or late does no harm: the table says what is to be done, the
worker looks there too, and a job can be claimed once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huey import SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from service.house import House
from service.storage.records import Job

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """One queue of job numbers. `run` handles them in the process that is a worker."""

    name: str
    huey: SqliteHuey
    wake: Callable[[int], object]


def open_lane(file: Path, name: str, run: Callable[[int], None] | None = None) -> Lane:
    """Open one lane of the queue that lives in a SQLite file."""
    huey = SqliteHuey(
        name,
        filename=str(file),
        serializer=JsonSerializer(),
        results=False,
        timeout=30,
    )

    def job(number: int) -> None:
        if run is None:
            raise RuntimeError("this process puts jobs into the queue and runs none")
        run(number)

    return Lane(name=name, huey=huey, wake=huey.task(name="job")(job))


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
    lane = open_lane(house.queue, lane_of(kind))
    try:
        lane.wake(number)
    finally:
        lane.huey.storage.close()


def wake_all(house: House, waiting: Sequence[Job]) -> None:
    """Tell the workers about waiting jobs again, where no message is on its way any more."""
    for name in LANES:
        mine = [job for job in waiting if lane_of(job.kind) == name]
        if not mine:
            continue
        lane = open_lane(house.queue, name)
        try:
            if lane.huey.storage.queue_size() == 0:
                for job in reversed(mine):
                    lane.wake(job.id)
        finally:
            lane.huey.storage.close()

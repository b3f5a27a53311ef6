"""The same coding on a Ray cluster: shards stream through Ray Data.

One task beside the driver reads the input as fast as it is used up; actors, one a core, code;
the driver gets what they made. The model's files are put into the cluster once, and each node
fetches them once.
"""

import json
import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from annotations.errors import Problem, StateError
from annotations.transcripts import Transcript, Turn
from models.artifacts import publish
from training.extend import CodedShard, Feed, Shard, ShardCoder

_ACTOR_CPUS = 1


def code_on_ray(
    feed: Feed, folder: Path, workers: int | None = None, address: str | None = None
) -> Iterator[CodedShard]:
    """Code on the cluster at an address, or on one that is started here; in any order.

    `workers` is the number of actors, else one for each core of the cluster. Nodes need Second
    Coder installed; the input is read where this is called. Raises StateError without Ray or
    where the cluster cannot be reached.
    """
    ray = _ray(address, workers)
    try:
        number = workers or max(1, int(ray.cluster_resources().get("CPU", 1)) - 1)
        files = ray.put({file.name: file.read_bytes() for file in folder.iterdir()})
        shards = ray.data.read_datasource(
            _source(feed),
            override_num_blocks=1,
            # Reading waits most of the time; it takes no core from the actors.
            num_cpus=0,
            resources=_here(),
        )
        coded = shards.map_batches(
            _Actor,
            fn_constructor_kwargs={"files": files, "version": folder.name},
            batch_size=1,
            batch_format="pyarrow",
            zero_copy_batch=True,
            num_cpus=_ACTOR_CPUS,
            compute=ray.data.ActorPoolStrategy(size=number),
        )
        for row in coded.iter_rows():
            yield _coded(row)
    finally:
        ray.shutdown()


def _ray(address: str | None, workers: int | None) -> Any:
    try:
        import ray
        import ray.data
    except ModuleNotFoundError:
        raise StateError(
            "Ray is not installed here. Install it with: pip install 'second-coder[ray]' "
            "(or use --engine local)."
        ) from None
    try:
        ray.init(
            address=address,
            num_cpus=None if address else workers,
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level="ERROR",
        )
    except ConnectionError as error:
        raise StateError(
            f"There is no Ray cluster at {address or 'this machine'}: {error}. Start one with "
            "`ray start --head`, or leave out --address to use this machine."
        ) from error
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # Else small shards are gathered into one block, and one actor would have all of them.
    context.target_max_block_size = 1
    return ray


def _here() -> dict[str, float]:
    """What only this node has: the files of the input are on its disk."""
    from ray.util import get_node_ip_address

    return {f"node:{get_node_ip_address()}": 0.001}


def _source(feed: Feed) -> Any:
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask

    class Shards(Datasource):  # type: ignore[misc] # Ray's types are not checked
        """A stream of shards, one a block."""

        def get_read_tasks(
            self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
        ) -> list[ReadTask]:
            """One task whatever is asked for: the input has an order."""
            del parallelism, per_task_row_limit, data_context
            about = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=None)
            return [ReadTask(lambda: _blocks(feed), about)]

        def estimate_inmemory_data_size(self) -> int | None:
            """Not known before it is read."""
            return None

    return Shards()


def _blocks(feed: Feed) -> Iterable[pa.Table]:
    for shard in feed.shards():
        yield pa.table({"shard": [json.dumps(asdict(shard))]})


class _Actor:
    """A process of the cluster that codes, with the model on its node's disk."""

    def __init__(self, files: Any, version: str) -> None:
        import ray
        import torch

        torch.set_num_threads(1)
        # Named by the hash of what it holds, published by renaming: actors may share it.
        store = Path(tempfile.gettempdir()) / "second-coder-models"
        store.mkdir(mode=0o700, exist_ok=True)
        held = ray.get(files) if isinstance(files, ray.ObjectRef) else files
        publish(held, store)
        self._coder = ShardCoder(store / version)

    def __call__(self, batch: pa.Table) -> pa.Table:
        rows = [
            _row(self._coder.code(_shard(json.loads(one)))) for one in batch["shard"].to_pylist()
        ]
        return pa.Table.from_pylist(rows, schema=_ROW)


_ROW = pa.schema([("about", pa.string()), ("codings", pa.binary()), ("transcripts", pa.binary())])


def _shard(document: dict[str, Any]) -> Shard:
    return Shard(
        **{
            **document,
            "transcripts": tuple(
                Transcript(**{**one, "turns": tuple(Turn(**turn) for turn in one["turns"])})
                for one in document["transcripts"]
            ),
            "files": tuple(document["files"]),
            "problems": tuple(Problem(**one) for one in document["problems"]),
        }
    )


def _row(coded: CodedShard) -> dict[str, object]:
    document = asdict(coded)
    codings, transcripts = document.pop("codings"), document.pop("transcripts")
    return {"about": json.dumps(document), "codings": codings, "transcripts": transcripts}


def _coded(row: dict[str, Any]) -> CodedShard:
    document = json.loads(row["about"])
    problems = tuple(Problem(**one) for one in document.pop("problems"))
    return CodedShard(
        **document, problems=problems, codings=row["codings"], transcripts=row["transcripts"]
    )

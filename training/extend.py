"""A published model codes any number of transcripts, shard by shard.

A shard is a run of transcripts in the order of the input, whatever does the work: its content
alone decides what comes out, so results depend on neither the engine nor the number of workers,
and a run that was killed goes on where it was.
"""

import hashlib
import io
import json
import multiprocessing
import os
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from annotations.codings import MODEL_PREFIX
from annotations.errors import Problem, StateError
from annotations.formats.corpus import Found, read_corpus
from annotations.transcripts import Transcript
from models.suggester import Suggester

SHARD_WORDS = 25_000
"""Words after which a shard is full: some seconds of work, and what a kill may cost a worker."""

_LIVES = 3
"""How often worker processes may die over one shard before the run gives up."""

CODINGS = pa.schema(
    [
        ("transcript", pa.string()),
        ("turn", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("words", pa.int32()),
        ("code", pa.string()),
        ("coder", pa.string()),
        ("score", pa.float64()),
        ("threshold", pa.float64()),
        ("suggested", pa.bool_()),
    ]
)
"""A row a segment and code that applies; `suggested` is false where the gate is closed."""

TRANSCRIPTS = pa.schema(
    [
        ("transcript", pa.string()),
        ("file", pa.string()),
        ("turns", pa.int32()),
        ("segments", pa.int32()),
        ("words", pa.int64()),
        ("attributes", pa.map_(pa.string(), pa.string())),
    ]
)
"""A row a transcript that was coded, also where nothing applies; `words` are its segments'."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """Transcripts with their files, and what could not be read on the way to them.

    `number` counts from 0 and is -1 where there are only problems; `digest` is the content's;
    `share` of the input (0 to 1) is behind it.
    """

    number: int
    digest: str
    share: float
    words: int
    transcripts: tuple[Transcript, ...]
    files: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CodedShard:
    """A shard's Parquet files: its codings, its transcripts. Both empty where it was skipped."""

    number: int
    digest: str
    share: float
    words: int
    names: int
    problems: tuple[Problem, ...]
    codings: bytes
    transcripts: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """Where shards come from. `done` are the digests of those that need not be coded again."""

    paths: tuple[Path, ...]
    interviewing: tuple[str, ...] = ()
    shard_words: int = SHARD_WORDS
    done: Mapping[int, str]

    def shards(self) -> Iterator[Shard]:
        """Read the input. A shard that is done comes without its transcripts."""
        for shard in shards_of(
            read_corpus(self.paths, interviewing=self.interviewing), self.shard_words
        ):
            known = self.done.get(shard.number)
            yield shard if known is None else _emptied(shard)


def shards_of(found: Iterable[Found], shard_words: int) -> Iterator[Shard]:
    """Cut a stream of transcripts into shards."""
    number, held, words, share = 0, list[Found](), 0, 0.0
    problems: list[Problem] = []
    for one in found:
        share += one.share
        if one.transcript is None:
            problems += [one.problem] if one.problem else []
            continue
        held.append(one)
        words += one.transcript.words
        if words >= shard_words:
            yield _shard(number, held, problems, words, share)
            number, held, words, share, problems = number + 1, [], 0, 0.0, []
    if held or problems:
        yield _shard(number if held else -1, held, problems, words, share)


def _shard(
    number: int, held: Sequence[Found], problems: Sequence[Problem], words: int, share: float
) -> Shard:
    transcripts = tuple(one.transcript for one in held if one.transcript is not None)
    content = json.dumps([asdict(one) for one in transcripts], sort_keys=True)
    return Shard(
        number=number,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        share=share,
        words=words,
        transcripts=transcripts,
        files=tuple(one.file for one in held),
        problems=tuple(problems),
    )


def _emptied(shard: Shard) -> Shard:
    return replace(shard, transcripts=(), files=())


def passed_on(shard: Shard) -> CodedShard:
    """A shard in which there is nothing to code: it is done, or has only problems."""
    return CodedShard(
        number=shard.number,
        digest=shard.digest,
        share=shard.share,
        words=shard.words,
        names=0,
        problems=shard.problems,
        codings=b"",
        transcripts=b"",
    )


class ShardCoder:
    """One published model that codes shards."""

    def __init__(self, folder: Path) -> None:
        self._suggester = Suggester.load(folder)
        self._open = frozenset(self._suggester.open_codes)

    def code(self, shard: Shard) -> CodedShard:
        """All codes that reach their thresholds, as Parquet."""
        if not shard.transcripts:
            return passed_on(shard)
        rows: list[dict[str, object]] = []
        told: list[dict[str, object]] = []
        model = self._suggester
        segments = [list(model.segmentation.segments(one)) for one in shard.transcripts]
        # Sums of several threads are rounded otherwise, and engines differ in how many they leave.
        with threadpool_limits(1):
            scores = model.score([one for some in segments for one in some])
        applied = scores >= np.array(model.thresholds)
        at = 0
        for transcript, file, some in zip(shard.transcripts, shard.files, segments, strict=True):
            words = 0
            for segment in some:
                length = len(segment.text.split())
                words += length
                rows += [
                    {
                        "transcript": segment.transcript,
                        "turn": segment.turn,
                        "start": segment.start,
                        "end": segment.end,
                        "words": length,
                        "code": model.codes[code],
                        "coder": f"{MODEL_PREFIX}{model.version}",
                        "score": float(scores[at, code]),
                        "threshold": model.thresholds[code],
                        "suggested": model.codes[code] in self._open and length > 0,
                    }
                    for code in np.flatnonzero(applied[at])
                ]
                at += 1
            told.append(
                {
                    "transcript": transcript.name,
                    "file": file,
                    "turns": len(transcript.turns),
                    "segments": len(some),
                    "words": words,
                    "attributes": list(transcript.attributes.items()),
                }
            )
        return CodedShard(
            number=shard.number,
            digest=shard.digest,
            share=shard.share,
            words=shard.words,
            names=len(shard.transcripts),
            problems=shard.problems,
            codings=_parquet(rows, CODINGS, shard),
            transcripts=_parquet(told, TRANSCRIPTS, shard),
        )


def _parquet(rows: list[dict[str, object]], schema: pa.Schema, shard: Shard) -> bytes:
    sink = io.BytesIO()
    described = schema.with_metadata({"shard": str(shard.number), "digest": shard.digest})
    pq.write_table(pa.Table.from_pylist(rows, schema=described), sink, compression="zstd")
    return sink.getvalue()


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: each worker has a core, and sums come out the same everywhere."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def code_here(feed: Feed, folder: Path, workers: int | None = None) -> Iterator[CodedShard]:
    """Code on this machine, by `workers` processes (else one a core); in any order.

    Raises StateError where worker processes die again and again.
    """
    number = workers or len(os.sched_getaffinity(0))
    if number == 1:
        with one_thread():
            coder: ShardCoder | None = None
            for shard in feed.shards():
                if shard.transcripts:
                    coder = coder or ShardCoder(folder)
                    yield coder.code(shard)
                else:
                    yield passed_on(shard)
        return
    work = _Work(feed.shards())
    while True:
        with ProcessPoolExecutor(
            number,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(folder,),
        ) as pool:
            try:
                # Two for each worker: nobody waits for work, and no more is held than that.
                while work.give(pool, 2 * number):
                    yield from work.take()
                yield from work.take()
                return
            except BrokenProcessPool:
                work.take_back()


class _Work:
    """Shards on their way: those that wait, and those that a pool has."""

    def __init__(self, shards: Iterator[Shard]) -> None:
        self._shards = shards
        self._waiting: deque[Shard] = deque()
        self._running: dict[Future[CodedShard], Shard] = {}
        self._passed: list[CodedShard] = []
        self._deaths: Counter[int] = Counter()

    def give(self, pool: ProcessPoolExecutor, most: int) -> bool:
        """Let the pool have up to `most` shards; whether it has any."""
        while len(self._running) < most:
            if not self._waiting:
                shard = next(self._shards, None)
                if shard is None:
                    break
                if not shard.transcripts:
                    self._passed.append(passed_on(shard))
                    continue
                self._waiting.append(shard)
            # Taken off the list only when it was accepted: the pool may be broken.
            self._running[pool.submit(_code, self._waiting[0])] = self._waiting[0]
            self._waiting.popleft()
        return bool(self._running)

    def take(self) -> Iterator[CodedShard]:
        """What needed no work, then what is done: at least one of what the pool has."""
        yield from self._passed
        self._passed.clear()
        if not self._running:
            return
        for future in wait(self._running, return_when=FIRST_COMPLETED).done:
            coded = future.result()
            del self._running[future]
            yield coded

    def take_back(self) -> None:
        """A worker died: what the pool had waits again, unless that happened too often."""
        lost = list(self._running.values())
        self._deaths.update(shard.number for shard in lost)
        if any(self._deaths[shard.number] >= _LIVES for shard in lost):
            raise StateError(
                f"Worker processes died {_LIVES} times over the same transcripts. What was coded "
                "is kept. Is there memory enough? Run the command again with fewer --workers."
            )
        self._waiting.extendleft(reversed(lost))
        self._running.clear()


_coder: ShardCoder | None = None


def _begin(folder: Path) -> None:
    """In a worker process: load the model, and end when the process that started us does."""
    global _coder
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(1)
    _coder = ShardCoder(folder)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _code(shard: Shard) -> CodedShard:
    if _coder is None:
        raise RuntimeError("this process is no worker")
    return _coder.code(shard)

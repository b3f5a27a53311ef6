"""A folder of Parquet parts that a run fills, may be killed over, and goes on with.

    run.json                            what is coded and how, written first
    codings/part-00000.parquet          what the model applied
    transcripts/part-00000.parquet      the transcripts that were coded
    report.json                         how it ended, written last

A shard's transcripts are written after its codings, each beside its place and renamed: where
both are, the shard is done.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from annotations.errors import StateError
from training.extend import CodedShard

_RUN, _REPORT, _LOCK = "run.json", "report.json", ".lock"
_CODINGS, _TRANSCRIPTS = "codings", "transcripts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What a folder holds."""

    shards: int
    transcripts: int
    words: int
    codings: int


def model_of_run(folder: Path) -> str | None:
    """The model of the run that a folder holds, None where it holds none."""
    try:
        held = json.loads((folder / _RUN).read_bytes())
    except (OSError, ValueError):
        return None
    return held.get("model") if isinstance(held, dict) else None


class PartsFolder:
    """The folder, for one run at a time; use it in a `with`.

    `about` are the settings that decide the result. StateError where the folder holds the parts
    of other settings, is in use, or holds files of somebody else.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self._folder, self._about = folder, dict(about)
        self._lock: int | None = None
        self._made = not folder.exists()
        self.done: dict[int, str] = {}

    def __enter__(self) -> Self:
        foreign = self._folder.exists() and not (self._folder / _RUN).exists()
        if foreign and any(one.name != _LOCK for one in self._folder.iterdir()):
            raise StateError(f"{self._folder} holds other files; name a new folder with --out.")
        for inner in (_CODINGS, _TRANSCRIPTS):
            (self._folder / inner).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # The system lets go of it however the process ends.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._close()
            raise StateError(
                f"Another run is writing to {self._folder}. Wait until it is done, or name "
                "another folder with --out."
            ) from None
        try:
            self._begin()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def add(self, coded: CodedShard) -> None:
        """Write a shard. What is there of it already, half or whole, is replaced."""
        _write(self._part(_CODINGS, coded.number), coded.codings)
        _write(self._part(_TRANSCRIPTS, coded.number), coded.transcripts)

    def end(self, report: Mapping[str, Any]) -> None:
        """Say how the run ended."""
        _write(self._folder / _REPORT, _json(report))

    def abandon(self) -> None:
        """Leave nothing of a run that has coded no transcript."""
        # What somebody else put there keeps its folder.
        with suppress(OSError):
            for inner in (_CODINGS, _TRANSCRIPTS):
                for part in (self._folder / inner).glob("part-*.parquet"):
                    part.unlink()
                (self._folder / inner).rmdir()
            (self._folder / _RUN).unlink(missing_ok=True)
            if self._made:
                (self._folder / _LOCK).unlink(missing_ok=True)
                self._folder.rmdir()

    def counted(self) -> Counted:
        """Count what is there, from the parts themselves."""
        transcripts = [
            pq.read_table(path, columns=["words"])
            for path in sorted((self._folder / _TRANSCRIPTS).glob("part-*.parquet"))
        ]
        codings = [
            pq.read_metadata(path).num_rows
            for path in sorted((self._folder / _CODINGS).glob("part-*.parquet"))
        ]
        return Counted(
            shards=len(transcripts),
            transcripts=sum(one.num_rows for one in transcripts),
            words=sum(sum(one["words"].to_pylist()) for one in transcripts),
            codings=sum(codings),
        )

    def changed(self) -> StateError:
        """What to say where the input is not what the parts were made from."""
        return StateError(
            f"{self._folder} holds codings of other transcripts than these: the input has changed "
            "since that run began. Name a new folder with --out."
        )

    def _begin(self) -> None:
        run = self._folder / _RUN
        if not run.exists():
            _write(run, _json(self._about))
        held = json.loads(run.read_bytes())
        if held != self._about:
            differ = sorted(key for key in self._about if held.get(key) != self._about[key])
            then = "; ".join(f"{key} was {held.get(key)}, now {self._about[key]}" for key in differ)
            raise StateError(
                f"{self._folder} holds a run with other settings ({then or 'of another form'}). "
                "Name a new folder with --out, or give the same as then."
            )
        for draft in self._folder.rglob(".draft-*"):
            draft.unlink()
        (self._folder / _REPORT).unlink(missing_ok=True)
        for path in (self._folder / _TRANSCRIPTS).glob("part-*.parquet"):
            number = int(path.stem.removeprefix("part-"))
            codings, digest = self._part(_CODINGS, number), _digest(path)
            # Its codings may have been lost since; then it is coded again.
            if codings.exists() and _digest(codings) == digest:
                self.done[number] = digest

    def _part(self, table: str, number: int) -> Path:
        return self._folder / table / f"part-{number:05d}.parquet"

    def _close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _digest(part: Path) -> str:
    try:
        found = pq.read_schema(part).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise StateError(
            f"{part} is damaged ({error}). Delete it and run the command again: its transcripts "
            "are then coded anew."
        ) from error
    return str(found.get(b"digest", b"").decode())


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also when the power fails."""
    handle, draft = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

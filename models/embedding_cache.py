"""Vectors of texts that were encoded before, in one SQLite file. Holds hashes, never text."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations.errors import ArtifactError
from models.encoder import Encoder

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS embeddings (encoder TEXT, text BLOB, vector BLOB,"
    " PRIMARY KEY (encoder, text)) WITHOUT ROWID"
)
_STEP = 500
_WAIT_SECONDS = 60.0


class EmbeddingCache:
    """Vectors by encoder checksum and SHA-256 of the text, in a file of the folder given.

    Threads and processes may share the file: each call opens a connection of its own, and
    writing what is already there changes nothing. Without a folder nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / "embeddings.sqlite3"

    def encode(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        *,
        advance: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> NDArray[np.float32]:
        """Vectors of texts, encoding only those that are not in the file.

        *Shape:* (texts, encoder.dimension). `advance` is told how many distinct texts are done,
        of how many.
        """
        distinct = list(dict.fromkeys(texts))
        digests = {text: _digest(text) for text in distinct}
        known = self._read(encoder, list(digests.values()))
        missing = [text for text in distinct if digests[text] not in known]
        held = len(distinct) - len(missing)
        advance(held, len(distinct))
        # In parts, so that a run that is stopped half-way finds its work again.
        for start in range(0, len(missing), 8192):
            part = missing[start : start + 8192]
            before = held + start

            def tell(done: int, before: int = before) -> None:
                advance(before + done, len(distinct))

            vectors = encoder.encode(part, advance=tell)
            fresh = {digests[text]: row for text, row in zip(part, vectors, strict=True)}
            self._write(encoder, fresh)
            known |= fresh
        if not texts:
            return np.zeros((0, encoder.dimension), dtype=np.float32)
        return np.stack([known[digests[text]] for text in texts])

    def _read(self, encoder: Encoder, digests: list[bytes]) -> dict[bytes, NDArray[np.float32]]:
        found: dict[bytes, NDArray[np.float32]] = {}
        if self._path is None or not self._path.exists():
            return found
        with self._connection() as connection:
            for start in range(0, len(digests), _STEP):
                part = digests[start : start + _STEP]
                marks = ",".join("?" * len(part))
                rows = connection.execute(
                    "SELECT text, vector FROM embeddings"  # noqa: S608 - marks are ?,?,...
                    f" WHERE encoder = ? AND text IN ({marks})",
                    [encoder.checksum, *part],
                )
                for text, vector in rows:
                    row = np.frombuffer(vector, dtype="<f4")
                    if row.size == encoder.dimension:
                        found[text] = row
        return found

    def _write(self, encoder: Encoder, vectors: dict[bytes, NDArray[np.float32]]) -> None:
        if self._path is None or not vectors:
            return
        with self._connection() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
                [
                    (encoder.checksum, key, row.astype("<f4").tobytes())
                    for key, row in vectors.items()
                ],
            )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._path is None:
            raise ValueError("this cache keeps nothing")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute(_SCHEMA)
                with connection:
                    yield connection
        except sqlite3.DatabaseError as problem:
            raise ArtifactError(
                f"The embedding cache {self._path} cannot be used ({problem}). Nothing depends "
                "on it: delete the file and run again."
            ) from problem


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

"""Vectors of texts that were encoded before, in one SQLite file. Holds hashes, never text."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations.errors import ArtifactError
from annotations.write_ahead import keep_a_log
from models.encoder import Encoder

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS embeddings (encoder TEXT, text BLOB, vector BLOB,"
    " PRIMARY KEY (encoder, text)) WITHOUT ROWID"
)
_STEP = 500
_PART = 8192
_WAIT_SECONDS = 60.0


class EmbeddingCache:
    """Vectors by encoder, precision and SHA-256 of the text, in a file of the folder given.

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
        digests = [_digest(text) for text in distinct]
        rows = np.zeros((len(distinct), encoder.dimension), dtype=np.float32)
        known = self._read(encoder, digests, rows)
        missing = np.flatnonzero(~known)
        held = len(distinct) - len(missing)
        advance(held, len(distinct))
        # In parts, so that a run that is stopped half-way finds its work again.
        for start in range(0, len(missing), _PART):
            part = missing[start : start + _PART]
            before = held + start

            def tell(done: int, before: int = before) -> None:
                advance(before + done, len(distinct))

            rows[part] = encoder.encode([distinct[place] for place in part], advance=tell)
            self._write(encoder, [digests[place] for place in part], rows[part])
        if len(distinct) == len(texts):
            return rows
        place_of = {text: place for place, text in enumerate(distinct)}
        return rows[[place_of[text] for text in texts]]

    def _read(
        self, encoder: Encoder, digests: list[bytes], rows: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Fill in the rows of the texts that are in the file, and say which; *shape:* (texts,)."""
        known = np.zeros(len(digests), dtype=np.bool_)
        if self._path is None or not self._path.exists():
            return known
        place_of = {digest: place for place, digest in enumerate(digests)}
        size = 4 * encoder.dimension
        # The file is in the order of the digests: neighbours are read together.
        ordered = sorted(digests)
        with self._connection() as connection:
            for start in range(0, len(ordered), _STEP):
                part = ordered[start : start + _STEP]
                marks = ",".join("?" * len(part))
                found = connection.execute(
                    "SELECT text, vector FROM embeddings"  # noqa: S608 - marks are ?,?,...
                    f" WHERE encoder = ? AND text IN ({marks})",
                    [_key(encoder), *part],
                ).fetchall()
                whole = [(place_of[text], vector) for text, vector in found if len(vector) == size]
                if whole:
                    places = [place for place, _ in whole]
                    joined = b"".join(vector for _, vector in whole)
                    rows[places] = np.frombuffer(joined, dtype="<f4").reshape(len(whole), -1)
                    known[places] = True
        return known

    def _write(self, encoder: Encoder, digests: list[bytes], rows: NDArray[np.float32]) -> None:
        if self._path is None or not digests:
            return
        key, plain = _key(encoder), np.ascontiguousarray(rows, dtype="<f4")
        ordered = sorted(range(len(digests)), key=digests.__getitem__)
        with self._connection() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
                ((key, digests[place], plain[place].tobytes()) for place in ordered),
            )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._path is None:
            raise ValueError("this cache keeps nothing")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as connection:
                keep_a_log(connection, wait_seconds=_WAIT_SECONDS)
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute(_SCHEMA)
                with connection:
                    yield connection
        except sqlite3.DatabaseError as problem:
            raise ArtifactError(
                f"The embedding cache {self._path} cannot be used ({problem}). Nothing depends "
                "on it: delete the file and run again."
            ) from problem


def _key(encoder: Encoder) -> str:
    """Vectors of another precision are others, though the model takes them all the same."""
    return f"{encoder.checksum} {encoder.precision}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

"""The embedding cache: encodes once, shares with other processes, holds no text."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from annotations.errors import ArtifactError
from models.embedding_cache import EmbeddingCache
from models.encoder import TransformersEncoder

TEXTS = ["We had no staff.", "Who says so?", "We had no staff."]


class Counting:
    """The real encoder, with a record of what it was asked."""

    def __init__(
        self, encoder: TransformersEncoder, checksum: str | None = None, precision: str = ""
    ) -> None:
        self._encoder, self.asked = encoder, []  # type: TransformersEncoder, list[str]
        self.name, self.dimension = encoder.name, encoder.dimension
        self.checksum = checksum or encoder.checksum
        self.precision = precision or encoder.precision

    def encode(
        self, texts: Sequence[str], *, advance: Callable[[int], None] = lambda _done: None
    ) -> NDArray[np.float32]:
        self.asked += texts
        return self._encoder.encode(texts, advance=advance)


def test_a_text_is_encoded_once(encoder: TransformersEncoder, tmp_path: Path) -> None:
    counting, cache = Counting(encoder), EmbeddingCache(tmp_path)
    first = cache.encode(counting, TEXTS)
    second = EmbeddingCache(tmp_path).encode(counting, [*TEXTS, "And you?"])
    assert counting.asked == ["We had no staff.", "Who says so?", "And you?"]
    assert np.array_equal(first, second[:3])
    assert np.array_equal(first, encoder.encode(TEXTS))


def test_another_encoder_s_vectors_are_not_used(
    encoder: TransformersEncoder, tmp_path: Path
) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.encode(encoder, TEXTS)
    other = Counting(encoder, checksum="other")
    cache.encode(other, TEXTS)
    assert other.asked == ["We had no staff.", "Who says so?"]


def test_vectors_of_another_precision_are_not_used(
    encoder: TransformersEncoder, tmp_path: Path
) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.encode(encoder, TEXTS)
    other = Counting(encoder, precision="coarse")
    cache.encode(other, TEXTS)
    assert other.asked == ["We had no staff.", "Who says so?"]


def test_what_the_cache_gives_is_what_the_encoder_gives_in_any_order(
    encoder: TransformersEncoder, tmp_path: Path
) -> None:
    cache = EmbeddingCache(tmp_path)
    texts = [f"Shift {number % 700}, again." for number in range(1200)]
    cache.encode(encoder, texts[::3])
    mixed = cache.encode(encoder, texts)
    assert np.array_equal(mixed, encoder.encode(texts))
    assert np.array_equal(cache.encode(encoder, texts[::-1]), mixed[::-1])


def test_without_a_folder_nothing_is_kept(encoder: TransformersEncoder) -> None:
    counting, cache = Counting(encoder), EmbeddingCache(None)
    cache.encode(counting, TEXTS[:1])
    cache.encode(counting, TEXTS[:1])
    assert counting.asked == TEXTS[:1] * 2


def test_the_file_holds_no_text(encoder: TransformersEncoder, tmp_path: Path) -> None:
    EmbeddingCache(tmp_path).encode(encoder, ["A secret about somebody."])
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert content
    assert b"secret" not in content


def test_several_processes_may_fill_one_file(tmp_path: Path) -> None:
    program = """
import sys, numpy as np
from pathlib import Path
from models.embedding_cache import EmbeddingCache
class Numbers:
    name, checksum, precision, dimension = "numbers", "numbers", "exact", 4
    def encode(self, texts, *, advance=lambda done: None):
        return np.array([[float(t)] * 4 for t in texts], dtype=np.float32).reshape(-1, 4)
cache = EmbeddingCache(Path(sys.argv[1]))
for start in range(0, 400, 10):
    rows = cache.encode(Numbers(), [str(n) for n in range(start, start + 20)])
    assert (rows[:, 0] == np.arange(start, start + 20)).all()
"""
    root = Path(__file__).resolve().parents[3]
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=root) for _ in range(3)
    ]
    assert [process.wait(timeout=300) for process in running] == [0, 0, 0]


def test_a_damaged_file_is_named(encoder: TransformersEncoder, tmp_path: Path) -> None:
    (tmp_path / "embeddings.sqlite3").write_bytes(b"not a database, and long enough to be read")
    with pytest.raises(ArtifactError, match=r"embeddings\.sqlite3 cannot be used.*delete the file"):
        EmbeddingCache(tmp_path).encode(encoder, TEXTS)

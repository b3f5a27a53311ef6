"""Turn text into vectors: the encoder protocol and the transformers encoder.

Every text has one vector, whatever it is encoded beside: a model version is a hash, and it must
not depend on what a cache held. Matrix kernels round differently for different shapes, so each
piece of text is padded to a length that depends on that piece alone, and a batch never holds
fewer than `_MIN_TOKENS` tokens, above which the rows of a product no longer depend on their
number. Neither holds by any standard: a test asks for it.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from annotations.errors import ArtifactError
from models.weights import EncoderFiles, find_encoder

Floats32 = NDArray[np.float32]

_MAX_TOKENS = 256
_LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, _MAX_TOKENS)
_BATCH_TOKENS = 8192
_MIN_TOKENS = 512


class Encoder(Protocol):
    """What turns texts into vectors."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def checksum(self) -> str:
        """SHA-256 over everything that decides its vectors."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def encode(
        self, texts: Sequence[str], *, advance: Callable[[int], None] = lambda _done: None
    ) -> Floats32:
        """One vector for each text; `advance` is told how many texts are done.

        *Shape:* (texts, dimension), each row of length 1.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    """One window of one text: its token ids, special ones included, and its padded length."""

    text: int
    ids: list[int]
    length: int


class TransformersEncoder:
    """A transformers model with mean (or first-token) pooling, as sentence-transformers has it.

    A text longer than the model reads at once is cut into windows of equal length, whose
    vectors are averaged by their number of tokens. Several threads may call `encode`.
    """

    def __init__(self, files: EncoderFiles, tokenizer: Any, model: Any) -> None:
        self._files, self._tokenizer, self._model = files, tokenizer, model
        self._lock = threading.Lock()
        positions = int(getattr(model.config, "max_position_embeddings", _MAX_TOKENS + 2))
        self._window = min(_MAX_TOKENS, positions - 2)
        bare = tokenizer("a", add_special_tokens=False)["input_ids"]
        framed = tokenizer("a")["input_ids"]
        at = framed.index(bare[0])
        self._head, self._tail = framed[:at], framed[at + len(bare) :]

    @classmethod
    def load(cls, source: str | None = None) -> "TransformersEncoder":
        """Load the default weights (None), those of a local folder, or of a named hub model.

        Raises ArtifactError where the files are missing, are not what they should be, or
        hold no safetensors weights. Code that comes with a model is never run.
        """
        import transformers

        files = find_encoder(source)
        transformers.utils.logging.disable_progress_bar()
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
        model = transformers.AutoModel.from_pretrained(
            files.folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
        return cls(files, tokenizer, model.float().eval())

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self._files.name

    @property
    def source(self) -> str | None:
        """What `load` was given: None for the default weights, else a path or hub name."""
        return self._files.source

    @property
    def checksum(self) -> str:
        """SHA-256 over weights, configuration and tokenizer."""
        return self._files.checksum

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.config.hidden_size)

    def encode(
        self, texts: Sequence[str], *, advance: Callable[[int], None] = lambda _done: None
    ) -> Floats32:
        """One vector for each text, computed once where texts are equal.

        *Shape:* (texts, dimension), each row of length 1; a text without any token is 0.
        """
        order = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        with self._lock:
            pieces = self._pieces(list(order))
            sums = np.zeros((len(order), self.dimension), dtype=np.float32)
            done = 0
            for batch in _batches(pieces):
                vectors = self._forward(batch)
                for piece, vector in zip(batch, vectors, strict=True):
                    sums[piece.text] += vector * len(piece.ids)
                done += len(batch)
                advance(min(len(texts), done * len(texts) // max(1, len(pieces))))
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        unit = sums / np.where(norms > 0, norms, 1.0).astype(np.float32)
        return np.ascontiguousarray(unit[[order[text] for text in texts]], dtype=np.float32)

    def _pieces(self, texts: list[str]) -> list[_Piece]:
        pieces = []
        room = self._window - len(self._head) - len(self._tail)
        for start in range(0, len(texts), 4096):
            chunk = texts[start : start + 4096]
            rows = self._tokenizer(chunk, add_special_tokens=False, verbose=False)["input_ids"]
            for place, ids in enumerate(rows):
                windows = -(-len(ids) // room)
                size = -(-len(ids) // max(windows, 1))
                pieces += [
                    self._piece(start + place, ids[at : at + size])
                    for at in range(0, len(ids), max(size, 1))
                ]
        return pieces

    def _piece(self, text: int, ids: list[int]) -> _Piece:
        whole = [*self._head, *ids, *self._tail]
        length = next(length for length in _LENGTHS if length >= len(whole))
        return _Piece(text=text, ids=whole, length=min(length, self._window))

    @torch.inference_mode()
    def _forward(self, batch: list[_Piece]) -> Floats32:
        length = batch[0].length
        rows = max(len(batch), _MIN_TOKENS // length)
        ids = torch.full((rows, length), int(self._tokenizer.pad_token_id or 0))
        mask = torch.zeros((rows, length), dtype=torch.long)
        mask[:, 0] = 1
        for row, piece in enumerate(batch):
            ids[row, : len(piece.ids)] = torch.tensor(piece.ids)
            mask[row, : len(piece.ids)] = 1
        hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        if self._files.pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * weights).sum(1) / weights.sum(1)
        unit = torch.nn.functional.normalize(pooled, dim=1)
        return np.asarray(unit[: len(batch)].numpy(), dtype=np.float32)


def _batches(pieces: list[_Piece]) -> Iterable[list[_Piece]]:
    """Pieces of equal padded length together, up to the token budget, the shortest first."""
    by_length: dict[int, list[_Piece]] = {}
    for piece in pieces:
        by_length.setdefault(piece.length, []).append(piece)
    for length, group in sorted(by_length.items()):
        size = _BATCH_TOKENS // length
        for start in range(0, len(group), size):
            yield group[start : start + size]


def open_encoder(source: str | None, *, checksum: str) -> TransformersEncoder:
    """The encoder that a model was trained with; ArtifactError where another one is there."""
    encoder = TransformersEncoder.load(source)
    if encoder.checksum != checksum:
        raise ArtifactError(
            f"The encoder {encoder.name} is not the one that the model was trained with: its "
            f"checksum begins {encoder.checksum[:12]}, the model's {checksum[:12]}. Put the "
            f"original files back at {source or 'the place of the package'}, or train again."
        )
    return encoder

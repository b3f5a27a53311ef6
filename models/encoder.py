"""Turn text into vectors: the encoder protocol and the transformers encoder.

Every text has one vector, whatever it is encoded beside: a model version is a hash, and it must
not depend on what a cache held. BERT models, the default among them, run without padding
(`models.packed`), in bfloat16 where the processor has it. Others run as transformers has them:
matrix kernels round differently for different shapes, so each piece of text is padded to a
length that depends on that piece alone, and a batch never holds fewer than `_MIN_TOKENS`
tokens, above which the rows of a product no longer depend on their number. Neither holds by any
standard: a test asks for it.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from annotations.errors import ArtifactError
from models.packed import PackedBert, can_pack, fastest_precision
from models.weights import EncoderFiles, find_encoder

Floats32 = NDArray[np.float32]

_MAX_TOKENS = 256
_LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, _MAX_TOKENS)
_BATCH_TOKENS = 8192
_MIN_TOKENS = 512
_NAMES = {torch.float32: "fp32", torch.bfloat16: "bf16"}


class Encoder(Protocol):
    """What turns texts into vectors."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def checksum(self) -> str:
        """SHA-256 over everything that decides its vectors, but how exactly they are computed."""

    @property
    def precision(self) -> str:
        """How exactly vectors are computed here: vectors of another precision are others."""

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
    """One window of one text: its token ids, special ones included, and its length in a batch."""

    text: int
    ids: list[int]
    length: int


class TransformersEncoder:
    """A transformers model with mean (or first-token) pooling, as sentence-transformers has it.

    A text longer than the model reads at once is cut into windows of equal length, whose
    vectors are averaged by their number of tokens. Several threads may call `encode`.
    `precision` is None for the fastest that keeps decisions; float32 is there to compare with.
    """

    def __init__(
        self,
        files: EncoderFiles,
        tokenizer: Any,
        model: Any,
        precision: torch.dtype | None = None,
    ) -> None:
        self._files, self._tokenizer, self._model = files, tokenizer, model
        self._dimension = int(model.config.hidden_size)
        self._packed = None
        self._precision = torch.float32
        if can_pack(model):
            self._precision = precision or fastest_precision()
            self._packed = PackedBert(model, self._precision)
            self._model = None
        self._lock = threading.Lock()
        positions = int(getattr(model.config, "max_position_embeddings", _MAX_TOKENS + 2))
        self._window = min(_MAX_TOKENS, positions - 2)
        bare = tokenizer("a", add_special_tokens=False)["input_ids"]
        framed = tokenizer("a")["input_ids"]
        at = framed.index(bare[0])
        self._head, self._tail = framed[:at], framed[at + len(bare) :]

    @classmethod
    def load(
        cls, source: str | None = None, *, precision: torch.dtype | None = None
    ) -> "TransformersEncoder":
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
        return cls(files, tokenizer, model.float().eval(), precision)

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
    def precision(self) -> str:
        """The floating point format, and how texts are laid out: packed or padded."""
        if self._packed is None:
            return "fp32 padded"
        return f"{_NAMES[self._precision]} packed {self._packed.device.type}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    def encode(
        self, texts: Sequence[str], *, advance: Callable[[int], None] = lambda _done: None
    ) -> Floats32:
        """One vector for each text, computed once where texts are equal.

        *Shape:* (texts, dimension), each row of length 1; a text without any token is 0.
        """
        order = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        forward = self._forward_padded if self._packed is None else self._forward_packed
        with self._lock:
            pieces = self._pieces(list(order))
            sums = np.zeros((len(order), self.dimension), dtype=np.float32)
            done = 0
            for batch in _batches(pieces, equal=self._packed is None):
                sizes = np.array([[len(piece.ids)] for piece in batch], dtype=np.float32)
                # A text may have several pieces in a batch: plain indexed addition takes one.
                np.add.at(sums, [piece.text for piece in batch], forward(batch) * sizes)
                done += len(batch)
                advance(min(len(texts), done * len(texts) // max(1, len(pieces))))
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        unit = sums / np.where(norms > 0, norms, 1.0).astype(np.float32)
        return np.ascontiguousarray(unit[[order[text] for text in texts]], dtype=np.float32)

    def _pieces(self, texts: list[str]) -> list[_Piece]:
        pieces = []
        room = self._window - len(self._head) - len(self._tail)
        for start in range(0, len(texts), 4096):
            for place, ids in enumerate(self._token_ids(texts[start : start + 4096])):
                windows = -(-len(ids) // room)
                size = -(-len(ids) // max(windows, 1))
                pieces += [
                    self._piece(start + place, ids[at : at + size])
                    for at in range(0, len(ids), max(size, 1))
                ]
        return pieces

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        fast = getattr(self._tokenizer, "backend_tokenizer", None)
        if fast is None:
            found: list[list[int]] = self._tokenizer(
                texts, add_special_tokens=False, verbose=False
            )["input_ids"]
            return found
        return [one.ids for one in fast.encode_batch_fast(texts, add_special_tokens=False)]

    def _piece(self, text: int, ids: list[int]) -> _Piece:
        whole = [*self._head, *ids, *self._tail]
        if self._packed is not None:
            return _Piece(text=text, ids=whole, length=len(whole))
        length = next(length for length in _LENGTHS if length >= len(whole))
        return _Piece(text=text, ids=whole, length=min(length, self._window))

    @torch.inference_mode()
    def _forward_packed(self, batch: list[_Piece]) -> Floats32:
        if self._packed is None:
            raise ValueError("this encoder does not pack")
        runs = self._packed.hidden([piece.ids for piece in batch])
        first = self._files.pooling == "cls"
        pooled = torch.cat([hidden[:, 0] if first else hidden.mean(1) for hidden in runs])
        return _unit(pooled)

    @torch.inference_mode()
    def _forward_padded(self, batch: list[_Piece]) -> Floats32:
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
        return _unit(pooled[: len(batch)])


def _unit(pooled: torch.Tensor) -> Floats32:
    return np.asarray(torch.nn.functional.normalize(pooled, dim=1).cpu().numpy(), dtype=np.float32)


def _batches(pieces: list[_Piece], *, equal: bool) -> Iterable[list[_Piece]]:
    """Pieces up to the token budget, the shortest first; `equal` parts different lengths."""
    batch: list[_Piece] = []
    tokens = 0
    for piece in sorted(pieces, key=lambda piece: piece.length):
        full = tokens + piece.length > _BATCH_TOKENS
        if batch and (full or (equal and piece.length != batch[0].length)):
            yield batch
            batch, tokens = [], 0
        batch.append(piece)
        tokens += piece.length
    if batch:
        yield batch


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

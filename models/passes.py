"""Passes of texts through an encoder's model.

BERT models, the default among them, run without padding (`models.packed`), in bfloat16 where the
processor has it. Others run as transformers has them: matrix kernels round differently for
different shapes, so each piece of text is padded to a length that depends on that piece alone, and
a batch never holds fewer than `_MIN_TOKENS` tokens, above which the rows of a product no longer
depend on their number. Neither holds by any standard: a test asks for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.packed import PackedBert
from models.weights import EncoderFiles

Floats32 = NDArray[np.float32]

_MAX_TOKENS = 256
_LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, _MAX_TOKENS)
_BATCH_TOKENS = 8192
_MIN_TOKENS = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One window of one text: its token ids, special ones included, and its length in a batch."""

    text: int
    ids: list[int]
    length: int


class OpenModel:
    """Tokenizer and weights that were read, packed where they can be."""

    def __init__(
        self, files: EncoderFiles, *, packs: bool, precision: torch.dtype = torch.float32
    ) -> None:
        import transformers

        transformers.utils.logging.disable_progress_bar()
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
        model = transformers.AutoModel.from_pretrained(
            files.folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
        model = model.float().eval()
        self.dimension = int(model.config.hidden_size)
        self._packed = PackedBert(model, precision) if packs else None
        self._model: Any = None if packs else model
        self._first = files.pooling == "cls"
        positions = int(getattr(model.config, "max_position_embeddings", _MAX_TOKENS + 2))
        self._window = min(_MAX_TOKENS, positions - 2)
        bare = self._tokenizer("a", add_special_tokens=False)["input_ids"]
        framed = self._tokenizer("a")["input_ids"]
        at = framed.index(bare[0])
        self._head, self._tail = framed[:at], framed[at + len(bare) :]

    def forward(self, batch: list[Piece]) -> Floats32:
        """*Shape:* (pieces, dimension), each row of length 1."""
        return self._forward_padded(batch) if self._packed is None else self._forward_packed(batch)

    def pieces(self, texts: list[str]) -> list[Piece]:
        """Texts cut into what is read at once; a text without any token has none."""
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

    def _piece(self, text: int, ids: list[int]) -> Piece:
        whole = [*self._head, *ids, *self._tail]
        if self._packed is not None:
            return Piece(text=text, ids=whole, length=len(whole))
        length = next(length for length in _LENGTHS if length >= len(whole))
        return Piece(text=text, ids=whole, length=min(length, self._window))

    @torch.inference_mode()
    def _forward_packed(self, batch: list[Piece]) -> Floats32:
        if self._packed is None:
            raise ValueError("this encoder does not pack")
        runs = self._packed.hidden([piece.ids for piece in batch])
        pooled = torch.cat([hidden[:, 0] if self._first else hidden.mean(1) for hidden in runs])
        return _unit(pooled)

    @torch.inference_mode()
    def _forward_padded(self, batch: list[Piece]) -> Floats32:
        length = batch[0].length
        rows = max(len(batch), _MIN_TOKENS // length)
        ids = torch.full((rows, length), int(self._tokenizer.pad_token_id or 0))
        mask = torch.zeros((rows, length), dtype=torch.long)
        mask[:, 0] = 1
        for row, piece in enumerate(batch):
            ids[row, : len(piece.ids)] = torch.tensor(piece.ids)
            mask[row, : len(piece.ids)] = 1
        hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        if self._first:
            pooled = hidden[:, 0]
        else:
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * weights).sum(1) / weights.sum(1)
        return _unit(pooled[: len(batch)])


def _unit(pooled: torch.Tensor) -> Floats32:
    return np.asarray(torch.nn.functional.normalize(pooled, dim=1).cpu().numpy(), dtype=np.float32)


def batches(pieces: list[Piece], *, equal: bool) -> Iterable[list[Piece]]:
    """Pieces up to the token budget, the shortest first; `equal` parts different lengths."""
    batch: list[Piece] = []
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

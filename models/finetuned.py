"""An encoder that was fine-tuned on a study: the weights that changed, and a head for each code.

The word and position vectors of the encoder stay as they were, so a fine-tuned model holds the
layers alone, in half precision, and finds the rest in the encoder that it began with.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from annotations.errors import ArtifactError
from annotations.transcripts import Segment, Turn
from models.features import Setting, question_before
from models.heads import Heads
from models.packed import fastest_device
from models.weights import find_encoder

Floats32 = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]

WINDOW = 128
"""Tokens read at once: attention over longer windows costs more than it finds."""

_CONTEXT_WORDS = 40
_TURNS_BACK = 2
_BATCH_TOKENS = 4096
_MIN_TOKENS = 512
_GRAIN = 16
_REACH = 8.0
"""A window's vector has this length, so that heads of length 1 reach log odds of a few units."""

_FROZEN = ("embeddings.", "pooler.")


def finetuned_texts(segments: Sequence[Segment], setting: Setting) -> list[str]:
    """What the fine-tuned encoder reads of each segment.

    As the setting says, with what came before it, in the order of the talk, and roles by name.
    """
    known = set(setting.speakers)

    def said(turn: Segment | Turn, most: int | None = None) -> str:
        words = turn.text if most is None else " ".join(turn.text.split()[-most:])
        return f"{turn.speaker}: {words}" if turn.speaker in known else words

    texts = []
    for segment in segments:
        before: list[Turn] = []
        if setting.context:
            before = list(segment.before[-_TURNS_BACK:])
        elif setting.question and (asked := question_before(segment)) is not None:
            before = [asked]
        parts = [said(turn, _CONTEXT_WORDS) for turn in before]
        texts.append(" [SEP] ".join([*parts, said(segment)]) if segment.text.strip() else "")
    return texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """The windows of some texts: token ids, and the text that each is of."""

    ids: tuple[tuple[int, ...], ...]
    text_of: NDArray[np.int64]


class CodeClassifier(torch.nn.Module):
    """A transformers encoder with mean pooling and a linear head a code."""

    def __init__(self, encoder: Any, tokenizer: Any, heads: Heads) -> None:
        super().__init__()
        self.encoder = deepcopy(encoder).float()
        self.tokenizer = tokenizer
        self.head = torch.nn.Linear(heads.weights.shape[1], heads.weights.shape[0])
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor(heads.weights))
            self.head.bias.copy_(torch.tensor(heads.bias))
        for name, parameter in self.encoder.named_parameters():
            parameter.requires_grad_(not any(part in name for part in _FROZEN))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Log odds of each window; *shapes:* (windows, tokens), result (windows, codes)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
        found: torch.Tensor = self.head(_REACH * torch.nn.functional.normalize(pooled, dim=1))
        return found

    def trained(self) -> dict[str, torch.Tensor]:
        """The tensors that training changes, by name."""
        return {name: one for name, one in self.named_parameters() if one.requires_grad}

    def restore(self, arrays: Arrays) -> None:
        """Put trained tensors back; ArtifactError where they are not this model's."""
        own = self.trained()
        if set(own) != set(arrays):
            raise ArtifactError(
                "The fine-tuned weights do not belong to the encoder that was loaded. Train again."
            )
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(torch.tensor(np.asarray(arrays[name], dtype=np.float32)))

    def windows(self, texts: Sequence[str]) -> Windows:
        """Cut texts into windows of even length; an empty text has none."""
        framed = self.tokenizer("a")["input_ids"]
        bare = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        at = framed.index(bare[0])
        head, tail = framed[:at], framed[at + len(bare) :]
        room = WINDOW - len(head) - len(tail)
        ids: list[tuple[int, ...]] = []
        text_of: list[int] = []
        for start in range(0, len(texts), 4096):
            rows = self.tokenizer(
                list(texts[start : start + 4096]), add_special_tokens=False, verbose=False
            )["input_ids"]
            for place, row in enumerate(rows):
                size = -(-len(row) // max(1, -(-len(row) // room)))
                for first in range(0, len(row), max(size, 1)):
                    ids.append((*head, *row[first : first + size], *tail))
                    text_of.append(start + place)
        return Windows(ids=tuple(ids), text_of=np.array(text_of, dtype=np.int64))

    def padded(
        self, rows: Sequence[Sequence[int]], device: torch.device, *, least: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and mask; *shapes:* (windows, tokens), at least `least` windows."""
        length = _GRAIN * -(-max(len(row) for row in rows) // _GRAIN)
        ids = torch.full((max(len(rows), least), length), int(self.tokenizer.pad_token_id or 0))
        mask = torch.zeros_like(ids)
        mask[:, 0] = 1
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        return ids.to(device), mask.to(device)

    @torch.inference_mode()
    def log_odds(
        self, texts: Sequence[str], advance: Callable[[int], None] = lambda _done: None
    ) -> Floats32:
        """The highest log odds over a text's windows; *shape:* (texts, codes).

        A text without a token has the heads' bias. The same text has the same log odds beside
        whatever others it is read.
        """
        self.eval()
        device = self.head.weight.device
        bias = self.head.bias.detach().cpu().numpy().astype(np.float32)
        found = np.full((len(texts), len(bias)), -np.inf, dtype=np.float32)
        windows = self.windows(texts)
        done = 0
        for batch in _batches(windows):
            rows = [windows.ids[place] for place in batch]
            length = _GRAIN * -(-max(map(len, rows)) // _GRAIN)
            ids, mask = self.padded(rows, device, least=_MIN_TOKENS // length)
            values = self(ids, mask)[: len(rows)].float().cpu().numpy()
            np.maximum.at(found, windows.text_of[list(batch)], values)
            done += len(batch)
            advance(min(len(texts), done * len(texts) // len(windows.ids)))
        return np.where(np.isneginf(found), bias, found)


def _batches(windows: Windows) -> Iterator[tuple[int, ...]]:
    """Windows of equal padded length together, up to the token budget."""
    by_length: dict[int, list[int]] = {}
    for place, row in enumerate(windows.ids):
        by_length.setdefault(_GRAIN * -(-len(row) // _GRAIN), []).append(place)
    for length, places in sorted(by_length.items()):
        size = max(1, _BATCH_TOKENS // length)
        for start in range(0, len(places), size):
            yield tuple(places[start : start + size])


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """The encoder that a fine-tuned model begins with, and its tokenizer."""

    name: str
    encoder: Any
    tokenizer: Any


def load_base(source: str | None) -> Base:
    """The default encoder (None), or that of a folder or hub name; raises ArtifactError."""
    import transformers

    files = find_encoder(source)
    transformers.utils.logging.disable_progress_bar()
    return Base(
        name=files.name,
        tokenizer=transformers.AutoTokenizer.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        ),
        encoder=transformers.AutoModel.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
        ).float(),
    )


class FinetunedEncoder:
    """A fine-tuned model as an encoder: the vector of a text is its log odds of each code.

    Several threads may call `encode`; vectors are cached as those of any encoder are.
    """

    def __init__(self, base: Base, arrays: Arrays) -> None:
        self.name = f"{base.name}, fine-tuned"
        device = fastest_device()
        self.precision = "fp32" if device.type == "cpu" else f"fp32 {device.type}"
        digest = hashlib.sha256(f"fine-tuned; {WINDOW}; 1\n".encode())
        for key in sorted(arrays):
            digest.update(key.encode())
            digest.update(np.ascontiguousarray(arrays[key]).tobytes())
        self.checksum = digest.hexdigest()
        self.dimension = int(arrays["head.weight"].shape[0])
        heads = Heads(
            weights=np.asarray(arrays["head.weight"], dtype=np.float32),
            bias=np.asarray(arrays["head.bias"], dtype=np.float32),
        )
        self._model = CodeClassifier(base.encoder, base.tokenizer, heads).to(device)
        self._model.restore(arrays)
        self._lock = threading.Lock()

    def encode(
        self, texts: Sequence[str], *, advance: Callable[[int], None] = lambda _done: None
    ) -> Floats32:
        """Log odds of each text; *shape:* (texts, codes)."""
        with self._lock:
            return self._model.log_odds(texts, advance)

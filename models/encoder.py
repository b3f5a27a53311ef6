"""Turn text into vectors: the encoder protocol and the transformers encoder.

Every text has one vector, whatever it is encoded beside: a model version is a hash, and it must
not depend on what a cache held (`models.passes`).
"""

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from annotations.errors import ArtifactError
from models.packed import can_pack, fastest_device, fastest_precision
from models.passes import OpenModel, batches
from models.weights import EncoderFiles, find_encoder

Floats32 = NDArray[np.float32]

_BASE_LAYERS, _BASE_WIDTH = 12, 768
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


class TransformersEncoder:
    """A transformers model with mean (or first-token) pooling, as sentence-transformers has it.

    A text longer than the model reads at once is cut into windows of equal length, whose
    vectors are averaged by their number of tokens. Several threads may call `encode`.
    `precision` is None for the fastest that keeps decisions; float32 is there to compare with.
    """

    def __init__(self, files: EncoderFiles, precision: torch.dtype | None = None) -> None:
        """Of files whose weights are read when the first text comes, or by `open`.

        Those of models that cannot be packed are read at once: the configurations of many kinds
        do not say in one way how long a vector is.
        """
        self._files = files
        self._lock = threading.Lock()
        self._opened: OpenModel | None = None
        config = _configuration(files)
        self._packs = can_pack(config)
        self._precision = (precision or fastest_precision()) if self._packs else torch.float32
        self._layer_parameters = _layer_parameters(config)
        size = config.get("hidden_size") if self._packs else None
        self._dimension = size if isinstance(size, int) else self.open().dimension

    @classmethod
    def load(
        cls, source: str | None = None, *, precision: torch.dtype | None = None
    ) -> "TransformersEncoder":
        """Load the default weights (None), those of a local folder, or of a named hub model.

        Raises ArtifactError where the files are missing, are not what they should be, or
        hold no safetensors weights. Code that comes with a model is never run.
        """
        encoder = cls(find_encoder(source), precision)
        encoder.open()
        return encoder

    @classmethod
    def when_needed(cls, source: str | None = None) -> "TransformersEncoder":
        """As `load`, but the weights are read when the first text comes, if one does.

        What is wrong with them comes out then.
        """
        return cls(find_encoder(source))

    def open(self) -> OpenModel:
        """Read tokenizer and weights, unless they have been: seconds.

        Raises ArtifactError where they cannot be read.
        """
        with self._lock:
            if self._opened is None:
                files, precision = self._files, self._precision
                try:
                    self._opened = OpenModel(files, packs=self._packs, precision=precision)
                except (OSError, ValueError, RuntimeError, SafetensorError) as problem:
                    raise ArtifactError(
                        f"The encoder {files.name} cannot be read from {files.folder} "
                        f"({type(problem).__name__}: {problem}). Put its files back as its "
                        "makers gave them, or name another encoder with --encoder."
                    ) from problem
            return self._opened

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
        if not self._packs:
            return "fp32 padded"
        return f"{_NAMES[self._precision]} packed {fastest_device().type}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def layer_parameters(self) -> int:
        """About how many parameters its layers have: what a token costs."""
        return self._layer_parameters

    def encode(
        self, texts: Sequence[str], *, advance: Callable[[int], None] = lambda _done: None
    ) -> Floats32:
        """One vector for each text, computed once where texts are equal.

        *Shape:* (texts, dimension), each row of length 1; a text without any token is 0.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        order = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        opened = self.open()
        with self._lock:
            pieces = opened.pieces(list(order))
            sums = np.zeros((len(order), self.dimension), dtype=np.float32)
            done = 0
            for batch in batches(pieces, equal=not self._packs):
                sizes = np.array([[len(piece.ids)] for piece in batch], dtype=np.float32)
                # A text may have several pieces in a batch: plain indexed addition takes one.
                np.add.at(sums, [piece.text for piece in batch], opened.forward(batch) * sizes)
                done += len(batch)
                advance(min(len(texts), done * len(texts) // max(1, len(pieces))))
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        unit = sums / np.where(norms > 0, norms, 1.0).astype(np.float32)
        return np.ascontiguousarray(unit[[order[text] for text in texts]], dtype=np.float32)


def _configuration(files: EncoderFiles) -> dict[str, Any]:
    place = files.folder / "config.json"
    try:
        found = json.loads(place.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ArtifactError(f"{place} does not describe an encoder: it must hold a JSON object.")
    return found


def _layer_parameters(config: dict[str, Any]) -> int:
    """Four square matrices of attention and a feed-forward of four times the width, a layer.

    Of a configuration that tells neither width nor layers in a usual way, a base model's.
    """
    layers = config.get("num_hidden_layers", config.get("n_layers"))
    width = config.get("hidden_size", config.get("dim"))
    if not isinstance(layers, int) or not isinstance(width, int):
        layers, width = _BASE_LAYERS, _BASE_WIDTH
    return 12 * layers * width**2


def open_encoder(source: str | None, *, checksum: str) -> TransformersEncoder:
    """The encoder that a model was trained with; ArtifactError where another one is there."""
    encoder = TransformersEncoder.when_needed(source)
    if encoder.checksum != checksum:
        raise ArtifactError(
            f"The encoder {encoder.name} is not the one that the model was trained with: its "
            f"checksum begins {encoder.checksum[:12]}, the model's {checksum[:12]}. Put the "
            f"original files back at {source or 'the place of the package'}, or train again."
        )
    encoder.open()
    return encoder

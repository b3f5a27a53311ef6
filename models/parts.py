"""What a model consists of, and its form on disk."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotations.errors import ArtifactError
from annotations.transcripts import Segmentation
from models.artifacts import FORMAT, Part, read_part
from models.calibration import Calibration
from models.exemplars import CodeExemplars
from models.features import Setting, TermBlock, WordsView
from models.heads import Heads
from models.suggestions import Exemplar

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "transformers", "tokenizers")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelParts:
    """Everything that scores a segment, but the encoder.

    *Shape:* `thresholds` (codes,). The calibration takes the embedding view's score first,
    the words view's second, then that of `sentence_heads` and that of a fine-tuned encoder,
    whose tensors are in `finetuned`, None where there is none. `encoder_source` is where the
    encoder was found, `encoder_checksum` what it must be. `implied` are pairs of a code and one
    above it (indices into `codes`) that coders apply with it.
    """

    codes: tuple[str, ...]
    open: tuple[bool, ...]
    thresholds: NDArray[np.float64]
    segmentation: Segmentation
    setting: Setting
    words: WordsView
    words_heads: Heads
    embedding_heads: Heads
    sentence_heads: Heads | None
    calibration: Calibration
    encoder_name: str
    encoder_source: str | None
    encoder_checksum: str
    dimension: int
    finetuned: Mapping[str, NDArray[Any]] | None = None
    implied: tuple[tuple[int, int], ...] = ()


def library_versions() -> dict[str, str]:
    """The versions that decide the numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def model_part(parts: ModelParts, training: Mapping[str, Any]) -> Part:
    """A model for writing; `training` says what it was made of, as plain JSON values."""
    arrays: dict[str, NDArray[Any]] = {
        "thresholds": parts.thresholds,
        "words.weights": parts.words_heads.weights,
        "words.bias": parts.words_heads.bias,
        "embedding.weights": parts.embedding_heads.weights,
        "embedding.bias": parts.embedding_heads.bias,
        "calibration.weights": parts.calibration.weights,
        "calibration.bias": parts.calibration.bias,
    }
    if parts.sentence_heads is not None:
        arrays["sentences.weights"] = parts.sentence_heads.weights
        arrays["sentences.bias"] = parts.sentence_heads.bias
    for number, block in enumerate(parts.words.blocks):
        arrays[f"idf.{number}"] = block.idf
    document = {
        "format": FORMAT,
        "codes": list(parts.codes),
        "open": list(parts.open),
        "segmentation": {"max_words": parts.segmentation.max_words},
        "context": parts.setting.context,
        "question": parts.setting.question,
        "speakers": list(parts.setting.speakers),
        "blocks": [
            {
                "kind": block.kind,
                "source": block.source,
                "weight": block.weight,
                "terms": list(block.terms),
            }
            for block in parts.words.blocks
        ],
        "encoder": {
            "name": parts.encoder_name,
            "source": parts.encoder_source,
            "checksum": parts.encoder_checksum,
            "dimension": parts.dimension,
        },
        "finetuned": parts.finetuned is not None,
        "implied": [list(pair) for pair in parts.implied],
        "training": dict(training),
        "libraries": library_versions(),
    }
    return Part(document=document, arrays=arrays)


def finetuned_part(parts: ModelParts) -> Part | None:
    """The tensors that fine-tuning changed, for writing; in half precision as they are used."""
    if parts.finetuned is None:
        return None
    return Part(document={"format": FORMAT}, arrays=parts.finetuned)


def read_model(folder: Path) -> ModelParts:
    """The model in a verified folder; ArtifactError where its parts do not fit together."""
    part = read_part(folder, "model")
    held, arrays = part.document, part.arrays
    try:
        setting = Setting(
            context=held["context"],
            question=held.get("question", False),
            speakers=tuple(held["speakers"]),
        )
        blocks = [
            TermBlock(
                kind=block["kind"],
                source=block["source"],
                weight=block["weight"],
                terms=tuple(block["terms"]),
                idf=arrays[f"idf.{number}"],
            )
            for number, block in enumerate(held["blocks"])
        ]
        return ModelParts(
            codes=tuple(held["codes"]),
            open=tuple(held["open"]),
            thresholds=arrays["thresholds"],
            segmentation=Segmentation(max_words=held["segmentation"]["max_words"]),
            setting=setting,
            words=WordsView(setting=setting, blocks=blocks),
            words_heads=Heads(weights=arrays["words.weights"], bias=arrays["words.bias"]),
            embedding_heads=Heads(
                weights=arrays["embedding.weights"], bias=arrays["embedding.bias"]
            ),
            sentence_heads=Heads(weights=arrays["sentences.weights"], bias=arrays["sentences.bias"])
            if "sentences.weights" in arrays
            else None,
            calibration=Calibration(
                weights=arrays["calibration.weights"], bias=arrays["calibration.bias"]
            ),
            encoder_name=held["encoder"]["name"],
            encoder_source=held["encoder"]["source"],
            encoder_checksum=held["encoder"]["checksum"],
            dimension=held["encoder"]["dimension"],
            finetuned=read_part(folder, "finetuned").arrays if held.get("finetuned") else None,
            implied=tuple((child, parent) for child, parent in held.get("implied", [])),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise ArtifactError(
            f"The model in {folder} lacks a part ({problem!r}). Train again."
        ) from problem


def exemplars_part(exemplars: Mapping[str, CodeExemplars]) -> Part:
    """Excerpts for writing."""
    codes = [
        {
            "code": code,
            "excerpts": [
                {
                    "transcript": one.transcript,
                    "turn": one.turn,
                    "start": one.start,
                    "end": one.end,
                    "text": one.text,
                    "coder": one.coder,
                }
                for one in held.exemplars
            ],
        }
        for code, held in exemplars.items()
    ]
    return Part(
        document={"format": FORMAT, "codes": codes},
        arrays={f"{number}": held.vectors for number, held in enumerate(exemplars.values())},
    )


def read_exemplars(folder: Path) -> dict[str, CodeExemplars]:
    """The excerpts of a published model, by code."""
    part = read_part(folder, "exemplars")
    return {
        held["code"]: CodeExemplars(
            exemplars=tuple(Exemplar(**one) for one in held["excerpts"]),
            vectors=part.arrays[f"{number}"],
        )
        for number, held in enumerate(part.document["codes"])
    }

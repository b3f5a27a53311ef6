"""Published models: folders of safetensors and JSON named by the hash of their content.

A folder is written beside its place and renamed, so it is there whole or not at all. What is
loaded is read first and must hash to the folder's name. Nothing is ever pickled.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from annotations.errors import ArtifactError
from models.suggestions import CodedSegments, SegmentCodes
from models.weights import file_sha256

Arrays = Mapping[str, NDArray[Any]]

VERSION_LENGTH = 16
FORMAT = 2
READABLE = (1, 2)
"""Models of format 1 had neither a fine-tuned encoder nor codes that imply others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One JSON document of an artifact with its arrays, as `<name>.json` and `.safetensors`."""

    document: Mapping[str, Any]
    arrays: Arrays


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """JSON that is the same for the same content."""
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def part_files(name: str, part: Part) -> dict[str, bytes]:
    """The two files of a part."""
    arrays = {key: np.ascontiguousarray(value) for key, value in part.arrays.items()}
    return {
        f"{name}.json": document_bytes(part.document),
        f"{name}.safetensors": save_tensors(arrays),
    }


def publish(files: Mapping[str, bytes], store: Path) -> str:
    """Put files into `store/<version>` at once and return the version.

    The version is the first 16 hexadecimal digits of a SHA-256 over names and contents. What
    is already there and whole is left alone; what is there and damaged is replaced.
    """
    version = version_of_files(files)
    store.mkdir(parents=True, exist_ok=True)
    place = store / version
    if place.is_dir() and version_of(place) == version:
        return version
    building = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=store))
    try:
        for name, data in files.items():
            with (building / name).open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        _sync(building)
        if place.exists():
            place.rename(building / ".damaged")
            building = _without_damaged(building)
        try:
            building.rename(place)
        except OSError:
            # Another process published the same content in the meantime.
            if not (place.is_dir() and version_of(place) == version):
                raise
        _sync(store)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return version


def _without_damaged(building: Path) -> Path:
    damaged = building / ".damaged"
    if damaged.is_dir():
        shutil.rmtree(damaged)
    else:
        damaged.unlink()
    return building


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def version_of_files(files: Mapping[str, bytes]) -> str:
    """The version that files amount to."""
    return _version({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})


def version_of(folder: Path) -> str:
    """The version that the files in a folder amount to."""
    return _version({path.name: file_sha256(path) for path in folder.iterdir() if path.is_file()})


def _version(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:VERSION_LENGTH]


def verify(folder: Path) -> str:
    """The version of a published model; ArtifactError where it is missing or damaged."""
    if not folder.is_dir():
        raise ArtifactError(
            f"There is no model at {folder}. Restore the folder from a backup or train again."
        )
    try:
        found = version_of(folder)
    except OSError as error:
        raise ArtifactError(
            f"The model {folder.name} cannot be read: {error.filename}: {error.strerror}. Check "
            "the permissions of its files, use another version, or train again."
        ) from error
    if found != folder.name:
        raise ArtifactError(
            f"The model {folder.name} in {folder.parent} is damaged: its files amount to "
            f"version {found}. It was not loaded. Restore the folder from a backup, use "
            "another version, or train again."
        )
    return found


def read_part(folder: Path, name: str) -> Part:
    """A part of a verified artifact; ArtifactError where it does not hold what it must."""
    try:
        document = json.loads(
            (folder / f"{name}.json").read_bytes().decode("utf-8", "surrogatepass")
        )
        arrays = load_tensors((folder / f"{name}.safetensors").read_bytes())
    except (OSError, ValueError, SafetensorError) as problem:
        raise ArtifactError(
            f"{name} of the model in {folder} cannot be read ({problem}). Train again."
        ) from problem
    if document.get("format") not in READABLE:
        raise ArtifactError(
            f"The model in {folder} has format {document.get('format')}, this version of "
            f"second-coder reads formats up to {FORMAT}. Train again."
        )
    return Part(document=document, arrays=arrays)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut(CodedSegments):
    """What the model said of its own training segments, fold by fold, never having seen them.

    `scores` are by the fold that left the transcript out, `applied` at that fold's thresholds.
    """

    @property
    def part(self) -> Part:
        """For writing."""
        names = list(dict.fromkeys(key[0] for key in self.keys))
        number = {name: place for place, name in enumerate(names)}
        return Part(
            document={"format": FORMAT, "transcripts": names, "codes": list(self.codes)},
            arrays={
                "segments": np.fromiter(
                    (one for key in self.keys for one in (number[key[0]], *key[1:])), np.int64
                ).reshape(-1, 4),
                "scores": self.scores.astype(np.float32),
                "applied": self.applied.astype(np.uint8),
            },
        )

    @classmethod
    def read(cls, folder: Path) -> "HeldOut":
        """Of a published model, which must have been verified."""
        part = read_part(folder, "out_of_fold")
        names = part.document["transcripts"]
        return cls(
            keys=tuple(
                (names[row[0]], int(row[1]), int(row[2]), int(row[3]))
                for row in part.arrays["segments"].tolist()
            ),
            codes=tuple(part.document["codes"]),
            scores=part.arrays["scores"],
            applied=part.arrays["applied"].astype(np.bool_),
        )


def out_of_fold(folder: Path) -> list[SegmentCodes]:
    """The model's coding of each training segment by the fold that left its transcript out.

    All codes count, also those that the gate keeps silent. Raises ArtifactError.
    """
    verify(folder)
    return HeldOut.read(folder).decisions()

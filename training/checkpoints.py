"""Work of a long training kept while it runs, so that a killed one goes on where it was.

safetensors and JSON in a folder of the home, each file renamed into place; removed once the
model is published.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

Arrays = Mapping[str, NDArray[Any]]

KEPT_DAYS = 30
"""Work of a training that was never asked for again holds what confidential text taught."""


class Checkpoints:
    """Named pieces of work under one key: the digest of the data and of every option.

    Without a folder nothing is kept. A file that is damaged is as good as absent. Work under
    other keys that has not changed for `KEPT_DAYS` is removed when a training begins.
    """

    def __init__(self, folder: Path | None, key: Mapping[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self._folder = None if folder is None else folder / digest[:16]
        if folder is not None and folder.is_dir():
            _forget_old(folder, but=digest[:16])

    def read(self, name: str) -> dict[str, NDArray[Any]] | None:
        """What was kept under a name, None where nothing was."""
        if self._folder is None:
            return None
        try:
            return dict(load_tensors((self._folder / f"{name}.safetensors").read_bytes()))
        except (OSError, ValueError, SafetensorError):
            return None

    def keep(self, name: str, arrays: Arrays) -> None:
        """Keep arrays under a name, whole or not at all."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self._folder / f"{name}.safetensors"
        fresh = place.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(save_tensors({k: np.ascontiguousarray(v) for k, v in arrays.items()}))
        fresh.replace(place)

    def drop(self, name: str) -> None:
        """Forget a piece of work."""
        if self._folder is not None:
            (self._folder / f"{name}.safetensors").unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all of it: the model is published."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _forget_old(folder: Path, *, but: str) -> None:
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for own in folder.iterdir():
        if own.name == but:
            continue
        try:
            changed = max(one.stat().st_mtime for one in (own, *own.iterdir()))
        except OSError:  # no folder, somebody else's, or another process is at work in it
            continue
        if changed < oldest:
            shutil.rmtree(own, ignore_errors=True)

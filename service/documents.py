"""Results as JSON documents: one form for the command line's `--json` and the HTTP API."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from annotations.reliability.estimate import Estimate

_HIDDEN: Mapping[type, set[str]] = {Estimate: {"seed"}}


def document(value: object) -> Any:
    """A result as plain dicts, lists, numbers and strings, field names as they are.

    NaN and infinity, which JSON lacks, become null. An Estimate is always
    `{"value", "low", "high", "n", "clusters", "method", "reason"}`.
    """
    if is_dataclass(value) and not isinstance(value, type):
        hidden = _HIDDEN.get(type(value), set())
        return {
            field.name: document(getattr(value, field.name))
            for field in fields(value)
            if field.name not in hidden and not field.name.startswith("_")
        }
    if isinstance(value, Mapping):
        return {str(key): document(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [document(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, Enum):
        return document(value.value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")

"""An edit of a codebook in words."""

from collections.abc import Mapping
from typing import Any

from annotations.codebook_versions.operations import DESCRIPTIVE


def in_words(edit: Mapping[str, Any]) -> str:
    """An edit, written as in a file, in a line with its own reason, without who and when.

    Of descriptions it tells which, not what they say.
    """
    parts = []
    for name, value in edit.items():
        if name in DESCRIPTIVE:
            parts.append(name)
        elif name not in ("author", "at", "reason"):
            shown = " + ".join(map(_one, value)) if isinstance(value, list) else _one(value)
            parts.append(f"{name} {shown}")
    reason = f" ({edit['reason']})" if edit.get("reason") else ""
    return ", ".join(parts) + reason


def _one(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("code"))
    return "the top" if value is None else str(value)

"""Colours of codes, as other tools give them."""

import re

_COLOR = re.compile(r"#(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})")


def color_of(text: str | None) -> str:
    """A colour as `#RRGGBB` or `#RGB`; empty where it is none."""
    text = (text or "").strip()
    return text if _COLOR.fullmatch(text) else ""

"""Cells in words."""

from collections.abc import Sequence


def cell_name(values: Sequence[str]) -> str:
    """The values of a cell's attributes, a missing one named as such."""
    return " · ".join(value or "not given" for value in values) if values else "all transcripts"

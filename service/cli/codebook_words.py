"""Edits of a codebook and what they do, in lines and tables."""

from typing import TYPE_CHECKING

from annotations.numerals import form
from service.cli.present import show_line, show_table

if TYPE_CHECKING:
    from service.workflows.codebooks import AppliedEdits, ChangeLine

CHANGE = ["change", "code", "now", "codings", "transcripts"]
"""The columns of a table of changes."""


def row(one: "ChangeLine") -> tuple[object, ...]:
    """A change in the columns of its table."""
    now = " and ".join(one.into) or one.after or ""
    if one.fields:
        now = f"{now} ({', '.join(one.fields)})"
    return (one.kind, one.before or "", now, one.codings, one.transcripts)


def show_applied(result: "AppliedEdits") -> None:
    """Print what edits do, or would do, and to how many codings."""
    show_table(
        f"Codebook of {result.study}: {'now' if result.applied else 'would be'} version "
        f"{result.version}",
        CHANGE,
        [row(one) for one in result.changes],
    )
    before, after = result.before, result.after
    show_line(
        f"Codings {before.codings:,} before, {after.codings:,} after; {after.waiting:,} "
        f"{form(after.waiting, 'waits', 'wait')} for a choice, {after.retired:,} "
        f"{form(after.retired, 'is', 'are')} of retired codes. None is lost: every version can be "
        "read."
    )

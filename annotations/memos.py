"""What researchers write beside their codings, and the sets that they keep."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Memo:
    """A note on a transcript, a passage of one, a code, or (with neither) on the study.

    `code` is a path. `turn`, `start` and `end` (code points, exclusive) go together; a memo on
    a coding is not here but in the coding itself.
    """

    title: str
    text: str
    author: str = ""
    transcript: str | None = None
    code: str | None = None
    turn: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedSet:
    """Codes (by path) and transcripts (by name) that were put together under a name."""

    name: str
    description: str = ""
    codes: tuple[str, ...] = ()
    transcripts: tuple[str, ...] = ()

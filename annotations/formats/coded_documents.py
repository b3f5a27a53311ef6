"""What QualCoder and Taguette projects have in common: documents, codes on offsets, coders."""

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime

from annotations.codebook import as_level
from annotations.codings import Coding, Reading
from annotations.formats.intake import Intake, Place
from annotations.formats.layout import Layout, Part
from annotations.formats.offsets import Span
from annotations.memos import Memo
from annotations.numerals import many
from annotations.transcripts import Transcript

MOST_CODINGS = 200_000
"""Codings that a document may have, each turn that a passage touches counted."""

_ENDS = re.compile(r"\.(?:txt|docx?|odt|pdf|rtf|md|html?|epub)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Characters `start` to `end` (exclusive) of a document that somebody coded."""

    start: int
    end: int
    code: str
    coder: str
    coded_at: datetime | None
    memo: str = ""


def document_name(name: str) -> str:
    """A transcript's name from a document's: without the end that says what file it was."""
    return _ENDS.sub("", name.strip()) or name.strip()


def free_name(name: str, taken: Container[str]) -> str:
    """A transcript's name from a document's that no other document has."""
    short = document_name(name)
    return short if short not in taken else name.strip()


def code_level(name: str) -> str:
    """A code's name as one level of a path: it may not hold what separates levels."""
    return as_level(name)


def time_of(value: object) -> datetime | None:
    """A time as these programs write it."""
    try:
        return datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None


class Uncoded:
    """Counts what was left out, to be told once a kind."""

    def __init__(self) -> None:
        self._found: Counter[str] = Counter()

    def note(self, what: str, number: int = 1) -> None:
        """Leave out one more of this kind: a noun, then what tells of it."""
        self._found[what] += number

    def tell(self, place: Place, intake: Intake) -> None:
        """List what was left out."""
        for what, number in self._found.items():
            if number:
                noun, _, rest = what.partition(" ")
                intake.refuse(place, f"{many(number, noun)} {rest}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Laid:
    """A document that came in as a transcript, and how its text lies in the turns."""

    transcript: Transcript
    layout: Layout

    def parts(self, start: int, end: int) -> tuple[Part, ...]:
        """The turns' characters among characters `start` to `end` of the document's text."""
        return self.layout.parts(Span(start=start, end=end))


def add_passages(
    laid: Laid, passages: Sequence[Passage], place: Place, intake: Intake, left_out: Uncoded
) -> None:
    """Put in codings, and as readings every turn of a document for who coded any of it.

    These programs do not record what was read and not coded: who coded a document is taken to
    have read it. A passage over several turns is a coding on each, the later ones continuing
    the first, which has the memo.
    """
    name = laid.transcript.name
    listed = intake.listed
    for coder in dict.fromkeys(one.coder for one in passages):
        for turn in laid.transcript.turns:
            intake.add_reading(Reading(transcript=name, turn=turn.index, coder=coder))
    codings = 0
    for one in passages:
        parts = laid.parts(one.start, one.end)
        if not parts:
            left_out.note("coding of speakers' names or white space alone")
        codings += len(parts)
        if codings > MOST_CODINGS:
            intake.problem(place, f"{name!r} has more than {MOST_CODINGS:,} codings, by turn")
            return
        for part in parts:
            coding = Coding(
                transcript=name,
                turn=part.turn,
                start=part.start,
                end=part.end,
                code=one.code,
                coder=one.coder,
                coded_at=one.coded_at,
                memo="" if part.continues else one.memo,
                continues=part.continues,
            )
            intake.add_coding(coding, place, listed)


def add_memo(
    intake: Intake,
    text: str,
    *,
    title: str = "",
    author: str = "",
    transcript: str | None = None,
    part: Part | None = None,
) -> None:
    """Put in a memo on a transcript, a part of it, or (with neither) the study, if it has words."""
    if text.strip():
        intake.add_memo(
            Memo(
                title=title,
                text=text.strip(),
                author=author,
                transcript=transcript,
                turn=part.turn if part is not None else None,
                start=part.start if part is not None else None,
                end=part.end if part is not None else None,
            )
        )

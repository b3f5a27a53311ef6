"""Marked passages of a REFI-QDA project as codings, readings and memos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from annotations.codings import Coding, Reading
from annotations.formats.intake import Intake, Place
from annotations.formats.layout import Layout, Part
from annotations.formats.offsets import Located
from annotations.formats.refi.marks import SourceMarks
from annotations.formats.refi.notes import DESCRIPTION, Note, Notes, memo_of
from annotations.formats.refi.sources import Passage, Source
from annotations.formats.refi.xml_text import guid_of, time_of
from annotations.memos import Memo
from annotations.numerals import many

MOST_CODINGS = 200_000
"""Codings that a project may have, each turn that a passage touches counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """A source whose passages fit its text; `marks` where our own instruction is about it."""

    source: Source
    layout: Layout
    located: Located
    marks: SourceMarks | None


def add_passages(
    coded: Sequence[Coded],
    paths: Mapping[str, str],
    users: Mapping[str, str],
    notes: Notes,
    place: Place,
    intake: Intake,
) -> None:
    """Put in the codings of all sources, and who read which turns.

    Whoever coded any of a source is taken to have read all of it: a project does not say who
    finished what.
    """
    reader = _Passages(paths, users, notes, place, intake)
    for one in coded:
        reader.read(one)
    reader.note_what_was_left_out()


class _Passages:
    def __init__(
        self,
        paths: Mapping[str, str],
        users: Mapping[str, str],
        notes: Notes,
        place: Place,
        intake: Intake,
    ) -> None:
        self._paths = paths
        self._users = users
        self._notes = notes
        self._place = place
        self._intake = intake
        self._listed = intake.listed
        self._codings = 0
        self._without_code = 0
        self._without_words = 0
        self._twice = 0
        self._nameless = 0

    def read(self, one: Coded) -> None:
        name = one.source.name
        coders: dict[str, None] = {}
        for passage, span in zip(one.source.passages, one.located.spans, strict=True):
            if span is None:
                continue
            parts = one.layout.parts(span)
            if not parts:
                self._without_words += 1
                continue
            elements = passage.element.findall("Coding")
            self._codings += len(parts) * len(elements)
            if self._codings > MOST_CODINGS:
                break
            for element in elements:
                coder = self._add_codings(name, passage, element, parts)
                if coder is not None:
                    coders[coder] = None
            if not elements:
                self._add_memos(name, passage, parts[0])
        if one.marks is not None:
            for reading in one.marks.readings:
                self._intake.add_reading(reading)
            return
        for coder in coders:
            for turn in range(len(one.layout.pieces)):
                self._intake.add_reading(Reading(transcript=name, turn=turn, coder=coder))

    def note_what_was_left_out(self) -> None:
        """Say how many codings and passages came to nothing, and why."""
        if self._codings > MOST_CODINGS:
            message = f"more than {MOST_CODINGS:,} codings, counted by turn; split the project"
            self._intake.problem(self._place, message)
        if self._nameless:
            self._intake.problem(
                self._place,
                f"{many(self._nameless, 'coding names', 'codings name')} no user; say --coder NAME",
            )
        for count, one, more, what in (
            (self._without_code, "coding refers", "codings refer", "to no code of the project"),
            (
                self._without_words,
                "passage covers",
                "passages cover",
                "no words, only speakers' names or white space between turns",
            ),
            (
                self._twice,
                "coding repeats",
                "codings repeat",
                "another: same words, code and user",
            ),
        ):
            if count:
                self._intake.refuse(self._place, f"{many(count, one, more)} {what}")

    def _add_codings(
        self, name: str, passage: Passage, element: Element, parts: Sequence[Part]
    ) -> str | None:
        """Put in one coding, a part a turn; whose it is, None where it cannot be told."""
        reference = element.find("CodeRef")
        path = self._paths.get(guid_of("" if reference is None else reference.get("targetGUID")))
        if path is None:
            self._without_code += 1
            return None
        coder = self._coder(element, passage.element)
        if coder is None:
            self._nameless += 1
            return None
        notes = (*self._notes.of(element), *self._notes.of(passage.element))
        memo = memo_of(notes, coder, passage.element.findtext("Description"))
        when = time_of(element.get("creationDateTime"))
        new = False
        for part in parts:
            new |= self._intake.add_coding(
                Coding(
                    transcript=name,
                    turn=part.turn,
                    start=part.start,
                    end=part.end,
                    code=path,
                    coder=coder,
                    coded_at=when,
                    memo="" if part.continues else memo,
                    continues=part.continues,
                ),
                self._place,
                self._listed,
            )
        self._twice += not new
        return coder

    def _coder(self, *elements: Element) -> str | None:
        """Who coded: the first element that names a user, else the only user, else as told."""
        for element in elements:
            user = self._users.get(guid_of(element.get("creatingUser")))
            if user is not None:
                return user
        if self._intake.coder is not None:
            return self._intake.coder
        return next(iter(self._users.values())) if len(self._users) == 1 else None

    def _add_memos(self, name: str, passage: Passage, part: Part) -> None:
        """Keep what was noted on a passage without a code."""
        notes = list(self._notes.of(passage.element))
        described = (passage.element.findtext("Description") or "").strip()
        if described:
            notes.append(Note(title=DESCRIPTION, text=described, author=""))
        for note in notes:
            self._intake.add_memo(
                Memo(
                    title=note.title,
                    text=note.text,
                    author=note.author,
                    transcript=name,
                    turn=part.turn,
                    start=part.start,
                    end=part.end,
                )
            )

"""The notes of a REFI-QDA project: memos, and who wrote them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from annotations.codings import is_model
from annotations.formats.intake import Intake, Place
from annotations.formats.refi.sources import Parts, plain_text_of
from annotations.formats.refi.xml_text import guid_of
from annotations.numerals import many

DESCRIPTION = "Description"
"""Title of a memo that was a description, which has none of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A note: its title, its words and who wrote it."""

    title: str
    text: str
    author: str


class Notes:
    """The notes of a project by identifier, knowing which of them nothing refers to."""

    def __init__(
        self,
        notes: Element | None,
        parts: Parts,
        users: Mapping[str, str],
        place: Place,
        intake: Intake,
    ) -> None:
        self._notes: dict[str, Note] = {}
        self._used: set[str] = set()
        for element in notes if notes is not None else ():
            title = (element.get("name") or "").strip()
            text = plain_text_of(element, parts, f"note {title!r}", place, intake)
            words = "\n\n".join(
                part.strip() for part in (text, element.findtext("Description")) if part
            ).strip()
            codings = sum(1 for _ in element.iter("Coding"))
            if codings:
                intake.refuse(
                    place,
                    f"note {title!r}: its {many(codings, 'coding is', 'codings are')} not read",
                )
            if words or title:
                self._notes[guid_of(element.get("guid"))] = Note(
                    title=title,
                    text=words,
                    author=users.get(guid_of(element.get("creatingUser")), ""),
                )

    def of(self, element: Element) -> tuple[Note, ...]:
        """The notes that an element refers to."""
        targets = [guid_of(one.get("targetGUID")) for one in element.iterfind("NoteRef")]
        self._used.update(targets)
        return tuple(self._notes[guid] for guid in dict.fromkeys(targets) if guid in self._notes)

    def rest(self) -> tuple[Note, ...]:
        """The notes that nothing referred to so far."""
        return tuple(note for guid, note in self._notes.items() if guid not in self._used)


def memo_of(notes: Iterable[Note], coder: str, *others: str | None) -> str:
    """The memo of a coding from its notes and other texts, a paragraph each.

    The note that says which model a coder is belongs to the coder.
    """
    words = [
        note.text or note.title for note in notes if not (is_model(coder) and note.title == coder)
    ]
    words += [text.strip() for text in others if text]
    return "\n\n".join(dict.fromkeys(word for word in words if word))

"""Writing a REFI-QDA project (`.qdpx`) and codebook (`.qdc`): what `project` reads back."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from xml.etree.ElementTree import Element, SubElement
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from annotations.codings import MODEL_PREFIX, Coding, Reading, is_model
from annotations.formats.layout import Layout, render
from annotations.formats.offsets import Span
from annotations.formats.refi.attributes import CASE
from annotations.formats.refi.codebook import ORIGIN, write_codes, write_set, xml_bytes
from annotations.formats.refi.marks import write_marks
from annotations.formats.refi.sources import PROJECT
from annotations.formats.refi.xml_text import new_guid, time_text, writable
from annotations.memos import Memo
from annotations.study import Study
from annotations.transcripts import Transcript

NAMESPACE = "urn:QDA-XML:project:1.0"

_EXCERPT = 60
"""Characters of a passage that its name begins with, by which a reader checks the offsets."""

_UNDATED = (1980, 1, 1, 0, 0, 0)
"""The time of every part: the same study gives the same file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Marked:
    """A coding as one passage of the text, however many turns it goes across."""

    span: Span
    coding: Coding


def project_bytes(study: Study) -> bytes:
    """The project of a study as a zip file.

    Every coding has words: one of no characters cannot be told, and is the caller's to leave
    out.

    Offsets count Unicode code points and a line's end as one, as the standard says. A coding
    that goes on across turns is one passage. A model is a user of its own, with a note that
    names its version.
    """
    return _Writer(study).write()


class _Writer:
    def __init__(self, study: Study) -> None:
        self._study = study
        self._layouts = {item.name: render(item) for item in study.transcripts}
        self._notes: dict[tuple[str, str, str], str] = {}
        coders = {one.coder for one in study.codings} | {one.coder for one in study.readings}
        authors = {memo.author for memo in study.memos if memo.author}
        self._users: dict[str, str] = {
            name: new_guid("user", name) for name in sorted(coders | authors)
        }
        self._codes: dict[str, str] = {}
        self._variables = {
            name: new_guid("variable", name)
            for item in study.transcripts
            for name in item.attributes
            if name != CASE
        }

    def write(self) -> bytes:
        """The whole file."""
        root = Element(
            "Project",
            {"xmlns": NAMESPACE, "name": writable(self._study.name), "origin": ORIGIN},
        )
        if self._users:
            users = SubElement(root, "Users")
            for name, guid in self._users.items():
                SubElement(users, "User", {"guid": guid, "name": writable(name)})
        self._write_codes(root)
        self._write_variables(root)
        self._write_cases(root)
        self._write_sources(root)
        notes = SubElement(root, "Notes")
        self._write_sets(root)
        for memo in self._study.memos:
            if memo.transcript is None and memo.code is None:
                self._refer(root, memo.title, memo.text, memo.author)
        # All of them are known only now.
        self._write_notes(root, notes)
        return self._packed(root)

    def _write_codes(self, root: Element) -> None:
        codes = self._study.codebook.codes
        if not codes:
            return
        parent = SubElement(SubElement(root, "CodeBook"), "Codes")
        self._codes = write_codes(parent, codes)
        elements = {one.get("guid"): one for one in parent.iter("Code")}
        for path, guid in self._codes.items():
            element = elements[guid]
            # The schema wants a code's notes before the codes below it.
            place = 1 if element.find("Description") is not None else 0
            for memo in self._study.memos:
                if memo.code == path:
                    reference = Element(
                        "NoteRef", {"targetGUID": self._note(memo.title, memo.text, memo.author)}
                    )
                    element.insert(place, reference)
                    place += 1

    def _write_variables(self, root: Element) -> None:
        if self._variables:
            parent = SubElement(root, "Variables")
            for name, guid in self._variables.items():
                attributes = {"guid": guid, "name": writable(name), "typeOfVariable": "Text"}
                SubElement(parent, "Variable", attributes)

    def _write_cases(self, root: Element) -> None:
        """A case for each transcript with attributes, or for those that share one by name."""
        cases: dict[str, list[Transcript]] = {}
        for item in self._study.transcripts:
            if item.attributes:
                cases.setdefault(item.attributes.get(CASE) or item.name, []).append(item)
        if not cases:
            return
        parent = SubElement(root, "Cases")
        for name, members in cases.items():
            guid = new_guid("case", name)
            element = SubElement(parent, "Case", {"guid": guid, "name": writable(name)})
            first = members[0].attributes
            shared = {
                key: value
                for key, value in first.items()
                if all(item.attributes.get(key) == value for item in members)
            }
            self._write_values(element, shared)
            for item in members:
                target = {"targetGUID": new_guid("source", item.name)}
                SubElement(element, "SourceRef", target)

    def _write_values(self, parent: Element, attributes: Mapping[str, str]) -> None:
        for name, value in attributes.items():
            if name in self._variables:
                element = SubElement(parent, "VariableValue")
                SubElement(element, "VariableRef", {"targetGUID": self._variables[name]})
                SubElement(element, "TextValue").text = writable(value)

    def _write_sources(self, root: Element) -> None:
        if not self._study.transcripts:
            return
        parent = SubElement(root, "Sources")
        codings = _by_transcript(self._study.codings)
        memos = _by_transcript(memo for memo in self._study.memos if memo.transcript is not None)
        for item in self._study.transcripts:
            guid = new_guid("source", item.name)
            attributes = {
                "guid": guid,
                "name": writable(item.name),
                "plainTextPath": f"internal://{guid}.txt",
            }
            element = SubElement(parent, "TextSource", attributes)
            layout = self._layouts[item.name]
            theirs = memos.get(item.name, [])
            self._write_passages(element, item, layout, codings.get(item.name, []), theirs)
            for memo in theirs:
                if memo.turn is None:
                    self._refer(element, memo.title, memo.text, memo.author)
            self._write_values(element, item.attributes)

    def _write_passages(
        self,
        parent: Element,
        item: Transcript,
        layout: Layout,
        codings: Sequence[Coding],
        memos: Sequence[Memo],
    ) -> None:
        """Every passage once, with all its codings; a memo without a code has one of its own."""
        passages: dict[Span, list[Coding]] = {}
        for marked in _joined(codings, layout):
            passages.setdefault(marked.span, []).append(marked.coding)
        for span in sorted(passages, key=lambda one: (one.start, one.end)):
            coded = passages[span]
            element = self._selection(parent, item, layout, span, coded[0].coder)
            for coding in coded:
                self._write_coding(element, coding, span)
        for memo in memos:
            if memo.turn is None or memo.start is None or memo.end is None:
                continue
            at = layout.pieces[memo.turn].start
            span = Span(start=at + memo.start, end=at + memo.end)
            element = self._selection(
                parent, item, layout, span, memo.author, memo.title, memo.text
            )
            self._refer(element, memo.title, memo.text, memo.author)

    def _selection(
        self,
        parent: Element,
        item: Transcript,
        layout: Layout,
        span: Span,
        user: str,
        *others: str,
    ) -> Element:
        guid = new_guid("selection", item.name, span.start, span.end, *others)
        excerpt = " ".join(layout.text[span.start : span.end].split())
        short = excerpt if len(excerpt) <= _EXCERPT else f"{excerpt[:_EXCERPT].rstrip()}…"
        attributes = {
            "guid": guid,
            "name": writable(short),
            "startPosition": str(span.start),
            "endPosition": str(span.end),
        }
        if user in self._users:
            attributes["creatingUser"] = self._users[user]
        return SubElement(parent, "PlainTextSelection", attributes)

    def _write_coding(self, parent: Element, coding: Coding, span: Span) -> None:
        words = (coding.transcript, span.start, span.end, coding.code, coding.coder, coding.turn)
        attributes = {
            "guid": new_guid("coding", *words),
            "creatingUser": self._users[coding.coder],
        }
        if coding.coded_at is not None:
            attributes["creationDateTime"] = time_text(coding.coded_at)
        element = SubElement(parent, "Coding", attributes)
        SubElement(element, "CodeRef", {"targetGUID": self._codes[coding.code]})
        if is_model(coding.coder):
            self._refer(element, coding.coder, _of_model(coding.coder), coding.coder)
        if coding.memo:
            self._refer(element, "", coding.memo, coding.coder)

    def _write_notes(self, root: Element, parent: Element) -> None:
        if not self._notes:
            root.remove(parent)
        moment = self._last_moment()
        for (title, text, author), guid in self._notes.items():
            attributes = {"guid": guid, "name": writable(title), "creationDateTime": moment}
            if author in self._users:
                attributes["creatingUser"] = self._users[author]
            element = SubElement(parent, "Note", attributes)
            SubElement(element, "PlainTextContent").text = writable(text)

    def _last_moment(self) -> str:
        """When the last coding was made: notes have no time of their own here.

        A note without a time is allowed, and makes QualCoder give up the whole project.
        """
        moments = [one.coded_at for one in self._study.codings if one.coded_at is not None]
        return max(map(time_text, moments), default=time_text(datetime(*_UNDATED)))

    def _write_sets(self, root: Element) -> None:
        if not self._study.sets:
            return
        parent = SubElement(root, "Sets")
        for one in self._study.sets:
            element = write_set(parent, one)
            for path in one.codes:
                if path in self._codes:
                    SubElement(element, "MemberCode", {"targetGUID": self._codes[path]})
            for name in one.transcripts:
                target = {"targetGUID": new_guid("source", name)}
                SubElement(element, "MemberSource", target)

    def _note(self, title: str, text: str, author: str) -> str:
        return self._notes.setdefault((title, text, author), new_guid("note", title, text, author))

    def _refer(self, parent: Element, title: str, text: str, author: str) -> None:
        SubElement(parent, "NoteRef", {"targetGUID": self._note(title, text, author)})

    def _packed(self, root: Element) -> bytes:
        readings = _by_transcript(self._study.readings)
        lines = [xml_bytes(root)]
        packed = io.BytesIO()
        with ZipFile(packed, "w", ZIP_DEFLATED) as file:
            for name, layout in self._layouts.items():
                guid = new_guid("source", name)
                part = ZipInfo(f"Sources/{guid}.txt", _UNDATED)
                file.writestr(part, layout.text.encode("utf-8"), ZIP_DEFLATED)
                marks = write_marks(
                    guid, text=layout.text, pieces=layout.pieces, readings=readings.get(name, ())
                )
                lines.append(f"<?{marks}?>".encode())
            file.writestr(ZipInfo(PROJECT, _UNDATED), b"\n".join(lines), ZIP_DEFLATED)
        return packed.getvalue()


def _joined(codings: Iterable[Coding], layout: Layout) -> list[_Marked]:
    """Codings as passages: what continues a coding from the turn before is part of it."""
    whole: list[_Marked] = []
    open_at: dict[tuple[str, str, datetime | None, int], int] = {}
    for coding in sorted(codings, key=lambda one: (one.turn, one.start, one.end, not one.memo)):
        piece = layout.pieces[coding.turn]
        span = Span(start=piece.start + coding.start, end=piece.start + coding.end)
        key = (coding.coder, coding.code, coding.coded_at)
        before = open_at.pop((*key, coding.turn - 1), None) if coding.continues else None
        if before is None:
            before = len(whole)
            whole.append(_Marked(span=span, coding=coding))
        else:
            first = whole[before]
            whole[before] = _Marked(
                span=Span(start=first.span.start, end=span.end), coding=first.coding
            )
        if span.end == piece.end:
            open_at[(*key, coding.turn)] = before
    return whole


_Placed = TypeVar("_Placed", Coding, Reading, Memo)


def _by_transcript(items: Iterable[_Placed]) -> dict[str | None, list[_Placed]]:
    found: dict[str | None, list[_Placed]] = {}
    for item in items:
        found.setdefault(item.transcript, []).append(item)
    return found


def _of_model(coder: str) -> str:
    version = coder.removeprefix(MODEL_PREFIX)
    return (
        f"What this user coded was suggested by a model of Second Coder, version {version}. "
        "No person has confirmed it."
    )

"""Reading a REFI-QDA project (`.qdpx`): a zip with the project as XML and its sources."""

from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from annotations.formats.archive import Archive, Limits
from annotations.formats.intake import Intake, Place
from annotations.formats.layout import Layout, lay_out
from annotations.formats.offsets import STANDARD, Located, locate, locate_as
from annotations.formats.refi import codebook
from annotations.formats.refi.attributes import add_attributes
from annotations.formats.refi.document import Document, parse
from annotations.formats.refi.marks import SourceMarks, checksum, read_marks
from annotations.formats.refi.notes import DESCRIPTION, Note, Notes
from annotations.formats.refi.passages import Coded, add_passages
from annotations.formats.refi.sources import PROJECT, Parts, Source, read_sources
from annotations.formats.refi.xml_text import Names, guid_of
from annotations.memos import Memo, NamedSet
from annotations.numerals import form, many
from annotations.transcripts import Transcript

LIMITS = Limits(entry_bytes=codebook.MOST_BYTES, total_bytes=2**40)
"""Recordings and pictures in a project may be large: they are not unpacked."""

_MOST_MISFITS = 10
"""One passage in so many may fit nowhere; with more, the counting itself is not understood."""


def read_project(path: Path, intake: Intake, known: Mapping[str, Transcript]) -> None:
    """Put in everything of a project that is text; what is not is noted as left out.

    `known` are the study's transcripts: a source of the same name and words keeps their turns.
    Raises InputError where the file cannot be read at all.
    """
    place = Place(file=str(path))
    with Archive(path, LIMITS) as archive:
        parts = Parts(archive)
        if PROJECT not in parts:
            intake.problem(place, f"has no {PROJECT!r} in it, so it is no REFI-QDA project")
            return
        document = parse(str(path), parts.read(PROJECT))
        if document.root.tag != "Project":
            intake.problem(place, f"holds <{document.root.tag}>, expected a REFI-QDA <Project>")
            return
        users = _users(document.root)
        notes = Notes(document.root.find("Notes"), parts, users, place, intake)
        ours = document.root.get("origin") == codebook.ORIGIN
        found = document.root.find("Sources")
        sources = list(read_sources(found, parts, known, place, intake, ours=ours))
    _Project(document, users, notes, sources, place, intake, known).read()


def _users(root: Element) -> dict[str, str]:
    """Names of coders by identifier; two people of the same name stay two."""
    names = Names()
    return {
        guid_of(user.get("guid")): names.free(
            " ".join((user.get("name") or user.get("id") or "").split()) or "unnamed user"
        )
        for user in root.iterfind("Users/User")
    }


_MOST_NAMED = 5


class _Project:
    """What is known of a project while its parts are put in, one kind after the other."""

    def __init__(
        self,
        document: Document,
        users: Mapping[str, str],
        notes: Notes,
        sources: list[Source],
        place: Place,
        intake: Intake,
        known: Mapping[str, Transcript],
    ) -> None:
        self._root = document.root
        self._users = users
        self._notes = notes
        self._sources = sources
        self._place = place
        self._intake = intake
        self._known = known
        by_guid = {guid: one.name for one in sources for guid in one.inner_guids}
        self._marks = read_marks(document.instructions, by_guid)
        self._by_source = {one.guid: one.name for one in reversed(sources)}
        self._paths: dict[str, str] = {}

    def read(self) -> None:
        self._read_codes()
        if not self._sources:
            self._intake.refuse(self._place, "no source with text in it")
        coded: list[Coded] = []
        for source, where in zip(self._sources, self._located(), strict=True):
            layout = self._lay_out(source)
            transcript = Transcript(name=source.name, turns=layout.turns)
            if self._intake.add_transcript(transcript, self._place) is None:
                continue
            self._memos_of(source.element, transcript=source.name)
            marks = self._marks_of(source)
            if self._fits(source, where):
                coded.append(Coded(source=source, layout=layout, located=where, marks=marks))
        add_passages(coded, self._paths, self._users, self._notes, self._place, self._intake)
        add_attributes(self._root, self._sources, self._place, self._intake)
        self._read_sets()
        self._memos_of(self._root)
        for note in self._notes.rest():
            self._add_memo(note)
        self._note_the_rest()

    def _located(self) -> list[Located]:
        """Where every source's passages are; what we wrote ourselves needs no finding out."""
        marks = [[passage.mark for passage in one.passages] for one in self._sources]
        foreign = [self._marks_of(one) is None for one in self._sources]
        found = iter(
            locate(
                [one.text for one, other in zip(self._sources, foreign, strict=True) if other],
                [some for some, other in zip(marks, foreign, strict=True) if other],
                origin=self._root.get("origin") or "",
            )
        )
        return [
            next(found) if other else locate_as(one.text, some, STANDARD)
            for one, some, other in zip(self._sources, marks, foreign, strict=True)
        ]

    def _read_codes(self) -> None:
        codes = codebook.read_codes(self._root.find("CodeBook/Codes"), self._place, self._intake)
        self._paths = {one.guid: one.code.path for one in codes}
        for one in codes:
            for note in self._notes.of(one.element):
                self._add_memo(note, code=one.code.path)

    def _marks_of(self, source: Source) -> SourceMarks | None:
        """What our own instruction says, where the text is still the one that it is about."""
        marks = next((self._marks[g] for g in source.inner_guids if g in self._marks), None)
        if marks is None or marks.checksum != checksum(source.text.text):
            return None
        if marks.pieces and marks.pieces[-1].end > len(source.text.text):
            return None
        return marks

    def _lay_out(self, source: Source) -> Layout:
        marks, known = self._marks_of(source), self._known.get(source.name)
        if marks is not None:
            return Layout(text=source.text.text, pieces=marks.pieces).as_known(known)
        return lay_out(source.text.text, known=known)

    def _fits(self, source: Source, where: Located) -> bool:
        """Whether the passages of a source can be read; those that fit nowhere are noted."""
        count = len(where.spans)
        if where.misfits * _MOST_MISFITS > count:
            worst = next(
                passage.mark
                for passage, span in zip(source.passages, where.spans, strict=True)
                if span is None
            )
            self._intake.problem(
                self._place,
                f"{where.misfits} of {many(count, 'passage')} of source {source.name!r} "
                f"{form(where.misfits, 'fits', 'fit')} its text in no way of counting characters "
                "(tried UTF-16 units and code points, a line's end as one or two); the first is "
                f"{worst.start} to {worst.end} of {many(len(source.text.text), 'character')}. The "
                "text is not the one that was coded; export the project again",
            )
            return False
        if where.misfits:
            self._intake.refuse(
                self._place,
                f"{where.misfits} of {many(count, 'passage')} of source {source.name!r} "
                f"{form(where.misfits, 'does', 'do')} not fit its text (counted in "
                f"{where.counting})",
            )
        return True

    def _read_sets(self) -> None:
        for one in self._root.iterfind("Sets/Set"):
            name = (one.get("name") or "").strip() or "set"
            codes = [guid_of(member.get("targetGUID")) for member in one.iterfind("MemberCode")]
            sources = [guid_of(item.get("targetGUID")) for item in one.iterfind("MemberSource")]
            self._intake.add_set(
                NamedSet(
                    name=name,
                    description=(one.findtext("Description") or "").strip(),
                    codes=tuple(dict.fromkeys(self._paths[g] for g in codes if g in self._paths)),
                    transcripts=tuple(
                        dict.fromkeys(self._by_source[g] for g in sources if g in self._by_source)
                    ),
                )
            )
            lost = len(one.findall("MemberNote")) + sum(g not in self._by_source for g in sources)
            if lost:
                self._intake.refuse(
                    self._place,
                    f"set {name!r}: {many(lost, 'member')}, notes or sources without text",
                )

    def _memos_of(self, element: Element, *, transcript: str | None = None) -> None:
        for note in self._notes.of(element):
            self._add_memo(note, transcript=transcript)
        described = (element.findtext("Description") or "").strip()
        if described:
            self._add_memo(
                Note(title=DESCRIPTION, text=described, author=""), transcript=transcript
            )

    def _add_memo(
        self, note: Note, *, transcript: str | None = None, code: str | None = None
    ) -> None:
        self._intake.add_memo(
            Memo(
                title=note.title,
                text=note.text,
                author=note.author,
                transcript=transcript,
                code=code,
            )
        )

    def _note_the_rest(self) -> None:
        for path, what in (("Links/Link", "link"), ("Graphs/Graph", "map")):
            count = len(self._root.findall(path))
            if count:
                told = many(count, what)
                are = form(count, "is", "are")
                self._intake.refuse(self._place, f"{told} between its parts {are} not read")
        if (memo := self._root.find("Variables/Variable/Description")) is not None and memo.text:
            self._intake.refuse(self._place, "descriptions of variables are not read")
        coders = {guid_of(one.get("creatingUser")) for one in self._root.iter("Coding")}
        idle = [name for guid, name in self._users.items() if guid not in coders]
        if idle and len(self._users) > 1:
            names = ", ".join(map(repr, idle[:_MOST_NAMED]))
            self._intake.refuse(self._place, f"{many(len(idle), 'user')} coded nothing: {names}")

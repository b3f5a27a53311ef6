"""The sources of a REFI-QDA project: their texts and marked passages, and what is no text."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from annotations.errors import InputError, Problem
from annotations.formats.archive import Archive
from annotations.formats.coded_documents import free_name
from annotations.formats.intake import Intake, Place
from annotations.formats.offsets import Mark, SourceText
from annotations.formats.refi.xml_text import Names, guid_of
from annotations.numerals import many

MOST_BYTES = 4 * 2**20
"""Bytes of one source's plain text that are read: some dozen long interviews."""

MOST_IN_ALL = 72 * 2**20
"""Bytes of the project and its sources that are read in all."""

MOST_LINES = 200_000
"""Lines that the texts of a project may have in all."""

_LONGEST_NUMBER = 12

PROJECT = "project.qde"

_INSIDE = re.compile(r"internal://(?:.*/)?([^/]+)", re.IGNORECASE)
_KINDS = {
    "TextSource": "text",
    "PDFSource": "PDF",
    "PictureSource": "picture",
    "AudioSource": "audio",
    "VideoSource": "video",
}
_REGIONS = {
    "PDFSelection": ("region of pages", "regions of pages"),
    "PictureSelection": ("region of the picture", "regions of the picture"),
    "AudioSelection": ("stretch of the recording", "stretches of the recording"),
    "VideoSelection": ("stretch of the recording", "stretches of the recording"),
}


class Parts:
    """The files in a project by name, in capitals or not, as long as there is room for them."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._names = {name.replace("\\", "/").lower(): name for name in archive.names}
        self._left = MOST_IN_ALL

    def __contains__(self, name: str) -> bool:
        """Whether the project has this file."""
        return name.lower() in self._names

    def read(self, name: str) -> bytes:
        """A file's bytes; InputError where those that were read are too many by now."""
        content = self._archive.read(self._names[name.lower()])
        self._left -= len(content)
        if self._left < 0 or (name != PROJECT and len(content) > MOST_BYTES):
            message = (
                f"{name!r} in it has {len(content):,} bytes of text; {MOST_BYTES:,} of a source "
                f"and {MOST_IN_ALL:,} in all are read; split the project"
            )
            raise InputError(Problem(file=self._archive.file, line=None, message=message))
        return content


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A marked passage of a source and the element that it came from."""

    mark: Mark
    element: Element


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source with a text. `element` is what carries its notes and variables."""

    guid: str
    name: str
    text: SourceText
    passages: tuple[Passage, ...]
    element: Element
    inner_guids: tuple[str, ...] = field(default=())


def read_sources(
    sources: Element | None,
    parts: Parts,
    known: Collection[str],
    place: Place,
    intake: Intake,
    *,
    ours: bool,
) -> Iterator[Source]:
    """Every source that has a text; what cannot be read is noted as left out, with its number.

    A source `ward.docx` is the transcript `ward`, unless there is one of the full name among
    the `known` or the project is `ours`, in which names are those of transcripts already.
    """
    names = Names()
    taken: set[str] = set()
    lines = 0
    for element in sources if sources is not None else ():
        kind = _KINDS.get(element.tag)
        if kind is None:
            intake.refuse(place, f"a source of an unknown kind <{element.tag}> is not read")
            continue
        name = " ".join((element.get("name") or "").split()) or kind
        if name not in known and not ours:
            name = free_name(name, taken)
        name = _free(name, names, place, intake)
        taken.add(name)
        _note_regions(element, name, place, intake)
        texts = list(_texts(element))
        if not texts:
            intake.refuse(place, f"{kind} {name!r} has no text with it and is not read")
        for number, inner in enumerate(texts):
            title = name if number == 0 else _free(f"{name}, text", names, place, intake)
            found = _source(element, inner, title, parts, place, intake)
            if found is None:
                continue
            lines += len(found.text.doubled)
            if lines > MOST_LINES:
                intake.problem(
                    place,
                    f"its texts have more than {MOST_LINES:,} lines; split the project",
                )
                return
            yield found


def plain_text_of(
    element: Element, parts: Parts, what: str, place: Place, intake: Intake
) -> str | None:
    """The plain text in an element or in the part that it names, None after noting why not."""
    inline = element.findtext("PlainTextContent")
    if inline is not None:
        return inline
    path = element.get("plainTextPath") or ""
    inside = _INSIDE.fullmatch(path)
    if inside is None:
        where = f"lies outside of the project, at {path!r}" if path else "has no plain text"
        intake.refuse(
            place, f"{what} {where}; export the project again with its sources in it, as text"
        )
        return None
    part = f"Sources/{inside[1]}"
    if part not in parts:
        intake.problem(place, f"{what} names {part!r}, which is not in the project; export again")
        return None
    try:
        return _decoded(parts.read(part))
    except UnicodeDecodeError:
        intake.problem(place, f"the text of {what} ({part!r}) is not UTF-8; export again")
    except InputError as error:
        intake.problems(error.problems)
    return None


def _texts(element: Element) -> Iterator[Element]:
    """Where a source's texts are: itself, or what represents it in words."""
    if element.tag == "TextSource":
        yield element
    for tag in ("Representation", "TextDescription", "Transcript"):
        yield from element.iterfind(tag)


def _source(
    element: Element, inner: Element, name: str, parts: Parts, place: Place, intake: Intake
) -> Source | None:
    raw = plain_text_of(inner, parts, f"source {name!r}", place, intake)
    passages = tuple(_passages(inner, name, place, intake))
    whole = len(element.findall("Coding"))
    if whole:
        intake.refuse(
            place,
            f"source {name!r} as a whole is coded {many(whole, 'time')}; only passages are read",
        )
    if raw is None or not raw.strip():
        if raw is not None:
            intake.refuse(place, f"source {name!r} has no words")
        if passages:
            intake.refuse(
                place, f"{many(len(passages), 'passage')} of source {name!r} left out with it"
            )
        return None
    if "\0" in raw:
        intake.problem(place, f"source {name!r} holds a NUL character, so it is no plain text")
        return None
    return Source(
        guid=guid_of(element.get("guid")),
        name=name,
        text=SourceText.of(raw),
        passages=passages,
        element=element,
        inner_guids=(guid_of(inner.get("guid")),),
    )


def _passages(inner: Element, name: str, place: Place, intake: Intake) -> Iterator[Passage]:
    points = {
        guid_of(point.get("guid")): point.get("position", "")
        for point in inner.iterfind("SyncPoint")
    }
    wrong = 0
    for element in inner:
        if element.tag == "PlainTextSelection":
            start, end = element.get("startPosition", ""), element.get("endPosition", "")
        elif element.tag == "TranscriptSelection":
            start = points.get(guid_of(element.get("fromSyncPoint")), "")
            end = points.get(guid_of(element.get("toSyncPoint")), "")
        else:
            continue
        try:
            # int() of a million digits would take its time.
            if max(len(start), len(end)) > _LONGEST_NUMBER:
                raise ValueError("no offset")
            mark = Mark(start=int(start), end=int(end), name=element.get("name") or "")
        except ValueError:
            wrong += 1
        else:
            yield Passage(mark=mark, element=element)
    if wrong:
        intake.refuse(place, f"{many(wrong, 'passage')} of source {name!r} without a place in it")


def _note_regions(element: Element, name: str, place: Place, intake: Intake) -> None:
    for tag, (one, more) in _REGIONS.items():
        regions = element.findall(tag)
        if regions:
            codings = many(sum(len(region.findall("Coding")) for region in regions), "coding")
            told = f"{many(len(regions), one, more)} with {codings} not read"
            intake.refuse(place, f"source {name!r}: {told}")


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _free(name: str, names: Names, place: Place, intake: Intake) -> str:
    found = names.free(name)
    if found != name:
        intake.refuse(place, f"two sources are called {name!r}; the second is now {found!r}")
    return found

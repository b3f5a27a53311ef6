"""Word documents: speakers in bold, before a colon, in a table's column, or on their own line.

The XML is read as it stands. python-docx, which writes documents for us, passes over text in
content controls, hyperlinks and tracked insertions, and a transcript must not lose words.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from annotations.errors import InputError, Problem
from annotations.formats.archive import Archive
from annotations.formats.documents import (
    Document,
    count_note,
    heading_note,
    lines_of,
    table_paragraphs,
    tag_of,
    text_note,
)
from annotations.formats.speech import Paragraph, turns_of

_HEADING = re.compile(r"(?:heading ?\d|title|subtitle)\b.*", re.IGNORECASE)
_OFF = ("0", "false", "off", "none")
_SKIPPED = {
    "pPr", "rPr", "tblPr", "tblGrid", "trPr", "tcPr", "sectPr", "sdtPr", "sdtEndPr", "instrText",
    "del", "moveFrom", "delText", "Fallback",
}  # fmt: skip
_PICTURES = {"pict", "drawing", "object"}
_PARTS = (
    ("footnote", "footnote"),
    ("endnote", "endnote"),
    ("comment", "comment"),
    ("hdr", "header"),
    ("ftr", "footer"),
)


@dataclass(slots=True)
class _Found:
    """What was met on the way that is no turn."""

    boxes: list[str] = field(default_factory=list)
    pictures: int = 0
    deleted: list[str] = field(default_factory=list)


def read(path: Path) -> Document:
    """The turns of a Word document, with what is not among them (comments, text boxes, ...)."""
    with Archive(path) as archive:
        if "word/document.xml" not in archive:
            message = "holds no Word text; save it as .docx again"
            raise InputError(Problem(file=str(path), line=None, message=message))
        root = archive.xml("word/document.xml")
        styles = _styles(archive.xml("word/styles.xml")) if "word/styles.xml" in archive else {}
        found = _Found()
        paragraphs = list(_block(root, styles, found))
        spoken = turns_of(paragraphs)
        left_out = [*heading_note(spoken), *text_note(found.boxes, "text box")]
        left_out += count_note(found.pictures, "picture")
        left_out += text_note(found.deleted, "tracked deletion")
        for part, what in _PARTS:
            left_out += text_note(list(_texts(archive, part)), what)
    return Document(spoken=spoken, left_out=tuple(left_out))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Style:
    name: str
    bold: bool


def _styles(root: Element) -> Mapping[str, _Style]:
    found = {}
    for style in root:
        if tag_of(style) == "style":
            name = next((_value(one) for one in style if tag_of(one) == "name"), "")
            bold = any(_bold(one, default=False) for one in style if tag_of(one) == "rPr")
            found[_attribute(style, "styleId")] = _Style(name=name, bold=bold)
    return found


def _block(parent: Element, styles: Mapping[str, _Style], found: _Found) -> Iterator[Paragraph]:
    for child in parent:
        tag = tag_of(child)
        if tag == "p":
            yield from _paragraph(child, styles, found)
        elif tag == "tbl":
            yield from table_paragraphs(
                [
                    [list(_block(cell, styles, found)) for cell in _named(row, "tc")]
                    for row in _named(child, "tr")
                ]
            )
        elif tag not in _SKIPPED:
            yield from _block(child, styles, found)


def _named(parent: Element, name: str) -> Iterator[Element]:
    """Rows of a table or cells of a row, also inside content controls."""
    for child in parent:
        if tag_of(child) == name:
            yield child
        elif tag_of(child) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _named(child, name)


def _paragraph(
    paragraph: Element, styles: Mapping[str, _Style], found: _Found
) -> Iterator[Paragraph]:
    style = _Style(name="", bold=False)
    for one in paragraph.iterfind("./{*}pPr/{*}pStyle"):
        style = styles.get(_value(one), style)
    heading = bool(_HEADING.fullmatch(style.name))
    yield from lines_of(_runs(paragraph, styles, found, style.bold), heading=heading)


def _runs(
    parent: Element, styles: Mapping[str, _Style], found: _Found, bold: bool
) -> Iterator[tuple[str, bool]]:
    """The text of a paragraph in order, piece by piece, and whether each is bold."""
    for child in parent:
        tag = tag_of(child)
        if tag == "t":
            yield child.text or "", bold
        elif tag in ("tab", "ptab"):
            yield " ", bold
        elif tag in ("br", "cr"):
            yield "\n", bold
        elif tag == "noBreakHyphen":
            yield "‑", bold
        elif tag == "r":
            yield from _runs(child, styles, found, _bold_run(child, styles, bold))
        elif tag in ("del", "moveFrom"):
            if tag == "del":
                found.deleted.append(
                    "".join(one.text or "" for one in child.iter() if tag_of(one) == "delText")
                )
        elif tag in _PICTURES or tag == "AlternateContent":
            _note_drawing(child, found)
        elif tag not in _SKIPPED:
            yield from _runs(child, styles, found, bold)


def _note_drawing(drawing: Element, found: _Found) -> None:
    boxes = [one for one in _without_fallback(drawing) if tag_of(one) == "txbxContent"]
    found.boxes.extend(_words(box) for box in boxes)
    found.pictures += not boxes


def _without_fallback(parent: Element) -> Iterator[Element]:
    """Everything below, without the second copy that is kept for old versions of Word."""
    for child in parent:
        if tag_of(child) != "Fallback":
            yield child
            yield from _without_fallback(child)


def _bold_run(run: Element, styles: Mapping[str, _Style], default: bool) -> bool:
    for properties in run:
        if tag_of(properties) == "rPr":
            for one in properties:
                if tag_of(one) == "rStyle" and _value(one) in styles:
                    default = default or styles[_value(one)].bold
            return _bold(properties, default=default)
    return default


def _bold(properties: Element, *, default: bool) -> bool:
    for one in properties:
        if tag_of(one) == "b":
            return _value(one).lower() not in _OFF
    return default


def _texts(archive: Archive, part: str) -> Iterator[str]:
    """The words of each footnote, comment, header, ... of the document."""
    for name in archive.names:
        stem = name.removeprefix("word/")
        if not name.startswith("word/") or "/" in stem or not stem.endswith(".xml"):
            continue
        if part in ("hdr", "ftr"):
            if re.fullmatch(r"(?:header|footer)\d*\.xml", stem):
                root = archive.xml(name)
                if tag_of(root) == part:
                    yield _words(root)
        elif stem == f"{part}s.xml":
            for one in archive.xml(name):
                if tag_of(one) == part:
                    yield _words(one)


def _words(parent: Element) -> str:
    paragraphs = (one for one in parent.iter() if tag_of(one) == "p")
    texts = ("".join(t.text or "" for t in one.iter() if tag_of(t) == "t") for one in paragraphs)
    return " ".join(text.strip() for text in texts if text.strip())


def _value(element: Element) -> str:
    return _attribute(element, "val")


def _attribute(element: Element, name: str) -> str:
    return next((text for key, text in element.items() if key.rsplit("}", 1)[-1] == name), "")

"""OpenDocument text (LibreOffice): the same rules as for Word documents."""

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

_MOST_SPACES = 100
_MOST_PARENTS = 100
_HEADINGS = ("title", "subtitle", "heading")
_SKIPPED = {"tracked-changes", "sequence-decls", "variable-decls", "table-of-content", "forms"}


@dataclass(slots=True)
class _Found:
    """What was met on the way that is no turn."""

    notes: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    pictures: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Style:
    bold: bool | None
    parent: str


def read(path: Path) -> Document:
    """The turns of an OpenDocument text, with what is not among them."""
    with Archive(path) as archive:
        root = archive.xml("content.xml") if "content.xml" in archive else None
        body = None if root is None else root.find(".//{*}body/{*}text")
        if root is None or body is None:
            message = "holds no OpenDocument text; save it as .odt again"
            raise InputError(Problem(file=str(path), line=None, message=message))
        roots = [root]
        left_out: list[str] = []
        if "styles.xml" in archive:
            roots.insert(0, archive.xml("styles.xml"))
            for what in ("header", "footer"):
                texts = [_plain(one) for one in roots[0].iter() if tag_of(one) == what]
                left_out += text_note(texts, what)
    styles = {name: style for one in roots for name, style in _styles(one)}
    found = _Found()
    spoken = turns_of(list(_block(body, styles, found)))
    return Document(
        spoken=spoken,
        left_out=(
            *heading_note(spoken),
            *text_note(found.boxes, "text box"),
            *count_note(found.pictures, "picture"),
            *text_note(found.notes, "footnote"),
            *text_note(found.comments, "comment"),
            *left_out,
        ),
    )


def _styles(root: Element) -> Iterator[tuple[str, _Style]]:
    for one in root.iter():
        if tag_of(one) == "style":
            weight = next(
                (_attribute(p, "font-weight") for p in one if tag_of(p) == "text-properties"),
                "",
            )
            bold = None if not weight else weight == "bold" or (weight.isdigit() and weight > "500")
            yield (
                _attribute(one, "name"),
                _Style(bold=bold, parent=_attribute(one, "parent-style-name")),
            )


def _lineage(name: str, styles: Mapping[str, _Style]) -> Iterator[str]:
    seen: set[str] = set()
    while name and name not in seen and len(seen) < _MOST_PARENTS:
        yield name
        seen.add(name)
        name = styles[name].parent if name in styles else ""


def _is_bold(name: str, styles: Mapping[str, _Style], default: bool) -> bool:
    for one in _lineage(name, styles):
        bold = styles[one].bold if one in styles else None
        if bold is not None:
            return bold
    return default


def _block(parent: Element, styles: Mapping[str, _Style], found: _Found) -> Iterator[Paragraph]:
    for child in parent:
        tag = tag_of(child)
        if tag in ("p", "h"):
            yield from _paragraph(child, styles, found)
        elif tag == "table":
            yield from table_paragraphs(
                [
                    [
                        list(_block(cell, styles, found))
                        for cell in row
                        if tag_of(cell) in ("table-cell", "covered-table-cell")
                    ]
                    for row in _rows(child)
                ]
            )
        elif tag == "frame":
            _note_frame(child, found)
        elif tag not in _SKIPPED:
            yield from _block(child, styles, found)


def _rows(table: Element) -> Iterator[Element]:
    """The rows of a table, also in groups, and not those of a table in one of its cells."""
    for child in table:
        if tag_of(child) == "table-row":
            yield child
        elif tag_of(child) in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(child)


def _paragraph(
    paragraph: Element, styles: Mapping[str, _Style], found: _Found
) -> Iterator[Paragraph]:
    style = _attribute(paragraph, "style-name")
    heading = tag_of(paragraph) == "h" or any(
        one.lower().startswith(_HEADINGS) for one in _lineage(style, styles)
    )
    pieces = _runs(paragraph, styles, found, _is_bold(style, styles, default=False))
    yield from lines_of(pieces, heading=heading)


def _runs(
    parent: Element, styles: Mapping[str, _Style], found: _Found, bold: bool
) -> Iterator[tuple[str, bool]]:
    """The text in order, piece by piece, and whether each is bold; a line break is its own."""
    yield (parent.text or "").replace("\n", " "), bold
    for child in parent:
        tag = tag_of(child)
        if tag == "s":
            count = _attribute(child, "c")
            number = int(count) if re.fullmatch(r"[0-9]{1,8}", count) else 1
            yield " " * min(number, _MOST_SPACES), bold
        elif tag == "tab":
            yield " ", bold
        elif tag == "line-break":
            yield "\n", bold
        elif tag == "note":
            found.notes.append(" ".join(_plain(one) for one in child if tag_of(one) == "note-body"))
        elif tag == "annotation":
            found.comments.append(_plain(child))
        elif tag == "frame":
            _note_frame(child, found)
        elif tag != "annotation-end":
            style = _attribute(child, "style-name")
            yield from _runs(child, styles, found, _is_bold(style, styles, bold))
        yield (child.tail or "").replace("\n", " "), bold


def _note_frame(frame: Element, found: _Found) -> None:
    boxes = [one for one in frame.iter() if tag_of(one) == "text-box"]
    found.boxes.extend(_plain(box) for box in boxes)
    found.pictures += not boxes


def _plain(parent: Element) -> str:
    paragraphs = (one for one in parent.iter() if tag_of(one) in ("p", "h"))
    return " ".join(filter(None, ("".join(one.itertext()).strip() for one in paragraphs)))


def _attribute(element: Element, name: str) -> str:
    return next((text for key, text in element.items() if key.rsplit("}", 1)[-1] == name), "")

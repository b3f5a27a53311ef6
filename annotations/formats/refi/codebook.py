"""Codes and sets of REFI-QDA: a codebook file (`.qdc`), and the same part of a project."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from annotations.codebook import SEPARATOR, Code, as_level
from annotations.formats.colors import color_of
from annotations.formats.files import unreadable
from annotations.formats.intake import Intake, Place
from annotations.formats.refi.document import parse
from annotations.formats.refi.xml_text import Names, guid_of, new_guid, writable
from annotations.memos import NamedSet

NAMESPACE = "urn:QDA-XML:codebook:1.0"
ORIGIN = "Second Coder"

MOST_BYTES = 24 * 2**20
"""Bytes of XML that are read."""

_RULES = (("Include: ", "include"), ("Exclude: ", "exclude"))
_EXAMPLE = "Example: "


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeElement:
    """A code with its identifier and the element that it came from, for its notes."""

    guid: str
    code: Code
    element: Element


def read_codebook(path: Path, intake: Intake) -> None:
    """Put in the codes and sets of a `.qdc` file; InputError where it cannot be read at all."""
    place = Place(file=str(path))
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        intake.problem(place, unreadable(error))
        return
    if len(content) > MOST_BYTES:
        intake.problem(place, f"larger than {MOST_BYTES:,} bytes, which no codebook is")
        return
    root = parse(str(path), content).root
    if root.tag != "CodeBook":
        intake.problem(place, f"holds <{root.tag}>, expected a REFI-QDA <CodeBook>")
        return
    codes = read_codes(root.find("Codes"), place, intake)
    if not codes:
        intake.problem(place, "no code in it; export the codebook again")
    paths = {one.guid: one.code.path for one in codes}
    for one in root.iterfind("Sets/Set"):
        members = [guid_of(member.get("guid")) for member in one.iterfind("MemberCode")]
        intake.add_set(
            NamedSet(
                name=(one.get("name") or "").strip() or "set",
                description=(one.findtext("Description") or "").strip(),
                codes=tuple(dict.fromkeys(paths[guid] for guid in members if guid in paths)),
            )
        )


def read_codes(codes: Element | None, place: Place, intake: Intake) -> list[CodeElement]:
    """Put in the codes below an element, which may be absent, parents before children."""
    found: list[CodeElement] = []
    taken = Names()

    def walk(elements: Iterable[Element], above: str) -> None:
        for element in elements:
            name = _name(element, place, intake)
            wanted = f"{above}{SEPARATOR}{name}" if above else name
            if not intake.fits(wanted, place):
                continue
            path = taken.free(wanted)
            if path != wanted:
                intake.refuse(
                    place, f"two codes are called {name!r} there; the second is now {path!r}"
                )
            code = _code(path, element)
            intake.add_code(code, place)
            found.append(CodeElement(guid=guid_of(element.get("guid")), code=code, element=element))
            walk(element.iterfind("Code"), path)

    if codes is not None:
        walk(codes.iterfind("Code"), "")
    return found


def write_codebook(codes: Sequence[Code], sets: Sequence[NamedSet]) -> bytes:
    """A `.qdc` file. Members of sets that are transcripts have no place in it."""
    root = Element("CodeBook", {"xmlns": NAMESPACE, "origin": ORIGIN})
    guids = write_codes(SubElement(root, "Codes"), codes)
    if sets:
        parent = SubElement(root, "Sets")
        for one in sets:
            element = write_set(parent, one)
            for path in one.codes:
                if path in guids:
                    SubElement(element, "MemberCode", {"guid": guids[path]})
    return xml_bytes(root)


def xml_bytes(root: Element) -> bytes:
    """A document as UTF-8 with its declaration."""
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + tostring(root, "unicode").encode()


def write_codes(parent: Element, codes: Sequence[Code]) -> dict[str, str]:
    """Write the tree below `parent`; every code's identifier by path."""
    guids: dict[str, str] = {}
    elements: dict[str | None, Element] = {None: parent}
    for code in codes:
        guids[code.path] = new_guid("code", code.path)
        attributes = {
            "guid": guids[code.path],
            "name": writable(code.name),
            "isCodable": "true",
        }
        if color_of(code.color):
            attributes["color"] = code.color
        elements[code.path] = SubElement(elements[code.parent], "Code", attributes)
        if description := description_of(code):
            SubElement(elements[code.path], "Description").text = writable(description)
    return guids


def write_set(parent: Element, one: NamedSet) -> Element:
    """Write a set without its members."""
    guid = new_guid("set", one.name)
    element = SubElement(parent, "Set", {"guid": guid, "name": writable(one.name)})
    if one.description:
        SubElement(element, "Description").text = writable(one.description)
    return element


def description_of(code: Code) -> str:
    """Definition, rules and examples in one text, a paragraph each; `_code` reads it back."""
    parts = [code.definition] if code.definition else []
    parts += [f"{label}{getattr(code, field)}" for label, field in _RULES if getattr(code, field)]
    parts += [f"{_EXAMPLE}{example}" for example in code.examples]
    return "\n\n".join(parts)


def _code(path: str, element: Element) -> Code:
    rules: dict[str, str] = {}
    examples: list[str] = []
    definition: list[str] = []
    text = (element.findtext("Description") or "").strip()
    for paragraph in re.split(r"\n\n(?=Include: |Exclude: |Example: )", text):
        rule = next((one for one in _RULES if paragraph.startswith(one[0])), None)
        if rule is not None and rule[1] not in rules:
            rules[rule[1]] = paragraph.removeprefix(rule[0])
        elif paragraph.startswith(_EXAMPLE):
            examples.append(paragraph.removeprefix(_EXAMPLE))
        else:
            definition.append(paragraph)
    return Code(
        path=path,
        definition="\n\n".join(definition),
        include=rules.get("include", ""),
        exclude=rules.get("exclude", ""),
        examples=tuple(examples),
        color=color_of(element.get("color")),
    )


def _name(element: Element, place: Place, intake: Intake) -> str:
    """A code's name without what separates levels in a path."""
    given = " ".join((element.get("name") or "").split())
    name = as_level(given) or "unnamed code"
    if name != given:
        intake.refuse(place, f"a code called {given!r} is now {name!r}: '>' separates levels")
    return name

"""Damaged and invented REFI-QDA files: a message or a result, never anything else."""

import io
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotations.codebook import Codebook
from annotations.errors import InputError
from annotations.formats.reading import read_paths

INTERVIEW = "Int: Who helps? 😀\nNurse: My sister 👍🏽 does.\nInt: And now?\nNurse: Nobody.\n"
MORE = """
<Variables><Variable guid="v" name="trust" typeOfVariable="Text"/></Variables>
<Cases><Case guid="c" name="x"><VariableValue><VariableRef targetGUID="v"/><TextValue>A</TextValue>
</VariableValue><SourceRef targetGUID="00000000-0000-4000-8000-000000000050"/></Case></Cases>
<Notes><Note guid="n" name="m"><PlainTextContent>words</PlainTextContent></Note></Notes>
<Sets><Set guid="s" name="t"><MemberCode targetGUID="00000000-0000-4000-8000-000000000011"/></Set>
</Sets><NoteRef targetGUID="n"/>"""
STRANGE = (b"", b"-1", b"0", b"99999999999", b"7", b"\xf0\x9f\x98\x80", b"&amp;", b"&x;", b"> >")
ROUNDS = 1000


def outcome(path: Path, content: bytes) -> str:
    """Read a file; any error but a message makes the test fail."""
    path.write_bytes(content)
    try:
        read_paths([path], known={}, codebook=Codebook(), coder=None)
    except InputError as error:
        return "message" if str(error).strip() else "silence"
    return "result"


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Some bytes overwritten, cut out, or doubled."""
    found = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(found) + 1)
        size = chance.choice((1, 1, 2, 8, 40))
        kind = chance.randrange(3)
        if kind == 0:
            found[at : at + size] = chance.randbytes(min(size, len(found) - at))
        elif kind == 1:
            del found[at : at + size]
        else:
            found[at:at] = found[at : at + size]
    return bytes(found)


def rewritten(xml: bytes, chance: random.Random) -> bytes:
    """Well-formed more often than not: other values, elements gone, doubled or renamed."""
    for _ in range(chance.randint(1, 4)):
        kind = chance.randrange(4)
        if kind == 0:
            values = list(re.finditer(rb'="([^"]*)"', xml))
            one = chance.choice(values)
            other = chance.choice((*STRANGE, chance.choice(values)[1]))
            xml = xml[: one.start(1)] + other + xml[one.end(1) :]
            continue
        elements = list(re.finditer(rb"<([A-Z]\w+)[^<>]*/>|<([A-Z]\w+)[^<>]*>[^<]*</\2>", xml))
        if not elements:
            continue
        one = chance.choice(elements)
        if kind == 1:
            xml = xml[: one.start()] + xml[one.end() :]
        elif kind == 2:
            xml = xml[: one.end()] + one[0] + xml[one.end() :]
        else:
            other = chance.choice(elements)
            xml = xml[: other.start()] + one[0] + xml[other.start() :]
    return xml


def projects(whole: bytes, chance: random.Random) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    for number in range(ROUNDS):
        if number % 10 == 0:
            yield chance.randbytes(chance.randrange(200))
        elif number % 10 < 4:
            yield damaged(whole, chance)
        else:
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as file:
                for name, content in parts.items():
                    change = rewritten if name == "project.qde" else damaged
                    some = chance.random() < (0.9 if change is rewritten else 0.3)
                    file.writestr(name, change(content, chance) if some else content)
            yield packed.getvalue()


@pytest.fixture
def whole(refi: Callable[..., bytes], qualcoder: Any) -> bytes:
    passages = [("My sister", 2, 1), ("Who helps? 😀\nNurse: My", 1, 2), ("Nobody", 3, 1)]
    return refi(qualcoder, INTERVIEW, passages, inside=MORE)


def test_no_damage_to_a_project_goes_unanswered(tmp_path: Path, whole: bytes) -> None:
    chance = random.Random(20260301)
    path = tmp_path / "a.qdpx"
    assert outcome(path, whole) == "result"
    found = [outcome(path, content) for content in projects(whole, chance)]
    assert min(found.count("message"), found.count("result")) > ROUNDS // 10


def test_no_damage_to_a_codebook_goes_unanswered(tmp_path: Path) -> None:
    chance = random.Random(20260302)
    path = tmp_path / "a.qdc"
    codes = "<Code guid='1' name='A' isCodable='true'><Description>x</Description></Code>"
    source = (
        '<CodeBook xmlns="urn:QDA-XML:codebook:1.0" origin="x"><Codes>'
        + codes.replace("'", '"') * 3
        + '</Codes><Sets><Set guid="2" name="S"><MemberCode guid="1"/></Set></Sets></CodeBook>'
    ).encode()
    assert outcome(path, source) == "result"
    found = []
    for number in range(ROUNDS):
        if number % 10 == 0:
            content = chance.randbytes(chance.randrange(200))
        else:
            content = (damaged if number % 10 < 4 else rewritten)(source, chance)
        found.append(outcome(path, content))
    assert min(found.count("message"), found.count("result")) > ROUNDS // 10

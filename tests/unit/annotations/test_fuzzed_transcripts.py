"""Damaged and random bytes: every reader answers with a result or a message, and nothing else."""

import io
import random
import resource
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx as writer
import pytest
from openpyxl import Workbook

from annotations.codebook import Codebook
from annotations.errors import InputError
from annotations.formats.reading import read_paths
from annotations.transcripts import Transcript, Turn

ROUNDS = 1_000
MOST_MEMORY = 500 * 2**20

TEXT = "[00:01] Anna: We waited – really.\r\nBen (0:09): So did we.\n\n1 INT: Oh?\nBen: Yes.\n"
VTT = (
    "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\n<v Anna>We waited.\n\n"
    "00:03.000 --> 00:04.000\nBen: Yes\n"
)
SRT = "1\r\n00:00:01,000 --> 00:00:02,000\r\nANNA: We waited.\r\n"
ODT = (
    '<o:document-content xmlns:o="o" xmlns:text="t" xmlns:table="b"><o:body><o:text>'
    '<text:h>T</text:h><text:p>Anna:<text:s text:c="3"/>We<text:tab/>waited.</text:p>'
    "<table:table><table:table-row><table:table-cell><text:p>Ben</text:p></table:table-cell>"
    "<table:table-cell><text:p>Yes.</text:p></table:table-cell></table:table-row></table:table>"
    "</o:text></o:body></o:document-content>"
)


def packed(parts: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as out:
        for name, content in parts.items():
            out.writestr(name, content)
    return raw.getvalue()


def parts_of(raw: bytes, keep: Callable[[str], bool]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if keep(name)}


def word() -> dict[str, bytes]:
    document = writer.Document()
    document.add_paragraph().add_run("Anna").bold = True
    document.add_paragraph("Ben: We waited.")
    document.add_table(rows=2, cols=2).cell(0, 0).text = "Anna"
    raw = io.BytesIO()
    document.save(raw)
    return parts_of(raw.getvalue(), lambda name: name == "word/document.xml")


def sheet() -> dict[str, bytes]:
    book = Workbook()
    book.active.append(["who", "age"])
    book.active.append(["A1", 44])
    raw = io.BytesIO()
    book.save(raw)
    return parts_of(raw.getvalue(), lambda name: "theme" not in name and "docProps" not in name)


def mutated(content: bytes, chance: random.Random) -> bytes:
    raw = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20))):
        at = chance.randrange(len(raw) + 1)
        kind = chance.randrange(4)
        if kind == 0 and at < len(raw):
            raw[at] = chance.randrange(256)
        elif kind == 1:
            del raw[at : at + chance.randrange(40)]
        elif kind == 2:
            raw[at:at] = raw[: chance.randrange(60)]
        else:
            raw[at:at] = chance.choice((b"\0", b"<", b"&x;", b"9" * 30, b":", b"\xff\xfe", b"-->"))
    return bytes(raw)


def damaged(whole: bytes, parts: dict[str, bytes], chance: random.Random) -> Iterator[bytes]:
    """A file damaged outside and, where it is an archive, inside; and random bytes."""
    for number in range(ROUNDS):
        if number % 10 == 0:
            yield whole[:4] + chance.randbytes(chance.randrange(400))
        elif parts and number % 2:
            name = chance.choice(list(parts))
            yield packed({**parts, name: mutated(parts[name], chance)})
        else:
            yield mutated(whole, chance)


@pytest.mark.parametrize("end", ["txt", "vtt", "srt", "docx", "odt", "pdf", "xlsx", "csv"])
def test_damaged_files_give_a_result_or_a_message(
    tmp_path: Path, end: str, make_pdf: Callable[..., bytes]
) -> None:
    parts = {"docx": word, "xlsx": sheet, "odt": lambda: {"content.xml": ODT.encode()}}
    inner = parts[end]() if end in parts else {}
    plain = {
        "txt": TEXT.encode(),
        "vtt": VTT.encode(),
        "srt": SRT.encode(),
        "pdf": make_pdf([["Anna: We waited."]]),
    }
    whole = packed(inner) if inner else plain.get(end, b"who,age\nA1,44\nB2,x\n")
    known = {"A1": Transcript(name="A1", turns=(Turn(index=0, speaker="A", text="Yes."),))}
    path = tmp_path / f"fuzzed.{end}"
    results = silent = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for raw in damaged(whole, inner, random.Random(7)):
        path.write_bytes(raw)
        try:
            read_paths([path], known=known, codebook=Codebook(), coder=None)
            results += 1
        except InputError as error:
            silent += not str(error)
    assert 0 < results < ROUNDS, "all or none were read: the damage is of no use"
    assert not silent
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * 1024 < MOST_MEMORY


@pytest.mark.parametrize(
    "line",
    [
        "A" * 200_000 + "a",
        "Anna: " + " " * 200_000 + ".",
        " " * 200_000 + ".",
        "<v" + "." * 200_000,
        "<v " * 70_000,
        "[" * 200_000,
        ": " * 100_000,
        "00:00:01" * 30_000,
        ">" * 200_000,
        "1 " * 100_000,
    ],
)
@pytest.mark.parametrize("end", ["txt", "vtt"])
def test_long_lines_take_no_time(tmp_path: Path, end: str, line: str) -> None:
    path = tmp_path / f"T.{end}"
    path.write_text(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{line}\nBen: Yes.\n")
    assert read_paths([path], known={}, codebook=Codebook(), coder=None).transcripts

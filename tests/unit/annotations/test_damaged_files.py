"""A thousand damaged files for each reader: a result or a message, never a trace."""

import json
import random
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest

from annotations.codebook import Codebook
from annotations.errors import InputError
from annotations.formats.pseudonyms import read_pseudonyms
from annotations.formats.reading import read_paths
from annotations.transcripts import Transcript, Turn

NUMBER = 1000
MOST_MEMORY = 500 * 1024
"""Kibibytes."""

KNOWN = {"ward": Transcript(name="ward", turns=(Turn(index=0, speaker="N", text="No beds. 🙂"),))}


def _qualcoder(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "PRAGMA page_size = 512;"
            "CREATE TABLE source (id integer primary key, name text, fulltext text);"
            "CREATE TABLE code_name (cid integer primary key, name text, catid integer);"
            "CREATE TABLE code_cat (catid integer, name text, supercatid integer);"
            "CREATE TABLE code_text (cid integer, fid integer, seltext text, pos0 integer, "
            "pos1 integer, owner text);"
            "INSERT INTO source VALUES (1, 'ward.txt', 'N: No beds. ' || char(128578));"
            "INSERT INTO code_cat VALUES (1, 'Work', 1);"
            "INSERT INTO code_name VALUES (1, 'Beds', 1);"
            "INSERT INTO code_text VALUES (1, 1, 'No beds.', 3, 11, 'ana');"
        )


def _taguette(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "PRAGMA page_size = 512;"
            "CREATE TABLE documents (id integer, name text, contents text);"
            "CREATE TABLE tags (id integer, path text, description text);"
            "CREATE TABLE highlights (id integer, document_id integer, start_offset integer, "
            "end_offset integer);"
            "CREATE TABLE highlight_tags (highlight_id integer, tag_id integer);"
            "INSERT INTO documents VALUES (1, 'ward', '<p>N: No <b>beds</b>. &#128578;</p>');"
            "INSERT INTO tags VALUES (1, 'work.beds', '');"
            "INSERT INTO highlights VALUES (1, 1, 3, 11);"
            "INSERT INTO highlight_tags VALUES (1, 1);"
        )


def _workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Document name", "Code", "Segment", "Created by"])
    book.active.append(["ward", "Work > Beds", "No beds.", "ana"])
    book.save(path)


def _segments(path: Path) -> None:
    path.write_text(
        "Document name,Code,Segment,Created by\nward,Work > Beds,No beds.,ana\nward,x,No,b\n"
    )


def _readings(path: Path) -> None:
    path.write_text("transcript,turn,coder,assisted\nward,0,ana,true\nward,0,ben,false\n")


def _tasks(path: Path) -> None:
    value = {"start": "0", "end": "0", "startOffset": 0, "endOffset": 2}
    value |= {"text": "No", "paragraphlabels": ["Work > Beds"]}
    result = {"id": "a", "from_name": "code", "to_name": "t", "type": "paragraphlabels"}
    annotation = {"completed_by": {"email": "ana"}, "created_at": "2026-03-01T09:00:00"}
    data = {"transcript": "ward", "turns": [{"speaker": "N", "text": "No beds. 🙂"}]}
    task = {
        "data": data,
        "annotations": [{**annotation, "result": [{**result, "value": value}]}],
        "drafts": [{}],
        "predictions": [{"created_at": "2026-03-01T09:00:00Z"}],
    }
    path.write_text(json.dumps([task]))


def _names(path: Path) -> None:
    path.write_text("name,pseudonym\nN,Nurse\nward,Case 1\n")


def _damaged(whole: bytes, chance: random.Random) -> bytes:
    """A copy with some bytes changed, a piece cut out, or a piece twice."""
    content = bytearray(whole)
    for _ in range(chance.choice([1, 2, 8, 40])):
        place = chance.randrange(len(content))
        kind = chance.randrange(8)
        if kind == 0:
            del content[place : place + chance.randrange(1, 60)]
        elif kind == 1:
            content[place:place] = content[place : place + chance.randrange(1, 60)]
        elif kind == 2:
            content[place:place] = chance.choice([b"\0", b"\xff", b'"', b"-1", b"[]", b"null"])
        else:
            content[place] = chance.randrange(256)
        if not content:
            break
    return bytes(content)


def _import(path: Path) -> None:
    read_paths([path], known=KNOWN, codebook=Codebook(), coder=None)


@pytest.mark.parametrize(
    ("name", "make", "read"),
    [
        ("data.qda", _qualcoder, _import),
        ("p.sqlite3", _taguette, _import),
        ("s.xlsx", _workbook, _import),
        ("s.csv", _segments, _import),
        ("readings.csv", _readings, _import),
        ("t.json", _tasks, _import),
        ("names.csv", _names, read_pseudonyms),
    ],
)
def test_damaged_files_are_read_or_refused(
    tmp_path: Path, name: str, make: Callable[[Path], None], read: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    make(path)
    whole = path.read_bytes()
    read(path)
    chance = random.Random(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    for _ in range(NUMBER):
        path.write_bytes(_damaged(whole, chance))
        try:
            read(path)
        except InputError:
            refused += 1
    assert refused > 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY

"""QualCoder and Taguette projects, built as those programs build them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from annotations.study import Material

QUALCODER = """
CREATE TABLE project (databaseversion text, date text, memo text, about text, bookmarkfile integer,
  bookmarkpos integer, codername text);
CREATE TABLE source (id integer primary key, name text, fulltext text, mediapath text, memo text,
  owner text, date text, av_text_id integer, risid integer, unique(name));
CREATE TABLE code_image (imid integer primary key, id integer, x1 integer, y1 integer,
  width integer, height integer, cid integer, memo text, date text, owner text, important integer);
CREATE TABLE code_av (avid integer primary key, id integer, pos0 integer, pos1 integer, cid integer,
  memo text, date text, owner text, important integer);
CREATE TABLE annotation (anid integer primary key, fid integer, pos0 integer, pos1 integer,
  memo text, owner text, date text);
CREATE TABLE attribute_type (name text primary key, date text, owner text, memo text,
  caseOrFile text, valuetype text);
CREATE TABLE attribute (attrid integer primary key, name text, attr_type text, value text,
  id integer, date text, owner text, unique(name, attr_type, id));
CREATE TABLE case_text (id integer primary key, caseid integer, fid integer, pos0 integer,
  pos1 integer, owner text, date text, memo text);
CREATE TABLE cases (caseid integer primary key, name text, memo text, owner text, date text);
CREATE TABLE code_cat (catid integer primary key, name text, owner text, date text, memo text,
  supercatid integer, unique(name));
CREATE TABLE code_text (ctid integer primary key, cid integer, fid integer, seltext text,
  pos0 integer, pos1 integer, owner text, date text, memo text, avid integer, important integer);
CREATE TABLE code_name (cid integer primary key, name text, memo text, catid integer, owner text,
  date text, color text, supercid integer, unique(name));
CREATE TABLE journal (jid integer primary key, name text, jentry text, date text, owner text);
"""

TEXT = "Interviewer: How was it? 🙂\nNurse: Nurse shortages, mostly.\nAnd no beds at all.\n"


def _coding(words: str) -> tuple[str, int, int]:
    return (words, TEXT.index(words), TEXT.index(words) + len(words))


@pytest.fixture
def qualcoder(tmp_path: Path) -> Path:
    folder = tmp_path / "ward.qda"
    folder.mkdir()
    when = "2026-03-01 14:05:00"
    with closing(sqlite3.connect(folder / "data.qda")) as connection:
        connection.executescript(QUALCODER)
        connection.executemany(
            "INSERT INTO source (id, name, fulltext, mediapath, memo) VALUES (?, ?, ?, ?, ?)",
            [
                (1, "ward 7.txt", TEXT, None, "calm day"),
                (2, "poster.png", None, "/images/poster.png", ""),
            ],
        )
        connection.executemany(
            "INSERT INTO code_cat (catid, name, supercatid) VALUES (?, ?, ?)",
            [(1, "Work", None), (2, "Means > ways", 1)],
        )
        connection.executemany(
            "INSERT INTO code_name (cid, name, memo, catid, supercid, color) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                (1, "Staffing", "Who is there", 2, None, "#CD6155"),
                (2, "Beds", "", 1, None, "reddish"),
                (3, "None left", "", None, 2, None),
            ],
        )
        shortages, beds = _coding("Nurse shortages"), _coding("mostly.\nAnd no beds")
        units = (beds[0], beds[1] + 1, beds[2] + 1)
        connection.executemany(
            "INSERT INTO code_text (cid, fid, seltext, pos0, pos1, owner, date, memo) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (1, 1, *shortages, "ana", when, "see ward 9"),
                (2, 1, *units, "ben", when, ""),
                (3, 1, *beds, "ben", "soon", ""),
                (3, 1, "something else", 3, 17, "ben", when, ""),
                (9, 1, *beds, "ben", when, ""),
                (1, 1, *_coding("Interviewer"), "ana", when, ""),
            ],
        )
        connection.execute("UPDATE code_cat SET memo = 'All of work' WHERE catid = 1")
        connection.execute("UPDATE code_text SET important = 1 WHERE owner = 'ana'")
        connection.execute("INSERT INTO project (memo) VALUES ('Wards in spring')")
        connection.execute("INSERT INTO journal VALUES (1, 'Day 1', 'A start', '', 'ana')")
        connection.execute("INSERT INTO attribute_type (name, memo) VALUES ('trust', 'By NHS')")
        connection.executemany(
            "INSERT INTO annotation (fid, pos0, pos1, memo, owner) VALUES (?, ?, ?, ?, ?)",
            [(1, *_coding("How was it")[1:], "open question", "ben"), (2, 0, 1, "a photo", "ben")],
        )
        connection.execute("INSERT INTO code_image (imid, id, cid) VALUES (1, 2, 1)")
        connection.execute("INSERT INTO cases (caseid, name, memo) VALUES (4, 'Ward 7', 'busy')")
        connection.execute("INSERT INTO case_text (caseid, fid, pos0, pos1) VALUES (4, 1, 0, 10)")
        connection.executemany(
            "INSERT INTO attribute (name, attr_type, value, id) VALUES (?, ?, ?, ?)",
            [("trust", "case", "Acute", 4), ("wave", "file", "1", 1), ("empty", "file", "", 1)],
        )
        connection.commit()
    return folder


def _codings(material: Material) -> set[tuple[str, str, str, int]]:
    words = {item.name: item.turns for item in material.transcripts}
    return {
        (c.coder, c.code, words[c.transcript][c.turn].text[c.start : c.end], c.turn)
        for c in material.codings
    }


def test_a_qualcoder_project_comes_in_with_tree_coders_and_attributes(
    qualcoder: Path, read: Callable[..., Material]
) -> None:
    found = read(qualcoder)
    (transcript,) = found.transcripts
    assert transcript.name == "ward 7"
    assert [turn.speaker for turn in transcript.turns] == ["Interviewer", "Nurse"]
    assert transcript.attributes == {"case": "Ward 7", "trust": "Acute", "wave": "1"}
    assert _codings(found) == {
        ("ana", "Work > Means › ways > Staffing", "Nurse shortages", 1),
        ("ben", "Work > Beds", "mostly.\nAnd no beds", 1),
        ("ben", "Work > Beds > None left", "mostly.\nAnd no beds", 1),
    }
    staffing = found.codebook.code("Work > Means › ways > Staffing")
    assert staffing is not None
    assert staffing.definition == "Who is there"
    assert not found.codebook.declared
    assert {(r.coder, r.turn) for r in found.readings} == {
        (coder, turn) for coder in ("ana", "ben") for turn in (0, 1)
    }
    told = "\n".join(map(str, found.refused))
    for what in (
        "1 source without text",
        "1 memo on sources without text",
        "1 memo on attributes",
        "2 marks of codings as important",
        "1 coding of pictures",
        "1 coding at whose offsets other words stand",
        "1 coding with a code that is not there",
        "1 coding of speakers' names",
    ):
        assert what in told
    assert read(qualcoder / "data.qda").codings == found.codings


def test_what_researchers_wrote_in_qualcoder_becomes_memos_and_definitions(
    qualcoder: Path, read: Callable[..., Material]
) -> None:
    found = read(qualcoder)
    assert [(c.code, c.memo) for c in found.codings if c.memo] == [
        ("Work > Means › ways > Staffing", "see ward 9")
    ]
    assert {(code.path, code.definition, code.color) for code in found.codebook.codes} >= {
        ("Work", "All of work", ""),
        ("Work > Means › ways > Staffing", "Who is there", "#CD6155"),
        ("Work > Beds", "", ""),
    }
    assert {(m.title, m.text, m.author, m.transcript, m.turn, m.end) for m in found.memos} == {
        ("", "calm day", "", "ward 7", None, None),
        ("", "open question", "ben", "ward 7", 0, 10),
        ("", "Wards in spring", "", None, None, None),
        ("Day 1", "A start", "ana", None, None, None),
        ("Case Ward 7", "busy", "", "ward 7", None, None),
    }


SHEET = """CREATE TABLE source (id integer, name text, fulltext text);
CREATE TABLE code_name (cid integer, name text, memo text, color text, supercid integer);
CREATE TABLE code_text (cid integer, fid integer, seltext text, pos0 integer, pos1 integer,
  owner text, date text);
INSERT INTO code_name VALUES (1, 'Support', 'Help that is given', '#33cc33', NULL);
INSERT INTO code_name VALUES (2, 'Family', '', '', 1);
INSERT INTO code_name VALUES (3, 'Strain', '', '', NULL);
"""


@pytest.mark.parametrize(
    "text",
    [
        "Int: Who 🙂 helps?\nNurse (00:12): My\nsister.\n\nInt: Now?\nNurse: Nobody. Too few.\n",
        "Int: Who helps?\n[00:00:09] Nurse: My\n[00:01:00] sister.\nInt: now?\nNurse: Too few.\n",
        "We met at noon.\nMy\nsister came, and Int: too few.\n",
        "A text that we wrapped\nby hand. My\nsister came.\n\nToo few came\nalong. Too few.\n",
        "Int: only one is named here.\nMy\nsister did not come.\na\nb\nc\nToo few\n",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_project_is_the_same_study_as_qualcoder_saves_it_and_as_it_exports_it(
    tmp_path: Path,
    put: Callable[..., Path],
    read: Callable[..., Material],
    refi: Callable[..., bytes],
    qualcoder_tool: Any,
    text: str,
    end: str,
) -> None:
    passages = [("My\n", 2, 1), (text.strip()[5:-2], 1, 2), ("oo few", 3, 1)]
    path = tmp_path / "wards.qda"
    text_stored = text.replace("\n", end)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SHEET)
        connection.execute("INSERT INTO source VALUES (1, 'ward.txt', ?)", (text_stored,))
        for words, code, user in passages:
            words = words.replace("\n", end)
            at = text_stored.index(words)
            connection.execute(
                "INSERT INTO code_text VALUES (?, 1, ?, ?, ?, ?, '2026-03-01T10:00:00Z')",
                (code, words, at, at + len(words), ("Ana", "Bo")[user - 1]),
            )
        connection.commit()
    exported = put("wards.qdpx", refi(qualcoder_tool, text, passages, source="ward.txt"))
    saved, again = read(path), read(exported)
    assert saved.transcripts == again.transcripts
    assert set(saved.codings) == set(again.codings)
    assert any(one.continues for one in saved.codings)
    assert saved.codebook.codes == again.codebook.codes
    assert set(saved.readings) == set(again.readings)


TAGUETTE = """
CREATE TABLE users (login VARCHAR(30) PRIMARY KEY, created DATETIME NOT NULL);
CREATE TABLE projects (id INTEGER PRIMARY KEY, name VARCHAR(200) NOT NULL,
  description TEXT NOT NULL, created DATETIME NOT NULL);
CREATE TABLE documents (id INTEGER PRIMARY KEY, name VARCHAR(200) NOT NULL,
  description TEXT NOT NULL, filename VARCHAR(200) NOT NULL, created DATETIME NOT NULL,
  project_id INTEGER NOT NULL, text_direction VARCHAR(13) NOT NULL, contents TEXT NOT NULL);
CREATE TABLE commands (id INTEGER PRIMARY KEY, date DATETIME NOT NULL,
  user_login VARCHAR(30) NOT NULL, project_id INTEGER NOT NULL, document_id INTEGER,
  payload TEXT NOT NULL);
CREATE TABLE highlights (id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL,
  start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL, snippet TEXT NOT NULL);
CREATE TABLE tags (id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, path VARCHAR(200) NOT NULL,
  description TEXT NOT NULL);
CREATE TABLE highlight_tags (highlight_id INTEGER NOT NULL, tag_id INTEGER NOT NULL);
"""

HTML = "<p>Interviewer: How was it? 🙂</p><p>Zoë: <b>Fine</b> &amp; dandy.</p><p>Zoë: No beds.</p>"
PLAIN = "Interviewer: How was it? 🙂Zoë: Fine & dandy.Zoë: No beds."


@pytest.fixture
def taguette(tmp_path: Path) -> Path:
    path = tmp_path / "project.sqlite3"

    def at(text: str, *, end: bool = False) -> int:
        return len(PLAIN[: PLAIN.index(text) + end * len(text)].encode())

    fine, beds = "Fine & dandy.", "No beds."
    spans = [
        (1, at(fine), at(fine, end=True)),
        (2, at(fine), at(beds, end=True)),
        (3, 5000, 5003),
        (4, at(beds), at(beds, end=True)),
        (5, at("🙂") + 1, at("🙂", end=True)),
    ]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TAGUETTE)
        connection.execute("INSERT INTO projects VALUES (1, 'Wards', 'Ours', '2026-01-01')")
        connection.execute(
            "INSERT INTO documents VALUES (7, 'zoë.docx', 'By phone', 'zoë.docx', '2026-01-01', 1, "
            "'LEFT_TO_RIGHT', ?)",
            (HTML,),
        )
        connection.executemany(
            "INSERT INTO tags VALUES (?, 1, ?, ?)",
            [(1, "mood.good", "In good spirits"), (2, "beds", ""), (3, "Dr. Who", "")],
        )
        connection.executemany("INSERT INTO highlights VALUES (?, 7, ?, ?, '')", spans)
        connection.executemany(
            "INSERT INTO highlight_tags VALUES (?, ?)",
            [(1, 1), (1, 3), (2, 2), (3, 2), (5, 2)],
        )
        connection.executemany(
            "INSERT INTO commands VALUES (NULL, '2026-03-01 14:05:00.5', ?, 1, 7, ?)",
            [
                ("ana", '{"type": "highlight_add", "highlight_id": 1}'),
                ("admin", '{"type": "highlight_add", "highlight_id": 2}'),
                ("ana", "no JSON"),
                ("ana", '{"type": "highlight_add", "highlight_id": 3}'),
                ("ana", '{"type": "highlight_add", "highlight_id": 5}'),
            ],
        )
        connection.commit()
    return path


def test_a_taguette_project_comes_in_by_the_bytes_of_its_text(
    taguette: Path, read: Callable[..., Material]
) -> None:
    found = read(taguette, coder="ben")
    (transcript,) = found.transcripts
    assert transcript.name == "zoë"
    assert [turn.text for turn in transcript.turns] == [
        *("How was it? 🙂", "Fine & dandy.", "No beds.")
    ]
    assert _codings(found) == {
        ("ana", "mood > good", "Fine & dandy.", 1),
        ("ana", "Dr. Who", "Fine & dandy.", 1),
        ("ben", "beds", "Fine & dandy.", 1),
        ("ben", "beds", "No beds.", 2),
    }
    assert [(c.code, c.turn) for c in found.codings if c.continues] == [("beds", 2)]
    assert {(memo.title, memo.text, memo.transcript) for memo in found.memos} == {
        ("Wards", "Ours", None),
        ("", "By phone", "zoë"),
    }
    told = "\n".join(map(str, found.refused))
    assert "2 highlights outside the document" in told
    assert "1 highlight without a tag" in told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not an SQLite file"),
        (b"PK\x03\x04 something", "not an SQLite file"),
        (b"SQLite format 3\0" + b"\xff" * 600, "damaged"),
    ],
)
@pytest.mark.parametrize("name", ["data.qda", "x.sqlite3"])
def test_a_file_that_is_no_project_is_told_so(
    put: Callable[..., Path], refusal: Callable[..., str], name: str, content: bytes, told: str
) -> None:
    assert told in refusal(put(name, content))


@pytest.mark.parametrize(("name", "told"), [("data.qda", "QualCoder"), ("x.sqlite3", "Taguette")])
def test_tables_that_are_views_or_virtual_are_not_read(
    tmp_path: Path, refusal: Callable[..., str], name: str, told: str
) -> None:
    path = tmp_path / name
    with closing(sqlite3.connect(path)) as connection:
        for table in (
            *("source", "code_name", "code_text"),
            *("documents", "highlights", "tags", "highlight_tags"),
        ):
            connection.execute(
                f"CREATE VIEW {table} AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
                "FROM n) SELECT x AS id FROM n"
            )
        connection.commit()
    assert f"no {told} project" in refusal(path)


def test_a_project_that_is_open_elsewhere_is_not_read(
    qualcoder: Path, refusal: Callable[..., str]
) -> None:
    (qualcoder / "data.qda-wal").write_bytes(b"something")
    assert "open in another program" in refusal(qualcoder)


def test_a_project_beyond_the_limits_is_refused(
    qualcoder: Path, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotations.formats.sqlite_project.MOST_TEXT", 10)
    assert "holds more than" in refusal(qualcoder)

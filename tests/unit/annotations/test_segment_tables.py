"""Segment tables of MAXQDA and Dedoose."""

from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest

from annotations.formats.passages import Passages
from annotations.study import Material
from annotations.transcripts import Transcript

MAXQDA = ("Color", "Document group", "Document name", "Code", "Beginning", "End", "Weight score")


@pytest.fixture
def known(transcript: Callable[..., Transcript]) -> dict[str, Transcript]:
    item = transcript(
        "ward 7",
        "How was it?",
        "Busy. We ran  out of beds.",
        "Busy. I see.",
        speakers=("I", "Nurse", "I"),
    )
    return {"ward 7": item}


def _sheet(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def _found(material: Material, known: dict[str, Transcript]) -> set[tuple[str, str, str]]:
    return {
        (c.coder, c.code, known[c.transcript].turns[c.turn].text[c.start : c.end])
        for c in material.codings
    }


def test_maxqda_segments_are_found_by_their_words(
    tmp_path: Path, read: Callable[..., Material], known: dict[str, Transcript]
) -> None:
    rows = [
        (*MAXQDA, "Segment", "Created by", "Created"),
        ("", "Acute", "Ward 7", "Means > Beds", 2, 2, 0, "We ran out\nof beds", "ana", "1 May"),
        ("", "Acute", "ward 7.docx", r"Means\Mood", 1, 2, 0, "it?\nNurse: Busy.", "ben", ""),
        ("", "Acute", "ward 7", "Mood", 1, 1, 0, "Busy.", "ben", ""),
        ("", "Acute", "ward 7", "Mood", 1, 1, 0, "Never said", "ben", ""),
        ("", "Acute", "ward 7", "", 1, 1, 0, "I see.", "ben", ""),
    ]
    found = read(_sheet(tmp_path / "segments.xlsx", rows), known=known)
    assert _found(found, known) == {
        ("ana", "Means > Beds", "We ran  out of beds"),
        ("ben", "Means > Mood", "it?"),
        ("ben", "Means > Mood", "Busy."),
    }
    assert {(problem.line, problem.message[:20]) for problem in found.refused} == {
        (1, "columns not read: 'D"),
        (4, "its words occur 2 ti"),
        (5, "its words are not in"),
        (6, "a segment without a "),
    }
    assert {(r.coder, r.turn) for r in found.readings} == {
        (coder, turn) for coder in ("ana", "ben") for turn in (0, 1, 2)
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_dedoose_excerpts_come_with_a_column_a_code_or_with_all_in_one(
    put: Callable[..., Path],
    read: Callable[..., Material],
    known: dict[str, Transcript],
    delimiter: str,
) -> None:
    one = [
        ("Media Title", "Excerpt Creator", "Excerpt Copy", "Codes Applied Combined"),
        ("ward 7", "ana", "We ran out of beds.", '"Beds, Mood"'),
    ]
    wide = [
        (*one[0], r"Code: Means\Beds Applied", "Code: Mood Applied", "Code: Mood Weight"),
        ("ward 7", "ana", "We ran out of beds.", "Beds", "True", "False", "3"),
    ]
    for rows, codes in ((one, {"Beds", "Mood"}), (wide, {"Means > Beds"})):
        text = "\n".join(delimiter.join(row) for row in rows)
        found = read(put("excerpts.csv", text), known=known)
        assert {coding.code for coding in found.codings} == codes


def test_a_transcript_is_made_ready_for_looking_up_once(
    put: Callable[..., Path],
    read: Callable[..., Material],
    known: dict[str, Transcript],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    class Counted(Passages):
        def __init__(self, transcript: Transcript) -> None:
            made.append(transcript.name)
            super().__init__(transcript)

    monkeypatch.setattr("annotations.formats.segment_tables.Passages", Counted)
    rows = "ward 7,Beds,We ran,ana\n" * 5
    read(put("s.csv", f"Document name,Code,Segment,Created by\n{rows}"), known=known)
    assert made == ["ward 7"]


def test_comments_weights_and_colours_are_kept_and_other_columns_told_of(
    put: Callable[..., Path], read: Callable[..., Material], known: dict[str, Transcript]
) -> None:
    german = (
        "Farbe;Kommentar;Dokumentgruppe;Dokumentname;Code;Anfang;Ende;Gewicht;Segment;"
        "Geändert von;Geändert am;Abdeckungsgrad %\n"
        "#33cc33;nochmal fragen;Akut;ward 7;Mittel > Betten;2;2;70;it?\nNurse: Busy.;ana;;1,2\n"
    ).replace("it?\nNurse: Busy.", '"it?\nNurse: Busy."')
    found = read(put("segmente.csv", german), known=known)
    assert [(c.memo, c.continues) for c in found.codings] == [
        ("nochmal fragen\nWeight: 70", False),
        ("", True),
    ]
    assert found.codebook.codes[-1].color == "#33cc33"
    assert [p.message for p in found.refused] == ["columns not read: 'Dokumentgruppe'"]
    dedoose = (
        "Media Title,Excerpt Range,Excerpt Creator,Excerpt Copy,Resource Creator,"
        r"Codes Applied Combined,Code: Means\Beds Applied,Code: Means\Beds Range,"
        r"Code: Means\Beds Weight"
        "\nward 7,1-2,ana,We ran out of beds.,kim,Beds,True,0-10,8\n"
    )
    found = read(put("dedoose.csv", dedoose), known=known)
    assert [(c.code, c.memo) for c in found.codings] == [("Means > Beds", "Weight: 8")]
    assert [p.message for p in found.refused] == ["columns not read: 'Resource Creator'"]


def test_segments_of_unknown_transcripts_or_coders_say_what_to_do(
    put: Callable[..., Path], refusal: Callable[..., str], known: dict[str, Transcript]
) -> None:
    table = put("s.csv", "Document name,Code,Segment\nward 9,Beds,We ran\nward 7,Beds,We ran\n")
    told = refusal(table, known=known)
    assert "line 2: document 'ward 9' is no transcript" in told
    assert "import them first" in told
    assert "line 3: no coder" in told


def test_a_workbook_without_segments_says_what_was_expected(
    tmp_path: Path, put: Callable[..., Path], refusal: Callable[..., str]
) -> None:
    assert "no facesheet" in refusal(_sheet(tmp_path / "x.xlsx", [("a", "b")]))
    assert "x.xlsx" in refusal(put("x.xlsx", b"no zip at all"))

"""Encodings, facesheets and interviewers: what surrounds the words of a transcript."""

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from annotations.codebook import Codebook
from annotations.codings import Coding, natural_segmentation
from annotations.errors import InputError
from annotations.formats.reading import read_paths
from annotations.study import Material
from annotations.transcripts import Segmentation, Transcript, Turn

Put = Callable[[str, str | bytes], Path]
Read = Callable[..., Material]
Refusal = Callable[..., str]

WORDS = "Anna: Wir warteten in Köln – drei „Stunden“ lang.\nBen: Ach so, über Nacht.\n" * 3
RUSSIAN = "Анна: Мы ждали три часа, и никто нам не позвонил.\nБорис: И мы тоже ждали.\n" * 5


def workbook(tmp_path: Path, *sheets: Sequence[Sequence[object]], name: str = "f.xlsx") -> Path:
    book = Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        for row in rows:
            sheet.append(list(row))
    book.save(tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        (WORDS, "utf-8", ""),
        (WORDS, "utf-8-sig", ""),
        (WORDS, "utf-16", "utf-16"),
        (WORDS, "utf-16-le", "utf-16-le"),
        (WORDS, "utf-16-be", "utf-16-be"),
        (WORDS, "utf-32", "utf-32"),
        (WORDS, "cp1252", "cp1252"),
        (RUSSIAN, "cp1251", "cp1251"),
    ],
)
def test_text_in_any_encoding(put: Put, read: Read, text: str, encoding: str, told: str) -> None:
    material = read(put("T.txt", text.encode(encoding)))
    lines = [f"{turn.speaker}: {turn.text}" for turn in material.transcripts[0].turns]
    assert lines == text.splitlines()
    assert [told in note.message for note in material.notes] == ([True] if told else [])


def test_a_transcript_that_names_nobody_is_told(put: Put, read: Read) -> None:
    material = read(put("T.txt", "We waited.\n\nSo did we."))
    assert len(material.transcripts[0].turns) == 2
    assert "names no speaker, so each of 2 paragraphs is a turn" in material.notes[0].message


def test_a_facesheet_names_transcripts_in_some_column(put: Put, read: Read, tmp_path: Path) -> None:
    texts = [put(f"interview_{name}.txt", "A: Yes.\n") for name in ("Kelly", "Lee-Ann", "P12")]
    rows = [
        ("Respondent", "When", "How long", "Years", "Score", "Retired"),
        ("kelly", datetime.datetime(2024, 5, 1), datetime.time(0, 45), 12.0, 2.5, True),
        ("Lee Ann", datetime.datetime(2024, 5, 2, 9, 30), None, 3, "n/a", False),
        ("Nobody", None, None, 4, None, None),
    ]
    more = [("", ""), ("file", "trust"), ("interview_P12.docx", "Care")]
    material = read(*texts, workbook(tmp_path, rows, more))
    attributes = {item.name: dict(item.attributes) for item in material.transcripts}
    assert attributes == {
        "interview_Kelly": {
            "Respondent": "kelly",
            "When": "2024-05-01",
            "How long": "00:45:00",
            "Years": "12",
            "Score": "2.5",
            "Retired": "yes",
        },
        "interview_Lee-Ann": {
            "Respondent": "Lee Ann",
            "When": "2024-05-02 09:30:00",
            "Years": "3",
            "Score": "n/a",
            "Retired": "no",
        },
        "interview_P12": {"file": "interview_P12.docx", "trust": "Care"},
    }
    assert [
        "1 row that matches no transcript: Nobody" in one.message for one in material.refused
    ] == [True]


def test_a_workbook_without_a_word_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    path = tmp_path / "ages.xlsx"
    Workbook().save(path)
    assert "no sheet of it holds anything" in refusal(path)


def test_a_csv_facesheet_for_transcripts_of_the_study(put: Put, read: Read) -> None:
    turns = (Turn(index=0, speaker="A", text="Yes."),)
    known = {name: Transcript(name=name, turns=turns) for name in ("A1", "B2")}
    path = put("people.csv", "pseudonym,trust\nA1,Acute\nB2,Care\n")
    material = read(path, known=known)
    assert [item.attributes["trust"] for item in material.transcripts] == ["Acute", "Care"]


def test_a_facesheet_that_fits_nothing_is_refused(put: Put, refusal: Refusal) -> None:
    message = refusal(put("A1.txt", "A: Yes.\n"), put("people.csv", "who,trust\nX9,Acute\n"))
    assert "none of the columns who, trust names a transcript" in message


def test_two_rows_of_one_transcript_are_told(put: Put, read: Read) -> None:
    people = put("people.csv", "who,trust\nA1,Acute\nA1,Care\n")
    material = read(put("A1.txt", "A: Yes.\n"), people)
    assert material.transcripts[0].attributes["trust"] == "Acute"
    assert "only that one is read" in material.refused[0].message


@pytest.mark.parametrize("name", ["Interviewer 1", "interviewer 1:", "  INTERVIEWER  1 "])
def test_interviewers_are_marked_whatever_the_spelling(put: Put, name: str) -> None:
    path = put("T.txt", "Interviewer 1: How?\nP: Well.\nInterviewer 2: Oh?\nP: Yes.\n")
    material = read_paths(
        [path], known={}, codebook=Codebook(), coder=None, interviewing=[name, "Interviewer 2"]
    )
    turns = material.transcripts[0].turns
    assert [turn.interviewer for turn in turns] == [True, False, True, False]
    assert material.interviewers == ("Interviewer 1", "Interviewer 2")


def test_an_interviewer_who_does_not_speak_is_refused(put: Put) -> None:
    with pytest.raises(InputError, match=r"did you mean 'Anna'.*who does: Anna, Ben"):
        read_paths(
            [put("T.txt", "Anna: How?\nBen: Well.\n")],
            known={},
            codebook=Codebook(),
            coder=None,
            interviewing=["Ana"],
        )


def test_an_interviewers_turn_is_context_and_no_segment() -> None:
    long = "We waited and waited. " * 20
    turns = (
        Turn(index=0, speaker="I", text=long, interviewer=True),
        Turn(index=1, speaker="P", text="So we did."),
    )
    transcript = Transcript(name="T", turns=turns)
    (segment,) = Segmentation().segments(transcript)
    assert (segment.turn, segment.before) == (1, turns[:1])
    part = Coding(transcript="T", turn=0, start=0, end=9, code="C", coder="ann")
    assert natural_segmentation({"T": transcript}, [part]) == Segmentation()

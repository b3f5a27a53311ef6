"""Counts of one: what a person reads of a study that has one of everything."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

MANY = re.compile(
    r"\b1 (?:\w+ )?(?:transcripts|turns|words|codes|codings|readings|memos|sets|attributes|"
    r"definitions|rows|models|segments|units|quotations|suggestions|cells|columns|fields)\b"
)


@pytest.fixture
def single(run: Callable, tmp_path: Path) -> Path:
    folder = tmp_path / "single"
    folder.mkdir()
    (folder / "transcripts.csv").write_text("transcript,turn,speaker,text\nA,0,Nurse,Tired.\n")
    (folder / "attributes.csv").write_text("transcript,ward\nA,North\n")
    (folder / "codebook.csv").write_text("code,definition\nStrain,What wears people out.\n")
    (folder / "codings.csv").write_text(
        "transcript,turn,start,end,code,coder,memo\nA,0,0,6,Strain,ana,=Why so?\n"
    )
    return folder


def test_one_of_each_is_told_in_the_singular(run: Callable, single: Path, tmp_path: Path) -> None:
    told = {}
    for name, words in {
        "tried": ("import", "one", single, "--dry-run"),
        "imported": ("import", "one", single),
        "shown": ("show", "one"),
        "codebook": ("codebook", "stability", "one"),
        "matrix": ("matrix", "one", "--by", "ward"),
        "cooccurrence": ("cooccurrence", "one"),
        "quotes": ("quotes", "one", "--code", "Strain", "--out", tmp_path / "quotes.txt"),
        "exported": ("export", "one", "--out", tmp_path / "out"),
        "backed up": ("backup", "one", tmp_path / "one.zip"),
        "restored": ("restore", tmp_path / "one.zip", "--as", "two"),
    }.items():
        outcome = run(*words)
        assert outcome.code == 0, outcome.err
        told[name] = outcome.out + outcome.err
    assert {name: MANY.findall(text) for name, text in told.items() if MANY.search(text)} == {}
    assert "one: 1 transcript, 1 of them new, 1 reading and 1 coding read." in told["tried"]
    assert "A (.csv, new): 1 turn, 1 word" in told["tried"]
    assert "one: 1 transcript, 1 turn, 1 code, 1 reading and 1 coding came in" in told["imported"]
    assert "one: 1 transcript, 1 turn, 1 word, 1 code, 1 coding" in told["shown"]
    assert "1 segment, coded by people" in told["cooccurrence"]
    assert "Wrote 1 quotation to" in told["quotes"]
    assert "1 cell of the CSV files begins with" in told["exported"]


def test_a_training_on_one_transcript_tells_what_is_there(run: Callable, single: Path) -> None:
    run("import", "one", single)
    outcome = run("train", "one")
    assert outcome.code == 1
    assert "has codings in 1 transcript (A)" in outcome.err

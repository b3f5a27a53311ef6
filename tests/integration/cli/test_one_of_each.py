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


def test_a_diff_of_what_is_the_same_says_so(run: Callable, single: Path) -> None:
    run("import", "one", single)
    outcome = run("codebook", "diff", "one", 1, 1)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "Versions 1 and 1 are the same.\n"
    assert run("codebook", "diff", "one", 1, 1, "--json").document["changes"] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [((), "No proposals are open.\n"), (("--all",), "No proposals were ever made.\n")],
)
def test_that_nothing_was_proposed_is_said(
    run: Callable, single: Path, asked: tuple[str, ...], said: str
) -> None:
    run("import", "one", single)
    outcome = run("codebook", "proposals", "one", *asked)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", said)


def test_a_diff_backwards_counts_what_the_older_version_reads(
    run: Callable, single: Path, tmp_path: Path
) -> None:
    with (single / "codebook.csv").open("a") as file:
        file.write("Family,Who is at home.\nHome,Where they live.\n")
    with (single / "codings.csv").open("a") as file:
        file.write("A,0,0,6,Family,ana,\nA,0,0,6,Home,ana,\n")
    run("import", "one", single)
    (tmp_path / "edits.yaml").write_text(
        "operations:\n  - merge: [Family]\n    into: Home\n"
        "  - split: Strain\n    into: [Body, Mind]\n  - add: Joy\n"
    )
    assert run("codebook", "apply", "one", tmp_path / "edits.yaml", "--yes").code == 0

    def counted(start: int, end: int) -> dict:
        found = run("codebook", "diff", "one", start, end, "--json").document["changes"]
        return {
            (one["kind"], one["before"] or one["after"]): (one["codings"], one["transcripts"])
            for one in found
        }

    assert counted(1, 2) == {
        **dict.fromkeys([("added", "Body"), ("added", "Mind"), ("added", "Joy")], (0, 0)),
        ("merged", "Family"): (1, 1),
        ("split", "Strain"): (1, 1),
    }
    assert counted(2, 1) == {
        **dict.fromkeys([("removed", "Body"), ("removed", "Mind"), ("removed", "Joy")], (0, 0)),
        ("added", "Family"): (1, 1),
        ("added", "Strain"): (1, 1),
    }


def test_a_colour_that_cannot_be_read_is_told(run: Callable, single: Path) -> None:
    (single / "codebook.csv").write_text("code,color\nStrain,dark red\nJoy,#33cc33\nRest,\n")
    outcome = run("import", "one", single)
    assert outcome.code == 0
    (line,) = (line for line in outcome.err.splitlines() if "colour" in line)
    assert line.startswith("Left out: ")
    assert line.endswith("line 2: the colour 'dark red' of the code 'Strain': write it as #RRGGBB")

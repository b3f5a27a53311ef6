"""The reliability report through the command line."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once("its time goes into intervals, on what other tests read from both")

ESTIMATE = {"value", "low", "high", "n", "clusters", "method", "reason"}
CONTRACT = {"study", "unit", "coders", "pairs", "codes", "pooled", "model", "notes"}
FURTHER = {
    "calibration",
    *(
        "level",
        "measures",
        "sets",
        "by_level",
        "characters",
        "gamma",
        "by_coder",
        "confusion",
        "ceiling",
    ),
    *("substitution", "anchoring", "planning", "extent", "versions", "seed", "methods"),
}


@pytest.mark.parametrize("unit", ["segment", "turn", "transcript", "character"])
def test_every_unit_is_reported_as_tables_and_as_one_document(
    run: Callable, sample: Path, unit: str
) -> None:
    run("import", "managers", sample)
    found = run("agreement", "managers", "--unit", unit, "--json").document
    assert set(found) == CONTRACT | FURTHER
    assert found["unit"] == unit
    assert set(found["pooled"]["alpha"]) == ESTIMATE
    assert set(found["measures"]["codes"][0]["ac1"]) == ESTIMATE
    shown = run("agreement", "managers", "--unit", unit)
    assert shown.code == 0, shown.err
    for words in ("asha and ben", "all codes pooled", "MASI", "Codes at level 1", "each other"):
        assert words in shown.out
    assert "Train one" in shown.err


def test_the_report_is_written_as_page_and_as_table(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    page, table = tmp_path / "report.html", tmp_path / "figures.csv"
    outcome = run("agreement", "managers", "--html", page, "--csv", table, "--json")
    assert outcome.code == 0, outcome.err
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (alpha,) = [row for row in rows if row["scope"] == "pooled" and row["measure"] == "alpha"]
    assert float(alpha["value"]) == outcome.document["pooled"]["alpha"]["value"]
    assert f"{len(rows)} figures" in outcome.err


def test_gamma_is_reported_on_request(run: Callable, sample: Path, tmp_path: Path) -> None:
    run("import", "managers", sample)
    page = tmp_path / "report.html"
    found = run("agreement", "managers", "--gamma", "--html", page, "--json").document["gamma"]
    assert set(found["gamma"]) == set(found["gamma_cat"]) == ESTIMATE
    assert "Where codings begin and end" in page.read_text(encoding="utf-8")
    assert "gamma-cat" in run("agreement", "managers", "--gamma").out


def test_codes_may_be_taken_for_their_ancestors(run: Callable, sample: Path) -> None:
    run("import", "managers", sample)
    whole = run("agreement", "managers", "--json").document
    found = run("agreement", "managers", "--level", 1, "--json").document
    assert all(" > " not in code["code"] for code in found["codes"])
    assert found["codes"] == whole["by_level"][0]["codes"]
    assert "codes at level 1" in run("agreement", "managers", "--level", 1).out


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--unit", "line", "segment, turn, transcript or character"),
        ("--level", "7", "have levels 1 to 2"),
        ("--expertise", "novice", "expert, skilled or crowd"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    run: Callable, sample: Path, option: str, value: str, told: str
) -> None:
    run("import", "managers", sample)
    outcome = run("agreement", "managers", option, value)
    assert outcome.code == 1
    assert told in outcome.err


def test_a_report_that_cannot_be_written_says_where(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    outcome = run("agreement", "managers", "--html", tmp_path / "no" / "report.html")
    assert outcome.code == 1
    assert "cannot be written" in outcome.err
    assert "Traceback" not in outcome.err


def test_the_heading_says_what_segments_are(
    run: Callable, sample: Path, tmp_path: Path, folder: Callable[..., Path]
) -> None:
    page = tmp_path / "report.html"
    run("import", "managers", sample)
    out = run("agreement", "managers", "--html", page).out
    assert "by segment (sentences of turns);" in out
    words = re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))
    assert "Compared by segment (sentences of turns)." in words
    assert "by turn;" in run("agreement", "managers", "--unit", "turn").out
    run("import", "wholes", folder(transcripts=f"{TURNS}T,0,P,yes\n", codings=f"{ONE}T,0,,,A,a,\n"))
    assert "by segment (whole turns);" in run("agreement", "wholes").out


ONE = "transcript,turn,start,end,code,coder,coded_at\n"
TURNS = "transcript,turn,speaker,text\n"


def _study(folder: Callable[..., Path], rows: list[tuple[str, int, str, str]]) -> Path:
    transcripts = TURNS + "".join(
        f"T{at},{turn},P,words {turn} of {at}\n" for at in range(12) for turn in range(3)
    )
    codings = ONE + "".join(f"{at},{turn},,,{code},{coder},\n" for at, turn, code, coder in rows)
    return folder(transcripts=transcripts, codings=codings)


STUDIES: dict[str, tuple[list[tuple[str, int, str, str]], str]] = {
    "one coder": (
        [(f"T{at}", turn, "A" if turn else "", "ana") for at in range(12) for turn in range(3)],
        "Only ana coded this study",
    ),
    "disjoint coders": (
        [
            (f"T{at}", turn, "A" if turn else "", "ana" if at < 6 else "bo")
            for at in range(12)
            for turn in range(3)
        ],
        "No segment was read by two coders",
    ),
    "a coder of everything": (
        [
            (f"T{at}", turn, "A" if turn or coder == "bo" else "", coder)
            for at in range(12)
            for turn in range(3)
            for coder in ("ana", "bo")
        ],
        "bo applied these codes to everything that they read",
    ),
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_that_allows_little_gives_a_report_that_says_so(
    run: Callable, folder: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    rows, told = STUDIES[name]
    run("import", "small", _study(folder, rows))
    outcome = run("agreement", "small", "--html", tmp_path / "report.html")
    assert outcome.code == 0, outcome.err
    assert told in outcome.err
    assert told in (tmp_path / "report.html").read_text(encoding="utf-8")
    for unit in ("turn", "transcript", "character"):
        assert run("agreement", "small", "--unit", unit, "--json").code == 0


def test_a_code_that_nobody_used_is_named(
    run: Callable, folder: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [
        (f"T{at}", turn, "A" if (turn + at + len(coder)) % 3 else "", coder)
        for at in range(12)
        for turn in range(3)
        for coder in ("ana", "bo")
    ]
    place = _study(folder, rows)
    (place / "codebook.csv").write_text("code,definition,include,exclude,examples\nA,,,,\nB,,,,\n")
    run("import", "small", place)
    outcome = run("agreement", "small")
    assert outcome.code == 0, outcome.err
    assert "Nobody applied these codes, so they have no figures: B." in outcome.err


def test_the_model_has_its_place_in_the_report(run: Callable, sample: Path, tmp_path: Path) -> None:
    run("import", "managers", sample)
    version = run("train", "managers", "--json").document["model_version"]
    found: Any = run("agreement", "managers", "--expertise", "expert", "--json").document
    assert found["versions"]["model"] == version
    assert found["ceiling"][0]["code"] is None
    assert set(found["ceiling"][0]["difference"]) == ESTIMATE
    assert found["substitution"]["expertise"] == "expert"
    assert found["substitution"]["overall"]["verdict"]
    assert version in found["methods"]
    shown = run("agreement", "managers", "--html", tmp_path / "report.html")
    assert "Ceiling:" in shown.out
    assert found["substitution"]["overall"]["verdict"].split(":")[0] in shown.out.replace("\n", " ")
    assert "May the model stand in for a coder?" in (tmp_path / "report.html").read_text()
    for unit in ("turn", "transcript", "character"):
        other = run("agreement", "managers", "--unit", unit, "--json").document
        assert {one["coder"] for one in other["model"]["against"]} >= {"asha", "ben", "carys"}


def test_disagreements_are_listed_with_who_and_words_only_on_request(
    run: Callable, sample: Path
) -> None:
    run("import", "managers", sample)
    found = run("disagreements", "managers", "--json").document
    assert found["open"] == len(found["units"]) > 20
    assert found["settled"] is None
    for unit in found["units"]:
        assert unit["text"] is None
        for code in unit["codes"]:
            assert code["applied"]
            assert code["not_applied"]
            assert code["agreed"] is None
    shown = run("disagreements", "managers", "--code", "Networks > Brokering", "--text")
    assert shown.code == 0, shown.err
    assert "Networks > Brokering" in shown.out
    assert "Personal > Identity" not in shown.out
    chosen = run(
        *("disagreements", "managers", "--code", "Networks > Brokering", "--text", "--json")
    ).document["units"]
    assert all(unit["text"] for unit in chosen)
    assert all(unit["text"].splitlines()[0] in shown.out for unit in chosen)
    # A name that only one code has will do, as for quotations.
    by_name = run("disagreements", "managers", "--code", "Brokering", "--text", "--json")
    assert by_name.document["units"] == chosen
    unknown = run("disagreements", "managers", "--code", "Weather")
    assert unknown.code == 1
    assert "there is no code 'Weather'; the codes are" in unknown.err


def test_an_agreed_coding_shows_before_and_after(
    run: Callable, folder: Callable[..., Path]
) -> None:
    rows = [
        (f"T{at}", turn, "A" if (turn + at * len(coder)) % 3 else "", coder)
        for at in range(12)
        for turn in range(3)
        for coder in ("ana", "bo")
    ]
    rows += [
        (f"T{at}", turn, "A" if turn else "", "adjudicated") for at in range(6) for turn in range(3)
    ]
    run("import", "small", _study(folder, rows))
    found = run("disagreements", "small", "--json").document
    assert found["settled"]["transcripts"] == 6
    assert 0 < found["open"] < len(found["units"])
    shown = run("disagreements", "small")
    assert "before" in shown.out
    assert "ana and the agreed coding" in shown.out
    before = run("agreement", "small", "--json").document["pooled"]
    assert found["settled"]["before"] == before


def test_disagreements_cannot_be_sent_without_a_connection(run: Callable, sample: Path) -> None:
    run("import", "managers", sample)
    outcome = run("disagreements", "managers", "--push")
    assert outcome.code == 1
    assert "label-studio connect" in outcome.err

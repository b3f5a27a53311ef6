"""The commands that ask whether the codebook is done, on the sample study."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

RETIRED = "Knowledge > Training"


def _coded(sample: Path) -> set[tuple[str, int]]:
    """The turns to which somebody applied the code that is retired here."""
    with (sample / "codings.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["transcript"], int(row["turn"]))
            for row in csv.DictReader(file)
            if row["code"] == RETIRED
        }


def test_what_a_missing_code_was_for_comes_back_as_a_candidate(
    run_trained: Callable, sample: Path, tmp_path: Path
) -> None:
    before = run_trained("codebook", "candidates", "managers", "--json").document
    (tmp_path / "edits.yaml").write_text(f"operations:\n  - retire: {RETIRED}\n")
    run_trained("codebook", "apply", "managers", tmp_path / "edits.yaml", "--yes")
    after = run_trained("codebook", "candidates", "managers", "--json").document
    coded = _coded(sample)

    def of_it(found: dict) -> list[bool]:
        return [
            all((one["transcript"], one["turn"]) in coded for one in group["excerpts"])
            for group in found["candidates"]
        ]

    assert not any(of_it(before))
    assert of_it(after)[:2] == [True, True]
    first = after["candidates"][0]
    # It is no news, and says so.
    assert all(group["retired"] == 0 for group in before["candidates"])
    assert first["retired"] == first["segments"]
    assert {tuple(one["retired"]) for one in first["excerpts"]} == {
        (f"{RETIRED}, retired in version 2",)
    }
    assert any("were coded with codes that are retired now" in note for note in after["notes"])
    assert first["transcripts"] >= 2
    assert {"leadership", "mentor", "programme"} <= set(first["words"])
    assert first["nearest"]["code"] != RETIRED
    assert not first["nearest"]["within"]
    assert [step["left"] for step in after["steps"]] == sorted(
        (step["left"] for step in after["steps"]), reverse=True
    )
    # Nothing was added by looking, and the same is found again.
    assert run_trained("codebook", "candidates", "managers", "--json").document == after
    outcome = run_trained("codebook", "candidates", "managers", "--top", "1")
    assert outcome.out.count("nearest code") == 1
    assert "second-coder codebook apply managers edits.yaml" in outcome.err
    assert "leadership" in outcome.out
    assert outcome.out.count(f"was coded {RETIRED}, retired in version 2") == 3
    assert f"{first['segments']} of them were coded, with codes that are retired" in outcome.out

    stability = run_trained("codebook", "stability", "managers", "--json").document
    change = stability["versions"][-1]
    assert change["operations"] == {"retire": 1}
    assert change["touched"] == 1
    # The interval by transcript is around the share of the record's codings.
    assert change["reread"]["value"] == pytest.approx(
        _codings(sample, RETIRED) / _codings(sample, None)
    )
    assert change["reread"]["low"] < change["reread"]["value"] < change["reread"]["high"]
    assert change["reread"]["clusters"] == 26
    assert len(stability["saturation"]["fitted"]) == len(stability["transcripts"]) == 26
    text = run_trained("codebook", "stability", "managers")
    assert "1 retire" in text.out
    assert "Good-Turing" in text.out
    report = run_trained("drift", "managers", "--codebook", "1", "--json").document
    assert any("version 1 of the codebook" in note for note in report["notes"])
    assert RETIRED in {change["subject"] for change in _use(report)}


def test_what_waits_for_a_choice_is_no_candidate(run_trained: Callable, tmp_path: Path) -> None:
    (tmp_path / "edits.yaml").write_text(
        f"operations:\n  - split: {RETIRED}\n    into: [Knowledge > Courses, Knowledge > Mentors]\n"
    )
    run_trained("codebook", "apply", "managers", tmp_path / "edits.yaml", "--yes")
    items = run_trained("codebook", "worklist", "managers", "--json").document["items"]
    waiting = {(one["transcript"], one["turn"]) for one in items}
    found = run_trained("codebook", "candidates", "managers", "--top", "99", "--json").document
    shown = {
        (one["transcript"], one["turn"])
        for group in found["candidates"]
        for one in group["excerpts"]
    }
    assert shown
    assert shown.isdisjoint(waiting)
    assert any(
        note.startswith(f"{len(waiting)} turns are left out, since a choice is to be made there")
        for note in found["notes"]
    )


def _use(report: dict) -> list[dict]:
    (use,) = [one for one in report["questions"] if one["name"] == "use"]
    return [change for pair in use["comparisons"] for change in pair["changes"]]


def _codings(sample: Path, code: str | None) -> int:
    with (sample / "codings.csv").open(encoding="utf-8", newline="") as file:
        return sum(
            bool(row["code"]) and code in (None, row["code"]) for row in csv.DictReader(file)
        )


def test_what_is_missing_is_said(run: Callable, sample: Path) -> None:
    run("import", "managers", sample / "transcripts.csv")
    outcome = run("codebook", "candidates", "managers")
    assert outcome.code == 1
    assert "Nobody has coded in managers yet" in outcome.err
    assert "Nobody has coded" in run("codebook", "stability", "managers").err
    run("import", "managers", sample)
    outcome = run("codebook", "candidates", "managers")
    assert outcome.code == 1
    assert "no model yet" in outcome.err
    assert "second-coder train managers" in outcome.err

"""The main job through the command line, on the fictional sample study."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ESTIMATE = {"value", "low", "high", "n", "clusters", "method", "reason"}


def test_help_needs_neither_torch_nor_the_database() -> None:
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, service.cli.commands as c\n"
            "try: c.app(['--help'])\n"
            "except SystemExit: pass\n"
            "print([m for m in ('torch', 'sqlalchemy', 'fastapi', 'numpy') if m in sys.modules],"
            " file=sys.stderr)",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "suggest" in seen.stdout
    assert seen.stderr.strip() == "[]"


def test_importing_twice_changes_nothing(run: Callable, sample: Path) -> None:
    first = run("import", "managers", sample, "--json").document
    assert first["added"]["transcripts"] >= 12
    before = run("show", "managers", "--json").document
    again = run("import", "managers", sample, "--json").document
    assert all(value == 0 for value in again["added"].values())
    assert run("show", "managers", "--json").document == before


def test_home_may_stand_before_or_after_the_command(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    assert run("--home", tmp_path / "one", "import", "managers", sample).code == 0
    assert run("studies", "--json", "--home", tmp_path / "one").document["studies"]
    assert not run("studies", "--json", "--home", tmp_path / "two").document["studies"]


def test_a_study_goes_from_files_to_suggestions_and_a_reliability_report(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    trained = run("train", "managers", "--json")
    assert trained.code == 0, trained.err
    report = trained.document
    assert set(report["kappa"]) == ESTIMATE
    assert set(report["macro_f1"]) == ESTIMATE
    assert set(report["micro_f1"]) == ESTIMATE
    assert report["kappa"]["low"] < report["kappa"]["value"] < report["kappa"]["high"]
    states = {code["gate"] for code in report["codes"]}
    assert states == {"open", "closed"}
    assert all(code["reason"] for code in report["codes"] if code["gate"] == "closed")

    listed = run("models", "managers", "--json").document["models"]
    assert [model["version"] for model in listed] == [report["model_version"]]
    again = run("train", "managers", "--json").document
    assert again["model_version"] == report["model_version"]
    other = run("train", "managers", "--json", "--seed", 1).document
    assert other["model_version"] != report["model_version"]
    assert run("models", "managers", "--use", report["model_version"]).code == 0

    suggested = run("suggest", "managers", "--json", "--csv", tmp_path / "out.csv").document
    assert suggested["model_version"] == report["model_version"]
    assert suggested["suggestions"]
    open_codes = {code["code"] for code in report["codes"] if code["gate"] == "open"}
    for one in suggested["suggestions"]:
        assert one["code"] in open_codes
        assert one["score"] >= one["threshold"]
        assert one["because"]
        assert all(set(b) >= {"transcript", "turn", "text", "coder"} for b in one["because"])
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(bool(row["code"]) for row in rows) == len(suggested["suggestions"])
    assert {row["coder"] for row in rows} == {f"model:{report['model_version']}"}

    scored = run("suggest", "managers", "--json", "--all-codes").document["scores"]
    assert {code["code"] for code in report["codes"] if code["support"]} <= set(scored[0]["scores"])

    agreement = run("agreement", "managers", "--json").document
    assert agreement["coders"] == ["asha", "ben", "carys"]
    assert len(agreement["pairs"]) == 3
    assert set(agreement["pooled"]["alpha"]) == ESTIMATE
    assert {a["coder"] for a in agreement["model"]["against"]} >= {"asha", "ben", "carys"}
    assert run("agreement", "managers").out.count("asha") >= 3


def test_model_codings_that_come_back_in_a_file_train_nothing(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    version = run("train", "managers", "--json").document["model_version"]
    run("suggest", "managers", "--csv", tmp_path / "codings.csv")
    assert run("import", "managers", tmp_path / "codings.csv").code == 0
    assert run("show", "managers", "--json").document["codings"] > 0
    assert run("train", "managers", "--json").document["model_version"] == version


def test_new_files_are_suggested_for_without_joining_the_study(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    run("train", "managers")
    before = run("show", "managers", "--json").document
    path = tmp_path / "new.txt"
    path.write_text(
        "Interviewer: How are you?\nP40: I answer mail at midnight and lie awake until four.\n"
    )
    found = run("suggest", "managers", path, "--json")
    assert found.code == 0, found.err
    assert {one["transcript"] for one in found.document["suggestions"]} <= {"new"}
    assert run("show", "managers", "--json").document == before


@pytest.mark.parametrize("unit", ["segment", "turn"])
def test_agreement_takes_segments_or_turns(run: Callable, sample: Path, unit: str) -> None:
    run("import", "managers", sample)
    found = json.loads(run("agreement", "managers", "--unit", unit, "--json").out)
    assert found["unit"] == unit
    assert found["model"] is None

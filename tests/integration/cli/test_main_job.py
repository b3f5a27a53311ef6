"""The main job through the command line, on the fictional sample study."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.house import open_house
from service.settings import read_settings

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


@pytest.mark.sqlite("a team has one database for all homes")
def test_home_may_stand_before_or_after_the_command(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    assert run("--home", tmp_path / "one", "import", "managers", sample).code == 0
    assert run("studies", "--json", "--home", tmp_path / "one").document["studies"]
    assert not run("studies", "--json", "--home", tmp_path / "two").document["studies"]


@pytest.mark.once("its time goes into training")
def test_training_reports_each_code_with_intervals_and_repeats_itself(
    run_trained: Callable,
) -> None:
    (first,) = run_trained("models", "managers", "--json").document["models"]
    again = run_trained("train", "managers", "--json", "--min-support", 35)
    assert again.code == 0, again.err
    report = again.document
    for figure in ("kappa", "macro_f1", "micro_f1"):
        assert set(report[figure]) == ESTIMATE
        assert report[figure]["low"] < report[figure]["value"] < report[figure]["high"]
    assert {code["gate"] for code in report["codes"]} == {"open", "closed"}
    for code in report["codes"]:
        assert set(code) >= {"code", "support", "threshold", "precision", "recall", "f1", "kappa"}
        assert code["gate"] == "open" or code["reason"]
        assert code["gate"] == "open" or code["support"] < 35
    assert report["model_version"] != first["version"]
    assert report["kappa"]["value"] > report["baseline"]["kappa"]["value"]

    back = run_trained("train", "managers", "--json").document
    assert back["model_version"] == first["version"]


def test_a_version_can_be_chosen_again(run_trained: Callable) -> None:
    (first,) = run_trained("models", "managers", "--json").document["models"]
    run_trained("train", "managers", "--seed", 1)
    listed = run_trained("models", "managers", "--json").document["models"]
    assert len(listed) == 2
    assert [model["version"] for model in listed if model["active"]] != [first["version"]]
    outcome = run_trained("models", "managers", "--use", first["version"], "--json")
    assert [m["version"] for m in outcome.document["models"] if m["active"]] == [first["version"]]
    suggested = run_trained("suggest", "managers", "--json").document
    assert suggested["model_version"] == first["version"]


def test_suggestions_come_with_a_reason_and_keep_to_the_gate(
    run_trained: Callable, tmp_path: Path
) -> None:
    (model,) = run_trained("models", "managers", "--json").document["models"]
    codes = {code["code"]: code for code in model["figures"]["codes"]}
    done = run_trained("suggest", "managers", "--json", "--all-codes", "--csv", tmp_path / "o.csv")
    suggested = done.document
    assert suggested["suggestions"]
    assert {one["transcript"] for one in suggested["suggestions"]} <= {
        "W1-09 Specialist clinical",
        "W2-17 Care functional",
        "W2-18 Specialist clinical",
        "W2-30 Specialist general",
    }
    for one in suggested["suggestions"]:
        assert codes[one["code"]]["gate"] == "open"
        assert one["score"] >= one["threshold"]
        assert len(one["text"]) == one["end"] - one["start"]
        assert one["because"]
        assert all(set(b) >= {"transcript", "turn", "text", "coder"} for b in one["because"])
    assert all(set(codes) <= set(row["scores"]) for row in suggested["scores"])
    with (tmp_path / "o.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(bool(row["code"]) for row in rows) == len(suggested["suggestions"])
    assert {row["coder"] for row in rows} == {f"model:{model['version']}"}


def test_what_to_code_next_is_ranked_with_the_reason_and_noted(run_trained: Callable) -> None:
    found = run_trained("next", "managers", "--top", 3, "--json").document
    assert found["uncoded"] == 4
    assert [one["rank"] for one in found["transcripts"]] == [1, 2, 3]
    values = [one["value"] for one in found["transcripts"]]
    assert values == sorted(values, reverse=True)
    for one in found["transcripts"]:
        assert one["unsure_of"]
        assert all(0 <= one[part] <= 1 for part in ("use", "diversity", "coverage"))
        assert one["cell_coded"] < one["cell_size"]
    assert set(found["attributes"]) <= {"trust", "group", "wave"}
    house = open_house(read_settings())
    with house.database.reading() as work:
        noted = work.recommendations.of("managers")
    house.database.close()
    assert set(noted) == {one["transcript"] for one in found["transcripts"]}
    told = run_trained("next", "managers")
    assert "unsure of" in told.out
    assert "no random sample" in told.err


def test_what_to_code_next_calls_codes_by_their_names_of_today(
    run_trained: Callable, tmp_path: Path
) -> None:
    before = run_trained("next", "managers", "--json").document["transcripts"][0]["unsure_of"]
    edits = tmp_path / "edits.yaml"
    edits.write_text(
        f"author: Asha\nreason: Meeting\noperations:\n"
        f"  - rename: {before[0]}\n    to: Another name\n"
        f"  - retire: {before[1]}\n    reason: Nobody could tell it apart\n",
        encoding="utf-8",
    )
    assert run_trained("codebook", "apply", "managers", edits, "--yes").code == 0
    after = run_trained("next", "managers", "--json").document["transcripts"]
    unsure = {code for one in after for code in one["unsure_of"]}
    assert any(code.endswith("> Another name") for code in unsure)
    assert not {before[0], before[1]} & unsure


def test_an_aim_that_there_is_not_is_told_with_those_there_are(run_trained: Callable) -> None:
    refused = run_trained("train", "managers", "--aim", "precision=80")
    assert refused.code == 2
    assert "precision=0.8" in refused.err


def test_agreement_sets_the_model_beside_the_coders(run_trained: Callable) -> None:
    report = run_trained("agreement", "managers", "--json").document
    assert report["coders"] == ["asha", "ben", "carys"]
    assert len(report["pairs"]) == 3
    assert set(report["pooled"]["alpha"]) == ESTIMATE
    against = {one["coder"]: one for one in report["model"]["against"]}
    assert set(against) >= {"asha", "ben", "carys"}
    assert report["model"]["transcripts"] == 26
    assert 0 < against["asha"]["kappa"]["value"] < 1
    assert run_trained("agreement", "managers").out.count("asha") >= 3


def test_model_codings_that_come_back_in_a_file_train_nothing(
    run_trained: Callable, tmp_path: Path
) -> None:
    (model,) = run_trained("models", "managers", "--json").document["models"]
    run_trained("suggest", "managers", "--csv", tmp_path / "codings.csv")
    before = run_trained("agreement", "managers", "--json").document
    came = run_trained("import", "managers", tmp_path / "codings.csv", "--json").document
    assert came["added"]["codings"] > 0
    assert run_trained("train", "managers", "--json").document["model_version"] == model["version"]
    assert run_trained("agreement", "managers", "--json").document == before


def test_new_files_are_suggested_for_without_joining_the_study(
    run_trained: Callable, tmp_path: Path
) -> None:
    before = run_trained("show", "managers", "--json").document
    path = tmp_path / "new.txt"
    path.write_text(
        "Interviewer: How are you?\nP40: I answer mail at midnight and lie awake until four.\n"
    )
    found = run_trained("suggest", "managers", path, "--json")
    assert found.code == 0, found.err
    assert "Personal > Workload and stress" in {o["code"] for o in found.document["suggestions"]}
    assert {one["transcript"] for one in found.document["suggestions"]} == {"new"}
    assert run_trained("show", "managers", "--json").document == before


@pytest.mark.parametrize("unit", ["segment", "turn"])
def test_agreement_takes_segments_or_turns(run: Callable, sample: Path, unit: str) -> None:
    run("import", "managers", sample)
    found = json.loads(run("agreement", "managers", "--unit", unit, "--json").out)
    assert found["unit"] == unit
    assert found["model"] is None


def test_the_same_model_is_trained_on_either_database(trained_home: Path) -> None:
    versions = {path.name for path in trained_home.parent.glob("trained-home-*/models/*")}
    assert len(versions) == 1


def test_a_model_of_almost_nothing_says_that_no_code_is_open(
    run: Callable, folder: Callable[..., Path], tmp_path: Path
) -> None:
    turns = "".join(
        f"T{at},{turn},P,words {turn} of {at}\n" for at in range(2) for turn in range(2)
    )
    codings = "".join(f"T{at},{turn},,,A,ana\n" for at in range(2) for turn in range(1))
    few = folder(
        transcripts=f"transcript,turn,speaker,text\n{turns}",
        codings=f"transcript,turn,start,end,code,coder\n{codings}",
    )
    run("import", "few", few)
    trained = run("train", "few", "--tier", "fast")
    assert trained.code == 0, trained.err
    assert "No code is open yet: nothing will be suggested" in trained.err
    assert "then train again" in trained.err
    new = tmp_path / "new.txt"
    new.write_text("P: Words of 2.\n")
    coded = run("code", "few", new, "--out", tmp_path / "coded", "--workers", 1)
    assert "No code is open yet: nothing will be suggested" in coded.err
    again = run("code", "few", new, "--out", tmp_path / "coded", "--workers", 1, "--json")
    assert again.document["open_codes"] == []

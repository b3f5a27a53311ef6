"""From a coded study to all of it: the tutorial as it is typed, and what it promises."""

import csv
import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.house import open_house
from service.settings import read_settings
from service.workflows.withholding import withheld

pytestmark = pytest.mark.once("its time goes into estimates, of what other tests read from both")

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def extended(
    run_trained: Callable, extension: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable:
    """The trained sample study with sixty more interviews, of which eighteen were drawn."""
    extension.write(tmp_path / "more")
    monkeypatch.chdir(tmp_path)
    assert run_trained("import", "managers", "more").code == 0
    outcome = run_trained("sample", "managers", "--size", 18, "--by", "trust", "--seed", 7)
    assert outcome.code == 0, outcome.err
    return run_trained


def drawn_of(run: Callable) -> dict[str, Any]:
    arguments = ("sample", "managers", "--size", 18, "--by", "trust", "--seed", 7, "--json")
    return run(*arguments).document


def test_every_command_of_the_tutorial_runs_in_its_order(
    run_trained: Callable, extension: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    extension.write(tmp_path / "more")
    text = (ROOT / "docs" / "extending.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    commands = [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]
    assert [words[0] for words in commands] == [
        *("import", "train", "plan", "import", "sample", "import"),
        *("prevalence", "prevalence", "prevalence", "odds"),
    ]
    for words in commands:
        if words[0] == "train":
            # The home has this very model, trained by this very command.
            continue
        if words[-1] == "coded":
            found = drawn_of(run_trained)
            extension.write_codings(
                tmp_path / "coded", {one["transcript"] for one in found["transcripts"]}
            )
        outcome = run_trained(*words)
        assert outcome.code == 0, (words, outcome.err)
        assert outcome.out
    page = (tmp_path / "prevalence.html").read_text()
    assert "Differences between cells" in page
    with (tmp_path / "prevalence.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    document = run_trained("prevalence", "managers", "--by", "trust", "--json").document
    assert len(rows) == 6 * len(document["shares"]) + len(document["differences"])
    first = document["shares"][0]
    (row,) = [
        one
        for one in rows
        if (one["code"], one["measure"], one["trust"]) == (first["code"], "estimate", "")
    ]
    assert float(row["value"]) == first["corrected"]["value"]


def test_a_draw_is_recorded_and_repeated(extended: Callable) -> None:
    first = drawn_of(extended)
    assert first["before"]
    assert first["model_version"]
    assert len(first["transcripts"]) == 18
    strata = {one["values"][0]: one for one in first["strata"]}
    assert set(strata) == {"Acute", "Care", "Specialist"}
    assert sum(one["drawn"] for one in strata.values()) == 18
    # Twenty of each trust are new, and those of the four old ones that nobody coded.
    assert sum(one["transcripts"] for one in strata.values()) == 90
    assert sum(one["certain"] for one in strata.values()) == 26
    for one in strata.values():
        rest = one["transcripts"] - one["certain"]
        assert one["probability"] == pytest.approx(one["drawn"] / rest)
    other = extended("sample", "managers", "--size", 18, "--by", "trust", "--seed", 8, "--json")
    assert not other.document["before"]
    assert "takes the place of an earlier one" in other.document["notes"][0]
    names = {one["transcript"] for one in first["transcripts"]}
    assert {one["transcript"] for one in other.document["transcripts"]} != names


def test_a_larger_draw_after_a_half_coded_one_is_by_chance_again(
    extended: Callable, extension: Any, tmp_path: Path
) -> None:
    first = [one["transcript"] for one in drawn_of(extended)["transcripts"]]
    coded, left = first[::2], set(first[1::2])
    extension.write_codings(tmp_path / "coded", set(coded))
    extended("import", "managers", "coded")
    arguments = ("sample", "managers", "--size", 20, "--by", "trust", "--seed", 7, "--json")
    document = extended(*arguments).document
    again = {one["transcript"] for one in document["transcripts"]}
    assert len(again) == 20
    # 20 of 55: that all nine come back by chance is likely once in ten thousand seeds.
    assert not left <= again
    assert not again & set(coded)


def test_what_the_model_is_unsure_of_is_likelier_and_the_estimate_says_so(
    run_trained: Callable, extension: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    extension.write(tmp_path / "more")
    assert run_trained("import", "managers", "more").code == 0
    asked = ("sample", "managers", "--size", 18, "--by", "trust", "--seed", 7)
    refused = run_trained(*asked, "--code", "Staffing")
    assert refused.code == 2
    assert "--unsure-first" in refused.err
    plans = [
        run_trained("plan", "managers", "--by", "trust", *words, "--json").document
        for words in ((), ("--unsure-first",), ("--unsure-first", "--code", "Management"))
    ]
    assert [one["unsure_of"] for one in plans] == [None, [], ["Management"]]
    widths = [
        [code["sizes"][0]["whole"] for code in one["codes"] if code["sizes"]] for one in plans
    ]
    assert widths[0] != widths[1] != widths[2]
    assert widths[1] == pytest.approx(widths[0], rel=0.5)
    assert run_trained("plan", "managers", "--code", "Management").code == 2
    unknown = run_trained(*asked, "--unsure-first", "--code", "Weather")
    assert unknown.code == 1
    assert "there is no code 'Weather'" in unknown.err
    assert "Management > Staffing" in unknown.err
    found = run_trained(*asked, "--unsure-first", "--json").document
    assert found["unsure_of"] == []
    assert sum(one["drawn"] for one in found["strata"]) == len(found["transcripts"]) == 18
    chances = [one["probability"] for one in found["transcripts"]]
    assert len({round(chance, 9) for chance in chances}) > 9
    for stratum in {tuple(one["stratum"]) for one in found["transcripts"]}:
        own = [
            one["probability"] for one in found["transcripts"] if tuple(one["stratum"]) == stratum
        ]
        # The most doubtful are listed first.
        assert own == sorted(own, reverse=True)
    assert all(one["words"] > 10 for one in found["transcripts"])
    again = run_trained(*asked, "--unsure-first")
    assert "as before" in again.out
    assert "mean probability" in again.out
    # The docs' command: a theme stands for the codes below it, so these are other chances.
    text = (ROOT / "docs" / "extending.md").read_text()
    (line,) = re.findall(r"^second-coder (.* --unsure-first .*)$", text, re.MULTILINE)
    theme = run_trained(*shlex.split(line), "--json").document
    assert theme["unsure_of"] == ["Management"]
    assert {one["probability"] for one in theme["transcripts"]}.isdisjoint(chances)
    # Another code, another draw; it is written as people write paths.
    code = run_trained("prevalence", "managers", "--json").document["codes"][0]
    other = run_trained(*asked, "--unsure-first", "--code", code.replace(" > ", ">"), "--json")
    assert other.document["unsure_of"] == [code]
    assert not other.document["before"]
    name = code.rsplit(" > ")[-1]
    short = run_trained(*asked, "--unsure-first", "--code", name, "--json").document
    assert (short["unsure_of"], short["before"]) == ([code], True)
    extension.write_codings(
        tmp_path / "coded", {one["transcript"] for one in other.document["transcripts"]}
    )
    assert "--unsure-first --code" in run_trained("odds", "managers", "--on", "trust").err
    assert run_trained("import", "managers", "coded").code == 0
    document = run_trained("prevalence", "managers", "--by", "trust", "--json").document
    assert f"the model's doubt about how often they carry {code} (" in document["methods"]
    whole = [one for one in document["shares"] if not one["cell"]]
    assert any(one["corrected"]["low"] is not None for one in whole)


def test_what_is_no_probability_sample_is_refused(
    extended: Callable, run_trained: Callable, extension: Any, tmp_path: Path
) -> None:
    names = sorted(one["transcript"] for one in drawn_of(extended)["transcripts"])
    extension.write_codings(tmp_path / "coded", set(names[:10]))
    assert extended("import", "managers", "coded").code == 0
    document = extended("prevalence", "managers", "--by", "trust", "--json").document
    waiting = {tuple(one["values"]) for one in document["cells"] if one["coded"] < one["drawn"]}
    assert () in waiting
    for one in document["shares"]:
        if tuple(one["cell"]) in waiting:
            assert one["corrected"]["value"] is None
            assert "refused" in one["corrected"]["reason"]
            assert one["model"] >= 0
    assert (
        "of the transcripts drawn of managers are not coded ("
        in extended("odds", "managers", "--on", "trust").err
    )
    assert any("drawn transcripts are not coded (" in note for note in document["notes"])
    for words, said in (
        (("--by", "age"), "no transcript has the attribute 'age'; they have: "),
        (("--unit", "lines"), "choose segments, words or transcripts"),
        (("--of", "everybody"), "choose these-interviews or people-like-these"),
        (("--model", "none"), "has no model 'none'"),
    ):
        refused = extended("prevalence", "managers", *words)
        assert refused.code == 1
        assert said in refused.err


def test_a_study_without_a_draw_or_with_nothing_to_draw_says_what_to_do(
    run_trained: Callable, sample: Path
) -> None:
    refused = run_trained("prevalence", "managers")
    assert refused.code == 1
    assert "second-coder sample managers --size N" in refused.err
    few = run_trained("sample", "managers", "--size", 2, "--by", "trust")
    assert few.code == 1
    assert "two of each" in few.err
    many = run_trained("sample", "managers", "--size", 30)
    assert "4 can be drawn" in many.err
    assert run_trained("plan", "managers", "--sizes", "a,b").code == 2
    none = run_trained("plan", "managers", "--total", 20)
    assert "nothing to draw" in none.err


def test_drawn_transcripts_are_withheld_and_never_recommended(
    extended: Callable, tmp_path: Path
) -> None:
    names = {one["transcript"] for one in drawn_of(extended)["transcripts"]}
    recommended = extended("next", "managers", "--json").document
    assert names <= set(recommended["blind"])
    assert not names & {one["transcript"] for one in recommended["transcripts"]}
    house = open_house(read_settings(home=tmp_path / "home"))
    with house.database.reading() as work:
        hidden = withheld(work, "managers", work.overviews.transcripts("managers"))
    house.database.close()
    assert hidden == names


def test_the_estimate_holds_the_truth_and_the_interface_says_the_same(
    extended: Callable, extension: Any, tmp_path: Path
) -> None:
    names = {one["transcript"] for one in drawn_of(extended)["transcripts"]}
    extension.write_codings(tmp_path / "coded", names)
    extended("import", "managers", "coded")
    document = extended("prevalence", "managers", "--by", "trust", "--json").document
    whole = [one for one in document["shares"] if not one["cell"]]
    with_interval = [one for one in whole if one["corrected"]["low"] is not None]
    assert len(with_interval) >= 5
    for one in with_interval:
        estimate = one["corrected"]
        assert 0 <= estimate["low"] <= estimate["value"] <= estimate["high"] <= 1
        assert estimate["clusters"] == 18
        assert one["effective"] > 10
        assert 0 <= one["tuning_probabilities"] <= one["tuning"] <= 1 + 1e-9
    themes = extended("prevalence", "managers", "--level", "1", "--json").document
    assert any("level 1" in note for note in themes["notes"])
    by_theme = {one["code"]: one["people"]["value"] for one in themes["shares"] if not one["cell"]}
    by_code = {one["code"]: one["people"]["value"] for one in whole}
    assert set(by_theme) == {code.split(" > ")[0] for code in by_code}
    for code, share in by_code.items():
        assert share <= by_theme[code.split(" > ")[0]] + 1e-9
    assert "levels 1 to 2" in extended("prevalence", "managers", "--level", "3").err
    table = tmp_path / "odds.csv"
    odds = extended(*("odds", "managers", "--on", "trust", "--csv", str(table), "--json")).document
    assert len(odds["ratios"]) == 2 * len(whole)
    with table.open(newline="") as file:
        for row, one in zip(csv.DictReader(file), odds["ratios"], strict=True):
            assert (row["code"], row["attribute value"]) == (one["code"], one["term"]["value"])
            assert float(row["odds ratio"] or "nan") == pytest.approx(
                float("nan") if one["ratio"]["value"] is None else one["ratio"]["value"],
                nan_ok=True,
            )
            assert bool(row["reason"]) == (one["ratio"]["low"] is None)
    assert any(one["ratio"]["low"] is not None for one in odds["ratios"])
    assert extended("odds", "managers", "--on", "age").code == 1
    assert (
        "segments or transcripts"
        in extended("odds", "managers", "--on", "trust", "--unit", "words").err
    )
    house = open_house(read_settings(home=tmp_path / "home", api_token="token"))
    with TestClient(create_app(house)) as client:
        headers = {"Authorization": "Bearer token"}
        place = "/studies/managers/prevalence"
        answer = client.get(f"/api/v1{place}", headers=headers, params={"by": "trust"})
        assert answer.json() == json.loads(json.dumps(document))
        page = client.get(place, headers=headers, params={"by": "trust"})
        assert page.status_code == 200
        assert "<h1>Prevalence in" in page.text
        assert "checked> trust" in page.text
        answer = client.get(f"/api/v1{place}", headers=headers, params={"level": 1})
        assert answer.json() == json.loads(json.dumps(themes))
        page = client.get(place, headers=headers, params={"by": "trust", "level": "1"})
        assert '<option value="1" selected>of level 1' in page.text
        assert "level 1 of the tree" in page.text
        lacking = client.get(place, headers=headers, params={"by": "age"})
        assert lacking.status_code == 200
        assert "'age'" in lacking.text or "&#39;age&#39;" in lacking.text
        assert client.get(place, headers=headers, params={"unit": "lines"}).status_code == 422
    house.database.close()

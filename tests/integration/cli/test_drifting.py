"""The command that looks for drift, on the sample study, whose second wave holds one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once(
    "its time goes into tests of drift, on what other tests read from both"
)

PLANTED = "Knowledge > Evidence and data"


def moved(document: Any) -> list[tuple[str, str]]:
    return [(one["question"], one["subject"]) for one in document["findings"]]


def test_the_planted_drift_is_found_and_nothing_else(run_trained: Callable, tmp_path: Path) -> None:
    page = tmp_path / "drift.html"
    outcome = run_trained("drift", "managers", "--html", page, "--json")
    assert outcome.code == 0, outcome.err
    found = outcome.document
    assert moved(found) == [("use", PLANTED)]
    assert len(found["summary"]) == 1
    assert {one["name"] for one in found["questions"]} >= {"use", "meaning", "model", "coders"}
    assert [wave["transcripts"] for wave in found["waves"]] == [14, 12]
    assert any(change["p"] is not None for change in _changes(found, "meaning"))
    assert any("change of meaning is not always seen" in note for note in found["notes"])
    (finding,) = found["findings"]
    for name, wave in (("excerpts_before", "W1"), ("excerpts_after", "W2")):
        assert finding[name]
        assert all(one["transcript"].startswith(wave) for one in finding[name])
    html = page.read_text(encoding="utf-8")
    assert f"{PLANTED.replace('>', '&gt;')} is used more" in html
    assert "<script" not in html


def _changes(document: Any, name: str) -> list[Any]:
    return [
        change
        for question in document["questions"]
        if question["name"] == name
        for pair in question["comparisons"]
        for change in pair["changes"]
    ]


def test_without_a_model_by_dates_and_with_attributes_held_constant(
    run: Callable, sample: Path
) -> None:
    run("import", "managers", sample)
    for options in (("--by", "date"), ("--adjust", "trust")):
        outcome = run("drift", "managers", *options, "--json")
        assert outcome.code == 0, outcome.err
        assert moved(outcome.document) == [("use", PLANTED)], options
        assert any("No model was trained" in note for note in outcome.document["notes"])
        assert not any("change of meaning" in note for note in outcome.document["notes"])
    both = run("drift", "managers", "--adjust", "trust,group")
    assert "Adjust for fewer attributes" in both.out
    assert "8 in each of two waves" not in both.out
    table = run("drift", "managers", "--by", "coder")
    assert table.code == 0
    assert "Agreement of coders, alpha: 1 and 2" in table.out
    assert "Use of codes" not in table.out
    rows = [line for line in table.out.splitlines() if line.startswith("Coders by code")]
    assert [" pairs " in line and line.endswith("(all of them: --json)") for line in rows] == [True]
    assert " asha: " not in table.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--attribute", "ward"), "no transcript of managers has the attribute 'ward'"),
        (("--by", "moon"), "choose wave, date, coder, codebook"),
        (("--by", "date", "--attribute", "trust"), "is no date like"),
    ],
)
def test_what_cannot_be_compared_is_said(
    run: Callable, sample: Path, options: tuple[str, ...], words: str
) -> None:
    run("import", "managers", sample)
    outcome = run("drift", "managers", *options)
    assert outcome.code == 1
    assert words in outcome.err


def test_what_was_coded_with_suggestions_in_sight_is_left_out(
    run: Callable, folder: Callable
) -> None:
    rows, readings = ["transcript,turn,start,end,code,coder,coded_at"], []
    for at in range(20):
        for turn in range(5):
            code = "Tea" if turn == 0 or (at >= 10 and turn < 4) else ""
            rows.append(f"t{at:02},{turn},,,{code},ann,")
            readings.append(f"t{at:02},{turn},ann,{'true' if at == 19 else 'false'}")
    files = folder(
        transcripts_csv="transcript,turn,speaker,text\n"
        + "".join(
            f"t{at:02},{turn},P,words of turn {turn}\n" for at in range(20) for turn in range(5)
        ),
        codings_csv="\n".join(rows) + "\n",
        attributes_csv="transcript,wave\n"
        + "".join(f"t{at:02},{1 + at // 10}\n" for at in range(20)),
        readings_csv="transcript,turn,coder,assisted\n" + "\n".join(readings) + "\n",
    )
    imported = run("import", "tea", files)
    assert imported.code == 0, imported.err
    outcome = run("drift", "tea", "--json")
    assert outcome.code == 0, outcome.err
    assert [wave["transcripts"] for wave in outcome.document["waves"]] == [10, 9]
    assert any("5 readings of turns" in note for note in outcome.document["notes"])


def test_by_codebook_old_codings_are_read_under_the_newest_version(
    run: Callable, folder: Callable, tmp_path: Path
) -> None:
    edits = tmp_path / "edits.yaml"
    edits.write_text(
        "author: lead\nreason: said better\noperations:\n  - rename: Tea\n    to: Hot drinks\n"
    )
    for first, code in ((0, "Tea"), (10, "Hot drinks")):
        places = [(at, turn) for at in range(first, first + 10) for turn in range(5)]
        files = folder(
            transcripts="transcript,turn,speaker,text\n"
            + "".join(f"t{at:02},{turn},P,words of turn {turn}\n" for at, turn in places),
            codings="transcript,turn,start,end,code,coder,coded_at\n"
            + "".join(
                f"t{at:02},{turn},,,{code if turn == at % 2 else ''},ann,\n" for at, turn in places
            ),
        )
        imported = run("import", "tea", files)
        assert imported.code == 0, imported.err
        if not first:
            applied = run("codebook", "apply", "tea", edits, "--yes")
            assert applied.code == 0, applied.err
    outcome = run("drift", "tea", "--by", "codebook", "--json")
    assert outcome.code == 0, outcome.err
    assert [wave["transcripts"] for wave in outcome.document["waves"]] == [10, 10]
    (change,) = _changes(outcome.document, "use")
    assert change["subject"] == "Hot drinks"
    assert change["before"]["value"] == change["after"]["value"] == pytest.approx(0.2)
    refused = run("drift", "tea", "--by", "codebook", "--attribute", "wave")
    assert refused.code == 1
    assert "takes no --attribute" in refused.err

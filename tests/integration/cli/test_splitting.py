"""What the model proposes for excerpts of a split code, and what is told of those that wait."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

PARTS = {
    "Knowledge > By doing": "Knowledge > Experiential",
    "Knowledge > By courses": "Knowledge > Training",
}
MERGE = f"operations:\n  - merge: [{', '.join(PARTS.values())}]\n    into: Knowledge > Learned\n"
SPLIT = """operations:
  - split: Knowledge > Learned
    into:
      - code: Knowledge > By doing
        definition: Knowing from having done the work, gut feeling, years in post.
      - code: Knowledge > By courses
        definition: Formal learning, degrees, programmes, mentoring schemes.
"""


def split_again(run: Callable, place: Path) -> None:
    """Make one code of two, and two of it, so that what people meant is known."""
    for edits in (MERGE, SPLIT):
        (place / "edits.yaml").write_text(edits)
        assert run("codebook", "apply", "managers", place / "edits.yaml", "--yes").code == 0


def share_right(sample: Path, items: list[dict]) -> float:
    with (sample / "codings.csv").open(encoding="utf-8", newline="") as file:
        meant = {
            (row["transcript"], int(row["turn"]), row["coder"], row["code"])
            for row in csv.DictReader(file)
        }
    right = [
        (one["transcript"], one["turn"], one["coder"], PARTS[one["proposed"]["code"]]) in meant
        for one in items
    ]
    return sum(right) / len(right)


def test_before_a_training_the_part_is_proposed_that_the_codebook_says_most_of(
    run_trained: Callable, sample: Path, tmp_path: Path
) -> None:
    split_again(run_trained, tmp_path)
    found = run_trained("codebook", "worklist", "managers", "--json").document
    items = found["items"]
    assert len(items) > 50
    assert found["withheld"] == 0
    assert {one["proposed"]["basis"] for one in items} == {"likeness"}
    assert {one["proposed"]["code"] for one in items} == set(PARTS)
    assert all(0 <= one["proposed"]["score"] <= 1 for one in items)
    assert share_right(sample, items) > 0.75
    shown = run_trained("codebook", "worklist", "managers")
    assert "likeness 0." in shown.out
    assert "second-coder train managers" in shown.err
    text = run_trained("agreement", "managers")
    assert f"because the code was split: {len(items)} codings." in text.out + text.err


def test_a_part_that_nothing_taught_is_proposed_by_likeness_after_a_training_too(
    run_trained: Callable, folder: Callable, tmp_path: Path
) -> None:
    (tmp_path / "edits.yaml").write_text(
        f"operations:\n  - split: {WORKLOAD}\n    into:\n"
        "      - {code: Personal > Workload, definition: Too much to do.}\n"
        "      - {code: Personal > Stress, definition: What the work does to the speaker.}\n"
    )
    assert run_trained("codebook", "apply", "managers", tmp_path / "edits.yaml", "--yes").code == 0
    before = run_trained("codebook", "worklist", "managers", "--json").document["items"]
    assert run_trained("train", "managers").code == 0
    after = run_trained("codebook", "worklist", "managers", "--json").document["items"]
    assert {one["proposed"]["basis"] for one in (*before, *after)} == {"likeness"}
    assert [one["proposed"]["code"] for one in after] == [one["proposed"]["code"] for one in before]


def test_where_people_code_for_themselves_nothing_is_proposed(
    run_trained: Callable, folder: Callable, tmp_path: Path
) -> None:
    # A draw counts what was coded before it as certain; a transcript that comes later is not in it.
    assert run_trained("sample", "managers", "--size", "2").code == 0
    files = folder(
        transcripts="transcript,turn,speaker,text\nlate,0,P,I learned it on the course.\n",
        codings="transcript,turn,start,end,code,coder\n"
        f"late,0,0,27,{PARTS['Knowledge > By courses']},asha\n",
    )
    assert run_trained("import", "managers", files).code == 0
    split_again(run_trained, tmp_path)
    found = run_trained("codebook", "worklist", "managers", "--json").document
    proposed = {one["transcript"]: one["proposed"] for one in found["items"] if one["proposed"]}
    assert set(proposed) == {"late"}
    assert proposed["late"]["code"] == "Knowledge > By courses"
    assert found["withheld"] == len(found["items"]) - 1
    assert "people choose there without" in run_trained("codebook", "worklist", "managers").err


def test_a_study_without_a_model_is_told_to_make_one(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    split_again(run, tmp_path)
    shown = run("codebook", "worklist", "managers")
    assert "no model to propose with" in shown.err
    items = run("codebook", "worklist", "managers", "--json").document["items"]
    assert {one["proposed"] for one in items} == {None}


WORKLOAD = "Personal > Workload and stress"


def split_and_retired(run: Callable, place: Path) -> None:
    (place / "edits.yaml").write_text(
        f"operations:\n  - split: {WORKLOAD}\n    into:\n      - code: Personal > Workload\n"
        "      - code: Personal > Stress\n  - retire: Networks > Brokering\n"
    )
    assert run("codebook", "apply", "managers", place / "edits.yaml", "--yes").code == 0


def codings_of(folder: Path) -> list[tuple[str, ...]]:
    with (folder / "codings.csv").open(encoding="utf-8", newline="") as file:
        return [
            tuple(row[name] for name in ("transcript", "turn", "coder", "code"))
            for row in csv.DictReader(file)
            if row["code"]
        ]


def test_an_export_says_which_codings_are_not_in_it(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    made = codings_of(sample)
    assert "Not among" not in run("export", "managers", "--out", tmp_path / "whole").err
    split_and_retired(run, tmp_path)
    waiting = [one for one in made if one[3] == WORKLOAD]
    retired = [one for one in made if one[3] == "Networks > Brokering"]
    places = {one[:3] for one in waiting}
    beside = [
        one for one in made if one[:3] in places and one not in waiting and one not in retired
    ]
    assert waiting
    assert beside
    assert retired
    told = (
        f"Not among the codings written: {len(waiting)} codings that wait for a choice, because "
        f"their code was split; {len(beside)} codings of other codes on turns where their coder "
        f"has such a choice to make; {len(retired)} codings of retired codes. "
        "second-coder backup managers FILE.zip keeps them all."
    )
    for name in ("csv", "parquet", "label-studio", "qdpx"):
        outcome = run("export", "managers", "--out", tmp_path / "out", "--format", name)
        assert told in outcome.err
    assert told in (tmp_path / "out" / "dictionary.csv").read_text(encoding="utf-8")
    left = len(waiting) + len(beside) + len(retired)
    assert len(codings_of(tmp_path / "out")) == len(made) - left
    outcome = run("export", "managers", "--out", tmp_path / "out", "--format", "qdc")
    assert "Not among" not in outcome.err


@pytest.mark.parametrize("command", ["matrix", "cooccurrence", "codebook stability"])
def test_what_waits_is_told_where_codings_are_counted(
    run: Callable, sample: Path, tmp_path: Path, command: str
) -> None:
    run("import", "managers", sample)
    split_and_retired(run, tmp_path)
    for told in (
        run(*command.split(), "managers").err,
        " ".join(run(*command.split(), "managers", "--json").document["notes"]),
    ):
        assert "Waiting for a choice, because the code was split: 73 codings." in told
        assert "Left out: 31 codings of retired codes." in told


def test_a_code_is_quoted_also_where_another_one_waits(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)

    def quoted(*by: str) -> set[tuple[str, int]]:
        found = run("quotes", "managers", "--code", "Staffing", *by, "--json").document
        return {
            (one["transcript"], one["turn"])
            for group in found["groups"]
            for one in group["quotations"]
        }

    before = quoted()
    split_and_retired(run, tmp_path)
    assert quoted() == before
    outcome = run("quotes", "managers", "--code", "Staffing")
    assert "73 codings. They are not quoted until then." in outcome.err


def test_what_waits_for_a_choice_was_coded_and_keeps_estimates_back_by_name(
    run_trained: Callable, tmp_path: Path
) -> None:
    uncoded = run_trained("next", "managers", "--json").document["uncoded"]
    drawn = run_trained("sample", "managers", "--size", "2", "--json").document
    to_code = {one["transcript"] for one in drawn["transcripts"]}
    split_and_retired(run_trained, tmp_path)
    after = run_trained("next", "managers", "--json").document
    assert after["uncoded"] == uncoded - len(to_code)
    waiting = {
        one["transcript"]
        for one in run_trained("codebook", "worklist", "managers", "--json").document["items"]
    }
    assert len(waiting) > 5
    again = run_trained("sample", "managers", "--size", "3", "--json").document
    last = sorted(one["transcript"] for one in again["transcripts"])
    assert waiting.isdisjoint(last)
    assert any("A choice is to be made in" in note for note in again["notes"])
    too_many = run_trained("sample", "managers", "--size", "30")
    assert f"and {uncoded} can be drawn" in too_many.err
    for outcome in (
        run_trained("prevalence", "managers"),
        run_trained("odds", "managers", "--on", "trust"),
    ):
        told = outcome.out + outcome.err
        assert f"are not coded ({', '.join(last)}) and " in told
        assert "wait for a choice, because a code was split (" in told
        assert " more; second-coder codebook worklist managers lists the excerpts)" in told


@pytest.mark.parametrize("command", ["quotes managers --code", "disagreements managers --code"])
def test_who_asks_for_a_code_that_is_gone_is_told_what_became_of_it(
    run: Callable, sample: Path, tmp_path: Path, command: str
) -> None:
    run("import", "managers", sample)
    split_and_retired(run, tmp_path)
    for code, became in (
        (
            "Workload and stress",
            f"{WORKLOAD} was split into Personal > Workload and Personal > Stress in version 2",
        ),
        ("Networks > Brokering", "Networks > Brokering was retired in version 2"),
    ):
        outcome = run(*command.split(), code)
        assert outcome.code == 1
        assert f"no code {code!r} any more: {became}." in outcome.err
    assert "there is no code 'Nothing'; the codes are" in run(*command.split(), "Nothing").err


def test_an_estimate_says_what_waits(run_trained: Callable, tmp_path: Path) -> None:
    assert run_trained("sample", "managers", "--size", "2").code == 0
    split_and_retired(run_trained, tmp_path)
    found = run_trained("prevalence", "managers", "--json").document
    assert any("Waiting for a choice" in note for note in found["notes"])


def test_choices_come_in_as_a_table_of_codings(
    run: Callable, sample: Path, folder: Callable, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    split_and_retired(run, tmp_path)
    items = run("codebook", "worklist", "managers", "--json").document["items"]
    rows = [
        f"{one['transcript']},{one['turn']},{one['start']},{one['end']},"
        f"{one['options'][0]},{one['coder']}"
        for one in items[:6]
    ]
    table = "\n".join(["transcript,turn,start,end,code,coder", *rows, ""])
    outcome = run("import", "managers", folder(codings=table))
    assert "0 codings came in; 6 choices made after a split" in outcome.out
    left = run("codebook", "worklist", "managers", "--json").document["items"]
    assert [one["coding"] for one in left] == [one["coding"] for one in items[6:]]

"""What the model proposes for excerpts of a split code, on the sample study."""

import csv
from collections.abc import Callable
from pathlib import Path

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

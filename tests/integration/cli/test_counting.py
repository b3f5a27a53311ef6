"""The commands that count, on the sample study."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _recount(sample: Path, *names: str) -> dict[tuple[str, ...], tuple[int, int]]:
    """References and transcripts by code and attribute values, from the files alone.

    The sample's coders code whole turns, or spans that are compared one by one here.
    """
    attributes = {row["transcript"]: row for row in _rows(sample / "attributes.csv")}
    length = {
        (row["transcript"], row["turn"]): len(row["text"])
        for row in _rows(sample / "transcripts.csv")
    }
    characters: dict[tuple[str, str, str], list[bool]] = {}
    borders: dict[tuple[str, str, str], set[int]] = {}
    for row in _rows(sample / "codings.csv"):
        if not row["code"] or row["coder"].startswith("model:"):
            continue
        key = (row["code"], row["transcript"], row["turn"])
        start = int(row["start"] or 0)
        end = int(row["end"] or length[row["transcript"], row["turn"]])
        marks = characters.setdefault(key, [False] * length[row["transcript"], row["turn"]])
        # A gap between two codings that touch is a border that no coding crosses.
        borders.setdefault(key, set(range(1, len(marks)))).difference_update(range(start + 1, end))
        marks[start:end] = [True] * (end - start)
    counts: dict[tuple[str, ...], list[str]] = {}
    for (code, transcript, turn), marks in characters.items():
        ends = borders[code, transcript, turn]
        number = sum(
            marked and (at == 0 or not marks[at - 1] or at in ends)
            for at, marked in enumerate(marks)
        )
        values = tuple(attributes[transcript][name] for name in names)
        levels = code.split(" > ")
        for depth in range(len(levels)):
            key = (" > ".join(levels[: depth + 1]), *values)
            counts.setdefault(key, []).extend([transcript] * number)
    return {key: (len(found), len(set(found))) for key, found in counts.items()}


@pytest.mark.parametrize("names", [("trust",), ("group",), ("trust", "group")])
def test_the_matrix_agrees_with_a_plain_recount_of_the_files(
    run: Callable, sample: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    run("import", "managers", sample)
    table = tmp_path / "matrix.csv"
    outcome = run("matrix", "managers", "--by", ",".join(names), "--csv", table)
    assert outcome.code == 0, outcome.err
    found = {
        (row["code"], *(row[name] for name in names)): (
            int(row["references"]),
            int(row["transcripts"]),
        )
        for row in _rows(table)
        if all(row[name] for name in names) and row["references"] != "0"
    }
    expected = _recount(sample, *names)
    assert expected
    assert found == expected


def test_matrix_and_cooccurrence_come_as_table_document_and_page(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    for command in (["matrix", "managers", "--by", "trust,group"], ["cooccurrence", "managers"]):
        page = tmp_path / "page.html"
        shown = run(*command, "--html", page)
        assert shown.code == 0, shown.err
        assert "code" in shown.out
        assert "<svg" in page.read_text(encoding="utf-8")
        assert run(*command, "--json").document["coded_by"] == "people"
        assert run(*command, "--coded-by", "asha", "--json").document["coded_by"] == "asha"


def test_attributes_may_be_named_in_one_list_or_one_by_one(run: Callable, sample: Path) -> None:
    run("import", "managers", sample)
    for command in (["matrix", "managers"], ["quotes", "managers", "--code", "Staffing"]):
        listed = run(*command, "--by", "trust,group", "--json").document
        assert listed["by"] == ["trust", "group"]
        assert run(*command, "--by", "trust", "--by", "group", "--json").document == listed
    both = run("matrix", "managers", "--by", "trust, group", "--by", "trust,wave", "--json")
    assert both.document["by"] == ["trust", "group", "wave"]


def test_the_first_of_repeated_attributes_is_not_passed_over(run_trained: Callable) -> None:
    assert run_trained("sample", "managers", "--size", 2).code == 0
    for asked in (
        ("sample", "--size", 2, "--by"),
        ("plan", "--by"),
        ("prevalence", "--by"),
        ("odds", "--on"),
        ("drift", "--adjust"),
    ):
        command, *words, option = asked
        outcome = run_trained(command, "managers", *words, option, "colour", option, "trust")
        assert outcome.code == 1
        assert "'colour'" in outcome.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--by", "colour"], "there are trust, group, wave, date"),
        (["--coded-by", "zoe"], "choose people, majority, model, asha"),
        (["--coded-by", "model"], "no model"),
        (["--coded-by", " "], "whose codings"),
        (["--csv", "/no/such/folder/x.csv"], "cannot be written"),
    ],
)
def test_what_cannot_be_counted_is_told_with_what_can(
    run: Callable, sample: Path, options: list[str], told: str
) -> None:
    run("import", "managers", sample)
    outcome = run("matrix", "managers", *options)
    assert outcome.code == 1
    assert told in outcome.err

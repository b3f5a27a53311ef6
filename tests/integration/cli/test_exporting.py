"""A study out and in again, through the command line."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import docx
import pyarrow.parquet as pq
import pytest

from annotations.formats.refi.project_out import project_bytes
from annotations.memos import Memo, NamedSet
from annotations.study import Study
from service.house import open_house
from service.settings import read_settings


def _study(home: Path, name: str) -> Study:
    house = open_house(read_settings(home=home))
    with house.database.reading() as work:
        found = work.studies.load(name)
    house.database.close()
    return found


def _content(study: Study, *, times: bool = True) -> tuple[object, ...]:
    return (
        study.transcripts,
        study.codebook,
        {
            (c.transcript, c.turn, c.start, c.end, c.code, c.coder, c.coded_at if times else None)
            for c in study.codings
        },
        set(study.readings),
    )


def test_an_export_says_what_every_column_means_and_comes_in_again_as_it_was(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    out = tmp_path / "out"
    outcome = run("export", "managers", "--out", out)
    assert outcome.code == 0, outcome.err
    with (out / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        told = {(row["table"], row["column"]) for row in csv.DictReader(file)}
    for path in out.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        if path.stem != "dictionary":
            assert {(path.stem, column) for column in header} <= told
        assert pq.read_schema(path.with_suffix(".parquet")).names == header
    codings = pq.read_table(out / "codings.parquet")
    again = run("import", "again", out)
    assert again.code == 0, again.err
    home = tmp_path / "home"
    before, after = _study(home, "managers"), _study(home, "again")
    assert _content(after) == _content(before)
    assert codings.num_rows == len(before.codings)


@pytest.fixture
def rich(run: Callable, sample: Path, tmp_path: Path) -> Study:
    """The sample study with all that a study can hold: marks, memos, colours, sets."""
    run("import", "managers", sample)
    plain = _study(tmp_path / "home", "managers")
    first, *rest = plain.codings
    turns = {item.name: item.turns for item in plain.transcripts}
    after = replace(first, turn=first.turn + 1, start=0, end=4, continues=True)
    noted = replace(first, end=len(turns[first.transcript][first.turn].text), memo="Ask 🙂 again")
    study = replace(
        plain,
        transcripts=tuple(
            replace(
                item,
                turns=tuple(
                    replace(turn, interviewer=turn.speaker == "Interviewer") for turn in item.turns
                ),
            )
            for item in plain.transcripts
        ),
        codings=(noted, after, *(one for one in rest if one != after)),
        codebook=replace(
            plain.codebook,
            codes=tuple(replace(code, color="#33cc33") for code in plain.codebook.codes),
        ),
        memos=(Memo(title="Day 1", text="A start", author="ana"),),
        sets=(NamedSet(name="Early", transcripts=(plain.transcripts[0].name,)),),
    )
    path = tmp_path / "rich.qdpx"
    path.write_bytes(project_bytes(study))
    outcome = run("import", "rich", path)
    assert outcome.code == 0, outcome.err
    return _study(tmp_path / "home", "rich")


def test_all_that_a_study_holds_goes_through_each_format_or_is_told_of(
    run: Callable, rich: Study, tmp_path: Path
) -> None:
    assert any(turn.interviewer for turn in rich.transcripts[0].turns)
    assert {one.memo for one in rich.codings} == {"", "Ask 🙂 again"}
    (noted,) = (one for one in rich.codings if one.memo)
    assert f"Memo by {noted.coder}: Ask 🙂 again" in run("quotes", "rich", "--code", noted.code).out
    for name, files, told in (
        ("csv", ".", "1 memo on transcripts, codes and the study and 1 set ("),
        ("parquet", "", "1 memo on transcripts, codes and the study and 1 set ("),
        ("label-studio", "tasks.json", "1 mark that a coding continues"),
        ("qdpx", "rich.qdpx", ""),
    ):
        out = tmp_path / name
        outcome = run("export", "rich", "--format", name, "--out", out)
        assert told in outcome.err
        if name == "parquet":
            found = pq.read_table(out / "codings.parquet").to_pylist()
            assert sum(row["memo"] is not None for row in found) == 1
            assert sum(row["continues"] for row in found) == 1
            continue
        again = run("import", f"rich {name}", out / files)
        assert again.code == 0, again.err
        after = _study(tmp_path / "home", f"rich {name}")
        assert after.transcripts == rich.transcripts
        assert set(after.readings) == set(rich.readings)
        if name == "label-studio":
            bare = {replace(one, coded_at=None, continues=False) for one in after.codings}
            assert bare == {replace(one, coded_at=None, continues=False) for one in rich.codings}
        else:
            assert set(after.codings) == set(rich.codings)
            assert after.codebook == rich.codebook
        if name == "qdpx":
            assert (after.memos, after.sets) == (rich.memos, rich.sets)


def test_label_studio_tasks_come_in_again_with_the_same_codings(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    out = tmp_path / "out"
    outcome = run("export", "managers", "--out", out, "--format", "label-studio")
    assert outcome.code == 0, outcome.err
    again = run("import", "again", out / "tasks.json")
    assert again.code == 0, again.err
    home = tmp_path / "home"
    before, after = _study(home, "managers"), _study(home, "again")
    assert _content(after, times=False)[2:] == _content(before, times=False)[2:]


def test_a_trained_study_is_exported_with_its_figures(
    run_trained: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    outcome = run_trained(
        "export", "managers", "--out", out, "--format", "csv", "--format", "label-studio", "--json"
    )
    names = {Path(file).name for file in outcome.document["files"]}
    assert {"suggestions.csv", "decisions.csv", "tasks.json", "label_config.xml"} <= names


def test_what_cannot_be_exported_says_why(run: Callable, sample: Path, tmp_path: Path) -> None:
    run("import", "managers", sample)
    outcome = run("export", "managers", "--out", tmp_path / "out", "--format", "spss")
    assert outcome.code == 1
    assert "'spss' is no format of an export; choose csv, parquet" in outcome.err
    (tmp_path / "file").write_text("")
    outcome = run("export", "managers", "--out", tmp_path / "file" / "out")
    assert outcome.code == 1
    assert "cannot be written to" in outcome.err


PSEUDONYMS = "name,pseudonym\nP01,Nurse A\nInterviewer,Interviewer\nW1-01 Acute clinical,Case 1\n"


def test_quotations_are_grouped_and_pseudonymised_in_every_form(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    names = tmp_path / "names.csv"
    names.write_text(PSEUDONYMS)
    options = ["--code", "Staffing", "--by", "trust", "--pseudonyms", names]
    shown = run("quotes", "managers", *options)
    assert shown.code == 0, shown.err
    assert "Management > Staffing" in shown.out
    assert "Nurse A: " in shown.out
    assert "[Case 1, turn " in shown.out
    assert "P01" not in shown.out
    assert "no pseudonym for" in shown.err
    assert "P02" in shown.err
    for end in ("docx", "csv", "txt"):
        outcome = run("quotes", "managers", *options, "--out", tmp_path / f"quotes.{end}")
        assert outcome.code == 0, outcome.err
    assert (tmp_path / "quotes.txt").read_text(encoding="utf-8").strip() == shown.out.strip()
    with (tmp_path / "quotes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["grouped"] for row in rows} == {"Acute", "Care", "Specialist"}
    words = "\n".join(one.text for one in docx.Document(str(tmp_path / "quotes.docx")).paragraphs)
    for row in rows:
        assert row["quotation"].lstrip("'").strip() in words
        assert row["quotation"].lstrip("'").strip() in shown.out
    assert any(row["before"] for row in rows)
    above = run("quotes", "managers", "--code", "Management", "--json").document
    assert sum(len(group["quotations"]) for group in above["groups"]) > len(rows)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--code", "Nothing"], "there is no code 'Nothing'"),
        (["--code", "Staffing", "--by", "colour"], "there are trust"),
        (["--code", "Staffing", "--in-text"], "name their file"),
        (["--code", "Staffing", "--out", "quotes.pdf"], "ends in .docx, .csv, .txt"),
        (["--code", "Staffing", "--pseudonyms", "no.csv"], "no.csv: there is no such file"),
        (["--code", "stafing"], "(did you mean 'Management > Staffing' or"),
    ],
)
def test_quotations_that_cannot_be_had_say_why(
    run: Callable, sample: Path, options: list[str], told: str
) -> None:
    run("import", "managers", sample)
    outcome = run("quotes", "managers", *options)
    assert outcome.code == 1
    assert told in outcome.err

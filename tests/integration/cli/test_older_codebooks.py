"""Codebooks that hold what older versions took and no new edit may say."""

import csv
from collections.abc import Callable
from pathlib import Path

from annotations.codebook_versions.operations import Redefine
from annotations.formats.codebook_yaml import read_operations
from service.house import open_house
from service.settings import read_settings

CODE = "Personal > Workload and stress"


def test_a_study_with_the_name_of_a_color_in_its_log_is_worked_with_as_any_other(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    assert run("import", "managers", sample).code == 0
    blue = Redefine(code=CODE, changes={"color": "blue"})
    house = open_house(read_settings())
    with house.database.unit_of_work() as work:
        # What edits are stored by: older versions asked no more of them.
        work.codebooks.revise("managers", [blue], author="asha", reason="")
        work.codebooks.propose("managers", [blue])
        work.commit()
    house.database.close()

    done = {}
    out = tmp_path / "out"
    for command in (
        "studies",
        "show managers",
        "codebook show managers",
        "codebook log managers --json",
        "codebook proposals managers --json",
        "matrix managers",
        f"export managers --format csv --format qdc --format label-studio --out {out}",
        f"codebook export managers --to {out / 'codebook.yaml'}",
        f"backup managers {tmp_path / 'kept.zip'}",
        f"restore {tmp_path / 'kept.zip'} --as kept",
        "codebook show kept",
    ):
        done[command] = run(*command.split())
        assert done[command].code == 0, (command, done[command].err)
    log = done["codebook log managers --json"].document
    # The record says what was done.
    assert log["versions"][-1]["operations"][0]["color"] == "blue"
    for name in ("codebook.csv", "managers.qdc", "codebook.yaml"):
        assert "blue" not in (out / name).read_text(encoding="utf-8")
    with (out / "codebook.csv").open(encoding="utf-8", newline="") as file:
        assert {row["color"] for row in csv.DictReader(file) if row["code"] == CODE} == {""}
    # What went out can be read, and the codebook goes on.
    assert read_operations((out / "codebook.yaml").read_text(encoding="utf-8"), "codebook.yaml")
    (tmp_path / "edits.yaml").write_text(f"- redefine: {CODE}\n  color: '#0000ff'\n")
    edited = run("codebook", "apply", "managers", tmp_path / "edits.yaml", "--yes")
    assert edited.code == 0, edited.err
    (tmp_path / "edits.yaml").write_text(f"- redefine: {CODE}\n  color: blue\n")
    refused = run("codebook", "apply", "managers", tmp_path / "edits.yaml", "--yes")
    assert "color is written as #RRGGBB" in refused.err

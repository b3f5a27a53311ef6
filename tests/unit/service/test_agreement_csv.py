import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotations.codings import Coding
from annotations.reliability.methods import Versions
from annotations.reliability.report import ModelWork, ReliabilityReport, report_of
from annotations.reliability.substitution import Expertise
from annotations.study import Study
from service.agreement_csv import COLUMNS, write_csv
from service.documents import document
from service.wire_agreement import AgreementOut

VERSIONS = Versions(software="1.0", model="m1", codebook="c0de", data="da7a")


@pytest.fixture(params=["turn", "character"])
def report(request: pytest.FixtureRequest, coded_study: Study) -> ReliabilityReport:
    work = ModelWork(
        version="m1",
        codings=tuple(
            Coding(
                transcript=one.transcript,
                turn=one.turn,
                start=one.start,
                end=one.end,
                code=one.code,
                coder="model:m1",
            )
            for one in coded_study.codings
            if one.coder == "ben"
        ),
        transcripts=frozenset(item.name for item in coded_study.transcripts),
    )
    return report_of(
        coded_study,
        unit=request.param,
        versions=VERSIONS,
        expertise=Expertise.SKILLED,
        model=work,
        suggested=work,
    )


def figures(value: Any) -> list[Any]:
    """Every estimate of a document, wherever it is."""
    if isinstance(value, dict):
        if {"value", "low", "high"} <= value.keys():
            return [value]
        return [one for item in value.values() for one in figures(item)]
    return [one for item in value for one in figures(item)] if isinstance(value, list) else []


def test_every_estimate_of_the_report_is_a_row(report: ReliabilityReport, tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    count = write_csv(path, report)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    assert tuple(rows[0]) == COLUMNS

    def number(text: str) -> float | None:
        return float(text) if text else None

    written = [
        {name: number(row[name]) for name in ("value", "low", "high")} for row in rows if row["n"]
    ]
    expected = figures(document(report))
    assert written == [{name: one[name] for name in ("value", "low", "high")} for one in expected]
    places = [tuple(row[name] for name in COLUMNS[:6]) for row in rows]
    assert len(set(places)) == len(places), "no two figures have the same place"


def test_rows_say_what_they_are_about(report: ReliabilityReport, tmp_path: Path) -> None:
    write_csv(tmp_path / "figures.csv", report)
    with (tmp_path / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows = {tuple(row[name] for name in COLUMNS[:6]): row for row in csv.DictReader(file)}
    pair = report.pairs[0]
    row = rows["pairs", "", "", "asha and ben", "", "kappa"]
    assert float(row["value"]) == pair.kappa.value
    assert (int(row["n"]), int(row["clusters"])) == (pair.kappa.n, pair.kappa.clusters)
    assert row["method"] == pair.kappa.method
    code = report.codes[0]
    assert float(rows["codes", "", code.code, "", "", "alpha"]["value"]) == code.alpha.value
    level = report.by_level[0]
    above = rows["by_level", "1", level.codes[0].code, "", "", "alpha"]
    assert float(above["value"]) == level.codes[0].alpha.value
    use = report.by_coder[1].use[0]
    own = rows["by_coder", "", use.code, "ben", "", "own"]
    assert (float(own["value"]), own["n"]) == (use.own, "")
    if report.substitution is not None:
        for name, test in (
            ("", report.substitution.overall),
            ("Work", report.substitution.groups[0].test),
        ):
            kind = "overall" if not name else "test"
            row = rows["substitution", "", name, "", "", f"{kind}.rho"]
            assert float(row["value"]) == test.rho.value
            (ben,) = [one for one in test.by_transcript.coders if one.coder == "ben"]
            row = rows["substitution", "", name, "ben", "", f"{kind}.by_transcript.p"]
            assert float(row["value"]) == ben.p


def test_the_document_is_what_the_interface_describes(report: ReliabilityReport) -> None:
    found = document(report)
    assert json.loads(AgreementOut.model_validate(found).model_dump_json()) == found


def test_a_name_that_a_spreadsheet_would_run_is_text(coded_study: Study, tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://example.org","x")'
    coders = {one.coder for one in coded_study.codings}
    named = {name: formula if name == min(coders) else name for name in coders}
    study = replace(
        coded_study,
        codings=tuple(replace(one, coder=named[one.coder]) for one in coded_study.codings),
        readings=tuple(replace(one, coder=named[one.coder]) for one in coded_study.readings),
    )
    write_csv(tmp_path / "a.csv", report_of(study, unit="turn", versions=VERSIONS))
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any(formula in cell for cell in cells)
    assert not any(cell.startswith("=") for cell in cells)

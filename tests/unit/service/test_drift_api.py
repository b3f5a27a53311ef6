"""Drift over HTTP, and its page."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Rename
from annotations.codings import Coding, Reading
from annotations.decisions import Decision, DecisionKind
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.house import House
from service.storage.records import AnnotationRecord, RecodeDraw, RecodeExcerpt
from service.storage.session import UnitOfWork
from service.workflows import drifting

MOMENT = datetime(2026, 3, 31, tzinfo=UTC)
TEA = Coding(transcript="t00", turn=4, start=0, end=5, code="Tea", coder="ann")


@pytest.fixture
def waves(house: House) -> str:
    """Ten transcripts a wave, of five turns each; the code is on one turn, later on three."""
    names = [f"t{at:02}" for at in range(20)]
    places = [(at, turn) for at in range(20) for turn in range(5)]
    material = Material(
        transcripts=tuple(
            Transcript(
                name=name,
                turns=tuple(Turn(index=turn, speaker="P", text="words") for turn in range(5)),
                attributes={"wave": str(at // 10)},
            )
            for at, name in enumerate(names)
        ),
        codings=tuple(
            Coding(transcript=names[at], turn=turn, start=0, end=5, code="Tea", coder="ann")
            for at, turn in places
            if turn == at % 2 or (at >= 10 and turn in (2, 3))
        ),
        readings=tuple(
            Reading(transcript=names[at], turn=turn, coder="ann") for at, turn in places
        ),
        codebook=Codebook.of([Code(path="Tea")], declared=False),
    )
    with house.database.unit_of_work() as work:
        work.studies.create("tea")
        work.studies.add("tea", material)
        work.commit()
    return "tea"


def test_drift_is_told_over_http(client: TestClient, api: dict[str, str], waves: str) -> None:
    answer = client.get(f"/api/v1/studies/{waves}/drift", headers=api)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [wave["name"] for wave in found["waves"]] == ["0", "1"]
    (change,) = found["questions"][0]["comparisons"][0]["changes"]
    assert change["subject"] == "Tea"
    assert change["before"]["value"] == pytest.approx(0.2)
    assert change["after"]["value"] == pytest.approx(0.6)


def test_what_is_missing_is_a_conflict_for_programs_and_said_on_the_page(
    client: TestClient, api: dict[str, str], study: str
) -> None:
    answer = client.get(f"/api/v1/studies/{study}/drift", headers=api)
    assert answer.status_code == 409
    assert "has the attribute 'wave'" in answer.json()["error"]["message"]


def test_a_study_that_nobody_has_coded_says_so(
    client: TestClient, api: dict[str, str], house: House
) -> None:
    with house.database.unit_of_work() as work:
        work.studies.create("empty")
        work.commit()
    answer = client.get("/api/v1/studies/empty/drift", headers=api)
    assert answer.status_code == 409
    assert "nobody has coded empty" in answer.json()["error"]["message"]


def test_the_page_reads_codings_under_the_version_that_was_chosen(
    browser: TestClient, house: House, waves: str
) -> None:
    with house.database.unit_of_work() as work:
        rename = Rename(code="Tea", to="Hot drinks")
        work.codebooks.revise(waves, [rename], author="asha", reason="")
        work.commit()
    place = f"/studies/{waves}/drift"
    newest = browser.get(f"{place}?by=wave&codebook=").text
    assert "Hot drinks" in newest
    assert '<option value="1">version 1</option>' in newest
    older = browser.get(f"{place}?by=wave&codebook=1").text
    assert "Hot drinks" not in older
    assert '<option value="1" selected>version 1</option>' in older
    agreement = f"/studies/{waves}/agreement?level="
    assert "Hot drinks" in browser.get(f"{agreement}&codebook=").text
    assert "Hot drinks" not in browser.get(f"{agreement}&codebook=1").text
    assert browser.get(f"{place}?codebook=9").status_code == 404
    assert browser.get(f"{place}?codebook=x").status_code == 422


def test_the_page_is_made_once_until_the_study_changes(
    browser: TestClient, house: House, waves: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    report_on = drifting.report_on

    def counted(*arguments: Any, **named: Any) -> Any:
        made.append(named["by"])
        return report_on(*arguments, **named)

    monkeypatch.setattr(drifting, "report_on", counted)
    place = f"/studies/{waves}/drift"
    first = browser.get(place).text
    assert browser.get(place).text == first
    assert made == ["wave"]
    browser.get(f"{place}?by=coder")
    assert made == ["wave", "coder"]
    with house.database.unit_of_work() as work:
        work.studies.add(waves, Material(codings=(TEA,)))
        work.commit()
    assert browser.get(place).text != first
    assert made == ["wave", "coder", "wave"]


def code(work: UnitOfWork, study: str) -> None:
    work.studies.add(study, Material(codings=(TEA,)))


def read(work: UnitOfWork, study: str) -> None:
    work.studies.add(study, Material(readings=(Reading(transcript="t00", turn=0, coder="ben"),)))


def describe(work: UnitOfWork, study: str) -> None:
    described = [replace(one, attributes={"wave": "2"}) for one in work.studies.transcripts(study)]
    work.studies.add(study, Material(transcripts=(described[0],)))


def edit(work: UnitOfWork, study: str) -> None:
    work.codebooks.revise(study, [Rename(code="Tea", to="Hot drinks")], author="ann", reason="")


def decide(work: UnitOfWork, study: str) -> None:
    record = AnnotationRecord(
        annotation_id=1,
        task_id=1,
        transcript="t00",
        coder="ann",
        created_at=MOMENT,
        updated_at=MOMENT,
        cancelled=False,
        assisted=True,
        parent_prediction=None,
        shown_version="v",
        result=[],
        lead_time=None,
    )
    added = Decision(kind=DecisionKind.ADDED, code="Tea", turn=0, start=0, end=0)
    work.label_studio.replace_annotation(study, record, codings=(), readings=(), decisions=[added])


def code_again(work: UnitOfWork, study: str) -> None:
    drawn = RecodeExcerpt(
        transcript="t00",
        turn=0,
        key="k",
        stratum="Tea",
        probability=1.0,
        coded_at=MOMENT,
        before=(),
    )
    draw = RecodeDraw(coder="ann", size=1, seed=0, days=1, key="draw", excerpts=(drawn,))
    work.recodings.add(study, draw)
    work.recodings.take(study, "k", (), annotator="ann", at=MOMENT)


@pytest.mark.parametrize("change", [code, read, describe, edit, decide, code_again])
def test_whatever_the_report_is_computed_from_changes_its_digest(
    house: House, waves: str, change: Callable[[UnitOfWork, str], None]
) -> None:
    before = drifting.gather(house, waves).digest
    assert drifting.gather(house, waves).digest == before
    with house.database.unit_of_work() as work:
        change(work, waves)
        work.commit()
    assert drifting.gather(house, waves).digest != before


def test_when_codings_were_made_changes_the_digest_too(house: House) -> None:
    digests = set()
    for day, name in enumerate(("first", "second"), start=1):
        with house.database.unit_of_work() as work:
            work.studies.create(name)
            shown = Transcript(name="t", turns=(Turn(index=0, speaker="P", text="words"),))
            made = Coding(
                transcript="t",
                turn=0,
                start=0,
                end=5,
                code="Tea",
                coder="ann",
                coded_at=datetime(2026, 1, day, tzinfo=UTC),
            )
            seen = Reading(transcript="t", turn=0, coder="ann")
            book = Codebook.of([Code(path="Tea")], declared=False)
            work.studies.add(
                name,
                Material(transcripts=(shown,), codings=(made,), readings=(seen,), codebook=book),
            )
            work.commit()
        digests.add(drifting.gather(house, name).digest)
    assert len(digests) == 2

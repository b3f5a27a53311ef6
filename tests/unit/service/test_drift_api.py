"""Drift over HTTP, and its page."""

import pytest
from fastapi.testclient import TestClient

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Rename
from annotations.codings import Coding, Reading
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.house import House


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

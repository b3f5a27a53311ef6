"""What waits to be decided on the codebook, on its pages."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from annotations.codebook import Code
from annotations.codebook_versions.operations import Add, Rename, Split
from service.house import House


def test_edits_found_in_label_studio_are_decided_on_where_they_are_seen(
    browser: TestClient, house: House, study: str, form_token: Callable[..., str]
) -> None:
    place = f"/studies/{study}/codebook"
    assert "Edits found in Label Studio" not in browser.get(place).text
    with house.database.unit_of_work() as work:
        work.codebooks.propose(
            study, [Rename(code="Support", to="Help"), Add(code=Code(path="<b Kin"))]
        )
        work.commit()
    assert "To accept or decline: 2 edits of the labels" in browser.get(f"/studies/{study}").text
    text = browser.get(place).text
    assert "rename Support, to Help" in text
    assert "add &lt;b Kin" in text
    token = {"form_token": form_token(browser, place)}
    answer = browser.post(
        f"{place}/proposals", data={**token, "decision": "decline", "numbers": ["2"]}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, place)
    assert (
        browser.post(f"{place}/proposals", data={**token, "decision": "accept"}).status_code == 404
    )
    accept = {**token, "decision": "accept", "numbers": ["1"]}
    assert browser.post(f"{place}/proposals", data=accept).status_code == 303
    assert "Edits found in Label Studio" not in browser.get(place).text
    again = browser.post(f"{place}/proposals", data=accept)
    assert again.status_code == 404
    assert "open: none" in again.text
    with house.database.reading() as work:
        assert work.studies.codebook(study).paths == ("Help",)
        assert work.codebooks.history(study).current.author == "page"


def test_codings_that_wait_for_a_choice_need_attention(
    browser: TestClient, house: House, study: str
) -> None:
    with house.database.unit_of_work() as work:
        split = Split(code="Support", into=(Code(path="Kin"), Code(path="Friends")))
        work.codebooks.revise(study, [split], author="asha", reason="")
        work.commit()
    text = browser.get(f"/studies/{study}").text
    assert "because the code was split: the part of 1 coding." in text
    assert "second-coder codebook worklist trust" in text

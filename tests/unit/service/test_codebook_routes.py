"""Codebook versions over HTTP, and the event that says that labels were edited."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from annotations.codebook import Code
from annotations.codebook_versions.operations import Add, Move, Redefine, Rename
from annotations.errors import InputError
from service.house import House
from service.storage.records import Connection
from service.workflows.agreeing import gather, report_on
from service.workflows.labelling import proposed_labels
from service.workflows.proposing import decide_proposals, list_proposals

SPLIT = {"split": "Support", "into": ["Support > Kin", {"code": "Friends", "definition": "Others"}]}
RENAME = {"rename": "Support", "to": "Help"}


@pytest.fixture
def edits(client: TestClient, api: dict[str, str], study: str) -> Callable[..., Any]:
    def send(*operations: dict[str, Any], **more: Any) -> Any:
        return client.post(
            f"/api/v1/studies/{study}/codebook/edits",
            json={"operations": list(operations), **more},
            headers=api,
        )

    return send


@pytest.fixture
def connection(house: House, study: str) -> Connection:
    """The study is connected to a Label Studio that is not there."""
    made = Connection(
        study=study,
        url="http://127.0.0.1:1",
        token=SecretStr("token"),
        project_id=5,
        ml_url=None,
        webhook_id=None,
        webhook_secret=SecretStr("secret"),
        blind_share=0,
        seed=0,
    )
    with house.database.unit_of_work() as work:
        work.label_studio.save_connection(made)
        work.commit()
    return made


def test_edits_are_a_trial_unless_asked_for(
    edits: Callable[..., Any], client: TestClient, api: dict[str, str]
) -> None:
    tried = edits(SPLIT).json()
    assert (tried["applied"], tried["version"]) == (False, 2)
    assert (tried["before"]["codings"], tried["after"]["waiting"]) == (1, 1)
    path = "/api/v1/studies/trust/codebook"
    assert len(client.get(f"{path}/versions", headers=api).json()["versions"]) == 1
    done = edits(SPLIT, dry_run=False, author="asha", reason="too wide").json()
    assert (done["applied"], done["job"]) == (True, None)
    newest = client.get(f"{path}/versions", headers=api).json()["versions"][-1]
    assert (newest["number"], newest["author"], newest["reason"]) == (2, "asha", "too wide")
    assert newest["operations"][0]["split"] == "Support"
    found = client.get(f"{path}/diff", params={"start": 1, "end": 2}, headers=api).json()
    assert {"added", "split"} == {one["kind"] for one in found["changes"]}
    assert client.get("/api/v1/studies/trust", headers=api).json()["unread"]["waiting"] == 1


def test_a_wrong_edit_is_told_with_its_place(edits: Callable[..., Any]) -> None:
    answer = edits(RENAME, {"retire": "Support"}, dry_run=False)
    assert answer.status_code == 422
    assert "operation 2 (retire)" in answer.json()["error"]["message"]
    assert edits({"delete": "Support"}).status_code == 422


def test_a_version_that_is_not_there_says_which_are(
    client: TestClient, api: dict[str, str], study: str
) -> None:
    for path, wanted in (
        ("codebook/diff", {"start": 1, "end": 9}),
        ("agreement", {"codebook": 9}),
    ):
        answer = client.get(f"/api/v1/studies/{study}/{path}", params=wanted, headers=api)
        assert answer.status_code == 404
        assert "1 to 1" in answer.json()["error"]["message"]


def test_an_edit_of_a_connected_study_asks_for_a_job(
    edits: Callable[..., Any], connection: Connection, jobs: Callable[[], list[tuple[str, str]]]
) -> None:
    assert edits(RENAME).json()["job"] is None
    assert edits(RENAME, dry_run=False).json()["job"] is not None
    assert jobs() == [("follow", "queued")]


def test_a_changed_project_is_looked_at_once_its_sender_is_believed(
    client: TestClient, connection: Connection, jobs: Callable[[], list[tuple[str, str]]]
) -> None:
    body = {"action": "PROJECT_UPDATED", "project": {"id": 5}}
    headers = {"X-Second-Coder-Secret": "guessed"}
    assert client.post("/ml/trust/webhook", json=body, headers=headers).status_code == 401
    assert jobs() == []
    headers = {"X-Second-Coder-Secret": "secret"}
    assert client.post("/ml/trust/webhook", json=body, headers=headers).is_success
    assert jobs() == [("follow", "queued")]


def test_a_proposal_that_came_about_already_is_accepted_all_the_same(
    house: House, study: str
) -> None:
    with house.database.unit_of_work() as work:
        rename, add = Rename(code="Support", to="Help"), Add(code=Code(path="Friends"))
        assert work.codebooks.propose(study, [rename, add]) == 2
        # Coders went on in Label Studio meanwhile.
        for path in ("Help", "Friends"):
            work.codebooks.revise(
                study, [Add(code=Code(path=path))], author="Label Studio", reason=""
            )
        work.commit()
    numbers = [one.number for one in list_proposals(house, study).proposals]
    applied = decide_proposals(house, study, numbers, accept=True, author="asha")
    assert applied is not None
    with house.database.reading() as work:
        loaded = work.studies.load(study)
    assert loaded.codebook.paths == ("Help", "Friends")
    assert [one.code for one in loaded.codings] == ["Help"]
    assert list_proposals(house, study).proposals == ()


def test_a_proposal_is_about_the_code_whatever_that_is_called_by_now(
    house: House, study: str
) -> None:
    redefine = Redefine(code="Support", changes={"definition": "from kin"})
    with house.database.unit_of_work() as work:
        work.codebooks.propose(study, [redefine, Rename(code="Support", to="Help")])
        work.commit()
    first, second = (one.number for one in list_proposals(house, study).proposals)
    assert decide_proposals(house, study, [second], accept=True, author="asha") is not None
    assert decide_proposals(house, study, [first], accept=True, author="asha") is not None
    with house.database.reading() as work:
        (code,) = work.studies.codebook(study).codes
    assert (code.path, code.definition) == ("Help", "from kin")


def test_a_proposal_that_no_new_edit_may_say_is_listed_and_declined_but_not_accepted(
    house: House, study: str
) -> None:
    deep = Add(code=Code(path=" > ".join("A" * 201)))
    with house.database.unit_of_work() as work:
        work.codebooks.propose(study, [deep])
        work.commit()
    (proposal,) = list_proposals(house, study).proposals
    with pytest.raises(InputError, match=f"proposal {proposal.number}: .* more than 200 levels"):
        decide_proposals(house, study, [proposal.number], accept=True, author="asha")
    assert decide_proposals(house, study, [proposal.number], accept=False, author="asha") is None
    assert list_proposals(house, study).proposals == ()


def test_the_labels_of_open_proposals_stay_with_those_below(house: House, study: str) -> None:
    with house.database.unit_of_work() as work:
        work.codebooks.revise(
            study,
            [Add(code=Code(path="Support > Kin")), Add(code=Code(path="Trust"))],
            author="asha",
            reason="",
        )
        work.codebooks.propose(
            study, [Rename(code="Support", to="Help"), Move(code="Trust", under="Support")]
        )
        assert set(proposed_labels(work, study)) == {"Help", "Help > Kin", "Support > Trust"}


def test_the_report_of_an_older_version_says_so_and_is_the_old_one(
    house: House, edits: Callable[..., Any], study: str
) -> None:
    before = gather(house, study)
    edits(SPLIT, dry_run=False)
    edits({"add": "Silence"}, dry_run=False)
    after, old = gather(house, study), gather(house, study, 1)
    assert old.study == before.study
    assert len(after.study.codings) == 0
    assert len(after.study.readings) == 1
    notes = " ".join(report_on(house, old).notes)
    assert "version 1 of the codebook; the newest is 3" in notes
    notes = " ".join(after.notes)
    assert "Waiting for a choice, because the code was split: 1 coding." in notes
    assert "Silence came with version 3: 2 of 2 turns" in notes

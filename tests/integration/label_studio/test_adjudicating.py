"""Disagreements go to a real Label Studio with every coder's name, and come back settled."""

from pathlib import Path

import httpx
import pytest

from annotations.codings import ADJUDICATED
from annotations.errors import NotFound, StateError
from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import decode
from annotations.study import Study
from service.house import House, open_house
from service.label_studio.client import Client
from service.label_studio.records import Prediction
from service.label_studio.server import LocalLabelStudio
from service.settings import read_settings
from service.workflows.adjudicating import (
    PushedDisagreements,
    disagreements,
    push_disagreements,
)
from service.workflows.agreeing import agreement
from service.workflows.importing import import_paths
from service.workflows.labelling import connect
from service.workflows.syncing import sync

pytestmark = pytest.mark.integration

SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "middle_managers"


def study_of(house: House) -> Study:
    with house.database.reading() as work:
        return work.studies.load("managers")


def predictions_of(
    client: Client, pushed: PushedDisagreements
) -> dict[tuple[str, str], Prediction]:
    """Everything shown, by transcript and version."""
    names = {task.id: task.data["transcript"] for task in client.tasks(pushed.project_id)}
    return {
        (names[one.task], one.model_version): one for one in client.predictions(pushed.project_id)
    }


def settle(client: Client, prediction: Prediction, *, without: int = 0) -> int:
    """Submit everybody's codings but for some; the annotation."""
    return client.submit(
        task=prediction.task,
        result=prediction.result[without:],
        parent_prediction=prediction.id,
    ).id


def test_each_coding_is_shown_once_with_the_names_of_its_coders(
    house: House, client: Client
) -> None:
    pushed = push_disagreements(house, "managers")
    found = predictions_of(client, pushed)
    open_ = {unit.transcript for unit in disagreements(house, "managers").units}
    assert pushed.created == pushed.tasks == len(open_)
    assert {name for name, _ in found} == open_
    whole = study_of(house)
    for name in sorted(open_)[:3]:
        mine = [one for one in whole.human_codings if one.transcript == name]
        readers = {one.coder for one in whole.human_readings if one.transcript == name}
        assert {version for of, version in found if of == name} == readers | {"all coders"}
        everybody = found[name, "all coders"].result
        assert len(everybody) == len({(c.turn, c.start, c.end, c.code) for c in mine})
        project = client.project(pushed.project_id)
        assert project is not None
        config = LabelConfig.parse(project.label_config, whole.codebook.paths)
        (transcript,) = [one for one in whole.transcripts if one.name == name]
        for shown in everybody:
            (region,) = decode([dict(shown)], transcript, config).regions
            coders = [
                one.coder
                for one in mine
                if (one.turn, one.start, one.end) == (region.turn, region.start, region.end)
                and (one.code,) == region.codes
            ]
            read = [
                one.coder
                for one in whole.human_readings
                if (one.transcript, one.turn) == (name, region.turn)
            ]
            assert shown["meta"]["text"] == [
                f"Coded so by {', '.join(sorted(coders))}. Read by {', '.join(sorted(read))}."
            ]
        for coder in readers:
            assert len(found[name, coder].result) == sum(one.coder == coder for one in mine)


def test_who_settles_starts_from_everybodys_codings(
    house: House, client: Client, label_studio: LocalLabelStudio
) -> None:
    pushed = push_disagreements(house, "managers")
    answer = httpx.get(
        f"{label_studio.url}/api/projects/{pushed.project_id}/next",
        headers={"Authorization": f"Token {label_studio.token}"},
        timeout=30,
    )
    (prediction,) = answer.raise_for_status().json()["predictions"]
    assert prediction["model_version"] == "all coders"
    assert prediction["result"][0]["meta"]["text"][0].startswith("Coded so by ")


def test_the_agreed_coding_comes_back_and_settles_what_it_covers(
    house: House, client: Client
) -> None:
    before = agreement(house, "managers")
    pushed = push_disagreements(house, "managers")
    found = predictions_of(client, pushed)
    name = sorted({of for of, _ in found})[0]
    annotation = settle(client, found[name, "all coders"], without=2)
    assert sync(house, "managers").changed == 1

    whole = study_of(house)
    agreed = [one for one in whole.codings if one.coder == ADJUDICATED]
    assert {one.transcript for one in agreed} == {name}
    assert len(agreed) == len(found[name, "all coders"].result) - 2
    assert all(not one.assisted for one in whole.readings if one.coder == ADJUDICATED)
    listed = disagreements(house, "managers")
    for unit in listed.units:
        assert all((one.agreed is not None) == (unit.transcript == name) for one in unit.codes)
    assert listed.settled is not None
    assert listed.settled.transcripts == 1
    assert listed.settled.after.alpha.value > listed.settled.before.alpha.value
    # Reliability stays what it was: the agreed coding is no coder, and nobody's second thought.
    after = agreement(house, "managers")
    assert after.coders == before.coders
    assert after.pooled == before.pooled

    # What is settled is not sent again, and what was sent is not doubled.
    again = push_disagreements(house, "managers")
    assert (again.project_id, again.created, again.tasks) == (pushed.project_id, 0, pushed.tasks)
    assert len(client.predictions(pushed.project_id)) == len(found)
    assert sync(house, "managers").changed == 0

    # Label Studio is the truth: what is deleted there is not settled any more.
    client._sdk.annotations.delete(annotation)
    assert sync(house, "managers").removed == 1
    assert ADJUDICATED not in study_of(house).coders


def test_a_skipped_transcript_is_not_settled(house: House, client: Client) -> None:
    pushed = push_disagreements(house, "managers")
    task = client.tasks(pushed.project_id)[0]
    client.submit(task=task.id, result=(), was_cancelled=True)
    assert sync(house, "managers").skipped == 1
    assert ADJUDICATED not in study_of(house).coders


def test_an_empty_submission_settles_that_no_code_applies(house: House, client: Client) -> None:
    pushed = push_disagreements(house, "managers")
    task = client.tasks(pushed.project_id)[0]
    client.submit(task=task.id, result=())
    sync(house, "managers")
    mine = [
        code
        for unit in disagreements(house, "managers").units
        if unit.transcript == task.data["transcript"]
        for code in unit.codes
    ]
    assert mine
    assert all(one.agreed is False for one in mine)


def test_one_branch_of_the_codebook_may_be_sent(house: House, client: Client) -> None:
    found = disagreements(house, "managers", code="Networks", text=True)
    codes = {one.code for unit in found.units for one in unit.codes}
    assert codes == {"Networks > Peer support", "Networks > Brokering"}
    assert all(unit.text for unit in found.units)
    pushed = push_disagreements(house, "managers", code="Networks > Brokering")
    expected = {
        unit.transcript
        for unit in disagreements(house, "managers", code="Networks > Brokering").units
    }
    sent = {task.data["transcript"] for task in client.tasks(pushed.project_id)}
    assert sent == expected
    with pytest.raises(NotFound, match="no code 'Weather'"):
        disagreements(house, "managers", code="Weather")


def test_a_study_in_which_nobody_differs_has_nothing_to_settle(
    home: Path, tmp_path: Path, label_studio: LocalLabelStudio
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "transcripts.csv").write_text("transcript,turn,speaker,text\nA,0,P,words\n")
    (files / "codings.csv").write_text(
        "transcript,turn,start,end,code,coder,coded_at\nA,0,,,Pay,ana,\nA,0,,,Pay,bo,\n"
    )
    house = open_house(read_settings(home=home))
    import_paths(house, "alike", [files])
    connect(house, "alike", url=label_studio.url, token=label_studio.token)
    with pytest.raises(StateError, match="nothing to settle in alike"):
        push_disagreements(house, "alike")
    assert disagreements(house, "alike").units == ()
    house.database.close()

"""What to code next, without a model, and what is never chosen."""

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from annotations.blind import in_blind_sample
from annotations.codebook import Code, Codebook
from annotations.codings import Reading
from annotations.errors import ArtifactError
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from models.thresholds import Aim
from service.house import House
from service.storage.records import Connection, ModelRecord, TaskLink
from service.workflows.recommending import recommend
from service.workflows.training import options_after, train_study
from training.options import TrainOptions

NAMES = tuple(f"interview {number:02}" for number in range(12))


@pytest.fixture
def study(house: House) -> str:
    """Twelve transcripts of two trusts; two of Acute are coded."""
    with house.database.unit_of_work() as work:
        work.studies.create("trust")
        work.studies.add(
            "trust",
            Material(
                transcripts=tuple(
                    Transcript(
                        name=name,
                        turns=(Turn(index=0, speaker="", text="We trust them."),),
                        attributes={"trust": "Acute" if at < 8 else "Care", "date": f"{at}"},
                    )
                    for at, name in enumerate(NAMES)
                ),
                readings=tuple(Reading(transcript=name, turn=0, coder="ana") for name in NAMES[:2]),
                codebook=Codebook.of([Code(path="Trust")], declared=True),
            ),
        )
        work.commit()
    return "trust"


def test_without_a_model_cells_of_the_sample_take_turns(house: House, study: str) -> None:
    found = recommend(house, study, top=4)
    assert (found.attributes, found.uncoded, found.model_version) == (("trust",), 10, None)
    assert [one.cell for one in found.transcripts] == [("Care",), ("Care",), ("Acute",), ("Care",)]
    assert "no model yet" in found.notes[0]
    with house.database.reading() as work:
        assert set(work.recommendations.of(study)) == {one.transcript for one in found.transcripts}


def test_the_blind_sample_is_never_chosen(house: House, study: str) -> None:
    with house.database.unit_of_work() as work:
        work.label_studio.save_connection(
            Connection(
                study=study,
                url="http://ls",
                token=SecretStr("t"),
                project_id=1,
                ml_url=None,
                webhook_id=None,
                webhook_secret=SecretStr("s"),
                blind_share=0.4,
                seed=3,
            )
        )
        work.label_studio.save_tasks(
            study,
            [
                TaskLink(task_id=5, transcript=NAMES[5], blind=True),
                TaskLink(task_id=6, transcript=NAMES[6], blind=False),
            ],
        )
        work.commit()
    drawn = {name for name in (*NAMES[2:5], *NAMES[7:]) if in_blind_sample(name, share=0.4, seed=3)}
    assert drawn
    found = recommend(house, study)
    assert set(found.blind) == drawn | {NAMES[5]}
    assert {one.transcript for one in found.transcripts} == set(NAMES[2:]) - set(found.blind)
    assert any("would no longer be a random sample" in note for note in found.notes)


def test_the_service_tells_the_same(
    house: House, client: TestClient, api: dict[str, str], study: str
) -> None:
    told = client.get(f"/api/v1/studies/{study}/next?top=2", headers=api).json()
    again = recommend(house, study, top=2)
    assert [one["transcript"] for one in told["transcripts"]] == [
        one.transcript for one in again.transcripts
    ]
    assert client.get("/api/v1/studies/nowhere/next", headers=api).status_code == 404


def test_a_retraining_keeps_what_thresholds_are_for() -> None:
    record = ModelRecord(version="v", encoder="e", size_bytes=1, figures={"aim": "precision=0.8"})
    assert options_after(record).aim == Aim(name="precision", precision=0.8)
    assert options_after(None) == TrainOptions()


def test_a_retraining_after_an_older_report_takes_defaults_for_what_it_does_not_tell() -> None:
    asked = {"tier": "best", "minutes": 12.0, "trust_definitions": True}
    record = ModelRecord(version="v", encoder="e", size_bytes=1, figures={"asked": asked})
    assert options_after(record) == TrainOptions(tier="best", minutes=12.0, trust_definitions=True)


def test_a_retraining_whose_encoder_is_gone_fails_and_says_so(house: House, study: str) -> None:
    asked = {"encoder": "/gone/encoder"}
    record = ModelRecord(version="v", encoder="e", size_bytes=1, figures={"asked": asked})
    with house.database.unit_of_work() as work:
        work.models.add(study, record)
        work.commit()
    with pytest.raises(ArtifactError, match="trained with the encoder /gone/encoder") as told:
        train_study(house, study)
    assert "second-coder train trust --encoder" in str(told.value)

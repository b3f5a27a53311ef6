"""What a synchronisation writes and reads; Label Studio is a stand-in with three annotations."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Add, Rename, Split
from annotations.formats.label_config import label_config_for
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from models.suggestions import Suggestion
from service.house import House
from service.label_studio.records import Annotation, Prediction, Project
from service.storage.records import Connection, TaskLink
from service.storage.studies import Studies
from service.workflows import syncing

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
CODES = Codebook.of([Code(path="Cost"), Code(path="Trust")], declared=False)
NAMES = ("one", "two", "three")
Statements = Callable[[], AbstractContextManager[list[str]]]


@dataclass
class StandIn:
    """The project of the study, as `sync` sees it."""

    held: dict[int, Annotation] = field(default_factory=dict)

    def project(self, project: int) -> Project:
        return Project(
            id=project,
            title="trust",
            label_config=label_config_for(CODES),
            model_version="",
            show_predictions=True,
            allow_empty=True,
            annotations_per_task=1,
        )

    def described_project(self, _description: str) -> None:
        return None

    def predictions(self, _project: int) -> tuple[Prediction, ...]:
        return ()

    def annotations(self, _project: int) -> tuple[Annotation, ...]:
        return tuple(self.held.values())

    def annotation(self, number: int) -> Annotation | None:
        return self.held.get(number)

    def code(self, number: int, label: str, at: datetime = NOON) -> None:
        """Somebody applies a code to the first word of a transcript."""
        value = {"start": "0", "end": "0", "startOffset": 0, "endOffset": 2}
        region = {
            "id": "r",
            "type": "paragraphlabels",
            "from_name": "code",
            "to_name": "transcript",
            "value": {**value, "paragraphlabels": [label]},
        }
        self.held[number] = Annotation(
            id=number,
            task=number,
            project=1,
            coder_id=1,
            coder="cy",
            was_cancelled=False,
            parent_prediction=None,
            result=[region],
            lead_time=1.0,
            created_at=NOON,
            updated_at=at,
        )


@pytest.fixture
def study(house: House) -> str:
    """Three connected transcripts; a model suggested something in each, and coders saw it."""
    with house.database.unit_of_work() as work:
        work.studies.create("trust")
        turns = (Turn(index=0, speaker="P", text="It costs too much"),)
        transcripts = tuple(Transcript(name=name, turns=turns) for name in NAMES)
        work.studies.add("trust", Material(transcripts=transcripts, codebook=CODES))
        work.label_studio.save_connection(
            Connection(
                study="trust",
                url="http://label-studio",
                token=SecretStr("word"),
                project_id=1,
                ml_url=None,
                webhook_id=None,
                webhook_secret=SecretStr("secret"),
                blind_share=0.0,
                seed=0,
                labels_version=1,
            )
        )
        links = [
            TaskLink(task_id=task, transcript=name, blind=False)
            for task, name in enumerate(NAMES, start=1)
        ]
        work.label_studio.save_tasks("trust", links)
        for name in NAMES:
            suggestion = Suggestion(
                transcript=name,
                turn=0,
                start=0,
                end=2,
                text="It",
                code="Cost",
                score=0.75,
                threshold=0.5,
                model_version="v1",
            )
            work.suggestions.store(
                "trust", version="v1", transcript=name, suggestions=[suggestion], shown=True
            )
        work.commit()
    return "trust"


@pytest.fixture
def project(study: str, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The project, with an annotation of each transcript."""
    found = StandIn()
    for number in range(1, len(NAMES) + 1):
        found.code(number, "Cost")
    monkeypatch.setattr(syncing, "client_of", lambda _connection: found)
    return found


def stamp(house: House) -> str:
    with house.database.reading() as work:
        return work.overviews.stamp("trust")


def written(said: list[str]) -> list[str]:
    """Those of the statements that write, but for the lock of a study."""
    return [one for one in said if one.split()[0] in ("INSERT", "UPDATE", "DELETE")]


def test_a_second_sync_of_the_same_annotations_writes_nothing(
    house: House, study: str, project: StandIn, statements: Statements
) -> None:
    assert syncing.sync(house, study).changed == len(project.held)
    before = stamp(house)
    with statements() as said:
        assert syncing.sync(house, study).changed == 0
    assert said
    assert written(said) == []
    assert stamp(house) == before


def test_what_pages_keep_changes_with_any_annotation(
    house: House, study: str, project: StandIn
) -> None:
    project.code(3, "Cost", NOON + timedelta(hours=1))
    syncing.sync(house, study)
    before = stamp(house)
    # Older than the newest one, and with the row numbers of what it replaces.
    project.code(1, "Trust", NOON + timedelta(minutes=1))
    assert syncing.sync(house, study).changed == 1
    assert stamp(house) != before


def test_what_pages_keep_changes_with_a_choice(house: House, study: str, project: StandIn) -> None:
    syncing.sync(house, study)
    with house.database.unit_of_work() as work:
        parts = (Code(path="Fares"), Code(path="Rent"))
        work.codebooks.revise(study, [Split(code="Cost", into=parts)], author="asha", reason="")
        work.commit()
    before = stamp(house)
    with house.database.unit_of_work() as work:
        coding = work.codebooks.waiting(study)[0].coding
        work.codebooks.choose(study, {coding: ["Rent"]}, by="cy", at=NOON)
        work.commit()
    assert stamp(house) != before


def test_the_codebook_is_read_once_for_many_annotations(
    house: House, study: str, project: StandIn, statements: Statements
) -> None:
    def histories(said: list[str]) -> int:
        return sum("codebook_versions.passages" in one for one in said)

    with statements() as said:
        syncing.sync(house, study)
    of_three = histories(said)
    for number in (2, 3):
        del project.held[number]
    with statements() as said:
        syncing.sync(house, study)
    assert histories(said) == of_three


def test_a_code_that_an_annotation_brings_is_known_to_the_next(
    house: House, study: str, project: StandIn
) -> None:
    syncing.sync(house, study)
    with house.database.unit_of_work() as work:
        work.codebooks.revise(study, [Add(code=Code(path="New"))], author="asha", reason="")
        work.codebooks.revise(study, [Rename(code="Cost", to="Money")], author="asha", reason="")
        work.commit()
    for number in project.held:
        project.code(number, "Trust", NOON + timedelta(minutes=number))
    assert syncing.sync(house, study).changed == len(NAMES)
    with house.database.reading() as work:
        assert {one.code for one in work.studies.load(study).codings} == {"Trust"}
        assert {(one.kind, one.code) for one in work.label_studio.decisions(study)} == {
            ("rejected", "Money"),
            ("added", "Trust"),
        }


def test_a_hint_loads_the_transcripts_that_it_is_about(
    house: House, study: str, project: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    load = Studies.transcripts

    def noted(studies: Studies, *asked: Any) -> tuple[Transcript, ...]:
        found = load(studies, *asked)
        seen.extend(one.name for one in found)
        return found

    monkeypatch.setattr(Studies, "transcripts", noted)
    project.held[2] = replace(project.held[2], task=99)
    found = syncing.sync(house, study, annotation_ids=[1, 2, 7])
    assert (found.changed, len(found.notes)) == (1, 1)
    assert seen == ["one"]

"""A Label Studio that moves to another address, and one that is another altogether."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from annotations.codebook import Code, Codebook
from annotations.errors import StateError
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.house import House, open_house
from service.label_studio.client import Client
from service.label_studio.server import LocalLabelStudio
from service.settings import read_settings
from service.workflows.labelling import connect
from service.workflows.pushing import push
from service.workflows.syncing import sync

pytestmark = pytest.mark.integration


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    house = open_house(read_settings(home=home))
    with house.database.unit_of_work() as work:
        work.studies.create("ward")
        work.studies.add(
            "ward",
            Material(
                transcripts=(
                    Transcript(name="one", turns=(Turn(index=0, speaker="P", text="Tired."),)),
                ),
                codebook=Codebook.of([Code(path="Strain")], declared=True),
            ),
        )
        work.commit()
    yield house
    house.database.close()


def test_the_same_project_is_found_at_a_new_address(
    house: House, label_studio: LocalLabelStudio
) -> None:
    first = connect(house, "ward", url=label_studio.url, token=label_studio.token)
    assert push(house, "ward").tasks_created == 1
    elsewhere = label_studio.url.replace("127.0.0.1", "localhost")
    second = connect(house, "ward", url=elsewhere, token=label_studio.token)
    assert (second.project_id, second.created) == (first.project_id, False)
    assert push(house, "ward").tasks_created == 0


def test_another_label_studio_is_refused_while_work_from_the_old_one_would_be_lost(
    house: House, label_studio: LocalLabelStudio
) -> None:
    made = connect(house, "ward", url=label_studio.url, token=label_studio.token)
    push(house, "ward")
    client = Client(url=label_studio.url, token=label_studio.token)
    (task,) = client.tasks(made.project_id)
    annotation = client.submit(task=task.id, result=[])
    assert sync(house, "ward").annotations == 1
    client.update_project(made.project_id, {"title": "somebody else's"})
    elsewhere = label_studio.url.replace("127.0.0.1", "localhost")
    with pytest.raises(StateError, match="1 annotation from"):
        connect(house, "ward", url=elsewhere, token=label_studio.token)
    with house.database.reading() as work:
        assert work.label_studio.annotation_ids("ward") == (annotation.id,)


def test_a_new_project_gets_tasks_of_its_own(house: House, label_studio: LocalLabelStudio) -> None:
    made = connect(house, "ward", url=label_studio.url, token=label_studio.token)
    push(house, "ward")
    Client(url=label_studio.url, token=label_studio.token).update_project(
        made.project_id, {"title": "somebody else's"}
    )
    elsewhere = label_studio.url.replace("127.0.0.1", "localhost")
    again = connect(house, "ward", url=elsewhere, token=label_studio.token)
    assert again.created
    with house.database.reading() as work:
        assert work.label_studio.tasks("ward") == ()
    assert push(house, "ward").tasks_created == 1

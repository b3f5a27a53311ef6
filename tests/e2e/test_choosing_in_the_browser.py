"""A coder finishes the worklist of a split in the browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Split
from annotations.codings import Coding, Reading
from annotations.formats.codebook_yaml import OperationsFile
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.house import House, open_house
from service.label_studio.client import Client
from service.label_studio.server import LocalLabelStudio
from service.settings import read_settings
from service.workflows.choosing import push_worklist, worklist
from service.workflows.codebooks import apply_edits
from service.workflows.labelling import connect
from service.workflows.syncing import sync

pytestmark = pytest.mark.e2e

WORDS = ("😀 I was afraid of the letter.", "I lay awake over the money.")


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    """A study with two codings of a code from files, which is then split."""
    house = open_house(read_settings(home=home))
    turns = tuple(Turn(index=index, speaker="P", text=words) for index, words in enumerate(WORDS))
    with house.database.unit_of_work() as work:
        work.studies.create("letters")
        work.studies.add(
            "letters",
            Material(
                transcripts=(Transcript(name="one", turns=turns),),
                codings=tuple(
                    Coding(
                        transcript="one",
                        turn=turn.index,
                        start=0,
                        end=len(turn.text),
                        code="Fear",
                        coder="asha",
                    )
                    for turn in turns
                ),
                readings=tuple(
                    Reading(transcript="one", turn=turn.index, coder="asha") for turn in turns
                ),
                codebook=Codebook.of([Code(path="Fear"), Code(path="Trust")], declared=True),
            ),
        )
        work.commit()
    yield house
    house.database.close()


def test_a_coder_chooses_for_each_excerpt_and_the_worklist_is_empty(
    page: Page,
    house: House,
    label_studio: LocalLabelStudio,
    eventually: Callable[..., None],
) -> None:
    connect(house, "letters", url=label_studio.url, token=label_studio.token)
    split = Split(code="Fear", into=(Code(path="Dread"), Code(path="Worry")))
    apply_edits(house, "letters", OperationsFile(operations=(split,)), author="asha", keep=True)
    assert len(worklist(house, "letters").items) == 2
    pushed = push_worklist(house, "letters")
    client = Client(url=label_studio.url, token=label_studio.token)
    (task,) = client.tasks(pushed.project_id)

    page.goto(f"{label_studio.url}/projects/{pushed.project_id}/data?task={task.id}")
    page.get_by_text("Codings by asha").wait_for()
    for words, part in zip(WORDS, ("Dread", "Worry"), strict=True):
        page.locator(".htx-highlight", has_text=words[2:]).first.click()
        page.get_by_text("Choose: Dread or Worry").first.wait_for()
        page.locator(".codes .list").get_by_text(part, exact=True).click()
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Submit").click()

    eventually(lambda: list(client.annotations(pushed.project_id)), "nothing was submitted")
    assert sync(house, "letters").chosen == 2
    assert worklist(house, "letters").items == ()
    with house.database.reading() as work:
        now, then = work.studies.load("letters"), work.studies.load("letters", 1)
    assert [(one.turn, one.code) for one in now.codings] == [(0, "Dread"), (1, "Worry")]
    assert [one.code for one in then.codings] == ["Fear", "Fear"]
    assert len(now.readings) == 2

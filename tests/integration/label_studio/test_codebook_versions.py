"""A codebook edited while coders have annotations: Label Studio follows, and nothing is lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Edit, Merge, Rename, Retire, Split
from annotations.formats.codebook_yaml import OperationsFile
from annotations.formats.label_config import LabelConfig
from annotations.study import Material, Study
from annotations.transcripts import Transcript, Turn
from service.house import House, open_house
from service.label_studio import choosing as choices
from service.label_studio.client import Client
from service.label_studio.records import NewPrediction
from service.label_studio.server import LocalLabelStudio
from service.settings import read_settings
from service.workflows.choosing import push_worklist, worklist
from service.workflows.codebooks import apply_edits
from service.workflows.following import follow
from service.workflows.labelling import connect
from service.workflows.proposing import decide_proposals, list_proposals
from service.workflows.pushing import push
from service.workflows.syncing import sync

pytestmark = pytest.mark.integration

WORDS = "😀 My sister drove me. The bus costs. The clinic is far. I was afraid. I trust them."
CODES = ("Access", "Access > Cost", "Access > Distance", "Support", "Fear", "Trust")
SPANS = {
    "Support": "My sister drove me.",
    "Access > Cost": "The bus costs.",
    "Access > Distance": "The clinic is far.",
    "Fear": "I was afraid.",
    "Trust": "I trust them.",
}
EDITS: tuple[Edit, ...] = (
    Rename(code="Support", to="Help"),
    Merge(codes=("Access > Cost",), into=Code(path="Access > Distance")),
    Split(code="Fear", into=(Code(path="Dread"), Code(path="Worry"))),
    Retire(code="Trust"),
)


class Died(Exception):
    """The process ended at a bad moment."""


@dataclass(frozen=True)
class Coded:
    """A study in Label Studio, its two transcripts annotated and synchronised."""

    house: House
    client: Client
    project: int
    tasks: dict[str, int]

    def study(self, version: int | None = None) -> Study:
        with self.house.database.reading() as work:
            return work.studies.load("ward", version)

    def coded(self, version: int | None = None) -> list[tuple[str, str, str]]:
        """Transcript, code and words of each coding."""
        return sorted(
            (one.transcript, one.code, WORDS[one.start : one.end])
            for one in self.study(version).codings
        )

    def regions(self) -> dict[str, list[str]]:
        """The labels of each region in Label Studio, by annotation and region."""
        return {
            f"{one.id} {item['id']}": item["value"]["paragraphlabels"]
            for one in self.client.annotations(self.project)
            for item in one.result
        }

    def labels(self) -> set[str]:
        project = self.client.project(self.project)
        assert project is not None
        (control,) = LabelConfig.parse(project.label_config, CODES).controls
        return set(control.labels)

    def edit(self, *edits: Edit) -> None:
        apply_edits(self.house, "ward", OperationsFile(operations=edits), author="asha", keep=True)


def region(code: str, words: str) -> dict[str, Any]:
    start = len(WORDS[: WORDS.index(words)].encode("utf-16-le")) // 2
    return {
        "id": code.replace(" > ", "-"),
        "from_name": "code",
        "to_name": "transcript",
        "type": "paragraphlabels",
        "meta": {"text": ["a memo"]},
        "value": {
            "start": "0",
            "end": "0",
            "startOffset": start,
            "endOffset": start + len(words),
            "text": words,
            "paragraphlabels": [code],
        },
    }


@pytest.fixture
def coded(home: Path, label_studio: LocalLabelStudio) -> Iterator[Coded]:
    house = open_house(read_settings(home=home))
    with house.database.unit_of_work() as work:
        work.studies.create("ward")
        work.studies.add(
            "ward",
            Material(
                transcripts=tuple(
                    Transcript(name=name, turns=(Turn(index=0, speaker="P", text=WORDS),))
                    for name in ("one", "two")
                ),
                codebook=Codebook.of([Code(path=path) for path in CODES], declared=True),
            ),
        )
        work.commit()
    made = connect(house, "ward", url=label_studio.url, token=label_studio.token)
    push(house, "ward")
    client = Client(url=label_studio.url, token=label_studio.token)
    tasks = {task.data["transcript"]: task.id for task in client.tasks(made.project_id)}
    for task in tasks.values():
        client.submit(task=task, result=[region(code, words) for code, words in SPANS.items()])
    assert sync(house, "ward").changed == 2
    yield Coded(house=house, client=client, project=made.project_id, tasks=tasks)
    house.database.close()


def test_merge_split_rename_and_retire_lose_nothing_though_the_process_dies(coded: Coded) -> None:
    before, regions = coded.coded(), coded.regions()
    assert len(before) == len(regions) == 10
    coded.edit(*EDITS)

    def dies(stage: str, done: int, _total: int) -> None:
        if stage == "relabelling annotations" and done == 2:
            raise Died

    with pytest.raises(Died):
        follow(coded.house, "ward", progress=dies)
    # One annotation is relabelled, one is not, and the labels have what both need.
    used = {label for labels in coded.regions().values() for label in labels}
    assert {"Support", "Help", "Access > Cost"} <= used <= coded.labels()
    # A coder whose page is older than the edit submits now.
    late = coded.client.submit(
        task=coded.tasks["one"], result=[region("Support", "The bus costs.")]
    )

    followed = follow(coded.house, "ward")
    assert (followed.version, followed.annotations, followed.proposals) == (2, 2, 0)
    after = coded.regions()
    assert after.pop(f"{late.id} Support") == ["Help"]
    now = {
        "Support": "Help",
        "Access > Cost": "Access > Distance",
    }
    assert after == {
        place: [now.get(one, one) for one in labels] for place, labels in regions.items()
    }
    # Retired and split labels stay where they are in use, the renamed and merged ones are gone.
    assert coded.labels() == {
        *("Access", "Access > Distance", "Help", "Dread", "Worry"),
        *("Fear", "Trust"),
    }
    assert coded.coded(1) == sorted([*before, ("one", "Support", "The bus costs.")])

    again = follow(coded.house, "ward")
    assert (again.annotations, again.relabelled, again.proposals) == (0, False, 0)
    assert sync(coded.house, "ward").changed == 0


def test_the_worklist_goes_to_the_coders_and_their_choices_come_back(coded: Coded) -> None:
    before = coded.coded()
    coded.edit(*EDITS)
    follow(coded.house, "ward")
    items = worklist(coded.house, "ward", text=True).items
    assert [(one.transcript, one.code, one.options, one.text) for one in items] == [
        (name, "Fear", ("Dread", "Worry"), "I was afraid.") for name in ("one", "two")
    ]
    # Until then the turn counts as not read: nobody said that neither part applies.
    assert coded.study().readings == ()
    pushed = push_worklist(coded.house, "ward")
    assert (pushed.created, pushed.items) == (2, 2)
    assert push_worklist(coded.house, "ward").created == 0
    shown = {one.task: one for one in coded.client.predictions(pushed.project_id)}
    names = {item.id: item.data["transcript"] for item in coded.client.tasks(pushed.project_id)}
    labels = {one.result[0]["value"]["paragraphlabels"][0] for one in shown.values()}
    assert labels == {"Fear"}

    first, second = shown
    # On one of them the coder sees a proposal, as it stands there where a model knows the parts.
    proposal = [dict(item) for item in shown[first].result]
    proposal[0]["value"] = {**proposal[0]["value"], "paragraphlabels": ["Dread"]}
    seen = NewPrediction(task=first, result=proposal, score=0.4, model_version=choices.WAITING)
    nothing = NewPrediction(task=first, result=[], score=None, model_version=choices.WAITING)
    coded.client.create_predictions(pushed.project_id, [seen])
    coded.client.create_predictions(pushed.project_id, [nothing])
    chosen = [dict(item) for item in shown[first].result]
    chosen[0]["value"] = {**chosen[0]["value"], "paragraphlabels": ["Worry"]}
    coded.client.submit(task=first, result=chosen, parent_prediction=shown[first].id)
    undecided = [dict(item) for item in shown[second].result]
    coded.client.submit(task=second, result=undecided, parent_prediction=shown[second].id)
    assert sync(coded.house, "ward").chosen == 1
    assert len(worklist(coded.house, "ward").items) == 1
    assert sync(coded.house, "ward").chosen == 0

    coded.client.submit(task=second, result=[])
    assert sync(coded.house, "ward").chosen == 1
    assert worklist(coded.house, "ward").items == ()
    expected = [("one", "Worry", "I was afraid.")]
    found = [one for one in coded.coded() if one[2] == "I was afraid."]
    assert [one[1:] for one in found] == [one[1:] for one in expected]
    # What was chosen with it in sight is no coding of the coder's own; before the split it was.
    assert {(one.transcript, one.assisted) for one in coded.study().readings} == {
        ("one", names[first] == "one"),
        ("two", names[first] == "two"),
    }
    assert not any(one.assisted for one in coded.study(1).readings)
    assert follow(coded.house, "ward").annotations == 1
    assert sorted(
        labels for place, labels in coded.regions().items() if place.endswith(" Fear")
    ) == [["Fear"], ["Worry"]]
    assert coded.coded(1) == before
    project = choices.choosing_project(coded.client, coded.project)
    assert project is not None


def test_an_edit_made_in_label_studio_is_proposed_and_never_lost(coded: Coded) -> None:
    project = coded.client.project(coded.project)
    assert project is not None
    hope = '<Label value="Hope" hint="good news"/>'
    edited = project.label_config.replace('value="Support"', 'value="Help"').replace(
        '<Label value="Trust"', f'{hope}<Label value="Trust"'
    )
    coded.client.update_project(coded.project, {"label_config": edited})
    assert follow(coded.house, "ward").proposals == 2
    assert follow(coded.house, "ward").proposals == 0
    found = list_proposals(coded.house, "ward").proposals
    assert [one.operation for one in found] == [
        {"rename": "Support", "to": "Help"},
        {"add": "Hope", "definition": "good news"},
    ]
    # While nothing is decided, nothing is written over.
    assert {"Help", "Hope"} <= coded.labels()

    rename, add = (one.number for one in found)
    assert decide_proposals(coded.house, "ward", [rename], accept=True, author="asha") is not None
    assert decide_proposals(coded.house, "ward", [add], accept=False, author="asha") is None
    follow(coded.house, "ward")
    assert "Hope" not in coded.labels()
    assert ["Help"] in coded.regions().values()
    assert coded.study().codebook.paths == (
        *("Access", "Access > Cost", "Access > Distance", "Help", "Fear", "Trust"),
    )
    assert list_proposals(coded.house, "ward").proposals == ()
    assert len(list_proposals(coded.house, "ward", everything=True).proposals) == 2

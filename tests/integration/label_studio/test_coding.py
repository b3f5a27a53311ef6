"""Promises about what a coder does with suggestions, as Label Studio keeps it."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from annotations.decisions import ShownSpan, decide
from annotations.formats.regions import decode
from service.label_studio.records import Result
from service.label_studio.server import LocalLabelStudio

if TYPE_CHECKING:
    Probe = Pushed = Any

pytestmark = pytest.mark.integration


def shown(pushed: "Pushed") -> list[ShownSpan]:
    regions = decode(list(pushed.result), pushed.transcript, pushed.config).regions
    return [
        ShownSpan(
            region=region.id,
            turn=region.turn,
            start=region.start,
            end=region.end,
            code=region.codes[0],
        )
        for region in regions
    ]


def decisions(pushed: "Pushed", result: Result) -> list[tuple[str, str, str]]:
    regions = decode([dict(item) for item in result], pushed.transcript, pushed.config).regions
    return [
        (item.kind, item.code, pushed.transcript.turns[item.turn].text[item.start : item.end])
        for item in decide(shown(pushed), regions)
    ]


def test_keeping_deleting_moving_and_adding_are_told_apart(
    pushed: "Pushed", label_studio: LocalLabelStudio
) -> None:
    task = pushed.next_task(label_studio)
    (prediction,) = task["predictions"]
    kept, deleted, moved = copy.deepcopy(prediction["result"])
    assert deleted["value"]["paragraphlabels"] == ["Networks > Support"]
    moved["value"]["endOffset"] = len("Then the letters: “cancelled”")
    moved["value"]["text"] = "Then the letters: “cancelled”"
    moved["origin"] = "prediction-changed"
    added = copy.deepcopy(kept)
    added |= {"id": "byhand", "origin": "manual"}
    text = pushed.transcript.turns[3].text
    added["value"] |= {
        "start": "3",
        "end": "3",
        "startOffset": text.index("I was frightened."),
        "endOffset": len(text),
        "text": "I was frightened.",
        "paragraphlabels": ["Fear"],
    }
    submitted = pushed.client.submit(
        task=task["id"], result=[kept, moved, added], parent_prediction=prediction["id"]
    )
    found = pushed.client.annotation(submitted.id)
    assert found is not None
    assert found.parent_prediction == prediction["id"]
    assert found.coder == label_studio.email
    assert sorted(decisions(pushed, found.result)) == [
        ("accepted", "Access > Distance", "The clinic is eleven miles off."),
        ("added", "Fear", "I was frightened."),
        ("changed", "Trust > Hospital", "Then the letters: “cancelled”"),
        ("rejected", "Networks > Support", "My neighbour drove me every week."),
    ]


def test_emoji_and_accents_keep_their_offsets_there_and_back(pushed: "Pushed") -> None:
    task = pushed.tasks[0]
    pushed.client.submit(task=task, result=pushed.result)
    (annotation,) = pushed.client.annotations(pushed.project.id)
    regions = decode(
        [dict(item) for item in annotation.result], pushed.transcript, pushed.config
    ).regions
    assert [(item.turn, item.start, item.end) for item in regions] == [
        (item.turn, item.start, item.end) for item in pushed.suggestions
    ]
    # The emoji before the span is one code point and two UTF-16 units.
    assert annotation.result[0]["value"]["startOffset"] == pushed.suggestions[0].start + 1


def test_annotations_are_fetched_with_skips_and_empty_ones(pushed: "Pushed") -> None:
    first, second = pushed.tasks
    pushed.client.submit(task=first, result=())
    pushed.client.submit(task=second, result=(), was_cancelled=True)
    found = list(pushed.client.annotations(pushed.project.id))
    assert [(item.task, item.was_cancelled, item.result) for item in found] == [
        (first, False, ()),
        (second, True, ()),
    ]
    assert all(item.project == pushed.project.id for item in found)


def test_an_annotation_listed_is_the_annotation_read(pushed: "Pushed") -> None:
    task = pushed.tasks[0]
    made = pushed.client.submit(
        task=task, result=pushed.result, parent_prediction=pushed.predictions[task]
    )
    assert list(pushed.client.annotations(pushed.project.id)) == [made]


def test_a_deleted_annotation_is_gone(pushed: "Pushed") -> None:
    made = pushed.client.submit(task=pushed.tasks[0], result=pushed.result)
    pushed.client._sdk.annotations.delete(made.id)
    assert pushed.client.annotation(made.id) is None
    assert list(pushed.client.annotations(pushed.project.id)) == []


def test_each_event_comes_once_and_with_the_secret(
    pushed: "Pushed",
    probe: "Probe",
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    probe.calls.clear()
    made = pushed.client.submit(task=pushed.tasks[0], result=pushed.result)
    pushed.client._sdk.annotations.delete(made.id)
    eventually(lambda: len(probe.heard("/ml/a-study/webhook")) >= 2)
    assert probe.heard("/ml/a-study/webhook") == [
        ("ANNOTATION_CREATED", "s3cret"),
        ("ANNOTATIONS_DELETED", "s3cret"),
    ]


def test_making_tasks_sends_no_texts_around(pushed: "Pushed", probe: "Probe") -> None:
    assert "TASKS_CREATED" not in [action for action, _ in probe.heard("/ml/a-study/webhook")]

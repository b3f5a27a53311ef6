"""Promises about tasks and predictions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from annotations.errors import ExternalError
from service.label_studio.pushing import show_predictions
from service.label_studio.records import NewPrediction
from service.label_studio.server import LocalLabelStudio

if TYPE_CHECKING:
    Pushed = Any

pytestmark = pytest.mark.integration
AT_ONCE = timedelta(0)


def test_tasks_keep_the_order_in_which_they_were_given(pushed: "Pushed") -> None:
    names = {task.id: task.data["transcript"] for task in pushed.client.tasks(pushed.project.id)}
    assert [names[task] for task in (*pushed.tasks, pushed.blind)] == [
        "interview 1",
        "interview 2",
        "blind one",
    ]


def test_the_next_task_comes_with_its_suggestions(
    pushed: "Pushed", label_studio: LocalLabelStudio
) -> None:
    task = pushed.next_task(label_studio)
    (prediction,) = task["predictions"]
    assert task["id"] == pushed.tasks[0]
    assert prediction["id"] == pushed.predictions[task["id"]]
    assert prediction["result"] == list(pushed.result)
    assert [region["meta"] for region in prediction["result"]] == [{"text": ["Because."]}] * 3


def test_pushing_the_same_version_again_stores_nothing_twice(pushed: "Pushed") -> None:
    again = show_predictions(
        pushed.client, pushed.project.id, "v1", pushed.of_version("v1"), grace=AT_ONCE
    )
    assert (again.created, again.removed) == (0, 0)
    assert again.predictions == pushed.predictions
    assert len(pushed.client.predictions(pushed.project.id)) == 2


def test_coders_start_from_the_new_version(
    pushed: "Pushed", label_studio: LocalLabelStudio
) -> None:
    shown = show_predictions(pushed.client, pushed.project.id, "v2", pushed.of_version("v2"))
    seen = pushed.next_task(label_studio)["predictions"]
    assert [item["model_version"] for item in seen] == ["v2"]
    # A page opened from the task list has all of them and starts from the project's version.
    assert pushed.client.project(pushed.project.id).model_version == "v2"
    assert (shown.created, shown.kept) == (2, 2)


def test_a_page_opened_before_a_new_version_can_still_be_submitted(pushed: "Pushed") -> None:
    task = pushed.tasks[0]
    show_predictions(pushed.client, pushed.project.id, "v2", pushed.of_version("v2"))
    kept = pushed.client.submit(
        task=task, result=pushed.result, parent_prediction=pushed.predictions[task]
    )
    assert kept.parent_prediction == pushed.predictions[task]


def test_superseded_predictions_go_after_a_while_except_those_that_were_used(
    pushed: "Pushed",
) -> None:
    used = pushed.tasks[0]
    pushed.client.submit(
        task=used, result=pushed.result, parent_prediction=pushed.predictions[used]
    )
    shown = show_predictions(
        pushed.client, pushed.project.id, "v2", pushed.of_version("v2"), grace=AT_ONCE
    )
    assert (shown.removed, shown.kept) == (1, 1)
    left = {
        (item.task, item.model_version) for item in pushed.client.predictions(pushed.project.id)
    }
    assert left == {(used, "v1"), (used, "v2"), (pushed.tasks[1], "v2")}


def test_a_stored_double_is_removed(pushed: "Pushed") -> None:
    pushed.client.create_predictions(pushed.project.id, pushed.of_version("v1"))
    shown = show_predictions(pushed.client, pushed.project.id, "v1", (), grace=AT_ONCE)
    assert shown.removed == 2
    assert shown.predictions == pushed.predictions


def test_predictions_that_label_studio_drops_are_an_error(pushed: "Pushed") -> None:
    stranger = [{**pushed.result[0], "from_name": "nobody"}]
    with pytest.raises(ExternalError, match="kept 0 of 1"):
        pushed.client.create_predictions(
            pushed.project.id,
            [NewPrediction(task=pushed.blind, result=stranger, score=None, model_version="v1")],
        )


def test_uncertainty_sampling_takes_the_least_certain_task_of_the_version_in_use(
    pushed: "Pushed", label_studio: LocalLabelStudio
) -> None:
    first, second = pushed.tasks
    pushed.client.update_project(pushed.project.id, {"sampling": "Uncertainty sampling"})
    # What an older version was unsure of does not count, though its predictions are still there.
    for version, certainty in (
        ("v2", {first: 0.1, second: 0.4}),
        ("v3", {first: 0.9, second: 0.7}),
    ):
        shown = [replace(item, score=certainty[item.task]) for item in pushed.of_version(version)]
        show_predictions(pushed.client, pushed.project.id, version, shown)
    assert pushed.next_task(label_studio)["id"] == second
    pushed.client.submit(task=second, result=pushed.result, parent_prediction=None)
    # The blind task has no prediction and waits until the others are done.
    assert pushed.next_task(label_studio)["id"] == first


def test_a_blind_task_shows_nothing_when_it_is_opened(
    pushed: "Pushed",
    label_studio: LocalLabelStudio,
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    seen = pushed.opened(label_studio, pushed.blind)
    assert [item["result"] for item in seen["predictions"]] in ([], [[]])

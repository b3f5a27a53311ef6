"""Promises about the doctor: a sound connection is called sound, each planted fault is found."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from service.label_studio.client import Client
from service.label_studio.connecting import TITLE
from service.label_studio.doctor import diagnose
from service.label_studio.pushing import show_predictions
from service.label_studio.records import Finding, NewPrediction
from service.label_studio.server import LocalLabelStudio, free_port

if TYPE_CHECKING:
    Probe = Pushed = Any

pytestmark = pytest.mark.integration


def examined(pushed: "Pushed", version: str = "v1") -> dict[str, Finding]:
    findings = diagnose(
        pushed.client,
        project=pushed.project.id,
        codes=pushed.codes,
        version=version,
        service=pushed.service,
        tasks=pushed.tasks,
        blind=[pushed.blind],
    )
    return {item.name: item for item in findings}


def faults(pushed: "Pushed", version: str = "v1") -> set[str]:
    return {name for name, item in examined(pushed, version).items() if item.ok is False}


def test_a_sound_connection_has_no_fault(pushed: "Pushed") -> None:
    findings = examined(pushed)
    assert {name for name, item in findings.items() if item.ok is False} == set()
    assert [name for name, item in findings.items() if item.ok is None] == ["delivery of events"]


def webhook_without_secret(pushed: "Pushed") -> None:
    (hook,) = pushed.client.webhooks(pushed.project.id)
    pushed.client.update_webhook(
        hook.id, {"url": hook.url, "headers": {}, "actions": sorted(hook.actions)}
    )


def webhook_with_few_events(pushed: "Pushed") -> None:
    (hook,) = pushed.client.webhooks(pushed.project.id)
    pushed.client.update_webhook(hook.id, {"actions": ["ANNOTATION_CREATED"]})


def webhook_switched_off(pushed: "Pushed") -> None:
    (hook,) = pushed.client.webhooks(pushed.project.id)
    pushed.client.update_webhook(hook.id, {"is_active": False, "actions": sorted(hook.actions)})


def second_webhook(pushed: "Pushed") -> None:
    pushed.client.create_webhook(pushed.project.id, {"url": pushed.service.webhook_url})


def no_webhook(pushed: "Pushed") -> None:
    for hook in pushed.client.webhooks(pushed.project.id):
        pushed.client.delete_webhook(hook.id)


def no_connection(pushed: "Pushed") -> None:
    for backend in pushed.client.backends(pushed.project.id):
        pushed.client.delete_backend(backend.id)


def interactive(pushed: "Pushed") -> None:
    (backend,) = pushed.client.backends(pushed.project.id)
    pushed.client._sdk.ml.update(
        backend.id,
        project=pushed.project.id,
        url=backend.url,
        is_interactive=True,
        auth_method="BASIC_AUTH",
        basic_auth_user="user",
        basic_auth_pass="word",
    )


def hidden_predictions(pushed: "Pushed") -> None:
    pushed.client.update_project(pushed.project.id, {"show_collab_predictions": False})


def no_empty_annotations(pushed: "Pushed") -> None:
    pushed.client.update_project(pushed.project.id, {"enable_empty_annotation": False})


def title_as_version(pushed: "Pushed") -> None:
    pushed.client.update_project(pushed.project.id, {"model_version": TITLE})


def missing_code(pushed: "Pushed") -> None:
    xml = pushed.project.label_config
    start = xml.index("<Label ", xml.index("<Label ") + 1)
    few = xml[:start] + xml[xml.index("/>", start) + 2 :]
    pushed.client.update_project(pushed.project.id, {"label_config": few})


def deleted_task(pushed: "Pushed") -> None:
    pushed.client._sdk.tasks.delete(str(pushed.tasks[1]))


def deleted_prediction(pushed: "Pushed") -> None:
    pushed.client.delete_prediction(pushed.predictions[pushed.tasks[1]])


def doubled_predictions(pushed: "Pushed") -> None:
    pushed.client.create_predictions(pushed.project.id, pushed.of_version("v1"))


def shown_on_blind(pushed: "Pushed") -> None:
    leak = NewPrediction(task=pushed.blind, result=pushed.result, score=1, model_version="v1")
    pushed.client.create_predictions(pushed.project.id, [leak])


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (webhook_without_secret, {"webhook's secret"}),
        (webhook_with_few_events, {"webhook's events"}),
        (webhook_switched_off, {"webhook's events"}),
        (second_webhook, {"one webhook"}),
        (no_webhook, {"one webhook"}),
        (no_connection, {"model connection"}),
        (interactive, {"not interactive"}),
        (hidden_predictions, {"suggestions shown", "model version"}),
        (no_empty_annotations, {"empty annotations"}),
        (title_as_version, {"model version"}),
        (missing_code, {"labels"}),
        (deleted_task, {"tasks", "predictions"}),
        (deleted_prediction, {"predictions"}),
        (doubled_predictions, {"no duplicates"}),
        (shown_on_blind, {"blind sample"}),
    ],
)
def test_a_planted_fault_is_found_and_no_other(
    pushed: "Pushed", plant: Callable[["Pushed"], None], found: set[str]
) -> None:
    plant(pushed)
    assert faults(pushed) == found
    assert all(examined(pushed)[name].remedy for name in found)


def test_a_service_that_stopped_is_found(pushed: "Pushed", probe: "Probe") -> None:
    probe.up = False
    assert faults(pushed) == {"service answers"}


def test_a_service_that_changed_its_password_is_found(pushed: "Pushed", probe: "Probe") -> None:
    probe.login = "other:other"
    assert faults(pushed) == {"service answers"}


def test_a_service_with_another_version_than_was_pushed_is_found(
    pushed: "Pushed", probe: "Probe"
) -> None:
    probe.version = "v2"
    assert faults(pushed) == {"version of the service"}


def test_a_new_version_that_was_not_pushed_is_found(pushed: "Pushed", probe: "Probe") -> None:
    probe.version = "v2"
    assert faults(pushed, version="v2") == {"model version", "predictions"}


def test_old_predictions_are_told_and_are_no_fault(pushed: "Pushed", probe: "Probe") -> None:
    probe.version = "v2"
    show_predictions(pushed.client, pushed.project.id, "v2", pushed.of_version("v2"))
    findings = examined(pushed, version="v2")
    assert {name for name, item in findings.items() if item.ok is False} == set()
    assert findings["old predictions"].message.startswith("2 ")


def test_a_deleted_project_is_found(pushed: "Pushed") -> None:
    pushed.client.delete_project(pushed.project.id)
    assert faults(pushed) == {"project"}


@pytest.mark.parametrize("wrong", ["address", "token"])
def test_without_an_answer_the_doctor_says_so(label_studio: LocalLabelStudio, wrong: str) -> None:
    url = f"http://127.0.0.1:{free_port()}" if wrong == "address" else label_studio.url
    findings = diagnose(
        Client(url=url, token="wrong"), project=1, codes=(), version=None, service=None
    )
    (first, *_) = findings
    assert (first.name, first.ok) == ("Label Studio", False)

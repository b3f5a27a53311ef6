"""Every request that Label Studio 1.23.2 was recorded to send, and what it needs back."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from service.house import House

EVENTS = {"ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"}


def test_every_recorded_request_is_answered_as_label_studio_needs(
    recorded: list[Any], replay: Callable[..., Response], base: str, secret: dict[str, str]
) -> None:
    assert len(recorded) == 20
    for request in recorded:
        headers = secret if request.path == "/webhook" else None
        answer = replay(request, base, headers)
        assert answer.status_code == 200, request
        body = answer.json()
        match request.path:
            case "/setup":
                assert body["model_version"] == "untrained"
            case "/predict":
                assert len(body["results"]) == len(request.body["tasks"])
                for result in body["results"]:
                    assert result == {"result": [], "score": 0.0, "model_version": "untrained"}
            case "/versions":
                assert body == {"versions": []}
            case _:
                assert isinstance(body, dict)


def test_events_become_hints_with_ids_alone_and_one_job_of_a_kind(
    recorded: list[Any],
    replay: Callable[..., Response],
    base: str,
    secret: dict[str, str],
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    for request in recorded:
        if request.path == "/webhook" and request.action != "START_TRAINING":
            assert replay(request, base, secret).status_code == 200
    # The project's update, among the recorded ones, asks for a look at its labels.
    assert sorted(jobs()) == [
        ("follow", {}),
        ("sync-annotations", {"annotation_ids": [1, 2, 3]}),
    ]


def test_the_train_button_asks_for_one_training(
    recorded: list[Any],
    replay: Callable[..., Response],
    base: str,
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    (button,) = [request for request in recorded if request.action == "START_TRAINING"]
    first = replay(button, base).json()
    again = replay(button, base).json()
    assert first == again
    assert jobs() == [("train", {})]


def test_the_train_button_needs_name_and_password(
    recorded: list[Any],
    replay: Callable[..., Response],
    base: str,
    secret: dict[str, str],
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    (button,) = [request for request in recorded if request.action == "START_TRAINING"]
    for headers in ({"Authorization": ""}, {"Authorization": "Basic d3Jvbmc=", **secret}):
        assert replay(button, base, headers).status_code == 401
    assert jobs() == []


@pytest.mark.parametrize("header", [{}, {"X-Second-Coder-Secret": "guessed"}])
def test_an_event_without_the_secret_changes_nothing(
    recorded: list[Any],
    replay: Callable[..., Response],
    base: str,
    header: dict[str, str],
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    events = [request for request in recorded if request.action in EVENTS]
    assert len(events) == 5
    for request in events:
        answer = replay(request, base, {**header, "Authorization": ""})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "not_allowed"
    assert jobs() == []


def test_the_secret_of_one_project_opens_no_other(
    client: TestClient, secret: dict[str, str], jobs: Callable[[], list[tuple[str, dict[str, Any]]]]
) -> None:
    event = {"action": "ANNOTATION_CREATED", "annotation": {"id": 1}, "project": {"id": 2}}
    for path in ("/webhook", "/ml/probe/webhook", "/ml/nobody/webhook"):
        assert client.post(path, json=event, headers=secret).status_code == 401
    assert jobs() == []


def test_a_project_that_changed_is_looked_at(
    client: TestClient,
    base: str,
    secret: dict[str, str],
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    event = {"action": "PROJECT_UPDATED", "project": {"id": 1}}
    assert client.post(f"{base}/webhook", json=event, headers=secret).status_code == 200
    assert jobs() == [("follow", {})]


@pytest.mark.parametrize("action", ["TASKS_CREATED", "SOMETHING_NEW"])
def test_other_events_are_taken_in_and_ask_for_nothing(
    client: TestClient,
    base: str,
    secret: dict[str, str],
    action: str,
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    event = {"action": action, "project": {"id": 1}}
    assert client.post(f"{base}/webhook", json=event, headers=secret).status_code == 200
    assert jobs() == []


def test_annotations_submitted_in_bulk_are_all_hinted_at(
    client: TestClient,
    base: str,
    secret: dict[str, str],
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    event = {
        "action": "ANNOTATIONS_CREATED",
        "annotation": [{"id": 5}, {"id": 4}],
        "task": [{"id": 1}, {"id": 2}],
        "project": {"id": 1},
    }
    assert client.post(f"{base}/webhook", json=event, headers=secret).status_code == 200
    assert jobs() == [("sync-annotations", {"annotation_ids": [4, 5]})]


@pytest.mark.parametrize(
    "event",
    [
        {"action": "TASKS_DELETED", "tasks": [{"id": 1}]},
        {"action": "ANNOTATION_CREATED"},
        {"action": "ANNOTATION_CREATED", "annotation": {"id": "x"}},
        {"action": "ANNOTATION_CREATED", "annotation": [{"id": n} for n in range(2000)]},
    ],
)
def test_an_event_that_names_no_annotation_has_the_whole_project_looked_at(
    client: TestClient,
    secret: dict[str, str],
    event: dict[str, Any],
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    assert client.post("/ml/probe/webhook", json=event, headers=secret).status_code == 200
    assert jobs() == [("sync", {})]


def test_a_hundred_webhooks_make_one_job(
    client: TestClient,
    secret: dict[str, str],
    jobs: Callable[[], list[tuple[str, dict[str, Any]]]],
) -> None:
    for number in range(100):
        event = {
            "action": "ANNOTATION_CREATED",
            "annotation": {"id": number},
            "project": {"id": 1},
        }
        assert client.post("/ml/probe/webhook", json=event, headers=secret).status_code == 200
    ((kind, payload),) = jobs()
    assert kind == "sync-annotations"
    assert payload["annotation_ids"] == list(range(100))


def test_calls_without_name_and_password_are_refused_and_health_is_not(
    recorded: list[Any], replay: Callable[..., Response], base: str
) -> None:
    for request in recorded:
        for wrong in ("", "Basic d3Jvbmc6d3Jvbmc=", "Bearer wrong"):
            answer = replay(request, base, {"Authorization": wrong})
            if request.path == "/health":
                assert answer.status_code == 200
            elif request.path != "/webhook":
                assert answer.status_code == 401, request
                assert "Basic" in answer.headers["www-authenticate"]


def test_no_secret_and_no_speech_is_logged(
    recorded: list[Any],
    replay: Callable[..., Response],
    base: str,
    secret: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="service")
    for request in recorded:
        replay(request, base, secret)
        replay(request, base, {"Authorization": "Basic d3Jvbmc6d3Jvbmc="})
    assert "/predict status=200" in caplog.text
    for told in (
        *("the-secret-of-the-project", "dTpw", "d3Jvbmc6d3Jvbmc=", "0123456789abcdef"),
        *("It costs too much", "I trust my doctor", "FTnAjq6ySyMJds51ifpwoIvjrPVTgZOY4giJX5Ik"),
    ):
        assert told not in caplog.text


def test_a_project_that_is_not_connected_is_not_found(client: TestClient) -> None:
    for project in ("7.1795372841", 7, None, "x"):
        answer = client.post("/setup", json={"project": project}, auth=("u", "p"))
        assert answer.status_code == 404
        assert "/ml/STUDY" in answer.json()["error"]["message"]


def test_projects_of_two_servers_with_one_number_are_told_apart_by_address_alone(
    client: TestClient, house: House
) -> None:
    with house.database.unit_of_work() as work:
        first = work.label_studio.connection("probe")
        assert first is not None
        work.studies.create("second")
        values = {name: getattr(first, name) for name in first.__dataclass_fields__}
        work.label_studio.save_connection(
            type(first)(**values | {"study": "second", "url": "http://elsewhere"})
        )
        work.commit()
    assert client.post("/setup", json={"project": 1}, auth=("u", "p")).status_code == 404
    by_study = client.post("/ml/second/setup", json={"project": 1}, auth=("u", "p"))
    assert by_study.status_code == 200

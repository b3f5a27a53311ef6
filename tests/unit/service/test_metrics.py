"""What Prometheus and a log collector may know."""

import json
import logging

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from service import logs, queue
from service.house import House


def _figures(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_count_requests_by_pattern_and_jobs_by_state(
    client: TestClient, api: dict[str, str], house: House, study: str
) -> None:
    queue.enqueue(house, queue.SYNC, study)
    client.get(f"/api/v1/studies/{study}", headers=api)
    client.get(f"/api/v1/studies/{study}", headers=api)
    client.get("/api/v1/studies/Secret name", headers=api)
    client.request("BREW", "/nowhere")
    answer = client.get("/metrics", headers=api)
    assert answer.status_code == 200
    found = _figures(answer.text)
    route = ("route", "/api/v1/studies/{study}")
    asked = {
        dict(labels)["status"]: value
        for (name, labels), value in found.items()
        if name == "second_coder_request_seconds_count" and route in labels
    }
    assert asked == {"2xx": 2, "4xx": 1}
    waiting = frozenset({("kind", "sync"), ("state", "queued")})
    assert found["second_coder_jobs", waiting] == 1
    assert found["second_coder_model_loads_total", frozenset()] == 0
    for secret in (study, "Secret", "sister", "BREW", "nowhere"):
        assert secret not in answer.text


def test_figures_are_not_for_everybody(client: TestClient, ml: tuple[str, str]) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", auth=ml).status_code == 401


def test_a_log_for_machines_is_a_document_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        logs.configure("INFO", "json")
        try:
            int("My sister was ill")
        except ValueError:
            logging.getLogger("service.job").exception("job=%d kind=%s %s", 7, "train", "failed")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    (line,) = capsys.readouterr().err.splitlines()
    document = json.loads(line)
    assert document.pop("time").endswith("Z")
    assert document == {
        "level": "ERROR",
        "logger": "service.job",
        "message": "job=7 kind=train failed",
        "job": "7",
        "kind": "train",
    }

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from annotations.errors import (
    ArtifactError,
    ExternalError,
    InputError,
    NotFound,
    Problem,
    SecondCoderError,
    SettingsError,
    StateError,
)
from service.app import create_app
from service.house import House
from service.sessions import COOKIE
from service.storage.records import Connection
from service.storage.session import Database


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("no such study"), 404, "not_found"),
        (StateError("no model yet"), 409, "not_ready"),
        (SettingsError("no port"), 500, "bad_settings"),
        (ExternalError("it is down"), 502, "other_system"),
        (ArtifactError("a file is gone"), 500, "damaged_model"),
        (InputError(Problem(file="a.csv", line=3, message="no such turn")), 422, "bad_input"),
        (SecondCoderError("something else"), 500, "failed"),
    ],
)
def test_every_error_of_the_project_has_its_status_and_one_shape(
    app: FastAPI, error: SecondCoderError, status: int, code: str
) -> None:
    @app.get("/fail")
    def fail() -> None:
        raise error

    with TestClient(app) as client:
        answer = client.get("/fail")
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"] == str(error)


def test_every_problem_of_an_input_is_told_with_its_place(app: FastAPI) -> None:
    @app.get("/fail")
    def fail() -> None:
        raise InputError(
            Problem(file="a.csv", line=3, message="no such turn"),
            Problem(file="b.csv", line=None, message="empty"),
        )

    with TestClient(app) as client:
        detail = client.get("/fail").json()["error"]["detail"]
    assert detail == [
        {"where": "a.csv", "line": 3, "message": "no such turn"},
        {"where": "b.csv", "line": None, "message": "empty"},
    ]


def test_a_crash_tells_neither_caller_nor_log_what_was_said(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/fail")
    def fail() -> None:
        raise ValueError("My sister was ill")

    with TestClient(app) as client:
        answer = client.get("/fail")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "failed"
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
    assert "sister" not in answer.text
    assert "sister" not in caplog.text
    assert "ValueError at " in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "not_found"),
        ("DELETE", "/health", 405, "no_such_method"),
    ],
)
def test_the_frameworks_errors_have_the_same_shape(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("body", [b'{"a": "\xff"}', b"[" * 100_000], ids=["bytes", "depth"])
def test_a_body_that_cannot_be_read_is_told_what_to_be(
    client: TestClient, api: dict[str, str], study: str, body: bytes
) -> None:
    headers = {**api, "content-type": "application/json"}
    answer = client.post(f"/api/v1/studies/{study}/suggest", headers=headers, content=body)
    assert answer.status_code in (400, 422)
    assert "JSON" in answer.json()["error"]["message"]


def test_a_wrong_field_is_named_and_its_value_is_not_repeated(
    client: TestClient, api: dict[str, str], study: str
) -> None:
    answer = client.post(
        f"/api/v1/studies/{study}/suggest",
        headers=api,
        json={"transcripts": [{"text": "My sister", "turns": [{"text": "My sister"}]}]},
    )
    assert answer.status_code == 422
    assert "either text or turns" in answer.json()["error"]["message"]
    assert answer.json()["error"]["detail"][0]["where"] == "body.transcripts.0"
    assert "sister" not in answer.text


def test_a_body_above_the_limit_is_refused_whatever_its_length_claims(house: House) -> None:
    small = house.settings.model_copy(update={"max_body_bytes": 2000})
    app = create_app(replace(house, settings=small))
    body = b'{"action": "' + b"x" * 3000 + b'"}'
    with TestClient(app) as client:
        honest = client.post("/webhook", content=body)
        chunked = client.post(
            "/webhook",
            content=(body[i : i + 500] for i in range(0, len(body), 500)),
            headers={"Content-Type": "application/json"},
        )
        nonsense = client.post("/webhook", content=b"{}", headers={"Content-Length": "many"})
        fits = client.post("/webhook", json={"action": "x"})
    assert honest.status_code == chunked.status_code == 413
    assert honest.json()["error"]["code"] == chunked.json()["error"]["code"] == "too_large"
    assert nonsense.status_code == 400
    assert fits.status_code == 401


@pytest.mark.parametrize(
    "place", ["/webhook", "/ml/trust/webhook", "/api/v1/studies/trust/suggest"]
)
def test_a_large_body_of_a_caller_nobody_knows_is_not_read(
    app: FastAPI, study: str, place: str
) -> None:
    taken = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield b"x" * 10_000

    async def send(**more: str) -> httpx.Response:
        wrong = {
            "Authorization": "Bearer wrong",
            "X-Second-Coder-Secret": "wrong",
            "Cookie": f"{COOKIE}=9999999999.name.wrong",
            "Content-Type": "application/json",
        }
        to = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=to, base_url="http://testserver") as caller:
            return await caller.post(place, content=pieces(), headers={**wrong, **more})

    claimed = asyncio.run(send(**{"Content-Length": "10000000"}))
    assert taken == 0
    chunked = asyncio.run(send())
    assert taken < 10
    for answer in (claimed, chunked):
        assert answer.status_code == 401
        assert "needs credentials" in answer.json()["error"]["message"]


def test_a_large_body_is_read_where_one_of_our_secrets_comes_along(
    client: TestClient, browser: TestClient, house: House, study: str, api: dict[str, str]
) -> None:
    with house.database.unit_of_work() as work:
        work.label_studio.save_connection(
            Connection(
                study=study,
                url="http://localhost:8080",
                token=SecretStr("token"),
                project_id=1,
                ml_url="http://localhost:9090",
                webhook_id=1,
                webhook_secret=SecretStr("the-secret-of-the-project"),
                blind_share=0.15,
                seed=0,
            )
        )
        work.commit()
    event = {"action": "TASKS_CREATED", "project": {"id": 1}, "task": "x" * 3_000_000}
    secret = {"X-Second-Coder-Secret": "the-secret-of-the-project"}
    assert client.post("/webhook", json=event, headers=secret).status_code == 200
    assert client.post("/ml/trust/webhook", json=event, headers=secret).status_code == 200
    text = {"transcripts": [{"text": "x" * 100_000}]}
    place = f"/api/v1/studies/{study}/suggest"
    assert client.post(place, json=text, headers=api).status_code == 409
    # The secret opens webhooks alone, and a login no more than pages.
    assert client.post(place, json=text, headers=secret).status_code == 401
    assert browser.post(place, json=text).status_code == 401


def test_what_takes_a_name_or_two_takes_no_large_body(
    client: TestClient, study: str, ml: tuple[str, str], api: dict[str, str]
) -> None:
    body = {"project": "1", "kind": "sync", "schema": "x" * 2_200_000}
    for place in ("/setup", "/train", "/ml/trust/setup", "/ml/trust/train"):
        assert client.post(place, json=body, auth=ml).status_code == 413, place
    jobs = f"/api/v1/studies/{study}/jobs"
    assert client.post(jobs, json=body, headers=api).status_code == 413


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_database_that_is_away_is_described_in_the_log_alone(
    house: House, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    away = Database("postgresql://ana:hush@127.0.0.1:1/study?password=hush")
    event = {"action": "x", "project": {"id": 1}, "task": "x" * size}
    with TestClient(create_app(replace(house, database=away))) as client:
        answer = client.post("/webhook", json=event, headers={"X-Second-Coder-Secret": "any"})
    assert answer.status_code == 502
    assert answer.json()["error"] == {
        "code": "other_system",
        "message": "The database cannot be reached; the log says more.",
    }
    assert "ana:***@127.0.0.1:1/study refused" in caplog.text
    assert "hush" not in caplog.text


def test_answers_carry_safe_headers_and_a_request_id(client: TestClient) -> None:
    for path in ("/health", "/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert len(headers["x-request-id"]) == 16


def test_health_is_open_and_everything_else_wants_credentials(
    client: TestClient, api: dict[str, str]
) -> None:
    assert client.get("/openapi.json").status_code == 401
    described = client.get("/openapi.json", headers=api).json()["paths"]
    open_ = {"/", "/health", "/ml/{study}", "/ml/{study}/", "/ml/{study}/health"}
    assert open_ <= set(described)
    for path, methods in described.items():
        for method in methods:
            answer = client.request(
                method.upper(),
                path.replace("{study}", "trust").replace("{number}", "1"),
                json={"action": "ANNOTATION_CREATED", "project": {"id": 1}}
                if method in ("post", "put")
                else None,
            )
            assert answer.status_code == (200 if path in open_ else 401), (method, path)


def test_a_password_opens_pages_and_not_the_api(
    client: TestClient, api: dict[str, str], study: str
) -> None:
    anybody = ("anybody", api["Authorization"].removeprefix("Bearer "))
    assert client.get(f"/studies/{study}", auth=anybody).status_code == 200
    answer = client.get(f"/api/v1/studies/{study}", auth=anybody)
    assert answer.status_code == 401
    message = answer.json()["error"]["message"]
    assert "Bearer TOKEN` (a name and a password open the pages alone)" in message


def test_a_study_can_be_looked_at(client: TestClient, api: dict[str, str], study: str) -> None:
    listed = client.get("/api/v1/studies", headers=api).json()["studies"]
    assert [(line["study"], line["transcripts"], line["codings"]) for line in listed] == [
        ("trust", 1, 1)
    ]
    shown = client.get(f"/api/v1/studies/{study}", headers=api).json()
    assert (shown["turns"], shown["words"], shown["coders"][0]["coder"]) == (2, 6, "ana")
    codebook = client.get(f"/api/v1/studies/{study}/codebook", headers=api).json()
    assert [(code["code"], code["codings"]) for code in codebook["codes"]] == [("Support", 1)]
    decisions = client.get(f"/api/v1/studies/{study}/decisions", headers=api).json()
    assert decisions == {"study": "trust", "codes": [], "decisions": []}


def test_an_unknown_study_is_not_found_everywhere(
    client: TestClient, api: dict[str, str], ml: tuple[str, str], study: str
) -> None:
    for path in ("", "/codebook", "/decisions", "/models", "/jobs", "/agreement"):
        answer = client.get(f"/api/v1/studies/other{path}", headers=api)
        assert answer.status_code == 404, path
        assert "trust" in answer.json()["error"]["message"], path
    setup = client.post("/ml/other/setup", json={"project": "1.1"}, auth=ml)
    assert setup.status_code == 404


def test_suggesting_without_a_model_says_what_to_do(
    client: TestClient, api: dict[str, str], study: str
) -> None:
    answer = client.post(
        f"/api/v1/studies/{study}/suggest", headers=api, json={"transcripts": [{"text": "Hello"}]}
    )
    assert answer.status_code == 409
    assert "second-coder train trust" in answer.json()["error"]["message"]


def test_jobs_can_be_started_watched_and_cancelled(
    client: TestClient,
    api: dict[str, str],
    study: str,
    jobs: Callable[[], list[tuple[str, str]]],
) -> None:
    first = client.post(f"/api/v1/studies/{study}/jobs", headers=api, json={"kind": "train"})
    again = client.post(f"/api/v1/studies/{study}/jobs", headers=api, json={"kind": "train"})
    assert (first.status_code, first.json()["state"]) == (202, "queued")
    assert first.json()["id"] == again.json()["id"]
    number = first.json()["id"]
    assert client.get(f"/api/v1/jobs/{number}", headers=api).json()["kind"] == "train"
    cancelled = client.post(f"/api/v1/jobs/{number}/cancel", headers=api).json()
    assert cancelled["state"] == "cancelled"
    assert jobs() == [("train", "cancelled")]
    assert client.get("/api/v1/jobs/999", headers=api).status_code == 404
    pushed = client.post(f"/api/v1/studies/{study}/jobs", headers=api, json={"kind": "push"})
    newest = client.get(f"/api/v1/studies/{study}/jobs?limit=1", headers=api).json()["jobs"]
    assert [job["id"] for job in newest] == [pushed.json()["id"]]
    unknown = client.post(f"/api/v1/studies/{study}/jobs", headers=api, json={"kind": "dance"})
    assert unknown.status_code == 422


def test_a_waiting_training_takes_in_that_it_is_to_be_in_full(
    client: TestClient, api: dict[str, str], house: House, study: str
) -> None:
    place = f"/api/v1/studies/{study}/jobs"
    for asked, full in (({}, None), ({"full": True}, True), ({}, True)):
        job = client.post(place, headers=api, json={"kind": "train", **asked}).json()["id"]
        with house.database.reading() as work:
            assert work.jobs.get(job).payload.get("full") is full


@pytest.mark.parametrize("place", ["/api/v1/studies/a%00b", "/ml/a%00b/versions"])
def test_a_nul_in_an_address_is_a_mistake_of_the_caller(
    app: FastAPI, api: dict[str, str], ml: tuple[str, str], place: str
) -> None:
    with TestClient(app) as client:
        answer = (
            client.get(place, auth=ml)
            if place.startswith("/ml")
            else client.get(place, headers=api)
        )
    assert answer.status_code in (404, 422)

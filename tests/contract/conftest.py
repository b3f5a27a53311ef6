"""A house connected to the project that the recorded requests came from."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from pydantic import SecretStr

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.app import create_app
from service.house import House, open_house
from service.security import WEBHOOK_HEADER
from service.sessions import Attempts
from service.settings import read_settings
from service.storage.records import Connection

SECRET = "the-secret-of-the-project"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A request that Label Studio sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None

    @property
    def action(self) -> str | None:
        """What an event says."""
        return self.body.get("action") if self.body else None


@pytest.fixture(scope="session")
def recorded(shared_data: Path) -> list[Recorded]:
    """The twenty requests, in the order in which they came."""
    lines = (shared_data / "label_studio_1.23.2_requests.jsonl").read_text(encoding="utf-8")
    items = [json.loads(line) for line in lines.splitlines()]
    return [
        Recorded(method=item["m"], path=item["p"], headers=item["h"], body=item["b"])
        for item in items
    ]


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    """A house with one connected study; name and password are those of the recording."""
    house = open_house(
        read_settings(home=home, api_token="api", ml_user="u", ml_password="p", retrain_after=0)
    )
    texts = ("It costs too much to get there", "I trust my doctor")
    with house.database.unit_of_work() as work:
        work.studies.create("probe")
        work.studies.add(
            "probe",
            Material(
                transcripts=tuple(
                    Transcript(name=f"note {n}", turns=(Turn(index=0, speaker="", text=text),))
                    for n, text in enumerate(texts, start=1)
                ),
                codings=(
                    Coding(transcript="note 1", turn=0, start=0, end=30, code="Cost", coder="a"),
                ),
                readings=(Reading(transcript="note 1", turn=0, coder="a"),),
                codebook=Codebook.of(
                    [
                        Code(path="Access > Cost"),
                        Code(path="Access > Distance"),
                        Code(path="Trust"),
                        Code(path="Cost"),
                    ],
                    declared=True,
                ),
            ),
        )
        work.label_studio.save_connection(
            Connection(
                study="probe",
                url="http://localhost:18080",
                token=SecretStr("0123456789abcdef0123456789abcdef01234567"),
                project_id=1,
                ml_url="http://127.0.0.1:19090",
                webhook_id=1,
                webhook_secret=SecretStr(SECRET),
                blind_share=0.15,
                seed=0,
            )
        )
        work.commit()
    yield house
    house.database.close()


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """A client of the application."""
    app = create_app(house)
    # What is sent here with wrong credentials is no guessing, and need not wait.
    app.state.serving = replace(app.state.serving, guesses=Attempts(free=10_000))
    with TestClient(app) as client:
        yield client


@pytest.fixture(params=["/ml/probe", ""], ids=["by study", "by project"])
def base(request: pytest.FixtureRequest) -> str:
    """The two places where the protocol is."""
    return str(request.param)


@pytest.fixture
def secret() -> dict[str, str]:
    """The header of the project's webhook."""
    return {WEBHOOK_HEADER: SECRET}


@pytest.fixture
def replay(client: TestClient) -> Callable[..., Response]:
    """Sends a recorded request as it was, to another base and with headers added."""

    def send(request: Recorded, base: str, headers: dict[str, str] | None = None) -> Response:
        # Length and coding are the client's own affair.
        kept = {
            name: value
            for name, value in request.headers.items()
            if name in ("User-Agent", "Accept", "Authorization")
        }
        return client.request(
            request.method, base + request.path, headers=kept | (headers or {}), json=request.body
        )

    return send


@pytest.fixture
def jobs(house: House) -> Callable[[], list[tuple[str, dict[str, Any]]]]:
    """Kind and payload of all jobs, the oldest first."""

    def look() -> list[tuple[str, dict[str, Any]]]:
        with house.database.reading() as work:
            return [(job.kind, dict(job.payload)) for job in reversed(work.jobs.list())]

    return look

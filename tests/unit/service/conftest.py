"""A small opened house, its HTTP client, and a study in it."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.study import Material, Study
from annotations.transcripts import Transcript, Turn
from service.app import create_app
from service.house import House, open_house
from service.settings import read_settings

API_TOKEN = "the-token-of-the-api"
ML_PASSWORD = "the-password-of-label-studio"


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    """A house with nothing in it."""
    house = open_house(
        read_settings(
            home=home,
            api_token=API_TOKEN,
            ml_user="label-studio",
            ml_password=ML_PASSWORD,
            retrain_after=0,
        )
    )
    yield house
    house.database.close()


@pytest.fixture
def study(house: House) -> str:
    """A study of one transcript that one coder has read."""
    with house.database.unit_of_work() as work:
        work.studies.create("trust")
        work.studies.add(
            "trust",
            Material(
                transcripts=(
                    Transcript(
                        name="ward",
                        turns=(
                            Turn(index=0, speaker="Interviewer", text="Who helps you?"),
                            Turn(index=1, speaker="Nurse", text="My sister, mostly."),
                        ),
                    ),
                ),
                codings=(
                    Coding(transcript="ward", turn=1, start=0, end=9, code="Support", coder="ana"),
                ),
                readings=(
                    Reading(transcript="ward", turn=0, coder="ana"),
                    Reading(transcript="ward", turn=1, coder="ana"),
                ),
                codebook=Codebook.of([Code(path="Support")], declared=False),
            ),
        )
        work.commit()
    return "trust"


@pytest.fixture
def statements(house: House) -> Callable[[], AbstractContextManager[list[str]]]:
    """Notes the statements that are executed meanwhile."""

    @contextmanager
    def note() -> Iterator[list[str]]:
        said: list[str] = []

        def hear(*given: object) -> None:
            said.append(str(given[2]))

        event.listen(house.database.engine, "before_cursor_execute", hear)
        yield said
        event.remove(house.database.engine, "before_cursor_execute", hear)

    return note


@pytest.fixture
def app(house: House) -> FastAPI:
    """The application over the house."""
    return create_app(house)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client of the application, without credentials."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    """A browser that is logged in."""
    browser = TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False)
    assert browser.post("/login", data={"token": API_TOKEN}).status_code == 303
    return browser


@pytest.fixture
def api() -> dict[str, str]:
    """Headers that open the API."""
    return {"Authorization": f"Bearer {API_TOKEN}"}


@pytest.fixture
def ml() -> tuple[str, str]:
    """Name and password that open the backend."""
    return ("label-studio", ML_PASSWORD)


@pytest.fixture
def jobs(house: House) -> Callable[[], list[tuple[str, str]]]:
    """Kind and state of all jobs, the oldest first."""

    def look() -> list[tuple[str, str]]:
        with house.database.reading() as work:
            return [(job.kind, job.state) for job in reversed(work.jobs.list())]

    return look


@pytest.fixture
def form_token() -> Callable[[TestClient, str], str]:
    """What the forms of a page carry, taken from the page."""

    def read(browser: TestClient, place: str) -> str:
        return re.findall(r'name="form_token" value="([^"]+)"', browser.get(place).text)[0]

    return read


@pytest.fixture
def coded_study() -> Study:
    """Twelve transcripts of ten turns; three coders who mostly agree, on codes of two levels."""
    rng = np.random.default_rng(0)
    codes = ("Work > Pay", "Work > Hours", "Trust")
    transcripts = tuple(
        Transcript(
            name=f"T{at:02}",
            turns=tuple(
                Turn(index=turn, speaker="P", text=f"words {turn} of {at}") for turn in range(10)
            ),
        )
        for at in range(12)
    )
    truth = rng.random((12, 10, 3)) < 0.3
    codings, readings = [], []
    for coder in ("asha", "ben", "carys"):
        applied = truth ^ (rng.random(truth.shape) < 0.1)
        for at, item in enumerate(transcripts):
            for turn in item.turns:
                readings.append(Reading(transcript=item.name, turn=turn.index, coder=coder))
                codings += [
                    Coding(
                        transcript=item.name,
                        turn=turn.index,
                        start=0,
                        end=len(turn.text),
                        code=code,
                        coder=coder,
                    )
                    for position, code in enumerate(codes)
                    if applied[at, turn.index, position]
                ]
    return Study(
        name="pay",
        codebook=Codebook.of([Code(path=code) for code in codes], declared=False),
        transcripts=transcripts,
        codings=tuple(codings),
        readings=tuple(readings),
    )

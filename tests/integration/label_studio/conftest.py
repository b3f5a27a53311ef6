"""A project in a real Label Studio, and a stand-in for our service that notes what it hears."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from annotations.codebook import Code, Codebook
from annotations.formats.label_config import LabelConfig, label_config_for
from annotations.formats.regions import PredictedSpan, result_of, task_data_of
from annotations.transcripts import Transcript, Turn
from service.house import House, open_house
from service.label_studio.client import Client
from service.label_studio.connecting import ServiceAddress, connect
from service.label_studio.pushing import show_predictions
from service.label_studio.records import NewPrediction, Project, Result
from service.label_studio.server import LocalLabelStudio
from service.settings import read_settings
from service.workflows.importing import import_paths
from service.workflows.labelling import connect as connect_study

SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "middle_managers"
CODES = ("Access > Distance", "Access > Cost", "Networks > Support", "Trust > Hospital", "Fear")
WORDS = (
    ("Interviewer", "When did you first notice that something was different?"),
    ("Zoë", "It was the spring 😀 after José had gone. The clinic is eleven miles off. 🚌 No bus."),
    ("Zoë", "My neighbour drove me every week. She never took a penny for the petrol."),
    ("Zoë", "Then the letters: “cancelled” — naïve of me to wait. I was frightened."),
)


@dataclass
class Probe:
    """What Label Studio sent to our address. It answers as a backend must."""

    url: str = ""
    version: str = "v1"
    login: str = "user:word"
    up: bool = True
    calls: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def heard(self, path: str) -> list[tuple[str | None, str | None]]:
        """Action and secret of each call to a path."""
        return [(action, secret) for called, action, secret in self.calls if called == path]


@pytest.fixture
def probe() -> Iterator[Probe]:
    known = Probe()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Print nothing."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent: dict[str, Any] = json.loads(body) if body else {}
            secret = self.headers.get("X-Second-Coder-Secret")
            known.calls.append((self.path, sent.get("action"), secret))
            told: dict[str, Any] = {"model_version": known.version}
            if self.path.endswith("/predict"):
                empty = {"result": [], "score": 0.0, "model_version": known.version}
                told = {"results": [empty for _ in sent["tasks"]]}
            login = "Basic " + base64.b64encode(known.login.encode()).decode()
            open_to_all = self.path.endswith(("/health", "/webhook"))
            status = 200 if open_to_all or self.headers.get("Authorization") == login else 401
            status = status if known.up else 503
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield known
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(label_studio: LocalLabelStudio) -> Client:
    return Client(url=label_studio.url, token=label_studio.token)


@pytest.fixture
def house(home: Path, label_studio: LocalLabelStudio) -> Iterator[House]:
    """The sample study, connected to a project of its own."""
    opened = open_house(read_settings(home=home))
    import_paths(opened, "managers", [SAMPLE])
    connect_study(opened, "managers", url=label_studio.url, token=label_studio.token)
    yield opened
    opened.database.close()


@pytest.fixture
def service(probe: Probe) -> ServiceAddress:
    return ServiceAddress(
        url=f"{probe.url}/ml/a-study", user="user", password="word", secret="s3cret"
    )


@pytest.fixture
def codebook() -> Codebook:
    return Codebook.of([Code(path=path) for path in CODES], declared=True)


@pytest.fixture
def transcript() -> Transcript:
    return Transcript(
        name="interview 1",
        turns=tuple(
            Turn(index=index, speaker=speaker, text=text)
            for index, (speaker, text) in enumerate(WORDS)
        ),
    )


@dataclass(frozen=True)
class Pushed:
    """A connected project with two tasks that show suggestions of v1, and a blind one."""

    client: Client
    service: ServiceAddress
    project: Project
    config: LabelConfig
    transcript: Transcript
    codes: tuple[str, ...]
    suggestions: tuple[PredictedSpan, ...]
    result: Result
    tasks: tuple[int, int]
    blind: int
    predictions: dict[int, int]

    def of_version(self, version: str) -> list[NewPrediction]:
        """The suggestions as another model version would make them."""
        return [
            NewPrediction(task=task, result=self.result, score=0.8, model_version=version)
            for task in self.tasks
        ]

    def opened(self, label_studio: LocalLabelStudio, task: int) -> dict[str, Any]:
        """A task as the coder's page gets it."""
        return self._get(label_studio, f"/api/tasks/{task}")

    def next_task(self, label_studio: LocalLabelStudio) -> dict[str, Any]:
        """The task that a coder gets who asks for the next one."""
        return self._get(label_studio, f"/api/projects/{self.project.id}/next")

    def _get(self, label_studio: LocalLabelStudio, path: str) -> dict[str, Any]:
        answer = httpx.get(
            label_studio.url + path,
            headers={"Authorization": f"Token {label_studio.token}"},
            timeout=30,
        )
        told: dict[str, Any] = answer.raise_for_status().json()
        return told


@pytest.fixture
def pushed(
    client: Client, service: ServiceAddress, codebook: Codebook, transcript: Transcript
) -> Pushed:
    xml = label_config_for(codebook)
    config = LabelConfig.parse(xml, codebook.paths)
    project = connect(client, title="A study", label_config=xml, service=service).project
    names = ("interview 1", "interview 2", "blind one")
    first, second, blind = client.create_tasks(
        project.id, [{**task_data_of(transcript), "transcript": name} for name in names]
    )

    def span(turn: int, words: str, code: str) -> PredictedSpan:
        start = transcript.turns[turn].text.index(words)
        return PredictedSpan(
            turn=turn, start=start, end=start + len(words), code=code, score=0.9, reason="Because."
        )

    suggestions = (
        span(1, "The clinic is eleven miles off.", "Access > Distance"),
        span(2, "My neighbour drove me every week.", "Networks > Support"),
        span(3, "Then the letters: “cancelled” — naïve of me to wait.", "Trust > Hospital"),
    )
    result = tuple(result_of(suggestions, transcript, config))
    predictions = [
        NewPrediction(task=task, result=result, score=0.8, model_version="v1")
        for task in (first, second)
    ]
    shown = show_predictions(client, project.id, "v1", predictions)
    return Pushed(
        client=client,
        service=service,
        project=project,
        config=config,
        transcript=transcript,
        codes=codebook.paths,
        suggestions=suggestions,
        result=result,
        tasks=(first, second),
        blind=blind,
        predictions=shown.predictions,
    )

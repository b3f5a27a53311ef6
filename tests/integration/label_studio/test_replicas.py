"""Two services and two workers on one PostgreSQL, as a team runs them."""

import copy
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from annotations.formats.label_config import label_config_for
from service.label_studio.client import Client
from service.label_studio.server import LocalLabelStudio
from service.security import WEBHOOK_HEADER
from service.storage.session import Database

if TYPE_CHECKING:
    SecondCoder = Any

pytestmark = [
    pytest.mark.integration,
    pytest.mark.sqlite("its study moves from a file to the team's PostgreSQL"),
]

CODERS = 50
STUDY = "managers"
CHANGED, DELETED = range(0, CODERS, 3), range(1, CODERS, 10)
"""Annotations, by their numbers, that are changed or deleted while all the traffic goes on."""


@pytest.fixture(scope="module")
def url(new_postgres: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of the team's database."""
    with new_postgres() as made:
        yield made


@pytest.fixture(scope="module")
def replicas(
    url: str, second_coder: "SecondCoder", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list["SecondCoder"]]:
    """Two services, each with a worker and a home of its own, and the trained study on both."""
    place = tmp_path_factory.mktemp("team")
    backup = place / "managers.zip"
    # From a service that runs on SQLite into the team's database.
    second_coder.run("backup", STUDY, backup)
    second_coder.stop()
    shared = {
        "SECOND_CODER_DATABASE_URL": url,
        "SECOND_CODER_ARTIFACTS": str(place / "models"),
        "SECOND_CODER_API_TOKEN": "the-team-s-token",
    }
    with ExitStack() as stack:
        made = [
            type(second_coder)(home=place / name, environment=shared) for name in ("one", "two")
        ]
        made[0].home.mkdir()
        made[0].run("restore", backup)
        for one in made:
            one.start()
            stack.callback(one.stop)
        yield made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """The team's database, as a third one sees it."""
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> dict[str, Any]:
    """What Label Studio was recorded to send, by path or, of an event, by its action."""
    lines = (shared_data / "label_studio_1.23.2_requests.jsonl").read_text(encoding="utf-8")
    items = [json.loads(line) for line in lines.splitlines()]
    return {item["b"].get("action", item["p"]): item["b"] for item in items if item["b"]}


def region(number: int, codes: tuple[str, ...]) -> dict[str, Any]:
    """The first letters of a transcript's second turn with a code."""
    return {
        "id": f"region-{number}",
        "from_name": "code",
        "to_name": "transcript",
        "type": "paragraphlabels",
        "value": {
            "start": "1",
            "end": "1",
            "startOffset": 0,
            "endOffset": 4,
            "paragraphlabels": [codes[number % len(codes)]],
        },
    }


def test_fifty_coders_lose_nothing_and_nothing_comes_twice(
    replicas: list["SecondCoder"],
    database: Database,
    label_studio: LocalLabelStudio,
    recorded: dict[str, Any],
) -> None:
    first, second = replicas
    first.run(
        *("label-studio", "connect", STUDY, "--url", label_studio.url),
        *("--token", label_studio.token, "--ml-url", first.url),
    )
    first.run("label-studio", "push", STUDY)
    with database.reading() as work:
        tasks = work.label_studio.tasks(STUDY)
        connection = work.label_studio.connection(STUDY)
        codes = work.studies.load(STUDY).codes_used
    assert connection is not None
    project = connection.project_id
    client = Client(url=label_studio.url, token=label_studio.token)
    secret = {WEBHOOK_HEADER: connection.webhook_secret.get_secret_value()}

    def write(number: int) -> int:
        # Label Studio itself tells the first service of each, from its own thread.
        task = tasks[number % len(tasks)].task_id
        return client.submit(task=task, result=[region(number, codes)]).id

    with ThreadPoolExecutor(2) as pool:
        written = list(pool.map(write, range(CODERS)))
    data = {task.id: task.data for task in client.tasks(project)}

    def event(number: int) -> dict[str, Any]:
        """As recorded, of this annotation."""
        task = tasks[number % len(tasks)].task_id
        if number in DELETED:
            body = copy.deepcopy(recorded["ANNOTATIONS_DELETED"])
            body["annotations"] = [{"id": written[number]}]
        else:
            kind = "ANNOTATION_UPDATED" if number in CHANGED else "ANNOTATION_CREATED"
            body = copy.deepcopy(recorded[kind])
            body["annotation"] |= {"id": written[number], "task": task, "project": project}
            body["task"]["id"] = task
        body["project"]["id"] = project
        return dict(body)

    def change() -> None:
        """One after the other, since Label Studio's own database has one writer."""
        for number in range(CODERS):
            if number in DELETED:
                client._sdk.annotations.delete(written[number])
            elif number in CHANGED:
                both = [region(number, codes), region(number + 1, codes)]
                client.update_annotation(written[number], both)

    def code(number: int) -> list[int]:
        """A coder's page asks for suggestions, and both services hear of the annotation, twice."""
        said = []
        task = tasks[number % len(tasks)].task_id
        named = {"project": f"{project}.1"}
        bearer = {"Authorization": "Bearer the-team-s-token"}
        with httpx.Client(timeout=180) as browser:
            for one in (*replicas, *replicas):
                answer = browser.post(
                    f"{one.url}/ml/{STUDY}/webhook", json=event(number), headers=secret
                )
                said.append(answer.status_code)
            for path, more in (
                ("/setup", {}),
                ("/predict", {"tasks": [{"id": task, "data": data[task]}]}),
            ):
                asked = browser.post(
                    f"{replicas[number % 2].url}/ml/{STUDY}{path}",
                    json=recorded[path] | named | more,
                    headers=bearer,
                )
                said.append(asked.status_code)
        return said

    with ThreadPoolExecutor(CODERS + 1) as pool:
        changing = pool.submit(change)
        answers = list(pool.map(code, range(CODERS)))
        changing.result()
    kept = sorted(written[number] for number in range(CODERS) if number not in DELETED)
    assert {status for said in answers for status in said} == {200}
    deadline = time.monotonic() + 240
    while True:
        with database.reading() as work:
            jobs = work.jobs.list(STUDY)
            mirrored = sorted(work.label_studio.annotation_ids(STUDY))
        if jobs and all(job.is_over for job in jobs) and mirrored == kept:
            break
        assert time.monotonic() < deadline, ([job.state for job in jobs], len(mirrored))
        time.sleep(0.5)
    assert {(job.state, job.attempts) for job in jobs} == {("finished", 1)}, jobs
    # Asked again by both at once, nothing is new.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.run("label-studio", "sync", STUDY), replicas))
    with database.reading() as work:
        assert sorted(work.label_studio.annotation_ids(STUDY)) == kept
        study = work.studies.load(STUDY)
        version = work.models.active(STUDY)
        codebook = work.studies.codebook(STUDY)
    transcript_of = {one.task_id: one.transcript for one in tasks}
    there = {
        (transcript_of[one.task], label)
        for one in client.annotations(project)
        for item in one.result
        for label in item["value"]["paragraphlabels"]
    }
    mine = {
        (one.transcript, one.code)
        for one in study.codings
        if (one.turn, one.start, one.end) == (1, 0, 4)
    }
    assert mine
    assert mine <= there
    # The second service has none of the first one's files, and suggests with its model.
    seen = next(task for task in tasks if not task.blind)
    shown = httpx.post(
        f"{second.url}/ml/{STUDY}/predict",
        json={
            "tasks": [{"id": seen.task_id, "data": data[seen.task_id]}],
            "project": f"{project}.1",
            "label_config": label_config_for(codebook),
        },
        headers={"Authorization": "Bearer the-team-s-token"},
        timeout=120,
    )
    assert shown.status_code == 200, shown.text
    assert version is not None
    assert shown.json()["model_version"] == version.version
    assert (second.home / "models" / version.version).is_dir()

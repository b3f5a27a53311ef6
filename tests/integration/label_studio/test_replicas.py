"""Two services and two workers on one PostgreSQL, as a team runs them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
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


def test_fifty_coders_lose_nothing_and_nothing_comes_twice(
    replicas: list["SecondCoder"], database: Database, label_studio: LocalLabelStudio
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
    assert connection is not None
    client = Client(url=label_studio.url, token=label_studio.token)
    secret = {WEBHOOK_HEADER: connection.webhook_secret.get_secret_value()}

    def write(number: int) -> int:
        # Label Studio itself tells the first service of each, from its own thread.
        return client.submit(task=tasks[number % len(tasks)].task_id, result=[]).id

    with ThreadPoolExecutor(2) as pool:
        written = list(pool.map(write, range(CODERS)))

    def code(number: int) -> list[int]:
        """A coder's page asks for suggestions, and both services hear of the annotation, twice."""
        said = []
        task = tasks[number % len(tasks)]
        with httpx.Client(timeout=120) as browser:
            for one in (*replicas, *replicas):
                body = {
                    "action": "ANNOTATION_CREATED",
                    "project": {"id": connection.project_id},
                    "annotation": {"id": written[number]},
                    "task": {"id": task.task_id},
                }
                answer = browser.post(f"{one.url}/ml/{STUDY}/webhook", json=body, headers=secret)
                said.append(answer.status_code)
            asked = browser.post(
                f"{replicas[number % 2].url}/ml/{STUDY}/setup",
                json={"project": f"{connection.project_id}.1", "schema": "<View/>"},
                headers={"Authorization": "Bearer the-team-s-token"},
            )
            said.append(asked.status_code)
        return said

    with ThreadPoolExecutor(CODERS) as pool:
        answers = list(pool.map(code, range(CODERS)))
    assert {status for said in answers for status in said} == {200}
    deadline = time.monotonic() + 240
    while True:
        with database.reading() as work:
            jobs = work.jobs.list(STUDY)
            mirrored = sorted(work.label_studio.annotation_ids(STUDY))
        if jobs and all(job.is_over for job in jobs) and len(mirrored) >= CODERS:
            break
        assert time.monotonic() < deadline, ([job.state for job in jobs], len(mirrored))
        time.sleep(0.5)
    assert mirrored == sorted(written)
    assert {(job.state, job.attempts) for job in jobs} == {("finished", 1)}, jobs
    # Asked again by both at once, nothing is new.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.run("label-studio", "sync", STUDY), replicas))
    with database.reading() as work:
        assert sorted(work.label_studio.annotation_ids(STUDY)) == sorted(written)
        version = work.models.active(STUDY)
        codebook = work.studies.codebook(STUDY)
    # The second service has none of the first one's files, and suggests with its model.
    seen = next(task for task in tasks if not task.blind)
    data = {task.id: task.data for task in client.tasks(connection.project_id)}
    shown = httpx.post(
        f"{second.url}/ml/{STUDY}/predict",
        json={
            "tasks": [{"id": seen.task_id, "data": data[seen.task_id]}],
            "project": f"{connection.project_id}.1",
            "label_config": label_config_for(codebook),
        },
        headers={"Authorization": "Bearer the-team-s-token"},
        timeout=120,
    )
    assert shown.status_code == 200, shown.text
    assert version is not None
    assert shown.json()["model_version"] == version.version
    assert (second.home / "models" / version.version).is_dir()

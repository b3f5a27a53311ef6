"""The main job, end to end: the installed command, its service, and a real Label Studio."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from service.label_studio.client import Client
from service.label_studio.records import Task
from service.label_studio.server import LocalLabelStudio

if TYPE_CHECKING:
    SecondCoder = Any

pytestmark = pytest.mark.integration
Eventually = Callable[..., None]


@dataclass(frozen=True)
class Connected:
    """The study `managers` in Label Studio, its uncoded transcripts pushed, none withheld."""

    second_coder: "SecondCoder"
    client: Client
    project: int
    pushed: dict[str, Any]

    def decisions(self, annotation: int) -> list[tuple[str, str]]:
        """Kind and words of each decision that came from an annotation."""
        found = self.second_coder.get("/studies/managers/decisions")["decisions"]
        texts = {task.data["transcript"]: task.data["turns"] for task in self.tasks()}
        return sorted(
            (
                item["kind"],
                texts[item["transcript"]][item["turn"]]["text"][item["start"] : item["end"]],
            )
            for item in found
            if item["annotation_id"] == annotation
        )

    def everything(self) -> tuple[Any, Any]:
        """All that an annotation can change."""
        shown = self.second_coder.get("/studies/managers")
        return self.second_coder.get("/studies/managers/decisions"), shown

    def tasks(self) -> tuple[Task, ...]:
        return self.client.tasks(self.project)

    def webhook(self, body: dict[str, Any], secret: str | None = None) -> httpx.Response:
        """Send what Label Studio would send; with its secret unless another is given."""
        (hook,) = self.client.webhooks(self.project)
        headers = dict(hook.headers) if secret is None else {"X-Second-Coder-Secret": secret}
        return httpx.post(hook.url, json=body, headers=headers, timeout=30)

    def jobs(self) -> list[Any]:
        found: list[Any] = self.second_coder.get("/studies/managers/jobs")["jobs"]
        return found

    def worked_off(self, before: int) -> bool:
        """Whether jobs came after the first `before` and all are done."""
        jobs = self.jobs()
        waiting = [job for job in jobs if job["finished_at"] is None]
        return len(jobs) > before and not waiting


@pytest.fixture(scope="module")
def connected(
    second_coder: "SecondCoder",
    label_studio: LocalLabelStudio,
    tmp_path_factory: pytest.TempPathFactory,
    emoji_interview: str,
) -> Connected:
    extra = tmp_path_factory.mktemp("extra") / "Emoji interview.txt"
    extra.write_text(emoji_interview, encoding="utf-8")
    second_coder.run("import", "managers", extra)
    made = second_coder.run(
        *("label-studio", "connect", "managers"),
        *("--url", label_studio.url, "--token", label_studio.token),
        *("--ml-url", second_coder.url, "--blind", "0"),
    )
    return Connected(
        second_coder=second_coder,
        client=Client(url=label_studio.url, token=label_studio.token),
        project=made["project_id"],
        pushed=second_coder.run("label-studio", "push", "managers"),
    )


@dataclass(frozen=True)
class Shown:
    """A task that nobody annotated yet, its prediction and the regions shown."""

    task: int
    prediction: int
    regions: list[dict[str, Any]]


@pytest.fixture(scope="module")
def shown(connected: Connected) -> dict[str, Shown]:
    """What is shown on each transcript."""
    names = {task.id: task.data["transcript"] for task in connected.tasks()}
    return {
        names[item.task]: Shown(
            task=item.task,
            prediction=item.id,
            regions=copy.deepcopy([dict(region) for region in item.result]),
        )
        for item in connected.client.predictions(connected.project)
    }


@pytest.fixture
def emoji(shown: dict[str, Shown]) -> Shown:
    """The transcript full of emoji, for one test alone."""
    return shown["Emoji interview"]


@pytest.fixture(scope="module")
def _unused(shown: dict[str, Shown]) -> Iterator[Shown]:
    return iter([item for name, item in shown.items() if name != "Emoji interview"])


@pytest.fixture
def fresh(_unused: Iterator[Shown]) -> Shown:
    """Another transcript for each test."""
    return next(_unused)


def words(region: dict[str, Any]) -> str:
    text: str = region["value"]["text"]
    return text


def test_the_connection_is_sound(connected: Connected) -> None:
    assert connected.pushed["tasks"] == 5
    assert connected.pushed["suggestions"] >= 15
    findings = connected.second_coder.run("label-studio", "doctor", "managers")["findings"]
    assert [item for item in findings if item["ok"] is False] == []


def test_doing_it_again_makes_nothing_new(
    connected: Connected, label_studio: LocalLabelStudio
) -> None:
    before = (connected.tasks(), connected.client.predictions(connected.project))
    made = connected.second_coder.run(
        *("label-studio", "connect", "managers"),
        *("--url", label_studio.url, "--token", label_studio.token),
        *("--ml-url", connected.second_coder.url),
    )
    pushed = connected.second_coder.run("label-studio", "push", "managers")
    assert (made["project_id"], made["created"]) == (connected.project, False)
    assert (pushed["tasks_created"], pushed["suggestions"]) == (0, 0)
    assert (connected.tasks(), connected.client.predictions(connected.project)) == before
    assert len(connected.client.webhooks(connected.project)) == 1


def test_suggestions_come_with_their_reason(connected: Connected) -> None:
    for prediction in connected.client.predictions(connected.project):
        for region in prediction.result:
            (reason,) = region["meta"]["text"]
            assert "Score" in reason
            assert "was coded so by" in reason


def test_keeping_deleting_moving_and_adding_become_four_decisions(
    connected: Connected, emoji: Shown, eventually: Eventually
) -> None:
    kept, deleted, moved, *others = emoji.regions
    first_word = words(moved).split()[0]
    was = words(moved)
    moved["value"]["endOffset"] = (
        moved["value"]["startOffset"] + len(first_word.encode("utf-16-le")) // 2
    )
    moved["value"]["text"] = first_word
    added = copy.deepcopy(kept)
    turns = next(item for item in connected.tasks() if item.id == emoji.task).data["turns"]
    added["id"] = "byhand"
    added["value"] |= {
        "start": "0",
        "end": "0",
        "startOffset": 0,
        "endOffset": len(turns[0]["text"].encode("utf-16-le")) // 2,
        "text": turns[0]["text"],
        "paragraphlabels": ["Personal > Identity"],
    }
    made = connected.client.submit(
        task=emoji.task,
        result=[kept, moved, added, *others],
        parent_prediction=emoji.prediction,
    )
    eventually(lambda: connected.decisions(made.id), "no decision came by the webhook")
    assert was != first_word
    assert connected.decisions(made.id) == sorted(
        [
            ("accepted", words(kept)),
            ("rejected", words(deleted)),
            ("changed", first_word),
            ("added", turns[0]["text"]),
            *(("accepted", words(other)) for other in others),
        ]
    )

    before, jobs = connected.everything(), len(connected.jobs())
    body = {
        "action": "ANNOTATION_CREATED",
        "annotation": {"id": made.id, "task": emoji.task, "result": []},
        "project": {"id": connected.project},
    }
    for _ in range(5):
        assert connected.webhook(body).is_success
    eventually(lambda: connected.worked_off(jobs))
    assert connected.everything() == before
    connected.second_coder.run("label-studio", "sync", "managers")
    assert connected.everything() == before


def test_what_was_submitted_while_the_service_was_down_comes_by_sync(
    connected: Connected, fresh: Shown
) -> None:
    connected.second_coder.stop()
    made = connected.client.submit(
        task=fresh.task, result=fresh.regions, parent_prediction=fresh.prediction
    )
    connected.second_coder.start()
    assert connected.decisions(made.id) == []
    synced = connected.second_coder.run("label-studio", "sync", "managers")
    assert synced["changed"] == 1
    assert connected.decisions(made.id) == sorted(
        ("accepted", words(item)) for item in fresh.regions
    )


def test_a_forged_webhook_changes_nothing(connected: Connected, eventually: Eventually) -> None:
    before, jobs = connected.everything(), len(connected.jobs())
    known = [item["annotation_id"] for item in before[0]["decisions"]]
    for action, numbers in (("ANNOTATION_CREATED", [10**6]), ("ANNOTATIONS_DELETED", known[:1])):
        body = {
            "action": action,
            "annotation": {"id": (numbers or [1])[0], "result": [], "task": 1},
            "annotations": [{"id": number} for number in numbers],
            "project": {"id": connected.project},
        }
        assert connected.webhook(body, secret="guessed").status_code in (401, 403)
        # Even one who knows the secret cannot make us believe what Label Studio denies.
        assert connected.webhook(body).is_success
    eventually(lambda: connected.worked_off(jobs))
    assert connected.everything() == before


def test_a_skip_is_no_rejection(connected: Connected, fresh: Shown, eventually: Eventually) -> None:
    before = connected.everything()[0]["codes"]
    made = connected.client.submit(
        task=fresh.task,
        result=fresh.regions,
        parent_prediction=fresh.prediction,
        was_cancelled=True,
    )
    synced = connected.second_coder.run("label-studio", "sync", "managers")
    assert synced["skipped"] == 1
    assert connected.decisions(made.id) == []
    assert connected.everything()[0]["codes"] == before


def test_deleting_an_annotation_takes_its_decisions_along(
    connected: Connected, fresh: Shown, eventually: Eventually
) -> None:
    made = connected.client.submit(
        task=fresh.task, result=fresh.regions[:1], parent_prediction=fresh.prediction
    )
    eventually(lambda: connected.decisions(made.id))
    connected.client._sdk.annotations.delete(made.id)
    eventually(lambda: not connected.decisions(made.id), "the deletion did not arrive")


def test_the_blind_sample_shows_nothing_and_keeps_its_suggestions(
    connected: Connected, label_studio: LocalLabelStudio, tmp_path: Path, emoji_interview: str
) -> None:
    hidden = tmp_path / "Blind interview.txt"
    hidden.write_text(emoji_interview.replace("winter", "summer"), encoding="utf-8")
    connected.second_coder.run("import", "managers", hidden)
    pushed = connected.second_coder.run("label-studio", "push", "managers", "--blind", "1")
    assert pushed["withheld"] == 1
    (task,) = [
        item.id for item in connected.tasks() if item.data["transcript"] == "Blind interview"
    ]
    opened = httpx.get(
        f"{label_studio.url}/api/tasks/{task}",
        headers={"Authorization": f"Token {label_studio.token}"},
        timeout=60,
    ).json()
    assert [region for item in opened["predictions"] for region in item["result"]] == []
    findings = connected.second_coder.run("label-studio", "doctor", "managers")["findings"]
    assert [item for item in findings if item["ok"] is False] == []
    made = connected.client.submit(task=task, result=[])
    connected.second_coder.run("label-studio", "sync", "managers")
    assert connected.decisions(made.id) == []


def test_what_was_drawn_is_a_task_without_suggestions_and_stays_so(
    connected: Connected, tmp_path: Path, emoji_interview: str
) -> None:
    for season in ("spring", "autumn", "summer"):
        file = tmp_path / f"In {season}.txt"
        file.write_text(emoji_interview.replace("winter", season), encoding="utf-8")
        connected.second_coder.run("import", "managers", file)
    drawn = connected.second_coder.run("sample", "managers", "--size", "2", "--push")
    names = {one["transcript"] for one in drawn["transcripts"]}
    # Where suggestions were shown before, nothing can be drawn.
    assert names < {"In spring", "In autumn", "In summer", "Blind interview"}
    assert "Emoji interview" in drawn["left_out"]
    there = {item.data["transcript"] for item in connected.tasks()}
    assert names <= there
    assert not {"In spring", "In autumn", "In summer"} - names <= there
    connected.second_coder.run("label-studio", "push", "managers", "--blind", "0")
    tasks = {item.data["transcript"]: item.id for item in connected.tasks()}
    shown = {item.task for item in connected.client.predictions(connected.project) if item.result}
    for name in {"In spring", "In autumn", "In summer"}:
        assert (tasks[name] in shown) == (name not in names)
    findings = connected.second_coder.run("label-studio", "doctor", "managers")["findings"]
    assert [item for item in findings if item["ok"] is False] == []

"""The projects in which coders code old excerpts again, beside the project of a study.

Each holds one coder's excerpts of one draw, without a word on whose they are, what was coded, or
why: a task is a turn after those that it answers to. `sync` fetches what was coded.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import task_data_of
from annotations.transcripts import Transcript
from service.label_studio.beside import open_beside
from service.label_studio.client import Client
from service.label_studio.records import Annotation, Project, Task

_WORDS = "Code the last turn. What comes before it is there to be read."
_KEY = "excerpt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recoded:
    """All that was submitted in one project: annotations by the key of their excerpt."""

    config: LabelConfig
    annotations: Mapping[str, tuple[Annotation, ...]]


def open_project(client: Client, project_id: int, *, key: str, label_config: str) -> Project:
    """The project of a draw, made where it is missing, its labels up to date."""
    return open_beside(
        client,
        description=(
            f"Excerpts {key}, beside project {project_id}. Second Coder finds it by this "
            "description: leave it as it is."
        ),
        title=f"Excerpts {key}",
        label_config=label_config.replace(
            "<View>", f'<View>\n  <Header value="{_WORDS}" size="5"/>', 1
        ),
    )


def data_of(excerpt: Transcript, key: str) -> dict[str, Any]:
    """The data of a task: the words and a key that says nothing."""
    return {"turns": task_data_of(excerpt)["turns"], _KEY: key}


def key_of(task: Task) -> str:
    """The key of the excerpt that a task shows."""
    return str(task.data.get(_KEY, ""))


def recoded(
    client: Client, project_id: int, codes: tuple[str, ...], excerpts: Collection[str]
) -> Recoded | None:
    """What was coded in a project, the oldest first, skips among it; None where it is gone.

    A project with none of these excerpts is another one: in another Label Studio the number may
    be anything's.
    """
    project = client.project(project_id)
    if project is None:
        return None
    keys = {task.id: key for task in client.tasks(project_id) if (key := key_of(task)) in excerpts}
    if not keys:
        return None
    found: dict[str, tuple[Annotation, ...]] = dict.fromkeys(keys.values(), ())
    for one in sorted(client.annotations(project_id), key=lambda one: (one.created_at, one.id)):
        if one.task in keys:
            found[keys[one.task]] += (one,)
    return Recoded(config=LabelConfig.parse(project.label_config, codes), annotations=found)

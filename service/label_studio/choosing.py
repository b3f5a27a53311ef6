"""The project in which coders choose after a split, beside the project of a study.

A task is one coder's excerpts of one transcript that wait for a choice. Its regions carry the
number of the coding that they stand for. `sync` fetches what was chosen.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotations.codebook import SEPARATOR, normal_path
from annotations.formats.results import labels_of
from service.label_studio.beside import open_beside
from service.label_studio.client import Client
from service.label_studio.records import Project, Task

WAITING = "worklist"
"""The version of the predictions from which coders start."""

_REGION = "coding-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What a coder submitted: the codes that each coding's region has now, by row id.

    `shown` are those that it had when it was shown to them.
    """

    coder: str
    at: datetime
    codes: Mapping[int, tuple[str, ...]]
    shown: Mapping[int, tuple[str, ...]]


def region_of(coding: int) -> str:
    """The id of the region that stands for a coding."""
    return f"{_REGION}{coding}"


def choosing_project(client: Client, project_id: int) -> Project | None:
    """The project of choices beside a study's project, None before the first."""
    return client.described_project(_description(project_id))


def open_project(client: Client, project_id: int, *, study: str, label_config: str) -> Project:
    """The project of choices, made where it is missing, its labels up to date."""
    return open_beside(
        client,
        description=_description(project_id),
        title=f"Choices: {study}",
        # Whose codings they are: the coder decides on their own.
        label_config=label_config.replace(
            "<View>", '<View>\n  <Header value="Codings by $coder" size="4"/>', 1
        ),
    )


def codings_in(task: Task) -> tuple[int, ...]:
    """The codings that a task asks about."""
    return tuple(int(number) for number in task.data.get("codings") or ())


def chosen(client: Client, project_id: int) -> tuple[Chosen, ...]:
    """Everything submitted in the project of choices, the oldest first.

    A region that is gone says that none of the codes applies; a skipped task says nothing.
    """
    project = choosing_project(client, project_id)
    if project is None:
        return ()
    tasks = {task.id: task for task in client.tasks(project.id)}
    shown: dict[int, dict[int, tuple[str, ...]]] = defaultdict(dict)
    for prediction in client.predictions(project.id):
        if prediction.task in tasks:
            own = shown[prediction.task]
            for coding, paths in _codes(
                prediction.result, codings_in(tasks[prediction.task])
            ).items():
                own[coding] = (*own.get(coding, ()), *paths)
    found = [
        Chosen(
            coder=one.coder,
            at=one.updated_at,
            codes=_codes(one.result, codings_in(tasks[one.task])),
            shown=shown[one.task],
        )
        for one in client.annotations(project.id)
        if one.task in tasks and not one.was_cancelled
    ]
    return tuple(sorted(found, key=lambda one: one.at))


def _codes(
    result: Sequence[Mapping[str, Any]], codings: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = dict.fromkeys(codings, ())
    for item in result:
        number = str(item.get("id", "")).removeprefix(_REGION)
        if number.isdigit() and int(number) in found:
            paths = [normal_path(SEPARATOR.join(levels)) for levels in labels_of(dict(item))]
            found[int(number)] = tuple(dict.fromkeys((*found[int(number)], *paths)))
    return found


def _description(project_id: int) -> str:
    return (
        f"Where coders of project {project_id} choose after a code was split. Second Coder finds "
        "it by this description: leave it as it is."
    )

"""The project in which coders settle their differences, beside the project of a study.

Each of its tasks shows what every coder applied, with names; what is submitted there is the
agreed coding. It has no model and no webhook: `sync` fetches it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from annotations.codings import ADJUDICATED
from annotations.formats.label_config import LabelConfig
from service.label_studio.beside import open_beside
from service.label_studio.client import Client
from service.label_studio.records import Annotation, Project

EVERYBODY = "all coders"
"""The version of the predictions that hold everybody's codings: what an adjudicator starts from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreedCoding:
    """An annotation of the adjudication project, under the name of the agreed coding."""

    annotation: Annotation
    transcript: str
    config: LabelConfig


def adjudication_project(client: Client, project_id: int) -> Project | None:
    """The adjudication project beside a study's project, None before the first push."""
    return client.described_project(_description(project_id))


def open_project(client: Client, project_id: int, *, study: str, label_config: str) -> Project:
    """The adjudication project, made where it is missing, its labels up to date."""
    return open_beside(
        client,
        description=_description(project_id),
        title=f"Adjudication: {study}",
        label_config=label_config,
    )


def agreed_codings(
    client: Client, project_id: int, codes: Sequence[str]
) -> tuple[AgreedCoding, ...]:
    """What was settled in the adjudication project, skips among it; nothing where it is gone."""
    project = adjudication_project(client, project_id)
    if project is None:
        return ()
    config = LabelConfig.parse(project.label_config, codes)
    names = {task.id: str(task.data.get("transcript", "")) for task in client.tasks(project.id)}
    return tuple(
        AgreedCoding(
            annotation=replace(one, coder=ADJUDICATED), transcript=names[one.task], config=config
        )
        for one in client.annotations(project.id)
        if one.task in names
    )


def _description(project_id: int) -> str:
    return (
        f"Where coders settle their differences in project {project_id}. Second Coder finds it by "
        "this description: leave it as it is."
    )

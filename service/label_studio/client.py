"""A thin adapter over label-studio-sdk: our values in and out, one kind of error."""

import json
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import httpx
from label_studio_sdk import LabelStudio

from annotations.errors import ExternalError
from annotations.numerals import many
from service.label_studio import conversions
from service.label_studio.records import (
    Annotation,
    Backend,
    NewPrediction,
    Prediction,
    Project,
    ServerInfo,
    Task,
    User,
    Webhook,
)
from service.label_studio.refusals import AbsentIsNone, Refused, explained

ONCE = {"max_retries": 0, "timeout_in_seconds": 300}
"""For calls that make something: a repeated one would make it twice."""

PAGE = 100
"""Tasks fetched in one request."""

BATCH = 200
"""Tasks or predictions made in one request: whole transcripts, so not too many."""

_WITH_ANNOTATIONS = json.dumps(
    {
        "filters": {
            "conjunction": "or",
            "items": [
                {
                    "filter": f"filter:tasks:{kind}",
                    "operator": "greater",
                    "type": "Number",
                    "value": 0,
                }
                for kind in ("total_annotations", "cancelled_annotations")
            ],
        }
    }
)


class Client:
    """One Label Studio, seen with one user's token.

    The token may be a personal access token or a legacy one. Every method raises
    ExternalError, with what to do, when Label Studio cannot be reached or refuses. `close`
    ends its network connections, and happens by itself when the client is let go.
    """

    def __init__(self, *, url: str, token: str, timeout: float = 60) -> None:
        self.url = url.rstrip("/")
        self._token = token
        with self._explained("opening the connection"):
            http = httpx.Client(timeout=timeout, follow_redirects=True)
            # The SDK never closes its sockets.
            self.close = weakref.finalize(self, http.close)
            self._sdk = LabelStudio(
                base_url=self.url, api_key=token.strip(), timeout=timeout, httpx_client=http
            )
        self._users: dict[int, User] = {}

    @property
    def legacy_token(self) -> bool:
        """Whether the token is of the old kind, which an administrator may switch off."""
        return self._token.count(".") != 2

    def project_url(self, project: int) -> str:
        """The page of a project."""
        return f"{self.url}/projects/{project}"

    def server(self) -> ServerInfo:
        """Which Label Studio it is, and who we are there."""
        with self._explained("asking for its version"):
            version = self._sdk.versions.get()
            user = self._sdk.users.whoami()
        return ServerInfo(
            version=str(version.release), edition=str(version.edition), user=str(user.email)
        )

    def users(self) -> tuple[User, ...]:
        """The members of the organization."""
        with self._explained("listing users"):
            found = tuple(
                User(
                    id=int(user.id),
                    email=str(user.email),
                    name=" ".join(part for part in (user.first_name, user.last_name) if part),
                )
                for user in self._sdk.users.list()
            )
        self._users = {user.id: user for user in found}
        return found

    # Projects

    def project(self, project: int) -> Project | None:
        """A project, None when it is gone."""
        with self._explained(f"reading project {project}"), AbsentIsNone():
            return conversions.project(self._sdk.projects.get(project))
        return None

    def described_project(self, description: str) -> Project | None:
        """The oldest project with exactly this description, None where there is none."""
        with self._explained("looking for a project"):
            numbers = [
                int(item.id)
                for item in self._sdk.projects.list(page_size=PAGE)
                if item.description == description
            ]
        return self.project(min(numbers)) if numbers else None

    def create_project(self, *, title: str, settings: Mapping[str, Any]) -> Project:
        """Make a project. `settings` are named as in Label Studio's API."""
        with self._explained(f"making the project {title!r}"):
            made = self._sdk.projects.create(title=title, request_options=ONCE, **settings)
            return conversions.project(self._sdk.projects.get(made.id))

    def update_project(self, project: int, settings: Mapping[str, Any]) -> Project:
        """Change some settings of a project."""
        with self._explained(f"changing project {project}"):
            self._sdk.projects.update(project, **settings)
            return conversions.project(self._sdk.projects.get(project))

    def accepts_config(self, project: int, label_config: str) -> bool:
        """Whether a label config has every label that annotations and drafts use.

        Label Studio asks that of its own page alone; changed through its interface, a config
        may leave labels out that are in use.
        """
        try:
            with self._explained(f"checking the labels of project {project}"):
                self._sdk.projects.validate_label_config(project, label_config=label_config)
        except Refused as refused:
            if refused.status == httpx.codes.BAD_REQUEST:
                return False
            raise
        return True

    def delete_project(self, project: int) -> None:
        """Remove a project with everything in it."""
        with self._explained(f"removing project {project}"), AbsentIsNone():
            self._sdk.projects.delete(project)

    # Tasks and predictions

    def tasks(self, project: int) -> tuple[Task, ...]:
        """All tasks of a project with their data."""
        with self._explained(f"listing the tasks of project {project}"):
            return tuple(
                Task(id=int(task.id), data=dict(task.data or {}))
                for task in self._sdk.tasks.list(
                    project=project, fields="task_only", include="id,data", page_size=PAGE
                )
            )

    def create_tasks(self, project: int, data: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        """Make a task for each item, in bulk; their ids in the same order."""
        ids: list[int] = []
        for start in range(0, len(data), BATCH):
            batch = data[start : start + BATCH]
            with self._explained(f"making {many(len(batch), 'task')} in project {project}"):
                answer = self._sdk.projects.import_tasks(
                    project,
                    request=[{"data": dict(item)} for item in batch],
                    return_task_ids=True,
                    commit_to_project=True,
                    request_options=ONCE,
                )
            made = sorted(int(task) for task in answer.task_ids or ())
            if len(made) != len(batch):
                raise ExternalError(
                    f"Label Studio made {len(made)} of {many(len(batch), 'task')} in project "
                    f"{project}. Look at its log, delete the incomplete tasks there, and push "
                    "again."
                )
            ids.extend(made)
        return tuple(ids)

    def predictions(self, project: int) -> tuple[Prediction, ...]:
        """All predictions of a project, of every model version, oldest first."""
        with self._explained(f"listing the predictions of project {project}"):
            found = [
                conversions.prediction(item) for item in self._sdk.predictions.list(project=project)
            ]
        return tuple(sorted(found, key=lambda item: item.id))

    def create_predictions(self, project: int, predictions: Sequence[NewPrediction]) -> None:
        """Attach predictions in bulk.

        Label Studio answers 201 also when it kept none of them (a label or a tag that the
        project's labels do not have), so the number that it reports is compared.
        """
        for start in range(0, len(predictions), BATCH):
            batch = predictions[start : start + BATCH]
            with self._explained(
                f"importing {many(len(batch), 'prediction')} into project {project}"
            ):
                answer = self._sdk.projects.import_predictions(
                    project,
                    request=[
                        {
                            "task": item.task,
                            "result": [dict(region) for region in item.result],
                            "score": item.score,
                            "model_version": item.model_version,
                        }
                        for item in batch
                    ],
                    request_options=ONCE,
                )
            if (made := int(answer.created or 0)) != len(batch):
                raise ExternalError(
                    f"Label Studio kept {made} of {many(len(batch), 'prediction')}. It drops those "
                    "whose labels the project does not have: run `second-coder label-studio "
                    "connect` to bring its labels up to date, then push again."
                )

    def update_prediction(self, prediction: int, result: Sequence[Mapping[str, Any]]) -> None:
        """Give a prediction other regions; it may be gone already."""
        with self._explained(f"changing prediction {prediction}"), AbsentIsNone():
            self._sdk.predictions.update(prediction, result=[dict(region) for region in result])

    def delete_prediction(self, prediction: int) -> None:
        """Remove a prediction; it may be gone already."""
        with self._explained(f"removing prediction {prediction}"), AbsentIsNone():
            self._sdk.predictions.delete(prediction)

    # Annotations

    def annotation(self, annotation: int) -> Annotation | None:
        """An annotation as it is now, None when it was deleted."""
        with self._explained(f"reading annotation {annotation}"), AbsentIsNone():
            return conversions.annotation(self._sdk.annotations.get(annotation), self._coder)
        return None

    def annotations(self, project: int) -> Iterator[Annotation]:
        """All annotations of a project, skips among them, in pages of tasks."""
        with self._explained(f"fetching the annotations of project {project}"):
            for task in self._sdk.tasks.list(
                project=project, fields="all", query=_WITH_ANNOTATIONS, page_size=PAGE
            ):
                for item in task.annotations or ():
                    yield conversions.annotation(item, self._coder)

    def submit(
        self,
        *,
        task: int,
        result: Sequence[Mapping[str, Any]],
        parent_prediction: int | None = None,
        was_cancelled: bool = False,
    ) -> Annotation:
        """Submit an annotation as the token's user, as Label Studio's page does."""
        with self._explained(f"submitting an annotation of task {task}"):
            made = self._sdk.annotations.create(
                task,
                result=[dict(region) for region in result],
                was_cancelled=was_cancelled,
                parent_prediction=parent_prediction,
                request_options=ONCE,
            )
            return conversions.annotation(self._sdk.annotations.get(made.id), self._coder)

    def update_annotation(
        self, annotation: int, result: Sequence[Mapping[str, Any]]
    ) -> Annotation | None:
        """Give an annotation other regions, everything else as it was; None where it is gone."""
        with self._explained(f"changing annotation {annotation}"), AbsentIsNone():
            self._sdk.annotations.update(annotation, result=[dict(region) for region in result])
            return conversions.annotation(self._sdk.annotations.get(annotation), self._coder)
        return None

    # Backends and webhooks

    def backends(self, project: int) -> tuple[Backend, ...]:
        """The model connections of a project; Label Studio tries each before it answers."""
        with self._explained(f"listing the model connections of project {project}"):
            return tuple(conversions.backend(item) for item in self._sdk.ml.list(project=project))

    def create_backend(self, project: int, settings: Mapping[str, Any]) -> None:
        """Connect a model; Label Studio calls it at once and refuses one that is down."""
        with self._explained(f"connecting {settings['url']} to project {project}"):
            self._sdk.ml.create(project=project, request_options=ONCE, **settings)

    def update_backend(self, backend: int, settings: Mapping[str, Any]) -> None:
        """Change a model connection."""
        with self._explained(f"changing model connection {backend}"):
            self._sdk.ml.update(backend, **settings)

    def delete_backend(self, backend: int) -> None:
        """Disconnect a model."""
        with self._explained(f"removing model connection {backend}"), AbsentIsNone():
            self._sdk.ml.delete(backend)

    def webhooks(self, project: int) -> tuple[Webhook, ...]:
        """The webhooks that fire for a project: its own and the organization's, oldest first."""
        with self._explained("listing webhooks"):
            found = [conversions.webhook(item) for item in self._sdk.webhooks.list()]
        return tuple(
            sorted(
                (hook for hook in found if hook.project in (project, None)),
                key=lambda hook: hook.id,
            )
        )

    def create_webhook(self, project: int, settings: Mapping[str, Any]) -> Webhook:
        """Make a webhook of a project."""
        with self._explained(f"making a webhook of project {project}"):
            return conversions.webhook(
                self._sdk.webhooks.create(project=project, request_options=ONCE, **settings)
            )

    def update_webhook(self, webhook: int, settings: Mapping[str, Any]) -> Webhook:
        """Change a webhook. What `settings` leaves out of `actions` is switched off."""
        with self._explained(f"changing webhook {webhook}"):
            return conversions.webhook(self._sdk.webhooks.update(webhook, **settings))

    def delete_webhook(self, webhook: int) -> None:
        """Remove a webhook."""
        with self._explained(f"removing webhook {webhook}"), AbsentIsNone():
            self._sdk.webhooks.delete(webhook)

    def _coder(self, user: int | None) -> str:
        if user is None:
            return "unknown"
        if user not in self._users:
            self.users()
        known = self._users.get(user)
        return known.email if known else f"user {user}"

    def _explained(self, doing: str) -> AbstractContextManager[None]:
        return explained(self.url, doing)

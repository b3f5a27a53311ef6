"""Make a project, its labels, the model connection and the webhook; again, change nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from annotations.errors import ExternalError
from service.label_studio.client import Client
from service.label_studio.records import Backend, Project, Webhook
from service.label_studio.refusals import Refused
from service.security import WEBHOOK_HEADER

TITLE = "Second Coder"
"""The name under which the model connection stands in a project."""

EVENTS = frozenset(
    {
        "ANNOTATION_CREATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_DELETED",
        "TASKS_DELETED",
        "PROJECT_UPDATED",
    }
)
"""The events that change something here. TASKS_CREATED, with every text in it, is not one."""

_SHORTEST, _LONGEST = 3, 50

SSRF_REMEDY = (
    "Label Studio refuses to call private addresses. Start it with "
    "SSRF_PROTECTION_ENABLED=false and ML_BLOCK_LOCAL_IP=false, or give the service "
    "a public address by --ml-url."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAddress:
    """Where Label Studio finds this service, and what both say to be believed.

    `url` is the study's backend as Label Studio sees it (`http://SERVICE/ml/STUDY`), `user` and
    `password` are for its calls, `secret` for its event webhooks, which send no credentials.
    """

    url: str
    user: str
    password: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def backend_url(self) -> str:
        """The address of the model connection."""
        return self.url.rstrip("/")

    @property
    def webhook_url(self) -> str:
        """Where events go; Label Studio itself derives it so."""
        return f"{self.backend_url}/webhook"


@dataclass(frozen=True, kw_only=True, slots=True)
class Connected:
    """A project, ready. Ids are None where no service address was given."""

    project: Project
    project_url: str
    created: bool
    backend_id: int | None
    webhook_id: int | None


def connect(
    client: Client,
    *,
    title: str,
    label_config: str,
    project_id: int | None = None,
    service: ServiceAddress | None = None,
    annotations_per_task: int | None = None,
) -> Connected:
    """Bring a project, its model connection and its webhook into the state we need.

    Without `project_id`, or when that project is gone, a project is made. Calling it again
    makes nothing new. Without `service` the project has neither connection nor webhook.
    Raises ExternalError, among others where Label Studio cannot reach the service.
    """
    found = None if project_id is None else client.project(project_id)
    settings: dict[str, Any] = {
        "label_config": label_config,
        # Coders see suggestions and start from a copy of them.
        "show_collab_predictions": True,
        # A coder who read everything and applied nothing submits an empty annotation.
        "enable_empty_annotation": True,
        "show_skip_button": True,
        # Asking on every page view is slow and stores duplicates; predictions are pushed.
        "evaluate_predictions_automatically": False,
        "reveal_preannotations_interactively": False,
    }
    if annotations_per_task is not None:
        settings["maximum_annotations"] = annotations_per_task
    if found is None:
        project = client.create_project(title=title_of(title), settings=settings)
    elif _differs(found, label_config, annotations_per_task):
        project = client.update_project(found.id, settings)
    else:
        project = found
    webhook = backend = None
    try:
        if service is not None:
            # Label Studio makes a webhook without credentials with each new connection, unless
            # one to that address is there. Ours comes first, so there is never such a one.
            webhook = _one_webhook(client, project.id, service)
            backend = _one_backend(client, project.id, service)
            project = _without_live_version(client, project.id)
    except ExternalError:
        if found is None:
            client.delete_project(project.id)
        raise
    return Connected(
        project=project,
        project_url=client.project_url(project.id),
        created=found is None,
        backend_id=backend.id if backend else None,
        webhook_id=webhook.id if webhook else None,
    )


def backend_is_ours(backend: Backend, service: ServiceAddress) -> bool:
    """Whether a model connection points to this service."""
    return backend.url.rstrip("/") == service.backend_url


def webhook_is_ours(webhook: Webhook, service: ServiceAddress) -> bool:
    """Whether a webhook points to this service."""
    return webhook.url.rstrip("/") == service.webhook_url


def title_of(study: str) -> str:
    """A study's name within the 3 to 50 characters that Label Studio asks for."""
    return (study if len(study.strip()) >= _SHORTEST else f"Study {study}")[:_LONGEST]


def _differs(project: Project, label_config: str, annotations_per_task: int | None) -> bool:
    return not (
        project.show_predictions
        and project.allow_empty
        and project.label_config.strip() == label_config.strip()
        and annotations_per_task in (None, project.annotations_per_task)
    )


def _one_webhook(client: Client, project: int, service: ServiceAddress) -> Webhook:
    # All of it each time: a change that leaves the actions out switches every action off.
    wanted: Mapping[str, Any] = {
        "url": service.webhook_url,
        "headers": {WEBHOOK_HEADER: service.secret},
        "actions": sorted(EVENTS),
        "send_for_all_actions": False,
        "send_payload": True,
        "is_active": True,
    }
    ours = [
        hook
        for hook in client.webhooks(project)
        if hook.project == project and webhook_is_ours(hook, service)
    ]
    for double in ours[1:]:
        client.delete_webhook(double.id)
    try:
        if ours:
            return client.update_webhook(ours[0].id, wanted)
        return client.create_webhook(project, wanted)
    except Refused as refused:
        raise _explained(refused) from refused


def _one_backend(client: Client, project: int, service: ServiceAddress) -> Backend:
    wanted = {
        "url": service.backend_url,
        "title": TITLE,
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": service.user,
        "basic_auth_pass": service.password,
        "is_interactive": False,
        "auto_update": True,
    }
    ours = None
    for backend in client.backends(project):
        if backend_is_ours(backend, service) and ours is None:
            ours = backend
        elif backend_is_ours(backend, service) or backend.title == TITLE:
            # Label Studio asks one connection alone, so an old address would shadow the new.
            client.delete_backend(backend.id)
            _drop_webhooks(client, project, f"{backend.url.rstrip('/')}/webhook", service)
    try:
        if ours is None:
            client.create_backend(project, wanted)
        else:
            client.update_backend(ours.id, {**wanted, "project": project})
    except Refused as refused:
        raise _explained(refused) from refused
    return next(item for item in client.backends(project) if backend_is_ours(item, service))


def _drop_webhooks(client: Client, project: int, url: str, service: ServiceAddress) -> None:
    for hook in client.webhooks(project):
        if hook.project == project and hook.url == url and not webhook_is_ours(hook, service):
            client.delete_webhook(hook.id)


def _without_live_version(client: Client, project: int) -> Project:
    """Undo what adding a connection does: naming it as the version whose predictions are shown."""
    found = client.project(project)
    if found is None:
        raise ExternalError(f"project {project} was deleted while it was being connected")
    if found.model_version == TITLE:
        return client.update_project(project, {"model_version": ""})
    return found


def _explained(refused: Refused) -> ExternalError:
    if refused.status == httpx.codes.FORBIDDEN and "network address" in refused.said:
        return ExternalError(SSRF_REMEDY)
    if "401 Client Error" in refused.said or "authentication parameters" in refused.said:
        return ExternalError(
            "Label Studio reaches the service but is not let in. See that no other service "
            "listens at that address and that `second-coder serve` runs with the same home and "
            "settings as this command, then connect again."
        )
    if "Enter a valid URL" in refused.said:
        return ExternalError(
            "Label Studio does not take the address of the service: the host of --ml-url needs a "
            "dot in its name, or is an IP address or localhost. Give the service such a name, and "
            "connect again."
        )
    if "health check failed" in refused.said:
        return ExternalError(
            "Label Studio cannot reach the service. Start it with `second-coder serve`, see that "
            "--ml-url is its address as Label Studio sees it, and connect again. "
            f"Label Studio says: {refused.said}"
        )
    return refused

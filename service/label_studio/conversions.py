"""The SDK's objects as our values."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from service.label_studio.records import Annotation, Backend, Prediction, Project, Webhook


def annotation(item: Any, coder_name: Callable[[int | None], str]) -> Annotation:
    """An annotation, whether listed with its task or read alone."""
    fields = cast(Mapping[str, Any], item if isinstance(item, Mapping) else item.dict())
    coder = fields.get("completed_by")
    if isinstance(coder, Mapping):
        coder = coder.get("id")
    coder_id = None if coder is None else int(coder)
    parent = fields.get("parent_prediction")
    lead_time = fields.get("lead_time")
    return Annotation(
        id=int(fields["id"]),
        task=int(fields["task"]),
        project=int(fields["project"]),
        coder_id=coder_id,
        coder=coder_name(coder_id),
        was_cancelled=bool(fields.get("was_cancelled")),
        parent_prediction=None if parent is None else int(parent),
        result=tuple(fields.get("result") or ()),
        lead_time=None if lead_time is None else float(lead_time),
        created_at=_time(fields["created_at"]),
        updated_at=_time(fields["updated_at"]),
    )


def _time(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def project(item: Any) -> Project:
    """A project as read alone."""
    return Project(
        id=int(item.id),
        title=str(item.title),
        label_config=str(item.label_config or ""),
        model_version=str(item.model_version or ""),
        show_predictions=bool(item.show_collab_predictions),
        allow_empty=bool(item.enable_empty_annotation),
        annotations_per_task=int(item.maximum_annotations or 1),
    )


def prediction(item: Any) -> Prediction:
    """A prediction as listed."""
    return Prediction(
        id=int(item.id),
        task=int(item.task),
        model_version=str(item.model_version or ""),
        result=tuple(item.result or ()),
        created_at=_time(item.created_at),
    )


def backend(item: Any) -> Backend:
    """A model connection as listed."""
    return Backend(
        id=int(item.id),
        url=str(item.url),
        title=str(item.title or ""),
        state=str(getattr(item.state, "value", item.state) or ""),
        error=str(item.error_message or ""),
        model_version=str(item.model_version or ""),
        is_interactive=bool(item.is_interactive),
        basic_auth=str(getattr(item.auth_method, "value", item.auth_method)) == "BASIC_AUTH",
        user=str(item.basic_auth_user or ""),
    )


def webhook(item: Any) -> Webhook:
    """A webhook as listed."""
    return Webhook(
        id=int(item.id),
        url=str(item.url),
        project=None if item.project is None else int(item.project),
        headers={str(name): str(value) for name, value in (item.headers or {}).items()},
        actions=frozenset(str(getattr(action, "value", action)) for action in item.actions or ()),
        all_actions=bool(item.send_for_all_actions),
        active=bool(item.is_active),
        payload=bool(item.send_payload),
    )

"""What Label Studio tells us and what we tell it, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Result = Sequence[Mapping[str, Any]]
"""Regions as Label Studio writes them in JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerInfo:
    """Which Label Studio answers, and whose token it accepted."""

    version: str
    edition: str
    user: str


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A member of the organization."""

    id: int
    email: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A project's settings, as far as this service cares.

    `model_version` is empty where none is chosen; coders see the predictions of that version.
    """

    id: int
    title: str
    label_config: str
    model_version: str
    show_predictions: bool
    allow_empty: bool
    annotations_per_task: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task and its data."""

    id: int
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPrediction:
    """What is shown on a task; an empty `result` is a look that suggested nothing."""

    task: int
    result: Result
    score: float | None
    model_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A prediction that Label Studio holds."""

    id: int
    task: int
    model_version: str
    result: Result
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """A coder's annotation. `was_cancelled` is a skip, which says nothing about any code."""

    id: int
    task: int
    project: int
    coder_id: int | None
    coder: str
    was_cancelled: bool
    parent_prediction: int | None
    result: Result
    lead_time: float | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A model connection of a project. `state` is as just tried by Label Studio itself."""

    id: int
    url: str
    title: str
    state: str
    error: str
    model_version: str
    is_interactive: bool
    basic_auth: bool
    user: str

    @property
    def connected(self) -> bool:
        """Whether health check, login and set-up all worked."""
        return self.state == "CO"


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A webhook; `project` None is one of the whole organization."""

    id: int
    url: str
    project: int | None
    headers: Mapping[str, str]
    actions: frozenset[str]
    all_actions: bool
    active: bool
    payload: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found: `ok` None means that it could not be checked."""

    name: str
    ok: bool | None
    message: str
    remedy: str = ""

"""What Label Studio 1.23 sends to a model backend and what it expects back.

Its bodies carry much more than is named here; what is not named is not looked at.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt

Json = dict[str, Any]


def number_of(value: object) -> int | None:
    """The id in what Label Studio writes for a project: 2, "2", "2.1795372841" or {"id": 2}.

    None where it is none of these.
    """
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, str):
        head = value.partition(".")[0]
        return int(head) if head.isascii() and head.isdigit() and len(head) < 19 else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return None


class HealthOut(BaseModel):
    """The service answers."""

    status: str = Field(default="UP", examples=["UP"])


class SetupIn(BaseModel):
    """Sent when a backend is added and before predictions are asked for."""

    project: str | StrictInt | None = Field(
        default=None, description='"ID.CREATED" of the project.', examples=["2.1795372841"]
    )


class SetupOut(BaseModel):
    """The version that predictions will carry."""

    model_version: str


class PredictIn(BaseModel):
    """Tasks that want predictions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tasks": [{"id": 1, "data": {"text": "It costs too much to get there"}}],
                    "project": "2.1795372841",
                    "label_config": '<View><Text name="text" value="$text"/><Taxonomy name="codes" '
                    'toName="text"><Choice value="Access"><Choice value="Cost"/></Choice>'
                    "</Taxonomy></View>",
                    "params": {"login": None, "password": None, "context": None},
                }
            ]
        }
    )

    tasks: list[Json] = Field(max_length=100_000)
    label_config: str = Field(max_length=10_000_000)
    project: str | StrictInt | None = None


class PredictionOut(BaseModel):
    """Regions for one task; empty where nothing is suggested or all is withheld."""

    result: list[Json]
    score: float
    model_version: str


class PredictOut(BaseModel):
    """One prediction a task, in the order of the tasks."""

    results: list[PredictionOut]
    model_version: str


class VersionsOut(BaseModel):
    """The versions that a study has."""

    versions: list[str]


class HookIn(BaseModel):
    """An event, or the Train button. All of it is a hint: only ids are taken from it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "ANNOTATION_CREATED",
                    "annotation": {"id": 7},
                    "task": {"id": 3},
                    "project": {"id": 2},
                }
            ]
        }
    )

    action: str = Field(max_length=100)
    project: Any = None
    annotation: Any = None
    annotations: Any = None

    @property
    def annotation_ids(self) -> tuple[int, ...]:
        """The annotations that something happened to, as far as the body tells."""
        found: set[int] = set()
        for named in (self.annotation, self.annotations):
            items = named if isinstance(named, list) else [named]
            found.update(number for item in items if (number := number_of(item)) is not None)
        return tuple(sorted(found))


class HookOut(BaseModel):
    """The event was taken in; `job` is the work that it asked for, if any."""

    status: str = Field(examples=["ok"])
    job: int | None = None

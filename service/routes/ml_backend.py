"""The protocol of a Label Studio model backend.

Every route is there twice: under `/ml/STUDY`, which is the address that `connect` gives to
Label Studio, and at the root, where the study is found by the project in the body.
`/health` and `/setup` come before every prediction and have 1 and 3 seconds: they load nothing.
"""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from annotations.errors import NotFound
from service import queue
from service.house import House
from service.logs import failure
from service.problems import wants_page
from service.security import WEBHOOK_HEADER, same
from service.serving import Here, Serving, for_backend, no_backend_caller
from service.wire import ERRORS
from service.wire_label_studio import (
    HealthOut,
    HookIn,
    HookOut,
    PredictIn,
    PredictOut,
    SetupIn,
    SetupOut,
    VersionsOut,
    number_of,
)
from service.workflows import predicting

log = logging.getLogger(__name__)

_ANNOTATION_EVENTS = frozenset(
    {"ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"}
)
_MANY = 1000
"""Above so many annotations in one event the whole project is looked at."""

StudyPath = Annotated[str, Path(description="The study's name.", examples=["trust"])]
_PREDICT_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": PredictIn.model_json_schema()}},
    }
}

health = APIRouter(tags=["Label Studio"])
by_study = APIRouter(prefix="/ml/{study}", tags=["Label Studio"], responses=ERRORS)
by_project = APIRouter(tags=["Label Studio, study found by its project"], responses=ERRORS)


@health.get("/", response_model=HealthOut)
async def is_here(request: Request) -> Any:
    """The service answers; a browser is led to the studies. Open to everybody."""
    return RedirectResponse("/studies", 303) if wants_page(request.headers) else HealthOut()


@health.get("/health")
async def is_up() -> HealthOut:
    """The service answers, whatever its models do. Open to everybody."""
    return HealthOut()


@health.get("/ml/{study}/")
@health.get("/ml/{study}")
@health.get("/ml/{study}/health")
async def is_up_for_study(_study: Annotated[str, Path(alias="study")]) -> HealthOut:
    """The service answers. Open to everybody, so it does not say which studies there are."""
    return HealthOut()


@by_study.post("/setup", dependencies=[for_backend])
def setup_study(serving: Here, study: StudyPath, _body: SetupIn) -> SetupOut:
    """The model version in use, equal to that of the predictions."""
    return SetupOut(model_version=predicting.version_in_use(serving.house, study))


@by_project.post("/setup", dependencies=[for_backend])
def setup_project(serving: Here, body: SetupIn) -> SetupOut:
    """The model version in use, equal to that of the predictions."""
    study = _study_of(serving.house, body.project)
    return SetupOut(model_version=predicting.version_in_use(serving.house, study))


@by_study.post(
    "/predict", dependencies=[for_backend], response_model=PredictOut, openapi_extra=_PREDICT_BODY
)
async def predict_study(serving: Here, study: StudyPath, request: Request) -> dict[str, Any]:
    """One prediction a task, in order; empty for the blind sample and without a model."""
    body = await request.body()
    return await serving.predicting(lambda: _predict(serving, study, body))


@by_project.post(
    "/predict", dependencies=[for_backend], response_model=PredictOut, openapi_extra=_PREDICT_BODY
)
async def predict_project(serving: Here, request: Request) -> dict[str, Any]:
    """One prediction a task, in order; empty for the blind sample and without a model."""
    body = await request.body()
    return await serving.predicting(lambda: _predict(serving, None, body))


@by_study.get("/versions", dependencies=[for_backend])
def versions_of_study(serving: Here, study: StudyPath) -> VersionsOut:
    """The model versions of the study, the newest first."""
    return VersionsOut(versions=list(predicting.versions(serving.house, study)))


@by_project.get("/versions", dependencies=[for_backend])
def versions_of_project(
    serving: Here, project: Annotated[str | None, Query(max_length=100)] = None
) -> VersionsOut:
    """The model versions of a project's study; none where Label Studio names no project."""
    if project is None:
        return VersionsOut(versions=[])
    study = _study_of(serving.house, project)
    return VersionsOut(versions=list(predicting.versions(serving.house, study)))


Secret = Annotated[str | None, Header(alias=WEBHOOK_HEADER, max_length=1000)]


@by_study.post("/webhook")
async def hook_of_study(
    serving: Here,
    study: StudyPath,
    body: HookIn,
    request: Request,
    later: BackgroundTasks,
    secret: Secret = None,
) -> HookOut:
    """Take in an event at once; the work is done by the worker, from what it fetches itself."""
    return await _hook(serving, study, body, request, later, secret)


@by_project.post("/webhook")
async def hook_of_project(
    serving: Here,
    body: HookIn,
    request: Request,
    later: BackgroundTasks,
    secret: Secret = None,
) -> HookOut:
    """Take in an event at once; the work is done by the worker, from what it fetches itself."""
    return await _hook(serving, None, body, request, later, secret)


@by_study.post("/train", dependencies=[for_backend])
def train_study(serving: Here, study: StudyPath) -> HookOut:
    """Ask for a training."""
    return HookOut(status="ok", job=queue.enqueue(serving.house, queue.TRAIN, study).id)


@by_project.post("/train", dependencies=[for_backend])
def train_project(serving: Here, body: SetupIn) -> HookOut:
    """Ask for a training."""
    study = _study_of(serving.house, body.project)
    return HookOut(status="ok", job=queue.enqueue(serving.house, queue.TRAIN, study).id)


def _predict(serving: Serving, study: str | None, body: bytes) -> dict[str, Any]:
    # A body of hundreds of transcripts is parsed here, in the thread, not in the event loop.
    try:
        wanted = PredictIn.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from None
    named = _study_of(serving.house, wanted.project) if study is None else study
    found = predicting.predict_tasks(
        serving.house,
        serving.models,
        named,
        tasks=wanted.tasks,
        label_config=wanted.label_config,
    )
    return {
        "results": [
            {"result": item.result, "score": item.score, "model_version": found.model_version}
            for item in found.predictions
        ],
        "model_version": found.model_version,
    }


async def _hook(
    serving: Serving,
    study: str | None,
    body: HookIn,
    request: Request,
    later: BackgroundTasks,
    secret: str | None,
) -> HookOut:
    project = number_of(body.project)
    trusted = serving.keys.open_backend(request.headers.get("authorization"))
    if body.action == "START_TRAINING":
        # Label Studio sends this one with its name and password, and waits for the answer.
        if not trusted:
            raise await serving.slowed(request, no_backend_caller())
        return await serving.noting(lambda: _start_training(serving.house, study, project))
    named = await run_in_threadpool(_connected, serving.house, study, project, secret, trusted)
    if named is None:
        raise await serving.slowed(request, no_backend_caller())
    if body.action in _ANNOTATION_EVENTS or body.action == "TASKS_DELETED":
        numbers = body.annotation_ids if body.action in _ANNOTATION_EVENTS else ()
        # The coder's page waits for the answer, the database may be busy: answer first.
        later.add_task(serving.noting, lambda: _note(serving.house, named, numbers))
    elif body.action == "PROJECT_UPDATED":
        # Its labels may have been edited: they are fetched and compared.
        later.add_task(serving.noting, lambda: _note_project(serving.house, named))
    return HookOut(status="ok")


def _note_project(house: House, study: str) -> None:
    try:
        queue.enqueue(house, queue.FOLLOW, study)
    except Exception as error:  # noqa: BLE001 - answered already; a lost hint is mended by sync
        log.error("an event was not noted: %s", failure(error))


def _start_training(house: House, study: str | None, project: int | None) -> HookOut:
    named = _study_of(house, project) if study is None else study
    return HookOut(status="ok", job=queue.enqueue(house, queue.TRAIN, named).id)


def _connected(
    house: House, study: str | None, project: int | None, secret: str | None, trusted: bool
) -> str | None:
    """The study whose project sent the event, None where the event cannot be believed."""
    with house.database.reading() as work:
        if study is not None:
            known = work.studies.exists(study)
            connections = [work.label_studio.connection(study)] if known else []
        elif project is not None:
            connections = list(work.label_studio.connections_of_project(project))
        else:
            connections = []
    for connection in connections:
        if connection is None or project not in (None, connection.project_id):
            continue
        if trusted or same(secret or "", connection.webhook_secret.get_secret_value()):
            return connection.study
    return None


def _note(house: House, study: str, numbers: tuple[int, ...]) -> None:
    try:
        if 0 < len(numbers) <= _MANY:
            payload = {"annotation_ids": list(numbers)}
            queue.enqueue(house, queue.SYNC_ANNOTATIONS, study, payload)
        else:
            queue.enqueue(house, queue.SYNC, study)
    except Exception as error:  # noqa: BLE001 - answered already; a lost hint is mended by sync
        log.error("an event was not noted: %s", failure(error))


def _study_of(house: House, project: object) -> str:
    number = number_of(project)
    with house.database.reading() as work:
        found = [] if number is None else work.label_studio.connections_of_project(number)
    if len(found) != 1:
        how_many = "No study is" if not found else "More than one study is"
        raise NotFound(
            f"{how_many} connected to a Label Studio project with this number. Connect one with "
            "`second-coder label-studio connect STUDY`, and give Label Studio the address "
            "http://THIS-SERVICE/ml/STUDY as its model backend."
        )
    return found[0].study

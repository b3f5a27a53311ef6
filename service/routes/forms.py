"""What pages start and choose: each form asks for one thing and goes back to a page."""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from annotations.errors import NotFound
from service import queue
from service.routes.jobs import Number
from service.routes.studies import StudyPath
from service.serving import FormSender, Here, Serving
from service.workflows import modelling
from service.workflows.proposing import decide_proposals

router = APIRouter(include_in_schema=False)


@router.post("/studies/{study}/jobs")
async def start_job(
    serving: Here,
    _sender: FormSender,
    study: StudyPath,
    kind: Annotated[Literal["train", "sync", "push"], Form()],
    full: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    """Ask for a training, a synchronisation or a push, and watch it."""
    payload = {"full": True} if full and kind == queue.TRAIN else None
    await serving.noting(lambda: queue.enqueue(serving.house, kind, study, payload))
    return _to(study, "jobs")


@router.post("/studies/{study}/jobs/{number}/cancel")
async def cancel_job(
    serving: Here, _sender: FormSender, study: StudyPath, number: Number
) -> RedirectResponse:
    """Ask a job to stop; one that is over stays as it is."""
    await serving.noting(lambda: _cancel(serving, study, number))
    return _to(study, "jobs")


@router.post("/studies/{study}/codebook/proposals")
async def decide(
    serving: Here,
    _sender: FormSender,
    study: StudyPath,
    decision: Annotated[Literal["accept", "decline"], Form()],
    numbers: Annotated[tuple[Number, ...], Form(max_length=1000)] = (),
) -> RedirectResponse:
    """Accept or decline edits that were found in Label Studio's labels."""
    accept = decision == "accept"
    await serving.noting(
        lambda: decide_proposals(
            serving.house, study, numbers, accept=accept, author="page", follow=True
        )
    )
    return _to(study, "codebook")


@router.post("/studies/{study}/models/{version}/use")
async def use_model(
    serving: Here, _sender: FormSender, study: StudyPath, version: str
) -> RedirectResponse:
    """Use this version from now on; an older one is a rollback."""
    await serving.noting(lambda: modelling.use_model(serving.house, study, version))
    return _to(study, "models")


def _cancel(serving: Serving, study: str, number: int) -> None:
    with serving.house.database.unit_of_work() as work:
        if work.jobs.get(number).study != study:
            raise NotFound(f"The study {study!r} has no job {number}.")
        work.jobs.cancel(number)
        work.commit()


def _to(study: str, page: str) -> RedirectResponse:
    return RedirectResponse(f"/studies/{quote(study, safe='')}/{page}", 303)

"""Slow work: start it, watch it, cancel it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from service import queue
from service.documents import document
from service.routes.studies import StudyPath
from service.serving import Here, for_api
from service.wire import ERRORS, JobIn, JobOut, JobsOut

router = APIRouter(prefix="/api/v1", tags=["jobs"], dependencies=[for_api], responses=ERRORS)

Number = Annotated[int, Path(ge=1, lt=2**31, description="The job's number.")]


@router.get("/studies/{study}/jobs", response_model=JobsOut)
def list_jobs(
    serving: Here,
    study: StudyPath,
    limit: Annotated[int, Query(ge=1, le=1000, description="So many at most.")] = 100,
) -> dict[str, Any]:
    """The study's jobs, the newest first. Of those that ended weeks ago, trainings are kept."""
    with serving.house.database.reading() as work:
        return {"jobs": document(work.jobs.list(study, limit=limit))}


@router.post("/studies/{study}/jobs", response_model=JobOut, status_code=202)
async def start_job(serving: Here, study: StudyPath, body: JobIn) -> Any:
    """Ask for a training, a synchronisation or a push. A waiting one of the kind is returned.

    A training refreshes the model in use where little changed since it was trained in full.
    """
    payload = {"full": True} if body.full and body.kind == queue.TRAIN else None
    return await serving.noting(
        lambda: document(queue.enqueue(serving.house, body.kind, study, payload))
    )


@router.get("/jobs/{number}", response_model=JobOut)
def show_job(serving: Here, number: Number) -> Any:
    """One job and how far it is."""
    with serving.house.database.reading() as work:
        return document(work.jobs.get(number))


@router.post("/jobs/{number}/cancel", response_model=JobOut)
async def cancel_job(serving: Here, number: Number) -> Any:
    """Ask a job to stop. One that is over stays as it is."""
    return await serving.noting(lambda: _cancel(serving, number))


def _cancel(serving: Here, number: int) -> Any:
    with serving.house.database.unit_of_work() as work:
        job = work.jobs.cancel(number)
        work.commit()
    return document(job)

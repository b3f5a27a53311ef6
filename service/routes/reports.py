"""How far to trust people and model."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from service.documents import document
from service.routes.studies import StudyPath
from service.serving import Here, for_api
from service.wire import ERRORS
from service.wire_reports import AgreementOut
from service.workflows.agreeing import agreement

router = APIRouter(prefix="/api/v1", tags=["reports"], dependencies=[for_api], responses=ERRORS)


@router.get("/studies/{study}/agreement", response_model=AgreementOut)
async def report_agreement(
    serving: Here,
    study: StudyPath,
    unit: Annotated[Literal["segment", "turn"], Query(description="What is compared.")] = "segment",
) -> Any:
    """Agreement between coders, and of the model with them, with 95% intervals."""
    return await serving.reporting(lambda: document(agreement(serving.house, study, unit=unit)))

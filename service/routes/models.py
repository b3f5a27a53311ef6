"""A study's model versions."""

from typing import Any

from fastapi import APIRouter

from service.documents import document
from service.routes.studies import StudyPath
from service.serving import Here, for_api
from service.wire import ERRORS, UseModelIn
from service.wire_reports import ModelOut, ModelsOut
from service.workflows import modelling

router = APIRouter(prefix="/api/v1", tags=["models"], dependencies=[for_api], responses=ERRORS)


@router.get("/studies/{study}/models", response_model=ModelsOut)
def list_models(serving: Here, study: StudyPath) -> dict[str, Any]:
    """All versions with their held-out figures."""
    return {"models": document(modelling.list_models(serving.house, study))}


@router.put("/studies/{study}/models", response_model=ModelOut)
def use_model(serving: Here, study: StudyPath, body: UseModelIn) -> Any:
    """Use this version from now on; an older one is a rollback."""
    return document(modelling.use_model(serving.house, study, body.version))

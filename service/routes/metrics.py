"""Figures for Prometheus, which sends the API token as its bearer token."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.serving import Here, for_api

router = APIRouter(include_in_schema=False, dependencies=[for_api])


@router.get("/metrics")
def metrics(serving: Here) -> Response:
    """Requests, jobs, suggestions and model loads in Prometheus' text format."""
    return Response(serving.metrics.text(), media_type=CONTENT_TYPE_LATEST)

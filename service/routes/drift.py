"""Drift as a document for programs, and as a page for people."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from annotations.errors import StateError
from service.documents import document
from service.routes.counts import attributes, attributes_of
from service.routes.pages import Chosen, chosen, extent, show
from service.routes.reports import CodebookVersion
from service.routes.studies import StudyPath
from service.serving import Caller, Here, PageCaller, Serving, for_api
from service.wire import ERRORS
from service.wire_drift import DriftOut
from service.workflows import drifting

router = APIRouter(prefix="/api/v1", tags=["reports"], dependencies=[for_api], responses=ERRORS)
pages = APIRouter(include_in_schema=False)

By = Annotated[
    Literal["wave", "date", "coder", "codebook"],
    Query(description="What tells the waves; by coder, only the coders are asked about."),
]
Attribute = Annotated[
    str | None,
    Query(max_length=200, description="The attribute that holds waves or dates."),
]
Adjust = Annotated[
    str,
    Query(
        max_length=1000,
        description="Attributes to hold constant, separated by commas.",
        examples=["trust,group"],
    ),
]
Held = Annotated[tuple[str, ...], Query(max_length=20)]


@router.get("/studies/{study}/drift", response_model=DriftOut)
async def report_drift(
    serving: Here,
    study: StudyPath,
    by: By = "wave",
    attribute: Attribute = None,
    adjust: Adjust = "",
    codebook: CodebookVersion = None,
) -> Any:
    """What moved between waves: use and meaning of codes, coders, the model, the texts."""
    return await serving.reporting(
        lambda: document(
            drifting.drift(
                serving.house,
                study,
                by=by,
                attribute=attribute,
                adjust=attributes(adjust),
                codebook=codebook,
            )
        )
    )


@pages.get("/studies/{study}/drift")
async def show_drift(
    serving: Here,
    caller: PageCaller,
    study: StudyPath,
    by: By = "wave",
    attribute: Attribute = None,
    adjust: Held = (),
    codebook: Chosen = "",
) -> HTMLResponse:
    """The drift report, with what may be chosen."""
    return await serving.reporting(
        lambda: _page(serving, caller, study, by, attribute or None, adjust, chosen(codebook))
    )


def _page(
    serving: Serving,
    caller: Caller,
    study: str,
    by: str,
    attribute: str | None,
    adjust: tuple[str, ...],
    codebook: int | None,
) -> HTMLResponse:
    with serving.house.database.reading() as work:
        transcripts = work.overviews.transcripts(study)
    known = sorted({name for item in transcripts for name in item.attributes})
    adjust = attributes_of(adjust, known)
    report, problem = None, None
    try:
        report = serving.pages.drift(
            serving.house, study, by=by, attribute=attribute, adjust=adjust, codebook=codebook
        )
    except StateError as refusal:
        # What is missing is said beside the form that mends it.
        problem = str(refusal)
    return show(
        serving,
        caller,
        "drift_in_frame.html",
        "Drift",
        study,
        "drift",
        ways=drifting.WAYS,
        by=by,
        attribute=attribute,
        adjust=adjust,
        codebook=codebook,
        attributes=known,
        report=report,
        problem=problem,
        **extent(serving, study),
    )

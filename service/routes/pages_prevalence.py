"""The page of prevalence: choose attributes and population, and see shares with intervals."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from annotations.errors import StateError
from service.routes.counts import attributes_of
from service.routes.pages import Chosen, chosen, extent, show
from service.routes.reports import Of, ShareUnit
from service.routes.studies import StudyPath
from service.serving import Caller, Here, PageCaller, Serving

router = APIRouter(include_in_schema=False)

By = Annotated[tuple[str, ...], Query(max_length=20)]


@router.get("/studies/{study}/prevalence")
async def show_prevalence(
    serving: Here,
    caller: PageCaller,
    study: StudyPath,
    by: By = (),
    unit: ShareUnit = "segments",
    of: Of = "these-interviews",
    level: Chosen = "",
) -> HTMLResponse:
    """How common each code is, from the model's coding and the sample that people coded."""
    return await serving.reporting(
        lambda: _prevalence(serving, caller, study, by, unit, of, chosen(level))
    )


def _prevalence(
    serving: Serving,
    caller: Caller,
    study: str,
    by: tuple[str, ...],
    unit: str,
    of: str,
    level: int | None,
) -> HTMLResponse:
    with serving.house.database.reading() as work:
        transcripts = work.overviews.transcripts(study)
    known = sorted({name for item in transcripts for name in item.attributes})
    named = attributes_of(by, known)
    report, problem = None, None
    try:
        report = serving.pages.prevalence(
            serving.house, study, by=named, unit=unit, of=of, level=level
        )
    except StateError as refusal:
        # What is missing is said beside the form, as on the page of drift.
        problem = str(refusal)
    return show(
        serving,
        caller,
        "prevalence_in_frame.html",
        "Prevalence",
        study,
        "prevalence",
        report=report,
        problem=problem,
        attributes=known,
        chosen=named,
        unit=unit,
        of=of,
        level=level,
        **extent(serving, study),
    )

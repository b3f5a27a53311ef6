"""Pages for people: what a browser opens."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.routes.reports import Expertise, Level, Unit
from service.routes.studies import StudyPath
from service.serving import Here, for_page
from service.wire import ERRORS

router = APIRouter(tags=["pages"], dependencies=[for_page], responses=ERRORS)


@router.get("/studies/{study}/agreement", response_class=HTMLResponse)
async def show_agreement(
    serving: Here,
    study: StudyPath,
    unit: Unit = "segment",
    level: Level = None,
    expertise: Expertise = "skilled",
) -> HTMLResponse:
    """The reliability report; a browser asks for a name (any) and the API token as password."""
    page = await serving.reporting(
        lambda: serving.pages.agreement(
            serving.house, study, unit=unit, level=level, expertise=expertise
        )
    )
    return HTMLResponse(page.html, headers={"content-security-policy": page.policy})

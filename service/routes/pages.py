"""Pages for people: what a browser opens."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from service.routes.reports import Expertise, Level, Unit
from service.routes.studies import StudyPath
from service.serving import Here, for_page
from service.wire import PAGE_ERRORS

router = APIRouter(tags=["pages"], dependencies=[for_page], responses=PAGE_ERRORS)


# Only the page itself is HTML, errors are JSON as everywhere: a class of its own would say that
# both are.
@router.get(
    "/studies/{study}/agreement",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
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

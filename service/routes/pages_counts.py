"""Pages of counts: choose attributes, and see the table with its chart."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from service.documents import document
from service.routes.counts import attributes_of
from service.routes.pages import show
from service.routes.studies import StudyPath
from service.serving import Caller, Here, PageCaller, Serving
from service.web.figures import Node
from service.workflows import counting

router = APIRouter(include_in_schema=False)

# The model's are left out: they hold what is withheld.
Whose = Literal["people", "majority"]
By = Annotated[tuple[str, ...], Query(max_length=20)]


@router.get("/studies/{study}/matrix")
async def show_matrix(
    serving: Here, caller: PageCaller, study: StudyPath, by: By = (), whose: Whose = "people"
) -> HTMLResponse:
    """References by code and attribute."""
    return await serving.reporting(lambda: _matrix(serving, caller, study, by, whose))


@router.get("/studies/{study}/cooccurrence")
async def show_cooccurrence(
    serving: Here, caller: PageCaller, study: StudyPath, whose: Whose = "people"
) -> HTMLResponse:
    """The codes that meet on a segment."""
    return await serving.reporting(lambda: _cooccurrence(serving, caller, study, whose))


def _matrix(
    serving: Serving, caller: Caller, study: str, by: tuple[str, ...], whose: Whose
) -> HTMLResponse:
    # Drawing takes a second to import.
    from service.web.counts_page import matrix_section

    with serving.house.database.reading() as work:
        transcripts = work.overviews.transcripts(study)
    known = sorted({name for item in transcripts for name in item.attributes})
    chosen = attributes_of(by, known)
    found = Node.root(document(counting.matrix(serving.house, study, by=chosen, coded_by=whose)))
    return show(
        serving,
        caller,
        "counts_in_frame.html",
        "Matrix",
        study,
        "matrix",
        section=matrix_section(found),
        notes=list(found["notes"]),
        attributes=known,
        chosen=chosen,
        whose=whose,
    )


def _cooccurrence(serving: Serving, caller: Caller, study: str, whose: Whose) -> HTMLResponse:
    from service.web.counts_page import cooccurrence_section

    found = Node.root(document(counting.cooccurrence(serving.house, study, coded_by=whose)))
    return show(
        serving,
        caller,
        "counts_in_frame.html",
        "Co-occurrence",
        study,
        "cooccurrence",
        section=cooccurrence_section(found),
        notes=list(found["notes"]),
        attributes=[],
        chosen=[],
        whose=whose,
    )

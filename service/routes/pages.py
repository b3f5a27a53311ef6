"""Pages for people: what a browser opens."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from annotations.codebook import SEPARATOR
from service.routes.reports import Expertise, Unit
from service.routes.studies import StudyPath
from service.serving import Caller, Here, PageCaller, Serving
from service.web.cards import card_html
from service.web.layout import PAGE_HEADERS, Frame, page
from service.wire import PAGE_ERRORS
from service.workflows import glancing, model_views, modelling, studying
from service.workflows.comparing import TURNS, show_transcript
from service.workflows.explaining import explain_codebook
from service.workflows.glancing import RecentJobs
from service.workflows.proposing import list_proposals

router = APIRouter(tags=["pages"], responses=PAGE_ERRORS)

Chosen = Annotated[str, Query(pattern="^([1-9][0-9]{0,8})?$")]
"""A number that a form's list offers, or nothing."""

Text = Annotated[str, Query(max_length=2000)]


@router.get("/studies", include_in_schema=False)
def show_studies(serving: Here, caller: PageCaller) -> HTMLResponse:
    """All studies."""
    found = studying.list_studies(serving.house)
    return show(serving, caller, "studies.html", "Studies", studies=found)


@router.get("/studies/{study}", include_in_schema=False)
async def show_study(serving: Here, caller: PageCaller, study: StudyPath) -> HTMLResponse:
    """A study at a glance. The first look after somebody coded computes the coders' agreement."""
    return await serving.reporting(lambda: _study(serving, caller, study))


def _study(serving: Serving, caller: Caller, study: str) -> HTMLResponse:
    found = glancing.glance(serving.house, study)
    attention = (*found.attention, *serving.pages.weak_pairs(serving.house, study))
    return show(
        serving,
        caller,
        "study.html",
        "At a glance",
        study,
        "study",
        glance=found,
        attention=attention,
        **_jobs(found.jobs, few=True),
    )


@router.get("/studies/{study}/codebook", include_in_schema=False)
def show_codebook(serving: Here, caller: PageCaller, study: StudyPath) -> HTMLResponse:
    """The codes with definitions, excerpts and figures."""
    book = explain_codebook(serving.house, study)
    found = list_proposals(serving.house, study).proposals
    return show(
        serving, caller, "codebook.html", "Codebook", study, "codebook", book=book, proposals=found
    )


@router.get("/studies/{study}/codebook/done", include_in_schema=False)
async def show_settling(serving: Here, caller: PageCaller, study: StudyPath) -> HTMLResponse:
    """Whether the codebook has settled, and what no code fits."""
    part = await serving.reporting(lambda: serving.pages.settling(serving.house, study))
    title = "Is the codebook done?"
    return show(serving, caller, "settling.html", title, study, "codebook", part=part)


@router.get("/studies/{study}/transcripts", include_in_schema=False)
def show_transcripts(serving: Here, caller: PageCaller, study: StudyPath) -> HTMLResponse:
    """All transcripts."""
    lines = glancing.list_transcripts(serving.house, study)
    return show(
        serving, caller, "transcripts.html", "Transcripts", study, "transcripts", lines=lines
    )


@router.get("/studies/{study}/transcript", include_in_schema=False)
def show_one_transcript(
    serving: Here,
    caller: PageCaller,
    study: StudyPath,
    name: Text,
    code: Text = "",
    coded: bool = False,
    first: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> HTMLResponse:
    """One transcript with everybody's codings side by side."""
    view = show_transcript(
        serving.house, study, name, code=code or None, coded_only=coded, first=first
    )
    return show(
        serving,
        caller,
        "transcript.html",
        view.transcript.name,
        study,
        "transcripts",
        view=view,
        code=code,
        codes=list(dict.fromkeys((*view.codes, *([code] if code else [])))),
        coded=coded,
        size=TURNS,
    )


# Only the page itself is HTML, errors are JSON as everywhere: a class of its own would say that
# both are.
@router.get(
    "/studies/{study}/agreement",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def show_agreement(
    serving: Here,
    caller: PageCaller,
    study: StudyPath,
    unit: Unit = "segment",
    level: Chosen = "",
    expertise: Expertise = "skilled",
    codebook: Chosen = "",
) -> HTMLResponse:
    """The reliability report as a page; a browser logs in first, a program sends the token."""

    def made() -> HTMLResponse:
        version, number = chosen(codebook), chosen(level)
        report = serving.pages.agreement(
            serving.house, study, unit=unit, level=number, expertise=expertise, codebook=version
        )
        return show(
            serving,
            caller,
            "agreement.html",
            "Agreement",
            study,
            "agreement",
            report=report,
            unit=unit,
            expertise=expertise,
            level=number,
            codebook=version,
            **extent(serving, study),
        )

    return await serving.reporting(made)


@router.get("/studies/{study}/models", include_in_schema=False)
def show_models(serving: Here, caller: PageCaller, study: StudyPath) -> HTMLResponse:
    """All model versions."""
    models = modelling.list_models(serving.house, study)
    return show(serving, caller, "models.html", "Models", study, "models", models=models)


@router.get("/studies/{study}/models/{version}", include_in_schema=False)
def show_model(serving: Here, caller: PageCaller, study: StudyPath, version: str) -> HTMLResponse:
    """One model version with its card."""
    view = model_views.show_model(serving.house, study, version)
    return show(
        serving,
        caller,
        "model.html",
        f"Model {version}",
        study,
        "models",
        view=view,
        card=card_html(view.card),
    )


@router.get("/studies/{study}/compare", include_in_schema=False)
def compare_models(
    serving: Here, caller: PageCaller, study: StudyPath, one: Text, other: Text
) -> HTMLResponse:
    """Two model versions side by side."""
    two = model_views.compare_models(serving.house, study, one, other)
    return show(serving, caller, "compare.html", "Two models", study, "models", two=two)


@router.get("/studies/{study}/jobs", include_in_schema=False)
def show_jobs(serving: Here, caller: PageCaller, study: StudyPath) -> HTMLResponse:
    """The jobs of a study, as many as one looks through."""
    with serving.house.database.reading() as work:
        found = glancing.recent_jobs(work, study, few=False)
        connected = work.label_studio.connection(study) is not None
    return show(
        serving,
        caller,
        "jobs.html",
        "Jobs",
        study,
        "jobs",
        connected=connected,
        **_jobs(found, few=False),
    )


@router.get("/studies/{study}/jobs/now", include_in_schema=False)
def show_jobs_now(
    serving: Here, caller: PageCaller, study: StudyPath, few: bool = False
) -> HTMLResponse:
    """The table of jobs alone, which the page fetches again while one moves."""
    with serving.house.database.reading() as work:
        found = glancing.recent_jobs(work, study, few=few)
    return show(serving, caller, "_jobs.html", "Jobs", study, "jobs", **_jobs(found, few=few))


def _jobs(jobs: RecentJobs, *, few: bool) -> dict[str, Any]:
    """What the table of jobs is made from. `news` is read out when it changes."""
    shown = (*jobs.waiting, *jobs.over)
    if jobs.waiting:
        news = "; ".join(f"{job.kind} {job.state}" for job in jobs.waiting)
    elif jobs.over:
        news = f"The last job, {jobs.over[0].kind}, is {jobs.over[0].state}."
    else:
        news = ""
    return {
        "jobs": shown if few else sorted(shown, key=lambda job: job.id, reverse=True),
        "few": few,
        "cut": not few and len(jobs.over) == glancing.MANY,
        "moving": bool(jobs.waiting),
        "news": news,
    }


def chosen(number: str) -> int | None:
    """What was chosen in a list of numbers; None where it was left alone."""
    return int(number) if number else None


def extent(serving: Serving, study: str) -> dict[str, int]:
    """How many levels the codes in the codebook have, and the number of its newest version."""
    with serving.house.database.reading() as work:
        paths = work.studies.codes_applied(study)
        newest = work.codebooks.number(study)
    return {
        "depth": max((path.count(SEPARATOR) + 1 for path in paths), default=1),
        "newest": newest,
    }


def show(
    serving: Serving,
    caller: Caller,
    template: str,
    title: str,
    study: str | None = None,
    here: str = "",
    **content: Any,
) -> HTMLResponse:
    """Lay out a page in its frame."""
    with serving.house.database.reading() as work:
        studies = work.studies.names()
    frame = Frame(
        title=title,
        here=here,
        study=study,
        studies=studies,
        form_token=caller.form_token,
        logged_in=caller.session is not None,
    )
    return HTMLResponse(page(template, frame, **content), headers=dict(PAGE_HEADERS))

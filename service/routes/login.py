"""The way in and out of the pages, and the files that pages load."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from annotations.numerals import many
from service.serving import FormSender, Here, address_of, own_form
from service.sessions import COOKIE, HOURS, place_within
from service.web.layout import PAGE_HEADERS, Frame, asset, page

router = APIRouter(include_in_schema=False)


@router.get("/login")
def show_login(asked: Annotated[str, Query(alias="next", max_length=4000)] = "") -> HTMLResponse:
    """The form that takes the API token."""
    return _form(asked, message="", status=200)


@router.post("/login", dependencies=[own_form])
def log_in(
    serving: Here,
    request: Request,
    token: Annotated[str, Form(max_length=1000)] = "",
    asked: Annotated[str, Form(alias="next", max_length=4000)] = "",
) -> Response:
    """Begin a session, and go where the browser was on its way to."""
    address = address_of(request)
    wait = serving.attempts.wait(address)
    if wait:
        message = f"Too many wrong tokens. Wait {many(wait, 'second')}, then try again."
        refused = _form(asked, message=message, status=429)
        refused.headers["retry-after"] = str(wait)
        return refused
    if not serving.keys.is_token(token.strip()):
        serving.attempts.failed(address)
        return _form(asked, message="This is not the API token.", status=401)
    serving.attempts.succeeded(address)
    response = RedirectResponse(place_within(asked), 303)
    response.set_cookie(
        COOKIE,
        serving.sessions.begin(),
        max_age=HOURS * 3600,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


@router.post("/logout")
def log_out(serving: Here, caller: FormSender) -> Response:
    """End the session here and in the browser."""
    if caller.session is not None:
        serving.sessions.end(caller.session)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


@router.get("/assets/{name}")
def load_asset(name: str) -> Response:
    """A file that pages load. Open to everybody: the login needs it, and it is the same for all."""
    found = asset(name)
    if found is None:
        raise HTTPException(404, f"There is no file {name!r} that pages load.")
    return Response(
        found.content,
        media_type=found.media_type,
        # Its address changes with its content.
        headers={"cache-control": "public, max-age=31536000, immutable"},
    )


def _form(asked: str, *, message: str, status: int) -> HTMLResponse:
    frame = Frame(title="Log in", here="", study=None, studies=(), form_token="", logged_in=False)
    html = page("login.html", frame, message=message, next=place_within(asked), hours=HOURS)
    return HTMLResponse(html, status, headers=dict(PAGE_HEADERS))

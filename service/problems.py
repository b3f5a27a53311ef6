"""Every error that leaves the service over HTTP, in one shape and from one place."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from annotations.errors import (
    ArtifactError,
    DatabaseRefused,
    ExternalError,
    InputError,
    NotFound,
    NothingCoded,
    SecondCoderError,
    SettingsError,
    StateError,
)
from service.wire import ErrorBody, ErrorOut

log = logging.getLogger(__name__)

_STATUSES: tuple[tuple[type[SecondCoderError], int, str], ...] = (
    (NotFound, 404, "not_found"),
    (InputError, 422, "bad_input"),
    (StateError, 409, "not_ready"),
    (ExternalError, 502, "other_system"),
    (ArtifactError, 500, "damaged_model"),
    (SettingsError, 500, "bad_settings"),
    (SecondCoderError, 500, "failed"),
)

_UNREADABLE = "There was an error parsing the body"
"""What the framework says of a body that is no UTF-8, or nested beyond reading."""

_CODES = {
    400: "bad_request",
    401: "not_allowed",
    403: "not_allowed",
    404: "not_found",
    405: "no_such_method",
    413: "too_large",
    415: "wrong_content_type",
    422: "bad_input",
    429: "too_many",
    502: "other_system",
}


class LoginNeeded(HTTPException):
    """A page was asked for by somebody who is not logged in: a browser is shown the login."""

    def __init__(self) -> None:
        super().__init__(
            401,
            "The API token is missing or wrong. Log in at /login, or give any name, and the "
            "token as password; it is SECOND_CODER_API_TOKEN or, where that is not set, in the "
            "file `token` of the home.",
            {"WWW-Authenticate": 'Basic realm="Second Coder, API token", charset="UTF-8"'},
        )


def problem(
    status: int,
    message: str,
    *,
    code: str | None = None,
    detail: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A response in the one error shape."""
    body = ErrorBody(
        error=ErrorOut(code=code or _CODES.get(status, "failed"), message=message, detail=detail)
    )
    return JSONResponse(
        body.model_dump(mode="json", exclude_none=True), status, headers=dict(headers or {})
    )


def wants_page(headers: Headers) -> bool:
    """Whether the caller is a browser that shows pages; programs ask for JSON, or for anything."""
    accepted = [part.partition(";")[0].strip() for part in headers.get("accept", "").split(",")]
    if "text/html" not in accepted:
        return False
    return "application/json" not in accepted[: accepted.index("text/html")]


def answer(
    asked: Headers,
    status: int,
    message: str,
    *,
    code: str | None = None,
    detail: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
    study: str | None = None,
) -> Response:
    """The error in its one shape, or the same as a page where a browser asks.

    `study` is one that there is: the page leads to its other pages.
    """
    if not wants_page(asked):
        return problem(status, message, code=code, detail=detail, headers=headers)
    from service.web.layout import PAGE_HEADERS, error_page

    html = error_page(status, message, detail or [], study=study)
    return HTMLResponse(html, status, headers={**(headers or {}), **PAGE_HEADERS})


def add_problem_handlers(app: FastAPI) -> None:
    """Map the project's errors, and the framework's, to responses."""
    app.add_exception_handler(SecondCoderError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def status_of(error: SecondCoderError) -> tuple[int, str]:
    """The HTTP status and the code of an error of the hierarchy."""
    return next((status, code) for kind, status, code in _STATUSES if isinstance(error, kind))


def told(error: SecondCoderError) -> str:
    """What a caller over HTTP is told of an error of the hierarchy; the log has the rest."""
    if isinstance(error, DatabaseRefused):
        # It names host, user and database, and a webhook's sender is only known by asking there.
        log.error("%s", " ".join(str(error).split()))
        return "The database cannot be reached; the log says more."
    status, _ = status_of(error)
    if status >= 500:
        # The message is for the caller: it may quote a path or what another system said.
        log.error("%s answered as %s", type(error).__name__, status)
    return str(error)


async def _known(request: Request, error: Exception) -> Response:
    if not isinstance(error, SecondCoderError):
        raise error
    status, code = status_of(error)
    if isinstance(error, NothingCoded) and request.method == "GET" and wants_page(request.headers):
        # No fault of the reader's: the page is there, and says how it will fill.
        status = 200
    detail = None
    if isinstance(error, InputError):
        detail = [
            {"where": item.file, "line": item.line, "message": item.message}
            for item in error.problems
        ]
    return answer(
        request.headers,
        status,
        told(error),
        code=code,
        detail=detail,
        # Where the state is to blame there is such a study.
        study=request.path_params.get("study") if isinstance(error, StateError) else None,
    )


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error, LoginNeeded) and wants_page(request.headers):
        return _to_login(request)
    message = str(error.detail)
    if error.status_code == 404 and message == "Not Found":
        message = "There is nothing at this address. Begin at /studies, or see /openapi.json."
    if error.status_code == 400 and message == _UNREADABLE:
        message = "The body cannot be read. Send JSON in UTF-8."
    if error.status_code == 405:
        message = f"{message}. /openapi.json lists what each address takes."
    return answer(request.headers, error.status_code, message, headers=error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # The values given are left out: they may be speech, and logs of clients keep bodies.
    detail = [
        {"where": ".".join(str(part) for part in item["loc"]) or "body", "message": item["msg"]}
        for item in error.errors()
    ]
    first = detail[0] if detail else {"where": "the request", "message": "not readable"}
    return answer(request.headers, 422, f"{first['where']}: {first['message']}", detail=detail)


def _to_login(request: Request) -> Response:
    """The login, from which a browser comes back to what it asked for."""
    # What a form wanted is not done later on: its page is shown again.
    asked = request.url.path if request.method == "GET" else "/studies"
    if request.method == "GET" and request.url.query:
        asked += f"?{request.url.query}"
    return RedirectResponse(f"/login?{urlencode({'next': asked})}", 303)

"""Every error that leaves the service over HTTP, in one shape and from one place."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from annotations.errors import (
    ArtifactError,
    ExternalError,
    InputError,
    NotFound,
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
    404: "not_found",
    405: "no_such_method",
    413: "too_large",
    415: "wrong_content_type",
    422: "bad_input",
}


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


def add_problem_handlers(app: FastAPI) -> None:
    """Map the project's errors, and the framework's, to responses."""
    app.add_exception_handler(SecondCoderError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def status_of(error: SecondCoderError) -> tuple[int, str]:
    """The HTTP status and the code of an error of the hierarchy."""
    return next((status, code) for kind, status, code in _STATUSES if isinstance(error, kind))


async def _known(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, SecondCoderError):
        raise error
    status, code = status_of(error)
    if status >= 500:
        # The message is for the caller: it may quote a path or what another system said.
        log.error("%s answered as %s", type(error).__name__, status)
    detail = None
    if isinstance(error, InputError):
        detail = [
            {"where": item.file, "line": item.line, "message": item.message}
            for item in error.problems
        ]
    return problem(status, str(error), code=code, detail=detail)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    message = str(error.detail)
    if error.status_code == 404 and message == "Not Found":
        message = "There is nothing at this address. /openapi.json lists what there is."
    if error.status_code == 400 and message == _UNREADABLE:
        message = "The body cannot be read. Send JSON in UTF-8."
    if error.status_code == 405:
        message = f"{message}. /openapi.json lists what each address takes."
    return problem(error.status_code, message, headers=error.headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    # The values given are left out: they may be speech, and logs of clients keep bodies.
    detail = [
        {"where": ".".join(str(part) for part in item["loc"]) or "body", "message": item["msg"]}
        for item in error.errors()
    ]
    first = detail[0] if detail else {"where": "the request", "message": "not readable"}
    return problem(422, f"{first['where']}: {first['message']}", detail=detail)

"""What Label Studio or the network between us refused, in words that say what to do."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import httpx
from label_studio_sdk.core.api_error import ApiError

from annotations.errors import ExternalError

_TAGS = re.compile(r"<[^>]*>")


class Refused(ExternalError):
    """Label Studio answered, but not with what was asked for.

    `status` is the HTTP status. The message has Label Studio's own words, never its headers.
    """

    def __init__(self, url: str, doing: str, status: int | None, body: Any) -> None:
        self.status = status
        self.said = _words(body)
        super().__init__(f"Label Studio at {url}, {doing}: {_meaning(status, self.said)}")


def _meaning(status: int | None, said: str) -> str:
    if status == httpx.codes.UNAUTHORIZED:
        return (
            f"the token is not accepted ({said}). Copy a personal access token from Account & "
            "Settings in Label Studio and run `second-coder label-studio connect` with it."
        )
    if status == httpx.codes.FORBIDDEN:
        return f"not allowed ({said}). Use the token of a user who may change the project."
    if status == httpx.codes.NOT_FOUND:
        return (
            f"not found ({said}). It was deleted there, or this is another server: "
            "`second-coder label-studio connect` makes the project again."
        )
    if status is not None and status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return f"it failed with status {status} ({said}). Its own log says why; then try again."
    return f"refused with status {status}: {said}"


def _words(body: Any) -> str:
    if isinstance(body, Mapping):
        parts = [str(body.get("detail") or "")]
        errors = body.get("validation_errors")
        if isinstance(errors, Mapping):
            for name, messages in errors.items():
                listed = messages if isinstance(messages, list) else [messages]
                parts.append(f"{name}: {' '.join(str(message) for message in listed)}")
        return _TAGS.sub("", "; ".join(part for part in parts if part)) or "no reason given"
    text = str(body or "")
    if "<html" in text.lower():
        return "it answered with a web page; is this a Label Studio?"
    return text[:300] or "no reason given"


class AbsentIsNone:
    """Passes over what Label Studio does not have."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """End, hiding a 404 and nothing else."""
        return isinstance(error, ApiError) and error.status_code == httpx.codes.NOT_FOUND


@contextmanager
def explained(url: str, doing: str) -> Iterator[None]:
    """Turn whatever goes wrong into an ExternalError."""
    try:
        yield
    except ApiError as error:
        raise Refused(url, doing, error.status_code, error.body) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ExternalError(
            f"{url!r} is not the address of a Label Studio: give one like http://127.0.0.1:8080."
        ) from error
    except httpx.TimeoutException as error:
        raise ExternalError(
            f"Label Studio at {url} did not answer in time while {doing}. "
            "See that it is well, then try again."
        ) from error
    except httpx.HTTPError as error:
        raise ExternalError(
            f"Label Studio at {url} cannot be reached while {doing} ({error}). "
            "See that it runs and that the address is right, then try again."
        ) from error

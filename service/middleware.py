"""What happens to every request: a size limit, safe headers, and a line in the log."""

import logging
import time
import uuid
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import failure
from service.metrics import Metrics
from service.problems import answer

log = logging.getLogger("service.access")

_SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


# Whatever else a caller makes up would be a series of its own in the figures.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


UNKNOWN_BYTES = 64 * 1024
"""How much is read of a caller who has not shown that they may call: a login, a small event."""

_SMALL_BYTES = 2 * 1024 * 1024
_SMALL = frozenset({"setup", "train", "jobs", "cancel"})
"""The last parts of addresses that take a name or two, with at most a label config beside it."""

Refusal = Callable[[HTTPConnection], Awaitable[HTTPException | None]]
"""Why nothing large is read of a caller; None where they may call."""


class TooLarge(HTTPException):
    """The body went past the limit while it was read; frameworks let an HTTPException pass."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body has more than {limit:,} bytes; send it in smaller parts.")


class Envelope:
    """Gives each request an id, a log line and safe headers, and turns a crash into a 500.

    The log names the route's pattern, never the address itself, its query, headers or body.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex[:16]
        started = time.perf_counter()
        status = 0

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in _SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            log.error("request=%s %s", request_id, failure(error))
            if status == 0:
                response = answer(
                    Headers(scope=scope),
                    500,
                    f"The service failed; its log says where, under request {request_id}.",
                )
                await response(scope, receive, send_safely)
        finally:
            route = getattr(scope.get("route"), "path", "(no route)")
            method = scope["method"] if scope["method"] in _METHODS else "?"
            seconds = time.perf_counter() - started
            self._metrics.answered(route, method, status, seconds)
            log.info(
                "request=%s %s %s status=%d ms=%.1f",
                *(request_id, method, route, status, seconds * 1000),
            )


class BodyLimit:
    """Refuses a body that is too large for its caller and its place, whatever its headers claim.

    A body is parsed before its route asks who calls. So more than `UNKNOWN_BYTES` are read only
    of a caller in whom `refusal` finds nothing wrong, and more than `limit` of nobody.
    """

    def __init__(self, app: ASGIApp, limit: int, refusal: Refusal) -> None:
        self._app, self._limit, self._refusal = app, limit, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        claimed = asked.get("content-length", "0")
        if not claimed.isascii() or not claimed.isdigit():
            refused = answer(asked, 400, "The Content-Length header is not a number.")
            await refused(scope, receive, send)
            return
        limit = self._limit
        if scope["path"].rpartition("/")[2] in _SMALL:
            limit = min(limit, _SMALL_BYTES)
        known = False

        async def check(size: int) -> None:
            nonlocal known
            if size > limit:
                raise TooLarge(limit)
            if size > UNKNOWN_BYTES and not known:
                refusal = await self._refusal(HTTPConnection(scope))
                if refusal is not None:
                    raise refusal
                known = True

        try:
            await check(int(claimed))
        except HTTPException as error:
            refused = answer(asked, error.status_code, error.detail, headers=error.headers)
            await refused(scope, receive, send)
            return
        held = 0

        async def receive_counted() -> Message:
            nonlocal held
            message = await receive()
            held += len(message.get("body", b""))
            await check(held)
            return message

        await self._app(scope, receive_counted, send)

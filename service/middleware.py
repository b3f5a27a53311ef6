"""What happens to every request: a size limit, safe headers, and a line in the log."""

import logging
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
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
    """Refuses a body of more than `limit` bytes, whatever its headers claim."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

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
        if int(claimed) > self._limit:
            refusal = TooLarge(self._limit)
            await answer(asked, 413, refusal.detail)(scope, receive, send)
            return
        held = 0

        async def receive_counted() -> Message:
            nonlocal held
            message = await receive()
            held += len(message.get("body", b""))
            if held > self._limit:
                raise TooLarge(self._limit)
            return message

        await self._app(scope, receive_counted, send)

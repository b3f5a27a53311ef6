"""The HTTP service: what Label Studio calls, and the service's own interface."""

import importlib
import logging
import signal
import socket
import sys
from contextlib import ExitStack
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from annotations.errors import SettingsError
from service import logs
from service.house import House
from service.middleware import BodyLimit, Envelope
from service.problems import add_problem_handlers
from service.routes import (
    codebooks,
    counts,
    drift,
    forms,
    jobs,
    login,
    metrics,
    ml_backend,
    models,
    pages,
    pages_counts,
    pages_prevalence,
    reports,
    studies,
)
from service.serving import Serving, for_api
from service.settings import LONG_ENOUGH, short_secrets
from service.supervisor import Supervisor

log = logging.getLogger(__name__)

DESCRIPTION = """
Suggests codes for interview transcripts and says how far to trust them.

Everything but `/`, `/health` and `/ml/STUDY/health` wants `Authorization: Bearer TOKEN`, or, under
`/ml`, the name and password that Label Studio was given. The pages for people, from `/studies` on,
have a login of their own and are not described here. Every error is
`{"error": {"code", "message", "detail"}}`.
"""


def create_app(house: House) -> FastAPI:
    """The application over an opened house. It loads no model and starts no thread."""
    app = FastAPI(
        title="Second Coder",
        version="1",
        description=DESCRIPTION,
        # Their pages take scripts from the web; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )

    @app.get("/openapi.json", dependencies=[for_api], include_in_schema=False)
    async def describe() -> dict[str, Any]:
        return app.openapi()

    app.state.serving = Serving.of(house)
    for router in (
        ml_backend.health,
        ml_backend.by_study,
        ml_backend.by_project,
        studies.router,
        codebooks.router,
        jobs.router,
        models.router,
        reports.router,
        counts.router,
        drift.router,
        pages.router,
        pages_counts.router,
        pages_prevalence.router,
        drift.pages,
        forms.router,
        login.router,
        metrics.router,
    ):
        app.include_router(router)
    add_problem_handlers(app)
    app.add_middleware(
        BodyLimit, limit=house.settings.max_body_bytes, refusal=app.state.serving.refusal
    )
    app.add_middleware(Envelope, metrics=app.state.serving.metrics)
    return app


def serve(house: House, *, host: str, port: int, with_worker: bool = False) -> None:
    """Answer requests until SIGTERM or SIGINT; with a worker process beside if so asked.

    Raises SettingsError where it cannot listen at this address.
    """
    logs.configure(house.settings.log_level, house.settings.log_format)
    for name in short_secrets(house.settings):
        log.warning(
            "%s has fewer than %d characters and can be guessed; try `openssl rand -hex 32`",
            *(name, LONG_ENOUGH),
        )
    # Loading torch holds the interpreter for seconds: now, not at the first prediction.
    importlib.import_module("models.suggester")
    config = uvicorn.Config(
        create_app(house),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    with ExitStack() as stack:
        stack.callback(log.info, "service ended")
        listening = stack.enter_context(_listen(host, port))
        # uvicorn raises the signal again once it has shut down.
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, _leave))
        if with_worker:
            stack.enter_context(Supervisor(house.home))
        log.info("listening on http://%s:%d", host, port)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:
            log.info("interrupted")


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listening = socket.create_server((host, port), family=found[0][0], backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another address or "
            "port with --host and --port, or end the program that has this one."
        ) from error
    # Connections inherit it. asyncio sets it only where a socket names its protocol, and
    # without it every small answer waits 40 ms for an acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _leave(_signum: int, _frame: FrameType | None) -> None:
    sys.exit(0)

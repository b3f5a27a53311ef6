"""The HTTP service: what Label Studio calls, and the service's own interface."""

import importlib
import logging
import signal
import sys
from contextlib import ExitStack
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from service import logs
from service.house import House
from service.middleware import BodyLimit, Envelope
from service.problems import add_problem_handlers
from service.routes import jobs, ml_backend, models, pages, reports, studies
from service.serving import Serving, for_api
from service.supervisor import Supervisor

log = logging.getLogger(__name__)

DESCRIPTION = """
Suggests codes for interview transcripts and says how far to trust them.

Everything but `/health` wants `Authorization: Bearer TOKEN`, or, under `/ml`, the name and
password that Label Studio was given. Every error is `{"error": {"code", "message", "detail"}}`.
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
        jobs.router,
        models.router,
        reports.router,
        pages.router,
    ):
        app.include_router(router)
    add_problem_handlers(app)
    app.add_middleware(BodyLimit, limit=house.settings.max_body_bytes)
    app.add_middleware(Envelope)
    return app


def serve(house: House, *, host: str, port: int, with_worker: bool = False) -> None:
    """Answer requests until SIGTERM or SIGINT; with a worker process beside if so asked."""
    logs.configure(house.settings.log_level)
    # Loading torch holds the interpreter for seconds: now, not at the first prediction.
    importlib.import_module("models.suggester")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(house),
            host=host,
            port=port,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
    )
    with ExitStack() as stack:
        stack.callback(log.info, "ended")
        # uvicorn raises the signal again once it has shut down.
        before = signal.signal(signal.SIGTERM, _leave)
        stack.callback(signal.signal, signal.SIGTERM, before)
        if with_worker:
            stack.enter_context(Supervisor(house.home))
        log.info("listening on http://%s:%d", host, port)
        try:
            server.run()
        except KeyboardInterrupt:
            log.info("interrupted")


def _leave(_signum: int, _frame: FrameType | None) -> None:
    sys.exit(0)

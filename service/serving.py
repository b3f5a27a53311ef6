"""What every route stands on: the opened house, who may call, and threads for slow calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Form, Request
from fastapi.security import (
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
)
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from annotations.errors import DatabaseRefused
from service.house import House
from service.metrics import Metrics
from service.models_loaded import LoadedModels
from service.problems import LoginNeeded, status_of, told
from service.security import WEBHOOK_HEADER, Keys, same
from service.sessions import COOKIE, Attempts, Session, Sessions, from_own_pages
from service.settings import api_token, ml_password
from service.web.kept import KeptPages

T = TypeVar("T")

_LONGEST_HOLD = 2.0
"""Seconds; Label Studio takes the service for dead after three."""

_PREDICTIONS_AT_ONCE = 8
_REPORTS_AT_ONCE = 2
_NOTES_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """One running service.

    Calls that may wait (for a model, a long calculation, the database's one writer) have few
    threads of their own, so that there is always a free one to answer `/setup` at once.
    """

    house: House
    keys: Keys
    sessions: Sessions
    attempts: Attempts
    guesses: Attempts
    models: LoadedModels
    pages: KeptPages
    metrics: Metrics
    predictions: anyio.CapacityLimiter
    reports: anyio.CapacityLimiter
    notes: anyio.CapacityLimiter

    @classmethod
    def of(cls, house: House) -> "Serving":
        """Read the keys from the settings; no model is loaded."""
        settings = house.settings
        token = api_token(settings).get_secret_value()
        models = LoadedModels(house)
        return cls(
            house=house,
            keys=Keys(
                api_token=token,
                ml_user=settings.ml_user,
                ml_password=ml_password(settings).get_secret_value(),
            ),
            sessions=Sessions(token),
            attempts=Attempts(),
            guesses=Attempts(longest=_LONGEST_HOLD),
            models=models,
            pages=KeptPages(),
            metrics=Metrics(house, models),
            predictions=anyio.CapacityLimiter(_PREDICTIONS_AT_ONCE),
            reports=anyio.CapacityLimiter(_REPORTS_AT_ONCE),
            notes=anyio.CapacityLimiter(_NOTES_AT_ONCE),
        )

    async def refusal(self, caller: HTTPConnection) -> HTTPException | None:
        """Why nothing large is read of this caller; None where one of our secrets came along.

        Whether it is the right one for what they ask, the route says.
        """
        header = caller.headers.get("authorization")
        if (
            self.keys.open_page(header)
            or self.keys.open_backend(header)
            or self.sessions.read(caller.cookies.get(COOKIE)) is not None
        ):
            return None
        secret = caller.headers.get(WEBHOOK_HEADER)
        if secret is not None and caller.url.path.endswith("/webhook"):
            try:
                if await run_in_threadpool(self._is_of_a_webhook, secret):
                    return None
            except DatabaseRefused as error:
                return HTTPException(status_of(error)[0], told(error))
        refusal = HTTPException(
            401,
            "A request of this size needs credentials, and those sent are missing or wrong. "
            "Send the API token as `Authorization: Bearer TOKEN`, or what "
            "`second-coder label-studio connect` gave to Label Studio.",
            {"WWW-Authenticate": "Bearer"},
        )
        return await self.slowed(caller, refusal)

    async def slowed(self, caller: HTTPConnection, refusal: HTTPException) -> HTTPException:
        """The refusal of a caller, who waits for it where their address goes on guessing.

        Credentials are compared before this: right ones never wait, so that nobody can lock out
        Label Studio by guessing from its address.
        """
        if "authorization" in caller.headers:
            address = address_of(caller)
            self.guesses.failed(address)
            await anyio.sleep(self.guesses.wait(address))
        return refusal

    def _is_of_a_webhook(self, secret: str) -> bool:
        with self.house.database.reading() as work:
            expected = work.label_studio.webhook_secrets()
        return any(same(secret, one.get_secret_value()) for one in expected)

    async def predicting(self, call: Callable[[], T]) -> T:
        """Run something that waits for a model."""
        return await anyio.to_thread.run_sync(call, limiter=self.predictions)

    async def reporting(self, call: Callable[[], T]) -> T:
        """Run a long calculation."""
        return await anyio.to_thread.run_sync(call, limiter=self.reports)

    async def noting(self, call: Callable[[], T]) -> T:
        """Write down work to be done, which may have to wait for another writer."""
        return await anyio.to_thread.run_sync(call, limiter=self.notes)


def address_of(caller: HTTPConnection) -> str:
    """Where a request came from, as far as the proxies that are believed say."""
    return caller.client.host if caller.client else ""


def _serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


Here = Annotated[Serving, Depends(_serving)]


_BEARER = HTTPBearer(auto_error=False, description="SECOND_CODER_API_TOKEN")
_BASIC = HTTPBasic(auto_error=False, description="SECOND_CODER_ML_USER and _ML_PASSWORD")
_PAGE = HTTPBasic(
    scheme_name="Page", auto_error=False, description="Any name, SECOND_CODER_API_TOKEN"
)


async def _api_caller(
    request: Request,
    serving: Here,
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> None:
    if not serving.keys.open_api(request.headers.get("authorization")):
        refusal = HTTPException(
            401,
            "The API token is missing or wrong. Send `Authorization: Bearer TOKEN` (a name and a "
            "password open the pages alone); the token is SECOND_CODER_API_TOKEN or, where that is "
            "not set, in the file `token` of the home.",
            {"WWW-Authenticate": "Bearer"},
        )
        raise await serving.slowed(request, refusal)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who asks for a page, and by what: a login, or the token in a header.

    `form_token` is what the forms of the page carry.
    """

    by: Literal["login", "basic", "bearer"]
    session: Session | None
    form_token: str


async def _page_caller(
    request: Request,
    serving: Here,
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    _basic: Annotated[HTTPBasicCredentials | None, Depends(_PAGE)],
) -> Caller:
    session = serving.sessions.read(request.cookies.get(COOKIE))
    if session is not None:
        token = serving.sessions.form_token(session.name)
        return Caller(by="login", session=session, form_token=token)
    header = request.headers.get("authorization")
    if not serving.keys.open_page(header):
        raise await serving.slowed(request, LoginNeeded())
    return Caller(
        by="bearer" if serving.keys.open_api(header) else "basic",
        session=None,
        form_token=serving.sessions.form_token("basic"),
    )


PageCaller = Annotated[Caller, Depends(_page_caller)]
"""Who asks for a page."""


async def _form_sender(
    request: Request,
    caller: PageCaller,
    form_token: Annotated[str, Form(max_length=200)] = "",
) -> Caller:
    _must_be_ours(request)
    # A browser sends cookies and passwords by itself, whoever wrote the form, but no bearer.
    if caller.by != "bearer" and not same(form_token, caller.form_token):
        raise HTTPException(
            403,
            "This form is not of your login, or older than it. Go back, load the page again and "
            "send the form from there.",
        )
    return caller


async def _must_be_ours_too(request: Request) -> None:
    _must_be_ours(request)


def _must_be_ours(request: Request) -> None:
    if not from_own_pages(
        host=request.headers.get("host"),
        origin=request.headers.get("origin"),
        fetch_site=request.headers.get("sec-fetch-site"),
    ):
        raise HTTPException(
            403,
            "This form was sent from another site, and nothing was done. Behind a proxy, let it "
            "pass on the Host header as the browser sent it.",
        )


FormSender = Annotated[Caller, Depends(_form_sender)]
"""Who sent a form of the service's own pages."""

own_form = Depends(_must_be_ours_too)
"""A form that is sent before anybody is logged in."""


async def _backend_caller(
    request: Request,
    serving: Here,
    _basic: Annotated[HTTPBasicCredentials | None, Depends(_BASIC)],
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> None:
    if not serving.keys.open_backend(request.headers.get("authorization")):
        raise await serving.slowed(request, no_backend_caller())


def no_backend_caller() -> HTTPException:
    """The refusal of a caller who is not the Label Studio that was connected."""
    return HTTPException(
        401,
        "The name or password is missing or wrong. `second-coder label-studio connect` gives "
        "Label Studio SECOND_CODER_ML_USER and SECOND_CODER_ML_PASSWORD; run it again after a "
        "change.",
        {"WWW-Authenticate": 'Basic realm="Second Coder", charset="UTF-8"'},
    )


for_api = Depends(_api_caller)
"""A route that needs the API token."""

for_backend = Depends(_backend_caller)
"""A route that Label Studio calls, with its name and password (or the API token)."""

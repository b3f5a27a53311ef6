"""Pages with the common frame: templates, filters, headers, and the files they load."""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup

from annotations.codebook_versions.wording import in_words
from service.web.environment import environment
from service.web.figures import Node, number_text

PAGE_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Without any, browsers send forms with an empty origin; to others nothing is told.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""The headers of a page: nothing but our own files, nobody's frame, kept nowhere."""

ASSETS = ("style.css", "pages.js", "icon.svg")


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What stands around a page: where it is in the navigation, and who looks at it.

    `here` names the entry of the navigation, `studies` are offered to switch to. `form_token`
    goes into every form; `logged_in` offers the logout.
    """

    title: str
    here: str
    study: str | None
    studies: tuple[str, ...]
    form_token: str
    logged_in: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A file that pages load; `digest` names its content in the address."""

    content: bytes
    media_type: str
    digest: str


def page(template: str, frame: Frame, **content: Any) -> str:
    """Lay out one page."""
    return _pages().get_template(template).render(frame=frame, **content)


def error_page(
    status: int, message: str, detail: list[dict[str, Any]], *, study: str | None
) -> str:
    """An error as a page, which asks the database for nothing; 200: nothing is there yet."""
    titles = {
        200: "Nothing yet",
        403: "Not allowed",
        404: "Not found",
        409: "Not ready",
        422: "Not understood",
    }
    frame = Frame(
        title=titles.get(status, "That did not work"),
        here="",
        study=study,
        studies=(),
        form_token="",
        logged_in=False,
    )
    return page("error.html", frame, status=status, message=message, detail=detail)


@cache
def asset(name: str) -> Asset | None:
    """A file that pages load, None where there is none of this name."""
    if name not in ASSETS:
        return None
    content = (files("service.web") / "templates" / name).read_bytes()
    return Asset(
        content=content,
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        digest=hashlib.sha256(content).hexdigest()[:12],
    )


@cache
def _pages() -> Environment:
    made = environment().overlay()
    made.filters |= {
        "figure": lambda value: Node(value=value),
        "number": number_text,
        "when": _when,
        "edit": in_words,
        "date": lambda moment: _moment(moment).strftime("%Y-%m-%d"),
        "q": lambda text: quote(str(text), safe=""),
        "anchor": _anchor,
        "bytes": lambda size: f"{size / 1e6:,.1f} MB",
    }
    made.globals["asset"] = _address
    return made


def _address(name: str) -> str:
    found = asset(name)
    return f"/assets/{name}" if found is None else f"/assets/{name}?v={found.digest}"


def _anchor(text: str) -> str:
    """A code's place in a page: its path may hold anything, an id may not."""
    return f"code-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _moment(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _when(moment: datetime | None) -> Markup:
    if moment is None:
        return Markup("–")
    exact = _moment(moment)
    return Markup('<time datetime="{}">{}</time>').format(
        exact.isoformat(), exact.strftime("%Y-%m-%d %H:%M UTC")
    )

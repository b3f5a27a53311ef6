"""The reliability report as one HTML document that needs nothing else."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from service.web.figures import Node
from service.web.sections import sections_of, summary_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page and the Content-Security-Policy that it can be served with."""

    html: str
    policy: str


def agreement_page(document: Any) -> Page:
    """Lay out the report's JSON document: every figure on the page is taken from there.

    The page loads nothing, runs nothing, and names the place in the document of each figure
    (`data-at`, a JSON pointer). Nothing but the one stylesheet in it is allowed by its policy.
    """
    root = Node.root(document)
    style = _style()
    policy = _policy(style)
    html = (
        _environment()
        .get_template("page.html")
        .render(
            # Our own stylesheet: escaped, it would not match its hash.
            style=Markup(style),  # noqa: S704
            policy=policy,
            study=root["study"],
            unit=root["unit"],
            level=root["level"],
            summary=summary_of(root),
            notes=list(root["notes"]),
            sections=sections_of(root),
            methods=root["methods"],
        )
    )
    return Page(html=html, policy=f"{policy}; frame-ancestors 'none'")


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("service.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


@cache
def _style() -> str:
    source = _environment().loader
    if source is None:
        raise RuntimeError("the templates are not installed")
    return source.get_source(_environment(), "style.css")[0]

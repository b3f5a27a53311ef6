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
    return standing_alone(
        "page.html",
        study=root["study"],
        unit=root["unit"],
        level=root["level"],
        summary=summary_of(root),
        notes=list(root["notes"]),
        sections=sections_of(root),
        methods=root["methods"],
    )


def standing_alone(template: str, **values: object) -> Page:
    """A template with the one stylesheet in it, and nothing else that the page may load."""
    style = _style()
    policy = _policy(style)
    # Our own stylesheet: escaped, it would not match its hash.
    given = {"style": Markup(style), "policy": policy}  # noqa: S704
    html = _environment().get_template(template).render(**given, **values)
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

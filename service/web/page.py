"""The reliability report as HTML: a document that needs nothing else, or a part of a page."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from annotations.reliability.methods import pieces_of
from service.web.environment import environment, style
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
    return standing_alone("page.html", **_content(document))


def standing_alone(template: str, **values: object) -> Page:
    """A template with the one stylesheet in it, and nothing else that the page may load."""
    policy = _policy(style())
    # Our own stylesheet: escaped, it would not match its hash.
    given = {"style": Markup(style()), "policy": policy}  # noqa: S704
    html = environment().get_template(template).render(**given, **values)
    return Page(html=html, policy=f"{policy}; frame-ancestors 'none'")


def agreement_part(document: Any) -> Markup:
    """The same report to stand in a page of the service."""
    # Rendered by a template, which escaped what is not ours.
    return Markup(  # noqa: S704
        environment().get_template("_agreement.html").render(**_content(document))
    )


def _content(document: Any) -> dict[str, Any]:
    root = Node.root(document)
    return {
        "study": root["study"],
        "unit": root["unit"],
        "pieces": pieces_of(document["unit"], document["extent"]["max_words"]),
        "level": root["level"],
        "summary": summary_of(root),
        "notes": list(root["notes"]),
        "sections": sections_of(root),
        "methods": root["methods"],
    }


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"

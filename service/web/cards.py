"""A model card's Markdown as HTML that fits into a page."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup


def card_html(markdown: str) -> Markup:
    """The card with its headings one level lower; markup, links and pictures in it are text."""
    tokens = _markdown().parse(markdown)
    tables = 0
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        if token.type == "table_open":
            tables += 1
            token.meta["number"] = tables
        if token.type == "th_open":
            token.attrSet("scope", "col")
    html: str = _markdown().renderer.render(tokens, _markdown().options, {})
    # Made from text that was escaped by the renderer, whose raw HTML is switched off.
    return Markup(html)  # noqa: S704


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable("table")
    made.disable(["link", "image", "autolink", "html_inline", "html_block"])
    made.add_render_rule("table_open", _table_open)
    made.add_render_rule("table_close", _table_close)
    return made


def _table_open(_self: Any, tokens: Sequence[Token], at: int, *_rest: Any) -> str:
    label = f"Table {tokens[at].meta['number']} of the card"
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table>'


def _table_close(*_: Any) -> str:
    return "</table></div>"

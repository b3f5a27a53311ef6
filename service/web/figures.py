"""Figures of a JSON document, each with its place in it, as cells of tables."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from annotations.numerals import decimals, p_text

MISSING = "–"

_P_VALUES = frozenset({"p", "adjusted", "holm", "benjamini_hochberg"})
"""What p values are called in the documents, corrected or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A value of a JSON document with its JSON pointer (RFC 6901); `at` None: our own words."""

    value: Any
    at: str | None = None

    @classmethod
    def root(cls, document: Any) -> "Node":
        """The document itself."""
        return cls(value=document, at="")

    def __getitem__(self, key: str | int) -> "Node":
        step = str(key).replace("~", "~0").replace("/", "~1")
        return Node(value=self.value[key], at=f"{self.at}/{step}")

    def __iter__(self) -> Iterator["Node"]:
        return (self[number] for number in range(len(self.value)))

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return str(self.value)

    def __html__(self) -> str:
        """The value as it stands on the page, marked with its place in the document."""
        if isinstance(self.value, dict):
            return self._estimate()
        if isinstance(self.value, bool):
            return self._marked("yes" if self.value else "no", str(self.value).lower())
        if self.value is None:
            return self._marked(MISSING, "")
        if isinstance(self.value, float | int):
            written = p_text if self._is_p else number_text
            return self._marked(written(self.value), repr(self.value))
        if self.at is None:
            return escape(self.value)
        return Markup('<span data-at="{}">{}</span>').format(self.at, self.value)

    @property
    def reason(self) -> str | None:
        """Why an estimate has no value or no interval."""
        return self.value.get("reason") if isinstance(self.value, dict) else None

    @property
    def _is_p(self) -> bool:
        return self.at is not None and self.at.rsplit("/", 1)[-1] in _P_VALUES

    def _estimate(self) -> str:
        value, low, high = (self.value[name] for name in ("value", "low", "high"))
        if value is None:
            return self._marked(MISSING, "")
        text = escape(number_text(value))
        if low is not None and high is not None:
            text += Markup(' <span class="interval">[{}, {}]</span>').format(
                number_text(low), number_text(high)
            )
        return self._marked(text, repr(value))

    def _marked(self, text: str, value: str) -> str:
        if self.at is None:
            return escape(text)
        return Markup('<data data-at="{}" value="{}">{}</data>').format(self.at, value, text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows begin with `heads` names, figures follow; `why` tells the reasons of gaps, once."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Node]]
    heads: int = 1

    @property
    def why(self) -> list[str]:
        """Why figures or intervals are missing."""
        found = {
            f"{MISSING} {cell.reason}" if cell.value["value"] is None else str(cell.reason)
            for row in self.rows
            for cell in row
            if cell.reason
        }
        return sorted(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of the page: words, a plot, tables. `said` are sentences of the document."""

    name: str
    title: str
    words: str = ""
    plot: Markup = field(default_factory=Markup)
    said: Sequence[Node] = ()
    tables: Sequence[Table] = ()


def label(text: str) -> Node:
    """Words of the page's own."""
    return Node(value=text)


def number_text(value: float) -> str:
    """Two decimals, three below a tenth, none for whole counts."""
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        raise ValueError(f"{value} has no place in a JSON document")
    return decimals(value, 3 if abs(value) < 0.1 else 2)

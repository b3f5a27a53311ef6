"""The participants' pseudonyms: a table of the researcher's, and their use."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from annotations.errors import InputError, Problem
from annotations.formats.csv_table import read_table
from annotations.formats.files import read_text


@dataclass(frozen=True, kw_only=True)
class Pseudonyms:
    """Who is called what. Without any, everybody keeps their name."""

    of: Mapping[str, str] = field(default_factory=dict)

    def name(self, name: str) -> str:
        """The pseudonym, or the name where there is none; white space and case do not matter."""
        return self._folded.get(_folded(name), name)

    def in_text(self, text: str) -> str:
        """The text with every name in it replaced, where it stands as a word of its own."""
        if not self.of:
            return text
        return self._pattern.sub(lambda match: self.name(match[0]), text)

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names that have no pseudonym, each once."""
        return tuple(
            dict.fromkeys(name for name in names if name and _folded(name) not in self._folded)
        )

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {_folded(name): pseudonym for name, pseudonym in self.of.items()}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # The longest first: "Ann Lee" before "Ann".
        names = sorted(self.of, key=len, reverse=True)
        spaced = [r"\s+".join(map(re.escape, name.split())) for name in names]
        return re.compile(rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)", re.IGNORECASE)


def read_pseudonyms(path: Path) -> Pseudonyms:
    """Read a CSV with the columns `name` and `pseudonym`; InputError says what is wrong."""
    content = read_text(path)
    if content.problem is not None:
        raise InputError(content.problem)
    table = read_table(str(path), content.text)
    if table.problems:
        raise InputError(*table.problems)
    columns = {name.lower(): name for name in table.columns}
    if not {"name", "pseudonym"} <= set(columns):
        message = f"expected the columns name, pseudonym; this file has {', '.join(table.columns)}"
        raise InputError(Problem(file=str(path), line=1, message=message))
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for row in table.rows:
        name = " ".join(row.fields[columns["name"]].split())
        pseudonym = row.fields[columns["pseudonym"]].strip()
        message = ""
        if not name or not pseudonym:
            message = "a name and a pseudonym are needed; one of them is empty"
        elif found.get(name, pseudonym) != pseudonym:
            message = f"{name!r} has another pseudonym further up; keep one"
        if message:
            problems.append(Problem(file=str(path), line=row.line, message=message))
        found[name] = pseudonym
    if problems:
        raise InputError(*problems)
    return Pseudonyms(of=found)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()

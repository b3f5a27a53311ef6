"""Edits of a codebook as YAML: a list to apply, and a whole codebook as the list that makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from annotations.codebook_versions.history import CodebookVersion, State
from annotations.codebook_versions.operations import Add, Edit, Retire, plain, read_operation
from annotations.errors import InputError, Problem

_TOP = ("author", "reason", "operations")


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationsFile:
    """A list of edits, and who signs those that do not say themselves; empty: nobody."""

    operations: tuple[Edit, ...]
    author: str = ""
    reason: str = ""


def read_operations(text: str, file: str) -> OperationsFile:
    """Read a list of edits. InputError, with every wrong one, where it is none.

    The list may stand alone or under `operations`, beside `author` and `reason`.
    """
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        what = getattr(error, "problem", None) or "it cannot be read"
        raise InputError(Problem(file=file, line=line, message=f"not valid YAML: {what}")) from None
    return operations_from(given, file)


def operations_from(given: Any, file: str) -> OperationsFile:
    """The same from what YAML or JSON holds."""
    top = given if isinstance(given, Mapping) else {"operations": given}
    unknown = [str(name) for name in top if name not in _TOP]
    listed = top.get("operations")
    if unknown or not isinstance(listed, list) or not listed:
        found = f"found {', '.join(unknown)}" if unknown else "there is no list of them"
        raise InputError(
            Problem(
                file=file,
                line=None,
                message=f"expected `operations:` with a list like `- retire: CODE`; {found}",
            )
        )
    operations: list[Edit] = []
    problems: list[Problem] = []
    for place, one in enumerate(listed, start=1):
        try:
            operations.append(read_operation(one, f"{file}, operation {place}"))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    author, reason = (str(top.get(name) or "").strip() for name in ("author", "reason"))
    return OperationsFile(operations=tuple(operations), author=author, reason=reason)


def operations_that_make(version: CodebookVersion) -> tuple[Edit, ...]:
    """Edits of an empty codebook that end in this one, retired codes included."""
    retired = sorted(
        (one for one in version.codes if one.state is State.RETIRED),
        key=lambda one: (one.code.level, one.path),
    )
    return (
        *(Add(code=one.code) for one in version.live),
        *(Add(code=one.code) for one in retired),
        *(Retire(code=one.path) for one in reversed(retired)),
    )


def write_operations(operations: tuple[Edit, ...], title: str) -> str:
    """A list of edits as YAML that `read_operations` reads back, under a comment."""
    content = {"operations": [plain(one) for one in operations]}
    body = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=95)
    return f"# {' '.join(title.split())}\n{body}"

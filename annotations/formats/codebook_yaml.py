"""Edits of a codebook as YAML: a list to apply, and a whole codebook as the list that makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from annotations.codebook_versions.history import CodebookVersion, State
from annotations.codebook_versions.operations import (
    Add,
    Edit,
    Retire,
    check_new,
    plain,
    read_operation,
)
from annotations.errors import InputError, Problem

MOST_BYTES = 4 * 2**20
"""The most that a list of edits may hold: some fifty thousand of them."""

_TOP = ("author", "reason", "operations")
_LONGEST_NUMBER = 100


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
    line = None
    try:
        given = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader that reads less
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        what = getattr(error, "problem", None) or "it cannot be read"
    except RecursionError:
        what = "lists and mappings are too deep inside each other"
    except (ValueError, LookupError, AttributeError, ArithmeticError):
        # What YAML's own readers of numbers, dates and the like raise.
        what = "a number, a date or a tag is not one; put quotes around text"
    else:
        return operations_from(given, file)
    raise InputError(Problem(file=file, line=line, message=f"not valid YAML: {what}"))


class _Loader(yaml.SafeLoader):
    """YAML without aliases, which let a small file grow without bound, and long numbers."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call] # its stubs have none
            raise ComposerError(
                None,
                None,
                f"*{event.anchor} is an alias; write out what it is for",
                event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        if number and len(node.value) > _LONGEST_NUMBER:
            raise ConstructorError(
                None, None, "a number is too long; put quotes around text", node.start_mark
            )
        return super().construct_scalar(node)


def operations_from(given: Any, file: str) -> OperationsFile:
    """The same from what YAML or JSON holds."""
    top = given if isinstance(given, Mapping) else {"operations": given}
    unknown = [str(name)[:60] for name in top if name not in _TOP][:10]
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
        where = f"{file}, operation {place}"
        try:
            operation = read_operation(one, where)
            check_new(operation, where)
            operations.append(operation)
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

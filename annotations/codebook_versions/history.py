"""Versions of a codebook, each the one before with a list of edits applied.

A code is its number: it keeps that through renames and moves, and its codings with it. A code
that was merged or split away stays in later versions as gone, so that a number never means
another code.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Edit
from annotations.errors import NotFound


class State(StrEnum):
    """What may be done with a code in a version."""

    LIVE = "live"
    RETIRED = "retired"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionedCode:
    """A code as one version has it. A gone one keeps the path that it had last."""

    id: int
    code: Code
    state: State = State.LIVE

    @property
    def path(self) -> str:
        """The code's path in this version."""
        return self.code.path


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Where the codings of a code went: to one code by a merge, to a choice by a split."""

    code: int
    into: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebookVersion:
    """The codebook at one time; `operations` made it from the version before, `number` - 1.

    `codes` come in the order of the tree, those retired or gone last. Codes that somebody
    looks up by path are live or retired: no two of those have the same.
    """

    number: int
    codes: tuple[VersionedCode, ...]
    operations: tuple[Edit, ...] = ()
    passages: tuple[Passage, ...] = ()
    at: datetime | None = None
    author: str = ""
    reason: str = ""
    by_id: Mapping[int, VersionedCode] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {one.id: one for one in self.codes})

    def codebook(self, *, declared: bool = True) -> Codebook:
        """The live codes as people see them."""
        return Codebook(codes=tuple(one.code for one in self.live), declared=declared)

    @property
    def live(self) -> tuple[VersionedCode, ...]:
        """The codes that may be applied, in the order of the tree."""
        return tuple(one for one in self.codes if one.state is State.LIVE)

    def named(self, path: str) -> VersionedCode | None:
        """The code that has this path, live or retired."""
        return next(
            (one for one in self.codes if one.path == path and one.state is not State.GONE), None
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebookHistory:
    """All versions, the first at the front; numbers count on by one."""

    versions: tuple[CodebookVersion, ...]

    @property
    def current(self) -> CodebookVersion:
        """The newest version."""
        return self.versions[-1]

    def version(self, number: int) -> CodebookVersion:
        """One version; NotFound says which there are."""
        first = self.versions[0].number
        if not first <= number <= self.current.number:
            raise NotFound(
                f"There is no codebook version {number}. The versions are {first} to "
                f"{self.current.number}."
            )
        return self.versions[number - first]

    def at(self, moment: datetime) -> CodebookVersion:
        """The version of a time: the newest one that is not younger, else the first."""
        older = [one for one in self.versions if one.at is None or one.at <= moment]
        return older[-1] if older else self.versions[0]

    def between(self, start: int, end: int) -> Iterator[CodebookVersion]:
        """The versions after `start` up to `end`, the oldest first."""
        first = self.versions[0].number
        yield from self.versions[max(start + 1 - first, 0) : end + 1 - first]

    def retired_since(self, code: int) -> int:
        """The version in which a code was last seen to be no longer live; the first where never."""
        live = [
            one.number
            for one in self.versions
            if code in one.by_id and one.by_id[code].state is State.LIVE
        ]
        return live[-1] + 1 if live else self.versions[0].number

    def bearer(self, path: str, *, at: datetime | None = None) -> "Bearer | None":
        """The code that this path means, and the version in which it does.

        That is the version of the time `at` if the path was in it, else the newest that has
        it: words on an old page mean what they meant there. None where no version has it.
        """
        newest_first = list(reversed(self.versions))
        if at is not None:
            newest_first.insert(0, self.at(at))
        for version in newest_first:
            found = version.named(path)
            if found is not None:
                return Bearer(code=found.id, version=version.number)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearer:
    """Who bears a path: the code's number, and a version in which it has the path."""

    code: int
    version: int


def in_tree_order(codes: Iterable[VersionedCode]) -> tuple[VersionedCode, ...]:
    """Live codes parents first, siblings in the order given; then the others."""
    codes = tuple(codes)
    live = {one.path: one for one in codes if one.state is State.LIVE}
    tree = Codebook.of((one.code for one in live.values()), declared=True)
    rest = tuple(one for one in codes if one.state is not State.LIVE)
    return tuple(live[path] for path in tree.paths) + rest

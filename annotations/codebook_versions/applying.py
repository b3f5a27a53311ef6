"""Edits applied to a codebook: all of them, or an error that says which cannot be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from annotations.codebook import SEPARATOR, Code, ancestors
from annotations.codebook_versions.history import (
    CodebookVersion,
    Passage,
    State,
    VersionedCode,
    in_tree_order,
)
from annotations.codebook_versions.operations import (
    DESCRIPTIVE,
    Add,
    Edit,
    Merge,
    Move,
    Redefine,
    Rename,
    Restore,
    Retire,
    Split,
    kind_of,
)
from annotations.errors import InputError, Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Edited:
    """A codebook after a list of edits, and where the codings of merged and split codes go."""

    codes: tuple[VersionedCode, ...]
    passages: tuple[Passage, ...]


def apply(
    codebook: CodebookVersion, operations: Iterable[Edit], *, numbers: Iterator[int] | None = None
) -> Edited:
    """Apply edits in their order; new codes take the next of `numbers`.

    Raises InputError, naming the operation by its place in the list, where one cannot be done.
    A path may not pass from one code to another within one list: whoever still has the old
    labels before them could not be understood.
    """
    following = max((one.id for one in codebook.codes), default=0) + 1
    draft = _Draft(codebook, count(following) if numbers is None else numbers)
    for place, operation in enumerate(operations, start=1):
        try:
            draft.do(operation)
        except _CannotError as error:
            where = f"operation {place} ({kind_of(operation)})"
            raise InputError(Problem(file=where, line=None, message=str(error))) from None
    return Edited(codes=in_tree_order(draft.codes.values()), passages=tuple(draft.passages))


def revised(
    codebook: CodebookVersion,
    operations: Iterable[Edit],
    *,
    numbers: Iterator[int] | None = None,
    **told: Any,
) -> CodebookVersion:
    """The next version: this one with edits applied. `told` are its time, author and reason."""
    operations = tuple(operations)
    edited = apply(codebook, operations, numbers=numbers)
    return CodebookVersion(
        number=codebook.number + 1,
        codes=edited.codes,
        operations=operations,
        passages=edited.passages,
        **told,
    )


class _CannotError(Exception):
    """Why an operation cannot be done."""


class _Draft:
    """A codebook being edited."""

    def __init__(self, codebook: CodebookVersion, numbers: Iterator[int]) -> None:
        self.codes = {one.id: one for one in codebook.codes}
        self.passages: list[Passage] = []
        self._numbers = numbers
        self._bearers = {one.path: one.id for one in codebook.codes if one.state is not State.GONE}

    def do(self, operation: Edit) -> None:
        match operation:
            case Add():
                self._new(operation.code)
            case Rename():
                self._rename(operation)
            case Redefine():
                code = self._live(operation.code)
                if unknown := set(operation.changes) - set(DESCRIPTIVE):
                    raise _CannotError(f"a code has no {', '.join(sorted(unknown))}")
                self._set(replace(code, code=replace(code.code, **operation.changes)))
            case Move():
                self._move(operation.code, operation.under)
            case Merge():
                self._merge(operation.codes, operation.into)
            case Split():
                self._split(operation.code, operation.into)
            case Retire():
                code = self._live(operation.code)
                self._without_children(code, "retire")
                self._set(replace(code, state=State.RETIRED))
            case Restore():
                self._restore(operation.code)

    def _named(self, path: str) -> VersionedCode | None:
        return next(
            (
                one
                for one in self.codes.values()
                if one.state is not State.GONE and one.path == path
            ),
            None,
        )

    def _live(self, path: str) -> VersionedCode:
        found = self._named(path)
        if found is None:
            raise _CannotError(
                f"there is no code {path!r} at this point; `codebook show` lists the codes"
            )
        if found.state is State.RETIRED:
            raise _CannotError(f"{path!r} is retired; restore it first")
        return found

    def _set(self, code: VersionedCode) -> None:
        self.codes[code.id] = code

    def _children(self, code: VersionedCode, *states: State) -> list[VersionedCode]:
        return [
            one
            for one in self.codes.values()
            if one.path.startswith(code.path + SEPARATOR) and one.state in states
        ]

    def _without_children(self, code: VersionedCode, doing: str) -> None:
        if below := [one.path for one in self._children(code, State.LIVE)]:
            raise _CannotError(
                f"{code.path!r} has codes below it ({', '.join(below)}); {doing} or move those "
                "first"
            )

    def _claim(self, path: str, number: int) -> None:
        """Let a code bear a path, where no other does or did when the list began."""
        holder = self._named(path)
        if holder is not None and holder.id != number:
            what = "retired: restore it" if holder.state is State.RETIRED else "there already"
            raise _CannotError(f"the code {path!r} is {what}; choose another name")
        if self._bearers.get(path, number) != number:
            raise _CannotError(
                f"{path!r} was the name of another code when this list began, so that codings "
                "under way would be taken for it; choose another name, or apply the list in two"
            )

    def _new(self, code: Code) -> VersionedCode:
        for path in ancestors(code.path):
            found = self._named(path)
            if found is None:
                self._new(Code(path=path))
            else:
                self._live(path)
        number = next(self._numbers)
        self._claim(code.path, number)
        made = VersionedCode(id=number, code=code)
        self._set(made)
        return made

    def _repath(self, code: VersionedCode, path: str) -> None:
        """Give a code another path, and those below it, retired ones too."""
        if path == code.path:
            raise _CannotError(f"{path!r} is where it is already")
        moved = [code, *self._children(code, State.LIVE, State.RETIRED)]
        mine = {one.id for one in moved}
        for one in moved:
            new = path + one.path[len(code.path) :]
            holder = self._named(new)
            if holder is not None and holder.id in mine:
                raise _CannotError(f"{new!r} is below the code itself")
            self._claim(new, one.id)
        for one in moved:
            new = path + one.path[len(code.path) :]
            self._set(replace(one, code=replace(one.code, path=new)))

    def _rename(self, operation: Rename) -> None:
        code = self._live(operation.code)
        if SEPARATOR in operation.to:
            raise _CannotError(
                f"{operation.to!r} is a path; rename takes the last level, move the place"
            )
        self._repath(code, operation.path)

    def _move(self, path: str, under: str | None) -> None:
        code = self._live(path)
        if under is None:
            self._repath(code, code.code.name)
            return
        self._live(under)
        if under == path or under.startswith(path + SEPARATOR):
            raise _CannotError(f"{path!r} cannot be moved below itself")
        self._repath(code, under + SEPARATOR + code.code.name)

    def _merge(self, paths: tuple[str, ...], into: Code) -> None:
        sources = [self._live(path) for path in dict.fromkeys(paths)]
        target = self._named(into.path)
        away = [one for one in sources if target is None or one.id != target.id]
        if target is None and len(sources) < 2:
            raise _CannotError("one code alone is not merged; rename it")
        if not away:
            raise _CannotError(f"{into.path!r} alone is not merged into itself")
        for one in away:
            self._without_children(one, "merge")
        if target is None:
            target = self._new(into)
        else:
            self._live(into.path)
        for one in away:
            self._go(one, (target.id,))

    def _split(self, path: str, parts: tuple[Code, ...]) -> None:
        code = self._live(path)
        wanted = {part.path: part for part in parts}
        if path in wanted:
            raise _CannotError(
                f"{path!r} itself is not one of its parts, or nobody could tell an old coding "
                "from a new one; give the part another name"
            )
        if len(wanted) < 2:
            raise _CannotError("a split is into two codes or more")
        into = tuple(
            (self._live(part.path) if self._named(part.path) else self._new(part)).id
            for part in wanted.values()
        )
        self._go(code, into)

    def _go(self, code: VersionedCode, into: tuple[int, ...]) -> None:
        """Pass the codings on. The code itself stays only where codes are below it."""
        self.passages.append(Passage(code=code.id, into=into))
        if not self._children(code, State.LIVE):
            self._set(replace(code, state=State.GONE))

    def _restore(self, path: str) -> None:
        code = self._named(path)
        if code is None or code.state is not State.RETIRED:
            raise _CannotError(f"there is no retired code {path!r}")
        if code.code.parent is not None:
            self._live(code.code.parent)
        self._set(replace(code, state=State.LIVE))

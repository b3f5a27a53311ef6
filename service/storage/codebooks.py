"""A study's codebook as it is now: stored, grown, replaced; each change a version."""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from annotations.codebook import SEPARATOR, Code, Codebook, ancestors
from annotations.codebook_versions.history import Bearer, CodebookHistory, State
from annotations.codebook_versions.operations import (
    DESCRIPTIVE,
    Add,
    Edit,
    Redefine,
    Restore,
    Retire,
    code_from,
)
from annotations.codebook_versions.reading import CodebookMap
from annotations.errors import Problem
from annotations.study import Material
from service.storage import versions
from service.storage.tables import CodeRow, CodingRow, StudyRow

IMPORT = "import"
"""Who signs the edits that an import makes."""


def stored(session: Session, study: int) -> Codebook:
    """The study's codebook in the order of the tree: the live codes of the newest version."""
    # Columns, not objects: a bulk update would leave the session's objects as they were.
    query = select(*(CodeRow.__table__.c[item.name] for item in fields(Code))).where(
        CodeRow.study_id == study, CodeRow.state == State.LIVE
    )
    codes = [
        code_from(dict(row._mapping)) for row in session.execute(query.order_by(CodeRow.position))
    ]
    return Codebook.of(codes, declared=is_declared(session, study))


def is_declared(session: Session, study: int) -> bool:
    """Whether somebody gave the codebook."""
    return bool(session.scalar(select(StudyRow.declared).where(StudyRow.id == study)))


def bearers(
    session: Session,
    study: int,
    paths: Iterable[str],
    *,
    at: datetime | None = None,
    author: str,
    reason: str,
    known: CodebookHistory | None = None,
) -> dict[str, Bearer]:
    """The code that each path means, and the version of the codebook in which it does.

    A path that no version knows becomes a new code. `at` is when the path was written, None
    for now: see `CodebookHistory.bearer`. `known` is the history where it was read before.
    """
    known = versions.history(session, study, known)
    wanted = list(dict.fromkeys(paths))
    missing = [path for path in wanted if known.bearer(path, at=at) is None]
    if missing:
        # A parent comes with its child: of these, only those that nothing made yet.
        added: list[Edit] = []
        there = {one.path for one in known.current.live}
        for path in missing:
            if path not in there:
                added.append(Add(code=Code(path=path)))
                there |= {path, *ancestors(path)}
        versions.revise(session, study, added, author=author, reason=reason)
        known = versions.history(session, study)
    found = {path: known.bearer(path, at=at) for path in wanted}
    return {path: bearer for path, bearer in found.items() if bearer is not None}


def merged(book: Codebook, material: Material, known: CodebookHistory) -> Codebook:
    """The codebook as it will be, as far as it may be (see `problems`).

    What a code was called once makes no new code, or old files would undo edits.
    """
    given = replace(
        material.codebook,
        codes=tuple(one for one in material.codebook.codes if not _was(known, one.path)),
    )
    used = [
        Code(path=path)
        for path in dict.fromkeys(c.code for c in material.codings)
        if not _was(known, path)
    ]
    held = {code.path: code for code in book.codes}
    if given.declared:
        # A table of codes has no colours: those that another tool gave stay.
        colors = {code.path: code.color for code in book.codes}
        new = {
            code.path: replace(code, color=code.color or colors.get(code.path, ""))
            for code in given.codes
        }
        # Codes that a declared codebook already had stay: taking one out is an edit of its own.
        rest = book.codes if book.declared else ()
        return Codebook.of([*new.values(), *(c for c in rest if c.path not in new)], declared=True)
    if book.declared:
        return book
    for code in (*given.codes, *used):
        before = held.get(code.path, Code(path=code.path))
        held[code.path] = replace(
            before,
            definition=before.definition or code.definition,
            include=before.include or code.include,
            exclude=before.exclude or code.exclude,
            examples=before.examples or code.examples,
            color=before.color or code.color,
        )
    return Codebook.of(held.values(), declared=False)


def former_names(known: CodebookHistory) -> dict[str, str]:
    """Paths that older versions had, and in words what became of the code."""
    read = CodebookMap(known, known.current.number)
    codes = known.current.by_id
    names: dict[str, str] = {}
    for version in known.versions:
        for one in version.codes:
            if one.path in names or one.state is State.GONE or not _was(known, one.path):
                continue
            fate = read.read(one.id, version.number)
            into = [repr(codes[code].path) for code in fate.codes or fate.options]
            if fate.options:
                names[one.path] = f"was split into {' and '.join(into)}"
            elif fate.codes:
                names[one.path] = f"is {into[0]} now"
            else:
                names[one.path] = "is retired"
    return names


def _was(known: CodebookHistory, path: str) -> bool:
    """Whether a code had this path once, and none has it now that may be applied.

    A code that an import retired, because a codebook lacked it, comes back with a codebook.
    """
    now = known.current.named(path)
    if now is None:
        return known.bearer(path) is not None
    return now.state is State.RETIRED and not _retired_by_import(known, path)


def _retired_by_import(known: CodebookHistory, path: str) -> bool:
    last = [
        one
        for version in known.versions
        for one in version.operations
        if isinstance(one, Retire) and one.code == path
    ][-1:]
    return any(one.signed.author == IMPORT for one in last)


def problems(
    session: Session, study: int, material: Material, wanted: Codebook, known: CodebookHistory
) -> list[Problem]:
    """What keeps the material's codings, or the study's, out of a declared codebook."""
    if not wanted.declared:
        return []
    allowed = set(wanted.paths)
    missing = {
        path
        for path in {coding.code for coding in material.codings} - allowed
        if not _was(known, path)
    }
    found = [
        Problem(
            file="codings",
            line=None,
            message=f"the code {path!r} is not in the codebook; add it there or correct the coding",
        )
        for path in sorted(missing)
    ]
    used = select(CodingRow.code_id, CodingRow.version).join(
        CodeRow, CodeRow.id == CodingRow.code_id
    )
    read = CodebookMap(known, known.current.number)
    fates = [
        read.read(row.code_id, row.version)
        for row in session.execute(used.where(CodeRow.study_id == study).distinct())
    ]
    codes = {code for fate in fates for code in fate.codes + fate.options}
    paths = {known.current.by_id[code].path for code in codes}
    found += [
        Problem(
            file="codebook",
            line=None,
            message=f"the study has codings of {path!r}, which the codebook given lacks; add it",
        )
        for path in sorted(paths - allowed)
    ]
    return found


def replace_with(session: Session, study: int, book: Codebook, wanted: Codebook) -> tuple[int, int]:
    """Number of new codes and of codes whose definition changed; recorded as edits."""
    if wanted == book:
        return 0, 0
    before = {code.path: code for code in book.codes}
    now = versions.current(session, study)
    edits: list[Edit] = []
    # What a model suggested under an older codebook stays on record, and so do its codes.
    gone = before.keys() - set(wanted.paths)
    edits += [Retire(code=path) for path in sorted(gone, key=lambda path: -path.count(SEPARATOR))]
    new = [code for code in wanted.codes if code.path not in before]
    for code in new:
        back = now.named(code.path)
        if back is None:
            edits.append(Add(code=code))
            continue
        edits.append(Restore(code=code.path))
        edits += _redefined(back.code, code)
    changed = [one for one in wanted.codes if one.path in before and one != before[one.path]]
    for code in changed:
        edits += _redefined(before[code.path], code)
    if edits:
        versions.revise(session, study, edits, author=IMPORT)
    versions.reorder(session, study, wanted.paths)
    session.execute(update(StudyRow).where(StudyRow.id == study).values(declared=wanted.declared))
    return len(new), len(changed)


def _redefined(before: Code, after: Code) -> list[Edit]:
    changes = {
        name: getattr(after, name)
        for name in DESCRIPTIVE
        if getattr(before, name) != getattr(after, name)
    }
    return [Redefine(code=after.path, changes=changes)] if changes else []

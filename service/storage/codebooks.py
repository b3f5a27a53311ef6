"""A study's codebook: stored, merged with a given one, replaced."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import delete, insert, select, union, update
from sqlalchemy.orm import Session

from annotations.codebook import Code, Codebook
from annotations.errors import Problem
from annotations.study import Material
from service.storage import lookup
from service.storage.tables import CodeRow, CodingRow, DecisionRow, StudyRow, SuggestionRow


def stored(session: Session, study: int) -> Codebook:
    """The study's codebook in the order of the tree."""
    # Columns, not objects: a bulk update would leave the session's objects as they were.
    query = select(
        CodeRow.path,
        CodeRow.definition,
        CodeRow.include,
        CodeRow.exclude,
        CodeRow.examples,
        CodeRow.color,
    ).where(CodeRow.study_id == study)
    declared = session.scalar(select(StudyRow.declared).where(StudyRow.id == study))
    codes = [
        Code(
            path=row.path,
            definition=row.definition,
            include=row.include,
            exclude=row.exclude,
            examples=tuple(row.examples),
            color=row.color,
        )
        for row in session.execute(query.order_by(CodeRow.position))
    ]
    return Codebook.of(codes, declared=bool(declared))


def write(session: Session, study: int, codes: Sequence[Code]) -> None:
    """Make the stored codes and their order these. A code that is missing here stays as it is."""
    held = lookup.code_ids(session, study)
    rows = [
        {
            "study_id": study,
            "path": code.path,
            "position": position,
            "definition": code.definition,
            "include": code.include,
            "exclude": code.exclude,
            "examples": list(code.examples),
            "color": code.color,
        }
        for position, code in enumerate(codes)
    ]
    new = [row for row in rows if row["path"] not in held]
    if new:
        session.execute(insert(CodeRow), new)
    known = [{"id": held[str(row["path"])], **row} for row in rows if row["path"] in held]
    if known:
        session.execute(update(CodeRow), known)


def add_missing(session: Session, study: int, paths: Iterable[str]) -> dict[str, int]:
    """Row ids of all codes by path, after adding these where they are missing."""
    held = lookup.code_ids(session, study)
    missing = [path for path in dict.fromkeys(paths) if path not in held]
    if not missing:
        return held
    book = stored(session, study)
    added = [*book.codes, *(Code(path=path) for path in missing)]
    write(session, study, Codebook.of(added, declared=book.declared).codes)
    return lookup.code_ids(session, study)


def merged(book: Codebook, material: Material) -> Codebook:
    """The codebook as it will be, as far as it may be (see `problems`)."""
    given = material.codebook
    used = [Code(path=path) for path in dict.fromkeys(c.code for c in material.codings)]
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


def problems(session: Session, study: int, material: Material, wanted: Codebook) -> list[Problem]:
    """What keeps the material's codings, or the study's, out of a declared codebook."""
    if not wanted.declared:
        return []
    allowed = set(wanted.paths)
    missing = {coding.code for coding in material.codings} - allowed
    found = [
        Problem(
            file="codings",
            line=None,
            message=f"the code {path!r} is not in the codebook; add it there or correct the coding",
        )
        for path in sorted(missing)
    ]
    used = select(CodeRow.path).where(
        CodeRow.study_id == study, CodeRow.id.in_(select(CodingRow.code_id))
    )
    found += [
        Problem(
            file="codebook",
            line=None,
            message=f"the study has codings of {path!r}, which the codebook given lacks; add it",
        )
        for path in sorted(set(session.scalars(used)) - allowed)
    ]
    return found


def replace_with(session: Session, study: int, book: Codebook, wanted: Codebook) -> tuple[int, int]:
    """Number of new codes and of codes whose definition changed."""
    if wanted == book:
        return 0, 0
    before = {code.path: code for code in book.codes}
    gone = before.keys() - set(wanted.paths)
    if gone:
        # What a model suggested under an older codebook stays on record, and so do its codes.
        needed = union(select(SuggestionRow.code_id), select(DecisionRow.code_id))
        session.execute(
            delete(CodeRow).where(
                CodeRow.study_id == study, CodeRow.path.in_(gone), CodeRow.id.not_in(needed)
            )
        )
    write(session, study, wanted.codes)
    session.execute(update(StudyRow).where(StudyRow.id == study).values(declared=wanted.declared))
    return (
        sum(code.path not in before for code in wanted.codes),
        sum(code.path in before and code != before[code.path] for code in wanted.codes),
    )

"""The versions of a study's codebook, as they are stored."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.orm import Session

from annotations.codebook import Code
from annotations.codebook_versions.applying import revised
from annotations.codebook_versions.history import (
    CodebookHistory,
    CodebookVersion,
    Passage,
    State,
    VersionedCode,
)
from annotations.codebook_versions.operations import (
    Edit,
    code_content,
    code_from,
    plain,
    read_operation,
    signed,
)
from annotations.codebook_versions.reading import CodebookMap
from service.storage.base import utc
from service.storage.records import now
from service.storage.tables import CodebookVersionRow, CodeRow

EMPTY = CodebookVersion(number=0, codes=())
"""The codebook of a study before its first code."""


def current_number(session: Session, study: int) -> int:
    """The number of the newest version, 0 where the study has no code yet."""
    query = select(func.max(CodebookVersionRow.number)).where(CodebookVersionRow.study_id == study)
    return session.scalar(query) or 0


def current(session: Session, study: int) -> CodebookVersion:
    """The newest version."""
    query = _versions(study).order_by(CodebookVersionRow.number.desc()).limit(1)
    found = session.execute(query).one_or_none()
    return EMPTY if found is None else _version(found)


def history(session: Session, study: int, known: CodebookHistory | None = None) -> CodebookHistory:
    """All versions; before the first code there is an empty one, number 0.

    With `known`, read before: that again, unless a version came after it.
    """
    if known is not None and known.current.number == current_number(session, study):
        return known
    found = session.execute(_versions(study).order_by(CodebookVersionRow.number)).all()
    return CodebookHistory(versions=tuple(map(_version, found)) or (EMPTY,))


def revise(
    session: Session,
    study: int,
    operations: Sequence[Edit],
    *,
    author: str,
    reason: str = "",
    at: datetime | None = None,
) -> CodebookVersion:
    """Make the next version by edits, all or none, and store it as the codebook.

    Raises InputError, before anything is written, where an edit cannot be done.
    """
    moment = utc(at or now())
    before = current(session, study)
    edits = [signed(one, author=author, at=moment, reason=reason) for one in operations]
    # Tried first: a refusal leaves no rows of codes that were to be.
    revised(before, edits)
    made = revised(
        before,
        edits,
        numbers=_numbers(session, study),
        at=moment,
        author=author,
        reason=reason,
    )
    session.execute(
        insert(CodebookVersionRow).values(
            study_id=study,
            number=made.number,
            created_at=moment,
            author=author,
            reason=reason,
            codes=[_content(one) for one in made.codes],
            operations=[plain(one) for one in made.operations],
            passages=[{"code": one.code, "into": list(one.into)} for one in made.passages],
        )
    )
    _write(session, made.codes)
    return made


def paths_now(session: Session, study: int) -> dict[int, str]:
    """The path of every code that may be applied now, also by the rows merged into it.

    A row whose code was retired, or gave way to several, is missing.
    """
    known = history(session, study)
    read = CodebookMap(known, known.current.number)
    live_in = {one.id: version.number for version in known.versions for one in version.live}
    now_live = known.current.by_id
    found: dict[int, str] = {}
    for row, number in live_in.items():
        codes = read.read(row, number).codes
        if row in now_live and now_live[row].state is State.LIVE:
            found[row] = now_live[row].path
        elif codes:
            found[row] = now_live[codes[0]].path
    return found


def reorder(session: Session, study: int, paths: Sequence[str]) -> None:
    """Put the live codes into this order, in the newest version itself: no code changes."""
    found = current(session, study)
    place = {path: position for position, path in enumerate(paths)}
    live = sorted(found.live, key=lambda one: place[one.path])
    codes = (*live, *(one for one in found.codes if one.state is not State.LIVE))
    if codes == found.codes:
        return
    session.execute(
        update(CodebookVersionRow)
        .where(CodebookVersionRow.study_id == study, CodebookVersionRow.number == found.number)
        .values(codes=[_content(one) for one in codes])
    )
    _write(session, codes)


def _write(session: Session, codes: Sequence[VersionedCode]) -> None:
    """Make the rows of the codes those of the newest version."""
    rows = [
        {
            "id": one.id,
            "position": position,
            "state": str(one.state),
            **code_content(one.code),
            **({"path": f"{one.path} (was code {one.id})"} if one.state is State.GONE else {}),
        }
        for position, one in enumerate(codes)
    ]
    # The paths of those that go are given free first.
    for some in (
        [row for row in rows if row["state"] == State.GONE],
        [row for row in rows if row["state"] != State.GONE],
    ):
        if some:
            session.execute(update(CodeRow), some)


def _numbers(session: Session, study: int) -> Iterator[int]:
    """Rows for codes that are being made: what is in them is written with the version."""
    while True:
        yield session.execute(
            insert(CodeRow)
            .values(
                study_id=study,
                position=-1,
                state=str(State.LIVE),
                **code_content(Code(path=f"(being made, {secrets.token_hex(8)})")),
            )
            .returning(CodeRow.id)
        ).scalar_one()


def _content(code: VersionedCode) -> dict[str, Any]:
    return {"id": code.id, "state": str(code.state), "code": code_content(code.code)}


def _versions(study: int) -> Select[*tuple[Any, ...]]:
    return select(
        CodebookVersionRow.number,
        CodebookVersionRow.created_at,
        CodebookVersionRow.author,
        CodebookVersionRow.reason,
        CodebookVersionRow.codes,
        CodebookVersionRow.operations,
        CodebookVersionRow.passages,
    ).where(CodebookVersionRow.study_id == study)


def _version(row: "Row[Any]") -> CodebookVersion:
    return CodebookVersion(
        number=row.number,
        codes=tuple(_code(one) for one in row.codes),
        operations=tuple(
            read_operation(one, f"version {row.number}, operation {place}")
            for place, one in enumerate(row.operations, start=1)
        ),
        passages=tuple(Passage(code=one["code"], into=tuple(one["into"])) for one in row.passages),
        at=row.created_at,
        author=row.author,
        reason=row.reason,
    )


def _code(content: Mapping[str, Any]) -> VersionedCode:
    return VersionedCode(
        id=content["id"], code=code_from(content["code"]), state=State(content["state"])
    )

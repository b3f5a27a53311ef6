"""Memos and sets of a study."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from annotations.memos import Memo, NamedSet
from service.storage import codebooks, lookup, versions
from service.storage.tables import MemoRow, SetMemberRow, SetRow


def memos(session: Session, study: int, names: Mapping[int, str]) -> tuple[Memo, ...]:
    """The study's memos in the order in which they came in; `names` are its transcripts.

    A memo on a code that was merged into another is on that one; where the code is no more,
    the memo stays, without a code.
    """
    paths = versions.paths_now(session, study)
    query = (
        select(
            MemoRow.title,
            MemoRow.text,
            MemoRow.author,
            MemoRow.transcript_id,
            MemoRow.code_id,
            MemoRow.turn,
            MemoRow.start,
            MemoRow.end,
        )
        .where(MemoRow.study_id == study)
        .order_by(MemoRow.id)
    )
    return tuple(
        Memo(
            title=row.title,
            text=row.text,
            author=row.author,
            transcript=None if row.transcript_id is None else names[row.transcript_id],
            code=None if row.code_id is None else paths.get(row.code_id),
            turn=row.turn,
            start=row.start,
            end=row.end,
        )
        for row in session.execute(query)
    )


def sets(session: Session, study: int, names: Mapping[int, str]) -> tuple[NamedSet, ...]:
    """The study's sets in the order in which they came in, members too."""
    codes: dict[int, list[str]] = {}
    transcripts: dict[int, list[str]] = {}
    query = (
        select(SetMemberRow.set_id, SetMemberRow.code_id, SetMemberRow.transcript_id)
        .join(SetRow, SetRow.id == SetMemberRow.set_id)
        .where(SetRow.study_id == study)
        .order_by(SetMemberRow.id)
    )
    paths = versions.paths_now(session, study)
    for row, code, transcript in session.execute(query):
        path = None if code is None else paths.get(code)
        if path is not None and path not in codes.get(row, ()):
            codes.setdefault(row, []).append(path)
        if transcript is not None:
            transcripts.setdefault(row, []).append(names[transcript])
    found = select(SetRow.id, SetRow.name, SetRow.description).where(SetRow.study_id == study)
    return tuple(
        NamedSet(
            name=name,
            description=description,
            codes=tuple(codes.get(row, ())),
            transcripts=tuple(transcripts.get(row, ())),
        )
        for row, name, description in session.execute(found.order_by(SetRow.id))
    )


def add_memos(session: Session, study: int, given: Sequence[Memo]) -> int:
    """Add the memos that are not there yet; how many."""
    if not given:
        return 0
    transcripts = lookup.transcript_ids(session, study)
    held = set(memos(session, study, {row: name for name, row in transcripts.items()}))
    codes = _bearers(session, study, (one.code for one in given if one.code))
    new = [
        {
            "study_id": study,
            "title": one.title,
            "text": one.text,
            "author": one.author,
            "transcript_id": None if one.transcript is None else transcripts[one.transcript],
            "code_id": None if one.code is None else codes[one.code],
            "turn": one.turn,
            "start": one.start,
            "end": one.end,
        }
        for one in dict.fromkeys(given)
        if one not in held
    ]
    if new:
        session.execute(insert(MemoRow), new)
    return len(new)


def add_sets(session: Session, study: int, given: Sequence[NamedSet]) -> int:
    """Add sets, and to sets of the same name the members they lack; how many changed."""
    if not given:
        return 0
    transcripts = lookup.transcript_ids(session, study)
    held = {
        one.name: one
        for one in sets(session, study, {row: name for name, row in transcripts.items()})
    }
    codes = _bearers(session, study, (path for one in given for path in one.codes))
    changed: set[str] = set()
    for one in given:
        before = held.get(one.name)
        if before is None:
            values = {"study_id": study, "name": one.name, "description": one.description}
            session.execute(insert(SetRow), [values])
            before = NamedSet(name=one.name, description=one.description)
            changed.add(one.name)
        same = (SetRow.study_id == study, SetRow.name == one.name)
        if one.description and not before.description:
            session.execute(update(SetRow).where(*same).values(description=one.description))
            changed.add(one.name)
        row = session.execute(select(SetRow.id).where(*same)).scalar_one()
        new = [
            {"set_id": row, "code_id": codes[path], "transcript_id": None}
            for path in one.codes
            if path not in before.codes
        ]
        new += [
            {"set_id": row, "code_id": None, "transcript_id": transcripts[name]}
            for name in one.transcripts
            if name not in before.transcripts
        ]
        if new:
            session.execute(insert(SetMemberRow), new)
            changed.add(one.name)
        held[one.name] = NamedSet(
            name=one.name,
            description=before.description or one.description,
            codes=tuple(dict.fromkeys((*before.codes, *one.codes))),
            transcripts=tuple(dict.fromkeys((*before.transcripts, *one.transcripts))),
        )
    return len(changed)


def _bearers(session: Session, study: int, paths: Iterable[str]) -> dict[str, int]:
    """The row of the code that each path means; a path that nobody knows is a new code."""
    found = codebooks.bearers(session, study, paths, author=codebooks.IMPORT, reason="")
    return {path: bearer.code for path, bearer in found.items()}

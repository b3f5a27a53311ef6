"""The codings of one annotation, brought up to date without rewriting what still holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from annotations.codebook_versions.history import Bearer, CodebookHistory
from annotations.codebook_versions.reading import CodebookMap
from annotations.codings import Coding
from service.storage import recorded
from service.storage.records import now
from service.storage.tables import CodingChoiceRow, CodingRow

_Place = tuple[int, int, int, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Come:
    """A code that came in, and the codes that it is under the newest version."""

    code: int
    says: frozenset[int]


def replace_codings(
    session: Session,
    study: int,
    history: CodebookHistory,
    annotation: int,
    transcript: int,
    codings: Sequence[tuple[Coding, Bearer]],
) -> bool:
    """Make the annotation's codings these; each comes with its code and codebook version.

    Whether any came or went.

    A coding that is there and says the same under the newest version stays as it was made:
    Label Studio's labels follow the codebook, and the record does not. Where a coding waits for
    a choice and one of its options has come in its place, that is the choice.
    """
    read = CodebookMap(history, history.current.number)
    choices = recorded.choices_of(session, study, annotation)
    wanted: dict[tuple[_Place, int], tuple[Coding, Bearer]] = {}
    for coding, bearer in codings:
        place = (coding.turn, coding.start, coding.end, coding.coder)
        wanted.setdefault((place, bearer.code), (coding, bearer))
    here: dict[_Place, list[_Come]] = {}
    for (place, _), (_, bearer) in wanted.items():
        says = read.read(bearer.code, bearer.version).codes
        here.setdefault(place, []).append(_Come(code=bearer.code, says=frozenset(says)))
    met: set[tuple[_Place, int]] = set()
    over: list[int] = []
    held = session.scalars(select(CodingRow).where(CodingRow.annotation_id == annotation)).all()
    for row in held:
        place = (row.turn, row.start, row.end, row.coder)
        come = here.get(place, [])
        said = frozenset(read.read(row.code_id, row.version, choices.get(row.id, ())).codes)
        options = frozenset(read.read(row.code_id, row.version).options)
        same = [one.code for one in come if one.code == row.code_id]
        if not same:
            same = [one.code for one in come if one.says & (options or said)]
            chosen = options & frozenset(code for one in come for code in one.says)
            if chosen and chosen != said:
                choose(
                    session,
                    row.id,
                    version=history.current.number,
                    codes=chosen,
                    by=row.coder,
                    at=now(),
                )
        met.update((place, code) for code in same)
        if same:
            # The memo is the coder's to change while the coding stays.
            row.memo = wanted[place, same[0]][0].memo
        else:
            over.append(row.id)
    if over:
        session.execute(delete(CodingRow).where(CodingRow.id.in_(over)))
    new = [
        {
            "annotation_id": annotation,
            "transcript_id": transcript,
            "turn": coding.turn,
            "start": coding.start,
            "end": coding.end,
            "code_id": bearer.code,
            "coder": coding.coder,
            "coded_at": coding.coded_at,
            "memo": coding.memo,
            "version": bearer.version,
        }
        for key, (coding, bearer) in wanted.items()
        if key not in met
    ]
    if new:
        session.execute(insert(CodingRow), new)
    return bool(new or over)


def choose(
    session: Session,
    coding: int,
    *,
    version: int,
    codes: Iterable[int],
    by: str,
    at: datetime,
    assisted: bool = False,
) -> None:
    """Note what somebody chose for a coding under a version, in place of an earlier choice."""
    key = (CodingChoiceRow.coding_id == coding, CodingChoiceRow.version == version)
    session.execute(delete(CodingChoiceRow).where(*key))
    session.execute(
        insert(CodingChoiceRow).values(
            coding_id=coding,
            version=version,
            codes=sorted(codes),
            chosen_by=by,
            chosen_at=at,
            assisted=assisted,
        )
    )

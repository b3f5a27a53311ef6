"""The record of what was coded, and how any version of the codebook reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations.codebook_versions.history import CodebookHistory
from annotations.codebook_versions.reading import Choice, CodebookMap, Fate
from service.storage.tables import CodeRow, CodingChoiceRow, CodingRow


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedCoding:
    """A coding as it was made: `code` under codebook version `version`.

    `id` and `transcript` are row ids; `annotation` is the row id of the annotation that it came
    in with, None for a file. `choices` were made for it later.
    """

    id: int
    transcript: int
    turn: int
    start: int
    end: int
    code: int
    version: int
    coder: str
    coded_at: datetime | None
    annotation: int | None
    choices: tuple[Choice, ...] = ()
    memo: str = ""
    continues: bool = False


def recorded(
    session: Session,
    study: int,
    transcripts: Sequence[int] | None = None,
    *,
    annotation: int | None = None,
) -> tuple[RecordedCoding, ...]:
    """The codings of a study; from files first, then by annotation.

    Those of these transcripts, or of the annotation with this row id, where it is named.
    """
    choices = choices_of(session, study, annotation)
    query = (
        select(
            CodingRow.id,
            CodingRow.transcript_id,
            CodingRow.turn,
            CodingRow.start,
            CodingRow.end,
            CodingRow.code_id,
            CodingRow.version,
            CodingRow.coder,
            CodingRow.coded_at,
            CodingRow.annotation_id,
            CodingRow.memo,
            CodingRow.continues,
        )
        .join(CodeRow, CodeRow.id == CodingRow.code_id)
        .where(CodeRow.study_id == study)
        .order_by(CodingRow.annotation_id.is_(None).desc(), CodingRow.annotation_id, CodingRow.id)
    )
    if transcripts is not None:
        query = query.where(CodingRow.transcript_id.in_(transcripts))
    if annotation is not None:
        query = query.where(CodingRow.annotation_id == annotation)
    return tuple(
        RecordedCoding(
            id=row.id,
            transcript=row.transcript_id,
            turn=row.turn,
            start=row.start,
            end=row.end,
            code=row.code_id,
            version=row.version,
            coder=row.coder,
            coded_at=row.coded_at,
            annotation=row.annotation_id,
            choices=choices.get(row.id, ()),
            memo=row.memo,
            continues=row.continues,
        )
        for row in session.execute(query)
    )


def choices_of(
    session: Session, study: int, annotation: int | None = None
) -> Mapping[int, tuple[Choice, ...]]:
    """The choices made for codings, by the coding's row id; of one annotation on request."""
    query = (
        select(
            CodingChoiceRow.coding_id,
            CodingChoiceRow.version,
            CodingChoiceRow.codes,
            CodingChoiceRow.assisted,
        )
        .join(CodingRow, CodingRow.id == CodingChoiceRow.coding_id)
        .join(CodeRow, CodeRow.id == CodingRow.code_id)
        .where(CodeRow.study_id == study)
    )
    if annotation is not None:
        query = query.where(CodingRow.annotation_id == annotation)
    found: dict[int, tuple[Choice, ...]] = {}
    for row in session.execute(query):
        choice = Choice(version=row.version, codes=tuple(row.codes), assisted=row.assisted)
        found[row.coding_id] = (*found.get(row.coding_id, ()), choice)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadCoding:
    """A coding of the record and what it says under the version that it was read under."""

    coding: RecordedCoding
    fate: Fate

    @property
    def reading(self) -> tuple[int, int, str]:
        """Transcript, turn and coder: the reading that it belongs to."""
        return (self.coding.transcript, self.coding.turn, self.coding.coder)


def read_under(
    codings: Sequence[RecordedCoding], history: CodebookHistory, version: int
) -> tuple[ReadCoding, ...]:
    """The record under one version of the codebook, in its order."""
    read = CodebookMap(history, version)
    return tuple(
        ReadCoding(coding=one, fate=read.read(one.code, one.version, one.choices))
        for one in codings
    )

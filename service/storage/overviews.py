"""What pages list, counted by the database: no transcript's words are read for it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, not_, or_, select
from sqlalchemy.orm import Session

from annotations.codings import is_model
from service.storage import lookup, recorded, versions
from service.storage.tables import (
    AnnotationRow,
    BatchRow,
    CodeRow,
    CodingRow,
    ReadingRow,
    StudyRow,
    SuggestionRow,
    TranscriptRow,
    TurnRow,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptSummary:
    """A transcript in numbers; `readers` are the people who read turns of it, and how many.

    `to_read` are the turns that are coded: all but an interviewer's where those are context.
    `codings` are people's.
    """

    name: str
    attributes: Mapping[str, Any]
    turns: int
    to_read: int
    words: int
    readers: Mapping[str, int]
    codings: int

    @property
    def finished(self) -> bool:
        """Whether a person read all of it that is coded."""
        return any(turns >= self.to_read for turns in self.readers.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class SuggestionCount:
    """How often a model version suggests a code in a transcript."""

    transcript: str
    code: str
    number: int


class Overviews:
    """Counts by transcript and code. Every method raises NotFound for an unknown study."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def transcripts(self, study: str) -> Sequence[TranscriptSummary]:
        """All transcripts, in the order in which they came in."""
        row = lookup.study_id(self._session, study)
        is_coded = or_(not_(TurnRow.interviewer), StudyRow.code_interviewer)
        counts: dict[int, tuple[int, int]] = {}
        counted_turns = (
            select(TurnRow.transcript_id, func.count(), func.sum(case((is_coded, 1), else_=0)))
            .join(TranscriptRow, TranscriptRow.id == TurnRow.transcript_id)
            .join(StudyRow, StudyRow.id == TranscriptRow.study_id)
            .where(TranscriptRow.study_id == row)
            .group_by(TurnRow.transcript_id)
        )
        for transcript, number, coded in self._session.execute(counted_turns):
            counts[transcript] = (number, coded)
        readers: dict[int, dict[str, int]] = {}
        read = (
            select(
                ReadingRow.transcript_id, ReadingRow.coder, func.count(ReadingRow.turn.distinct())
            )
            .join(TranscriptRow, TranscriptRow.id == ReadingRow.transcript_id)
            .join(StudyRow, StudyRow.id == TranscriptRow.study_id)
            .join(
                TurnRow,
                (TurnRow.transcript_id == ReadingRow.transcript_id)
                & (TurnRow.number == ReadingRow.turn),
            )
            .where(TranscriptRow.study_id == row, is_coded)
            .group_by(ReadingRow.transcript_id, ReadingRow.coder)
        )
        for transcript, coder, number in self._session.execute(read):
            if not is_model(coder):
                readers.setdefault(transcript, {})[coder] = number
        codings: dict[int, int] = {}
        # The same coding in a file and in Label Studio counts once.
        once = (
            select(
                CodingRow.transcript_id,
                CodingRow.coder,
                CodingRow.turn,
                CodingRow.start,
                CodingRow.end,
                CodingRow.code_id,
            )
            .join(TranscriptRow, TranscriptRow.id == CodingRow.transcript_id)
            .where(TranscriptRow.study_id == row)
            .distinct()
            .subquery()
        )
        counted = select(once.c.transcript_id, once.c.coder, func.count()).group_by(
            once.c.transcript_id, once.c.coder
        )
        for transcript, coder, number in self._session.execute(counted):
            if not is_model(coder):
                codings[transcript] = codings.get(transcript, 0) + number
        found = select(
            TranscriptRow.id, TranscriptRow.name, TranscriptRow.attributes, TranscriptRow.words
        ).where(TranscriptRow.study_id == row)
        return tuple(
            TranscriptSummary(
                name=name,
                attributes=attributes,
                turns=counts.get(number, (0, 0))[0],
                to_read=counts.get(number, (0, 0))[1],
                words=words,
                readers=dict(sorted(readers.get(number, {}).items())),
                codings=codings.get(number, 0),
            )
            for number, name, attributes, words in self._session.execute(
                found.order_by(TranscriptRow.id)
            )
        )

    def suggestions(self, study: str, *, version: str) -> Sequence[SuggestionCount]:
        """How many suggestions of a version are stored, by transcript and code."""
        row = lookup.study_id(self._session, study)
        query = (
            select(TranscriptRow.name, CodeRow.path, func.count())
            .select_from(SuggestionRow)
            .join(BatchRow, BatchRow.id == SuggestionRow.batch_id)
            .join(TranscriptRow, TranscriptRow.id == BatchRow.transcript_id)
            .join(CodeRow, CodeRow.id == SuggestionRow.code_id)
            .where(TranscriptRow.study_id == row, BatchRow.version == version)
            .group_by(TranscriptRow.name, CodeRow.path)
        )
        return tuple(
            SuggestionCount(transcript=name, code=code, number=number)
            for name, code, number in self._session.execute(query)
        )

    def stamp(self, study: str) -> str:
        """Changes when codings, readings or choices come, change or go, and with the codebook."""
        row = lookup.study_id(self._session, study)
        # What an annotation that was changed brings may get the row numbers that it had.
        newest = select(
            func.max(AnnotationRow.updated_at), func.max(AnnotationRow.mirrored_at)
        ).where(AnnotationRow.study_id == row)
        choices = sorted(recorded.choices_of(self._session, row).items())
        parts: list[object] = [
            *self._session.execute(newest).one(),
            versions.current_number(self._session, row),
            hashlib.sha256(repr(choices).encode()).hexdigest(),
        ]
        for table in (CodingRow, ReadingRow):
            query = (
                select(func.count(), func.max(table.id))
                .select_from(table)
                .join(TranscriptRow, TranscriptRow.id == table.transcript_id)
                .where(TranscriptRow.study_id == row)
            )
            parts.extend(self._session.execute(query).one())
        return "-".join(map(str, parts))

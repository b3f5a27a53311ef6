"""Which transcripts were drawn for people to code, and how likely each was."""

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from annotations.drawing import Member
from service.storage import lookup
from service.storage.records import DrawRecord
from service.storage.tables import DrawMemberRow, DrawRow, TranscriptRow


class Draws:
    """Every sample that was drawn in a study. NotFound for an unknown study."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, study: str, record: DrawRecord) -> None:
        """Store a draw: it is the one that counts from now on. NotFound: unknown transcript."""
        row = lookup.study_id(self._session, study, to_write=True)
        places = lookup.transcript_ids(self._session, row)
        made = self._session.execute(
            insert(DrawRow)
            .values(
                study_id=row,
                size=record.size,
                by=list(record.by),
                allocation=record.allocation,
                seed=record.seed,
                version=record.version,
                unsure_of=None if record.unsure_of is None else list(record.unsure_of),
                created_at=record.created_at,
            )
            .returning(DrawRow.id)
        ).scalar_one()
        rows = [
            {
                "draw_id": made,
                "transcript_id": places.get(one.transcript)
                or lookup.transcript_id(self._session, row, one.transcript),
                "stratum": list(one.stratum),
                "probability": one.probability,
                "drawn": one.drawn,
            }
            for one in record.members
        ]
        for some in lookup.chunks(rows):
            self._session.execute(insert(DrawMemberRow), list(some))

    def list(self, study: str) -> tuple[DrawRecord, ...]:
        """All draws of a study, the newest last."""
        row = lookup.study_id(self._session, study)
        query = select(DrawRow).where(DrawRow.study_id == row).order_by(DrawRow.id)
        return tuple(
            DrawRecord(
                size=found.size,
                by=tuple(found.by),
                allocation=found.allocation,
                seed=found.seed,
                version=found.version,
                unsure_of=None if found.unsure_of is None else tuple(found.unsure_of),
                created_at=found.created_at,
                members=self._members(found.id),
            )
            for found in self._session.scalars(query)
        )

    def drawn(self, study: str) -> frozenset[str]:
        """The transcripts that any draw has drawn: nothing may be suggested in them."""
        row = lookup.study_id(self._session, study)
        query = (
            select(TranscriptRow.name)
            .join(DrawMemberRow, DrawMemberRow.transcript_id == TranscriptRow.id)
            .where(TranscriptRow.study_id == row, DrawMemberRow.drawn)
        )
        return frozenset(self._session.scalars(query))

    def _members(self, draw: int) -> tuple[Member, ...]:
        query = (
            select(
                TranscriptRow.name,
                DrawMemberRow.stratum,
                DrawMemberRow.probability,
                DrawMemberRow.drawn,
            )
            .join(TranscriptRow, TranscriptRow.id == DrawMemberRow.transcript_id)
            .where(DrawMemberRow.draw_id == draw)
        )
        members = (
            Member(transcript=name, stratum=tuple(stratum), probability=probability, drawn=drawn)
            for name, stratum, probability, drawn in self._session.execute(query)
        )
        return tuple(sorted(members, key=lambda one: (one.stratum, one.transcript)))

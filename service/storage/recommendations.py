"""Which transcripts were recommended to be coded next, and since when."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from service.storage import lookup
from service.storage.records import now
from service.storage.tables import RecommendationRow, TranscriptRow


class Recommendations:
    """Transcripts that were chosen, and not drawn: they are no part of a probability sample."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, study: str, transcripts: Sequence[str]) -> None:
        """Note these as recommended; what was noted before keeps its time.

        Raises NotFound for an unknown study or transcript.
        """
        row = lookup.study_id(self._session, study, to_write=True)
        known = self.of(study)
        new = [
            lookup.transcript_id(self._session, row, name)
            for name in dict.fromkeys(transcripts)
            if name not in known
        ]
        moment = now()
        if new:
            self._session.execute(
                insert(RecommendationRow),
                [{"transcript_id": place, "created_at": moment} for place in new],
            )

    def of(self, study: str) -> dict[str, datetime]:
        """When each was first recommended, by name."""
        row = lookup.study_id(self._session, study)
        query = (
            select(TranscriptRow.name, RecommendationRow.created_at)
            .join(RecommendationRow, RecommendationRow.transcript_id == TranscriptRow.id)
            .where(TranscriptRow.study_id == row)
        )
        return {found.name: found.created_at for found in self._session.execute(query)}

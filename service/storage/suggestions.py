"""Every suggestion that a model made, whether coders saw it or not."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, select
from sqlalchemy.orm import Session

from annotations.codebook_versions.history import CodebookHistory, CodebookVersion
from annotations.codebook_versions.reading import CodebookMap
from models.suggestions import Evidence, Exemplar, Suggestion
from service.storage import codebooks, lookup, versions
from service.storage.records import StoredSuggestion, SuggestionCount, now
from service.storage.tables import BatchRow, CodeRow, SuggestionRow, TranscriptRow, TurnRow


class Suggestions:
    """Suggestions by study, model version and transcript."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def store(
        self,
        study: str,
        *,
        version: str,
        transcript: str,
        suggestions: Sequence[Suggestion],
        shown: bool,
        region_ids: Sequence[str] | None = None,
    ) -> None:
        """Store what a version suggested for a transcript, in place of what it did before.

        An empty sequence is worth storing too: the version looked and suggested nothing. What
        was `shown` once stays marked so. `region_ids` has one id a suggestion. Raises
        NotFound for an unknown transcript.
        """
        row = lookup.study_id(self._session, study, to_write=True)
        place = lookup.transcript_id(self._session, row, transcript)
        codes = codebooks.bearers(
            self._session,
            row,
            (item.code for item in suggestions),
            author=f"model {version}",
            reason="suggested",
        )
        regions = [None] * len(suggestions) if region_ids is None else region_ids
        batch = self._batch(place, version, shown)
        rows = [
            {
                "batch_id": batch,
                "turn": item.turn,
                "start": item.start,
                "end": item.end,
                "code_id": codes[item.code].code,
                "score": item.score,
                "threshold": item.threshold,
                "because": [asdict(exemplar) for exemplar in item.because],
                "region_id": region,
                "evidence_start": item.evidence and item.evidence.start,
                "evidence_end": item.evidence and item.evidence.end,
            }
            for item, region in zip(suggestions, regions, strict=True)
        ]
        if rows:
            self._session.execute(insert(SuggestionRow), rows)

    def of(
        self,
        study: str,
        *,
        version: str,
        transcript: str,
        codebook: int | None = None,
        known: CodebookHistory | None = None,
    ) -> tuple[StoredSuggestion, ...]:
        """What a version suggested for a transcript, in order of turn, start and score.

        Codes are read under a version of the codebook, the newest unless another is named.
        `known` is its history where it was read before.
        """
        asked = {transcript: version}
        return self.of_many(study, asked, codebook=codebook, known=known)[transcript]

    def of_many(
        self,
        study: str,
        asked: Mapping[str, str],
        *,
        codebook: int | None = None,
        known: CodebookHistory | None = None,
    ) -> dict[str, tuple[StoredSuggestion, ...]]:
        """What was suggested for each transcript by the version beside it, as `of` has it."""
        row = lookup.study_id(self._session, study)
        history = versions.history(self._session, row, known)
        read = CodebookMap(history, history.current.number if codebook is None else codebook)
        by_version: dict[str, list[str]] = {}
        for transcript, version in asked.items():
            by_version.setdefault(version, []).append(transcript)
        found: dict[str, list[StoredSuggestion]] = {transcript: [] for transcript in asked}
        for version, transcripts in by_version.items():
            for some in lookup.chunks(transcripts):
                query = _columns().where(
                    TranscriptRow.study_id == row,
                    TranscriptRow.name.in_(some),
                    BatchRow.version == version,
                )
                for one in self._session.execute(query):
                    found[one.name].append(_stored(read, history.at(one.created_at), one))
        return {transcript: tuple(suggestions) for transcript, suggestions in found.items()}

    def counts(self) -> SuggestionCount:
        """How many suggestions of all studies and versions are kept."""
        query = (
            select(BatchRow.shown, func.count())
            .join(SuggestionRow, SuggestionRow.batch_id == BatchRow.id)
            .group_by(BatchRow.shown)
        )
        found = dict(self._session.execute(query).all())
        return SuggestionCount(shown=found.get(True, 0), withheld=found.get(False, 0))

    def looked_at(self, study: str, *, version: str) -> frozenset[str]:
        """Transcripts that a version has looked at, whether or not it suggested anything."""
        return self._transcripts(study, BatchRow.version == version)

    def shown_versions(self, study: str) -> dict[str, str]:
        """The transcripts that coders saw with suggestions, and the version shown last."""
        row = lookup.study_id(self._session, study)
        query = (
            select(TranscriptRow.name, BatchRow.version)
            .join(BatchRow, BatchRow.transcript_id == TranscriptRow.id)
            .where(TranscriptRow.study_id == row, BatchRow.shown)
            .order_by(BatchRow.created_at, BatchRow.id)
        )
        return {found.name: found.version for found in self._session.execute(query)}

    def shown_transcripts(self, study: str) -> frozenset[str]:
        """Transcripts for which coders could see suggestions, by whatever version."""
        return self._transcripts(study, BatchRow.shown.is_(True))

    def said_to_coders(self, study: str, *, version: str) -> frozenset[str]:
        """Transcripts in which coders could see a suggestion of a version."""
        said = select(SuggestionRow.id).where(SuggestionRow.batch_id == BatchRow.id).exists()
        return self._transcripts(study, BatchRow.version == version, BatchRow.shown.is_(True), said)

    def _transcripts(self, study: str, *wanted: ColumnElement[bool]) -> frozenset[str]:
        row = lookup.study_id(self._session, study)
        query = select(TranscriptRow.name).join(
            BatchRow, BatchRow.transcript_id == TranscriptRow.id
        )
        return frozenset(self._session.scalars(query.where(TranscriptRow.study_id == row, *wanted)))

    def _batch(self, transcript: int, version: str, shown: bool) -> int:
        """An empty batch, which takes the place of an older one of the same version."""
        same = (BatchRow.transcript_id == transcript, BatchRow.version == version)
        seen = self._session.scalar(select(BatchRow.shown).where(*same))
        # The suggestions go with their batch.
        self._session.execute(delete(BatchRow).where(*same))
        return self._session.execute(
            insert(BatchRow)
            .values(
                transcript_id=transcript,
                version=version,
                shown=shown or bool(seen),
                created_at=now(),
            )
            .returning(BatchRow.id)
        ).scalar_one()


def _columns() -> Select[*tuple[Any, ...]]:
    """What a stored suggestion is made of, in order of turn, start and score."""
    return (
        select(
            TranscriptRow.name,
            BatchRow.version,
            SuggestionRow.turn,
            SuggestionRow.start,
            SuggestionRow.end,
            SuggestionRow.score,
            SuggestionRow.threshold,
            SuggestionRow.because,
            SuggestionRow.region_id,
            SuggestionRow.evidence_start,
            SuggestionRow.evidence_end,
            BatchRow.shown,
            BatchRow.created_at,
            SuggestionRow.code_id,
            TurnRow.text,
        )
        .join(BatchRow, BatchRow.id == SuggestionRow.batch_id)
        .join(TranscriptRow, TranscriptRow.id == BatchRow.transcript_id)
        .join(CodeRow, CodeRow.id == SuggestionRow.code_id)
        .join(
            TurnRow,
            (TurnRow.transcript_id == BatchRow.transcript_id)
            & (TurnRow.number == SuggestionRow.turn),
        )
        .order_by(
            SuggestionRow.turn,
            SuggestionRow.start,
            SuggestionRow.score.desc(),
            CodeRow.position,
        )
    )


def _stored(read: CodebookMap, made: CodebookVersion, found: "Row[Any]") -> StoredSuggestion:
    """A suggestion with its code as the version read under calls it, else as it was called."""
    fate = read.read(found.code_id, made.number)
    if fate.codes:
        path = read.to.by_id[fate.codes[0]].path
    else:
        known = made.by_id.get(found.code_id) or read.to.by_id.get(found.code_id)
        path = known.path if known else ""
    return StoredSuggestion(
        suggestion=Suggestion(
            transcript=found.name,
            turn=found.turn,
            start=found.start,
            end=found.end,
            text=found.text[found.start : found.end],
            code=path,
            score=found.score,
            threshold=found.threshold,
            model_version=found.version,
            because=tuple(Exemplar(**exemplar) for exemplar in found.because),
            evidence=_evidence(found.text, found.evidence_start, found.evidence_end),
        ),
        region_id=found.region_id,
        shown=found.shown,
        created_at=found.created_at,
        silent=not fate.codes,
        options=tuple(read.to.by_id[one].path for one in fate.options),
    )


def _evidence(text: str, start: int | None, end: int | None) -> Evidence | None:
    if start is None or end is None:
        return None
    return Evidence(start=start, end=end, text=text[start:end])

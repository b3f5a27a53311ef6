"""The mirror of Label Studio's annotations, and what follows from each of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from annotations.codebook_versions.history import Bearer, CodebookHistory
from annotations.codings import Coding, Reading
from annotations.decisions import Decision, DecisionKind
from service.storage import codebooks, lookup, versions
from service.storage.annotated import replace_codings
from service.storage.base import utc
from service.storage.records import (
    AnnotationRecord,
    DecisionCounts,
    DecisionRecord,
    Replaced,
    now,
)
from service.storage.tables import (
    AnnotationRow,
    CodeRow,
    DecisionRow,
    ReadingRow,
    TranscriptRow,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """An annotation as it is stored, and its row id."""

    row: int
    record: AnnotationRecord


class _Look(NamedTuple):
    """A reading as it is stored."""

    transcript_id: int
    turn: int
    coder: str
    assisted: bool
    version: int


class _Kept(NamedTuple):
    """A decision as it is stored."""

    turn: int
    start: int
    end: int
    code_id: int
    kind: str
    shown_turn: int | None
    shown_start: int | None
    shown_end: int | None


class AnnotationMirror:
    """Annotations with their codings, readings and decisions, each replaced as a whole."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def replace_annotation(
        self,
        study: str,
        record: AnnotationRecord,
        *,
        codings: Sequence[Coding],
        readings: Sequence[Reading],
        decisions: Sequence[Decision],
        known: CodebookHistory | None = None,
    ) -> Replaced:
        """Mirror an annotation with all that follows from it, in place of what was there.

        Doing it again changes nothing. A version older than the stored one is not written. A
        code that the codebook lacks is added to it, since Label Studio is right about what
        was coded. A turn was read under the codebook version of the time when its coder coded
        last: new labels on the same codings, and later versions, leave that as it is.
        `known` is the codebook's history where it was read before. Raises ValueError where a
        cancelled annotation comes with contents.
        """
        if record.cancelled and (codings or readings or decisions):
            raise ValueError("a cancelled annotation is neither a reading nor a decision")
        row = lookup.study_id(self._session, study, to_write=True)
        record = _normal(record)
        before = self._annotation(row, record.annotation_id)
        if before is not None and before.record.updated_at > record.updated_at:
            return Replaced(outcome="outdated")
        place = lookup.transcript_id(self._session, row, record.transcript)
        codes = codebooks.bearers(
            self._session,
            row,
            (*(item.code for item in codings), *(item.code for item in decisions)),
            at=record.updated_at,
            author="Label Studio",
            reason="applied there",
            known=known,
        )
        history = versions.history(self._session, row, known)
        values = {field.name: getattr(record, field.name) for field in fields(record)}
        values |= {"study_id": row, "transcript_id": place, "result": list(record.result)}
        del values["transcript"]
        if before is None:
            outcome = "new"
            annotation = self._session.execute(
                insert(AnnotationRow)
                .values(**values, mirrored_at=now())
                .returning(AnnotationRow.id)
            ).scalar_one()
        else:
            outcome = "unchanged" if before.record == record else "changed"
            annotation = before.row
            if outcome == "changed":
                self._session.execute(
                    update(AnnotationRow)
                    .where(AnnotationRow.id == annotation)
                    .values(**values, mirrored_at=now())
                )
        recoded = replace_codings(
            self._session,
            row,
            history,
            annotation,
            place,
            [(item, codes[item.code]) for item in codings],
        )
        made = history.at(record.updated_at).number
        self._replace_readings(
            annotation,
            place,
            readings,
            # A code that came later than the labels of the time was in sight all the same.
            version=max(1, made, *(codes[item.code].version for item in codings)),
            again=recoded and outcome == "changed",
        )
        self._replace_decisions(annotation, codes, decisions)
        return Replaced(outcome=outcome)

    def annotation(self, study: str, annotation_id: int) -> AnnotationRecord | None:
        """One annotation as it was fetched last, None where it is not known."""
        found = self._annotation(lookup.study_id(self._session, study), annotation_id)
        return found.record if found else None

    def annotation_ids(self, study: str) -> tuple[int, ...]:
        """Label Studio's numbers of all mirrored annotations."""
        row = lookup.study_id(self._session, study)
        query = select(AnnotationRow.annotation_id).where(AnnotationRow.study_id == row)
        return tuple(self._session.scalars(query.order_by(AnnotationRow.annotation_id)))

    def annotated_transcripts(self, study: str) -> frozenset[str]:
        """Transcripts of which somebody submitted an annotation; a skip is none."""
        row = lookup.study_id(self._session, study)
        query = (
            select(TranscriptRow.name)
            .join(AnnotationRow, AnnotationRow.transcript_id == TranscriptRow.id)
            .where(AnnotationRow.study_id == row, AnnotationRow.cancelled.is_(False))
        )
        return frozenset(self._session.scalars(query))

    def remove_annotations(self, study: str, annotation_ids: Sequence[int]) -> int:
        """Forget annotations with their codings, readings and decisions; how many there were."""
        row = lookup.study_id(self._session, study, to_write=True)
        removed = 0
        for some in lookup.chunks(annotation_ids):
            gone = self._session.scalars(
                delete(AnnotationRow)
                .where(AnnotationRow.study_id == row, AnnotationRow.annotation_id.in_(some))
                .returning(AnnotationRow.id)
            )
            removed += len(gone.all())
        return removed

    def changed_since(self, study: str, moment: datetime) -> int:
        """How many annotations came in or changed after a moment; skipped ones do not count."""
        row = lookup.study_id(self._session, study)
        query = select(func.count()).where(
            AnnotationRow.study_id == row,
            AnnotationRow.mirrored_at > moment,
            AnnotationRow.cancelled.is_(False),
        )
        return self._session.execute(query).scalar_one()

    def decisions(
        self, study: str, *, transcript: str | None = None, coder: str | None = None
    ) -> tuple[DecisionRecord, ...]:
        """What coders did with suggestions, in order of transcript, annotation, turn, start."""
        row = lookup.study_id(self._session, study)
        query = (
            select(
                AnnotationRow.annotation_id,
                TranscriptRow.name.label("transcript"),
                DecisionRow.turn,
                DecisionRow.start,
                DecisionRow.end,
                CodeRow.path.label("code"),
                DecisionRow.kind,
                AnnotationRow.coder,
                AnnotationRow.shown_version.label("model_version"),
                AnnotationRow.updated_at.label("decided_at"),
                DecisionRow.shown_turn,
                DecisionRow.shown_start,
                DecisionRow.shown_end,
            )
            .join(AnnotationRow, AnnotationRow.id == DecisionRow.annotation_id)
            .join(TranscriptRow, TranscriptRow.id == AnnotationRow.transcript_id)
            .join(CodeRow, CodeRow.id == DecisionRow.code_id)
            .where(AnnotationRow.study_id == row)
            .order_by(
                TranscriptRow.id,
                AnnotationRow.annotation_id,
                DecisionRow.turn,
                DecisionRow.start,
                DecisionRow.end,
                CodeRow.position,
                DecisionRow.id,
            )
        )
        if transcript is not None:
            query = query.where(TranscriptRow.name == transcript)
        if coder is not None:
            query = query.where(AnnotationRow.coder == coder)
        return tuple(DecisionRecord(**found._mapping) for found in self._session.execute(query))

    def decision_counts(self, study: str) -> tuple[DecisionCounts, ...]:
        """How often each kind fell on each code, in the order of the tree; codes without: none."""
        row = lookup.study_id(self._session, study)
        query = (
            select(CodeRow.path, DecisionRow.kind, func.count())
            .join(DecisionRow, DecisionRow.code_id == CodeRow.id)
            .where(CodeRow.study_id == row)
            .group_by(CodeRow.path, CodeRow.position, DecisionRow.kind)
            .order_by(CodeRow.position)
        )
        counts: dict[str, dict[str, int]] = {}
        for path, kind, number in self._session.execute(query):
            counts.setdefault(path, {str(each): 0 for each in DecisionKind})[kind] = number
        return tuple(DecisionCounts(code=path, **number) for path, number in counts.items())

    def _annotation(self, study: int, annotation_id: int) -> _Stored | None:
        names = [field.name for field in fields(AnnotationRecord) if field.name != "transcript"]
        query = (
            select(
                AnnotationRow.id.label("row"),
                TranscriptRow.name.label("transcript"),
                *(AnnotationRow.__table__.c[name] for name in names),
            )
            .join(TranscriptRow, TranscriptRow.id == AnnotationRow.transcript_id)
            .where(AnnotationRow.study_id == study, AnnotationRow.annotation_id == annotation_id)
        )
        found = self._session.execute(query).one_or_none()
        if found is None:
            return None
        values = dict(found._mapping)
        return _Stored(row=values.pop("row"), record=AnnotationRecord(**values))

    def _replace_readings(
        self,
        annotation: int,
        transcript: int,
        readings: Sequence[Reading],
        *,
        version: int,
        again: bool,
    ) -> None:
        """Make these the annotation's readings, written where they differ.

        Those it had keep their version, unless it was coded `again`.
        """
        query = select(
            ReadingRow.id,
            ReadingRow.transcript_id,
            ReadingRow.turn,
            ReadingRow.coder,
            ReadingRow.assisted,
            ReadingRow.version,
        ).where(ReadingRow.annotation_id == annotation)
        rows = {
            found.id: _Look(
                transcript_id=found.transcript_id,
                turn=found.turn,
                coder=found.coder,
                assisted=found.assisted,
                version=found.version,
            )
            for found in self._session.execute(query)
        }
        before = {(one.turn, one.coder): one.version for one in rows.values()}
        wanted = {
            (item.turn, item.coder): _Look(
                transcript_id=transcript,
                turn=item.turn,
                coder=item.coder,
                assisted=item.assisted,
                version=version if again else before.get((item.turn, item.coder), version),
            )
            for item in readings
        }
        held = set(rows.values())
        over = [number for number, one in rows.items() if wanted.get((one.turn, one.coder)) != one]
        for some in lookup.chunks(over):
            self._session.execute(delete(ReadingRow).where(ReadingRow.id.in_(some)))
        new = [one._asdict() for one in wanted.values() if one not in held]
        if new:
            self._session.execute(
                insert(ReadingRow), [{"annotation_id": annotation, **one} for one in new]
            )

    def _replace_decisions(
        self, annotation: int, codes: Mapping[str, Bearer], decisions: Sequence[Decision]
    ) -> None:
        own = DecisionRow.annotation_id == annotation
        columns = [DecisionRow.__table__.c[name] for name in _Kept._fields]
        held = [_Kept(*found) for found in self._session.execute(select(*columns).where(own))]
        wanted = [
            _Kept(
                turn=item.turn,
                start=item.start,
                end=item.end,
                code_id=codes[item.code].code,
                kind=str(item.kind),
                shown_turn=item.shown.turn if item.shown else None,
                shown_start=item.shown.start if item.shown else None,
                shown_end=item.shown.end if item.shown else None,
            )
            for item in decisions
        ]
        if Counter(held) == Counter(wanted):
            return
        self._session.execute(delete(DecisionRow).where(own))
        if wanted:
            self._session.execute(
                insert(DecisionRow),
                [{"annotation_id": annotation, **one._asdict()} for one in wanted],
            )


def _normal(record: AnnotationRecord) -> AnnotationRecord:
    """The record as the database gives it back, so that the two can be compared."""
    return replace(
        record,
        created_at=utc(record.created_at),
        updated_at=utc(record.updated_at),
        result=[dict(region) for region in record.result],
    )

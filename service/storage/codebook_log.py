"""A study's codebook versions, the choices that splits ask for, and edits proposed elsewhere."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from annotations.codebook_versions.history import CodebookHistory, CodebookVersion
from annotations.codebook_versions.operations import Edit, plain, read_operation
from annotations.codebook_versions.reading import Choice
from annotations.codings import is_model
from annotations.errors import NotFound
from service.storage import annotated, codebooks, lookup, recorded, versions
from service.storage.recorded import ReadCoding
from service.storage.records import Proposal, RetiredCoding, WaitingCoding, now
from service.storage.tables import AnnotationRow, CodebookProposalRow, ReadingRow, TranscriptRow


class CodebookLog:
    """How a codebook came to be. Every method raises NotFound for an unknown study."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def history(self, study: str, known: CodebookHistory | None = None) -> CodebookHistory:
        """All versions of the codebook; `known` again, where no version came after it."""
        return versions.history(self._session, lookup.study_id(self._session, study), known)

    def current(self, study: str) -> CodebookVersion:
        """The newest version."""
        return versions.current(self._session, lookup.study_id(self._session, study))

    def number(self, study: str) -> int:
        """The number of the newest version, 0 before the first code."""
        return versions.current_number(self._session, lookup.study_id(self._session, study))

    def former_names(self, study: str) -> dict[str, str]:
        """Paths of older versions that no code has now, with what became of the code."""
        return codebooks.former_names(self.history(study))

    def revise(
        self, study: str, operations: Sequence[Edit], *, author: str, reason: str
    ) -> CodebookVersion:
        """Make the next version by edits, all or none; InputError where one cannot be done."""
        row = lookup.study_id(self._session, study, to_write=True)
        return versions.revise(self._session, row, operations, author=author, reason=reason)

    def record(self, study: str, version: int | None = None) -> tuple[ReadCoding, ...]:
        """Every coding as it was made, and what it says under a version (the newest: None)."""
        row = lookup.study_id(self._session, study)
        history = versions.history(self._session, row)
        number = history.current.number if version is None else version
        return recorded.read_under(recorded.recorded(self._session, row), history, number)

    def waiting(self, study: str) -> tuple[WaitingCoding, ...]:
        """People's codings whose code was split, in order of transcript, turn and start."""
        row = lookup.study_id(self._session, study)
        names = {number: name for name, number in lookup.transcript_ids(self._session, row).items()}
        history = versions.history(self._session, row)
        codes = history.current.by_id
        found = [
            WaitingCoding(
                coding=one.coding.id,
                transcript=names[one.coding.transcript],
                turn=one.coding.turn,
                start=one.coding.start,
                end=one.coding.end,
                code=history.version(max(one.coding.version, history.versions[0].number))
                .by_id[one.coding.code]
                .path,
                options=tuple(codes[option].path for option in one.fate.options),
                coder=one.coding.coder,
            )
            for one in recorded.read_under(
                recorded.recorded(self._session, row), history, history.current.number
            )
            if one.fate.options
        ]
        order = {name: place for place, name in enumerate(names.values())}
        return tuple(
            sorted(found, key=lambda one: (order[one.transcript], one.turn, one.start, one.coder))
        )

    def retired(self, study: str) -> tuple[RetiredCoding, ...]:
        """People's codings of codes that are retired now."""
        row = lookup.study_id(self._session, study)
        names = {number: name for name, number in lookup.transcript_ids(self._session, row).items()}
        history = versions.history(self._session, row)
        codes = history.current.by_id
        return tuple(
            RetiredCoding(
                transcript=names[one.coding.transcript],
                turn=one.coding.turn,
                start=one.coding.start,
                end=one.coding.end,
                code=codes[code].path,
                since=history.retired_since(code),
            )
            for one in self.record(study)
            if not is_model(one.coding.coder)
            for code in one.fate.retired
        )

    def readings_by_version(self, study: str) -> dict[int, int]:
        """How many turns people read under each version: a turn and a coder count once."""
        row = lookup.study_id(self._session, study)
        query = (
            select(
                ReadingRow.transcript_id,
                ReadingRow.turn,
                ReadingRow.coder,
                func.max(ReadingRow.version),
            )
            .join(TranscriptRow, TranscriptRow.id == ReadingRow.transcript_id)
            .where(TranscriptRow.study_id == row)
            .group_by(ReadingRow.transcript_id, ReadingRow.turn, ReadingRow.coder)
        )
        return dict(
            Counter(
                version
                for *_, coder, version in self._session.execute(query)
                if not is_model(coder)
            )
        )

    def versions_read(self, study: str) -> dict[str, int]:
        """The version under which people read most of each transcript's turns; ties: the newer."""
        row = lookup.study_id(self._session, study)
        query = (
            select(TranscriptRow.name, ReadingRow.version, ReadingRow.coder, func.count())
            .join(TranscriptRow, TranscriptRow.id == ReadingRow.transcript_id)
            .where(TranscriptRow.study_id == row)
            .group_by(TranscriptRow.name, ReadingRow.version, ReadingRow.coder)
        )
        counts: dict[str, Counter[int]] = {}
        for name, version, coder, turns in self._session.execute(query):
            if not is_model(coder):
                counts.setdefault(name, Counter())[version] += turns
        return {
            name: max(found, key=lambda version: (found[version], version))
            for name, found in counts.items()
        }

    def choices_in(
        self, study: str, annotation_id: int
    ) -> dict[tuple[int, int, int, int], tuple[Choice, ...]]:
        """The choices made for codings of an annotation, by turn, start, end and code."""
        row = lookup.study_id(self._session, study)
        own = self._session.scalar(
            select(AnnotationRow.id).where(
                AnnotationRow.study_id == row, AnnotationRow.annotation_id == annotation_id
            )
        )
        if own is None:
            return {}
        return {
            (one.turn, one.start, one.end, one.code): one.choices
            for one in recorded.recorded(self._session, row, annotation=own)
            if one.choices
        }

    def choose(
        self,
        study: str,
        choices: Mapping[int, Collection[str]],
        *,
        by: str,
        at: datetime,
        assisted: Collection[int] = (),
    ) -> int:
        """Note the codes chosen, by path, for codings; how many choices are new or different.

        `assisted` are the codings for which the model's proposal was in sight.
        Raises NotFound where a path is not a code of the newest version.
        """
        row = lookup.study_id(self._session, study, to_write=True)
        version = versions.current(self._session, row)
        made = recorded.choices_of(self._session, row)
        changed = 0
        for coding, paths in choices.items():
            codes = []
            for path in paths:
                found = version.named(path)
                if found is None:
                    raise NotFound(f"There is no code {path!r} in the codebook of {study}.")
                codes.append(found.id)
            before = max(made.get(coding, ()), key=lambda one: one.version, default=None)
            if (
                before is not None
                and sorted(before.codes) == sorted(codes)
                and before.assisted == (coding in assisted)
            ):
                continue
            annotated.choose(
                self._session,
                coding,
                version=version.number,
                codes=codes,
                by=by,
                at=at,
                assisted=coding in assisted,
            )
            changed += 1
        return changed

    def proposals(self, study: str, state: str | None = "open") -> tuple[Proposal, ...]:
        """Edits that were found in Label Studio; all of them where `state` is None."""
        row = lookup.study_id(self._session, study)
        query = select(CodebookProposalRow).where(CodebookProposalRow.study_id == row)
        if state is not None:
            query = query.where(CodebookProposalRow.state == state)
        return tuple(
            _proposal(found)
            for found in self._session.scalars(query.order_by(CodebookProposalRow.id))
        )

    def propose(self, study: str, operations: Sequence[Edit]) -> int:
        """Keep edits to be decided on; how many were not proposed and open already."""
        row = lookup.study_id(self._session, study, to_write=True)
        there: list[dict[str, Any]] = [plain(one.operation) for one in self.proposals(study)]
        new = [content for one in operations if (content := plain(one)) not in there]
        if new:
            self._session.execute(
                insert(CodebookProposalRow),
                [
                    {"study_id": row, "operation": one, "state": "open", "found_at": now()}
                    for one in new
                ],
            )
        return len(new)

    def decide(self, study: str, numbers: Collection[int], state: str) -> tuple[Proposal, ...]:
        """Mark open proposals as accepted or declined; NotFound lists those that are open."""
        row = lookup.study_id(self._session, study, to_write=True)
        open_ = {one.number: one for one in self.proposals(study)}
        if missing := sorted(set(numbers) - open_.keys()):
            known = ", ".join(map(str, open_)) or "none"
            raise NotFound(
                f"{study} has no open proposal {', '.join(map(str, missing))}; open: {known}."
            )
        self._session.execute(
            update(CodebookProposalRow)
            .where(CodebookProposalRow.study_id == row, CodebookProposalRow.id.in_(list(numbers)))
            .values(state=state, decided_at=now())
        )
        return tuple(open_[number] for number in sorted(numbers))


def _proposal(row: CodebookProposalRow) -> Proposal:
    return Proposal(
        number=row.id,
        operation=read_operation(row.operation, f"proposal {row.id}"),
        state=row.state,
        found_at=row.found_at,
        decided_at=row.decided_at,
    )

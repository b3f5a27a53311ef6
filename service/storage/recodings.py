"""Excerpts that coders code again. They stand apart: no study, count or model reads them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from annotations.codebook_versions.history import Bearer, CodebookHistory, VersionedCode
from annotations.codebook_versions.reading import CodebookMap, mapping
from annotations.codings import Coding
from annotations.errors import NotFound
from service.storage import codebooks, lookup, versions
from service.storage.base import utc
from service.storage.records import RecodeDraw, RecodeExcerpt
from service.storage.tables import (
    ReadingRow,
    RecodeCodingRow,
    RecodeDrawRow,
    RecodeExcerptRow,
    TranscriptRow,
)


class Recodings:
    """Draws of old excerpts, and what came back. NotFound for an unknown study."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, study: str, draw: RecodeDraw) -> None:
        """Store a draw with the codings as they stand; it is the coder's newest from now on."""
        row = lookup.study_id(self._session, study, to_write=True)
        places = lookup.transcript_ids(self._session, row)
        current = versions.current(self._session, row)
        read = self._versions_read(row, draw.coder)
        made = self._session.execute(
            insert(RecodeDrawRow)
            .values(
                study_id=row,
                coder=draw.coder,
                size=draw.size,
                seed=draw.seed,
                days=draw.days,
                key=draw.key,
                created_at=draw.created_at,
                project_id=draw.project_id,
            )
            .returning(RecodeDrawRow.id)
        ).scalar_one()
        for one in draw.excerpts:
            place = places.get(one.transcript) or lookup.transcript_id(
                self._session, row, one.transcript
            )
            excerpt = self._session.execute(
                insert(RecodeExcerptRow)
                .values(
                    draw_id=made,
                    transcript_id=place,
                    turn=one.turn,
                    version=read.get((place, one.turn), current.number),
                    key=one.key,
                    stratum=one.stratum,
                    probability=one.probability,
                    coded_at=one.coded_at,
                )
                .returning(RecodeExcerptRow.id)
            ).scalar_one()
            bearers = {}
            for coding in one.before:
                code = current.named(coding.code)
                if code is None:
                    raise NotFound(f"There is no code {coding.code!r} in the codebook of {study}.")
                bearers[coding.code] = Bearer(code=code.id, version=current.number)
            self._put(excerpt, one.before, bearers, again=False)

    def list(self, study: str) -> tuple[RecodeDraw, ...]:
        """All draws, the newest last, their codings read under the newest codebook."""
        row = lookup.study_id(self._session, study)
        history = versions.history(self._session, row)
        read = _Reader(history)
        query = (
            select(RecodeDrawRow).where(RecodeDrawRow.study_id == row).order_by(RecodeDrawRow.id)
        )
        draws = self._session.scalars(query).all()
        codings: dict[int, list[RecodeCodingRow]] = {}
        for one in self._session.scalars(
            select(RecodeCodingRow)
            .join(RecodeExcerptRow, RecodeExcerptRow.id == RecodeCodingRow.excerpt_id)
            .join(RecodeDrawRow, RecodeDrawRow.id == RecodeExcerptRow.draw_id)
            .where(RecodeDrawRow.study_id == row)
            .order_by(RecodeCodingRow.id)
        ):
            codings.setdefault(one.excerpt_id, []).append(one)
        excerpts: dict[int, list[RecodeExcerpt]] = {}
        coders = {draw.id: draw.coder for draw in draws}
        for found, name in self._session.execute(
            select(RecodeExcerptRow, TranscriptRow.name)
            .join(TranscriptRow, TranscriptRow.id == RecodeExcerptRow.transcript_id)
            .where(TranscriptRow.study_id == row)
            .order_by(RecodeExcerptRow.id)
        ):
            excerpts.setdefault(found.draw_id, []).append(
                read.excerpt(found, name, coders[found.draw_id], codings.get(found.id, ()))
            )
        return tuple(
            RecodeDraw(
                coder=draw.coder,
                size=draw.size,
                seed=draw.seed,
                days=draw.days,
                key=draw.key,
                excerpts=tuple(excerpts.get(draw.id, ())),
                created_at=draw.created_at,
                project_id=draw.project_id,
            )
            for draw in draws
        )

    def remove(self, study: str, key: str) -> None:
        """Forget a draw, as one that nobody was sent."""
        row = lookup.study_id(self._session, study, to_write=True)
        self._session.execute(
            delete(RecodeDrawRow).where(RecodeDrawRow.study_id == row, RecodeDrawRow.key == key)
        )

    def pushed(self, study: str, key: str, project_id: int) -> None:
        """Note the project in which a draw's excerpts are."""
        row = lookup.study_id(self._session, study, to_write=True)
        self._session.execute(
            update(RecodeDrawRow)
            .where(RecodeDrawRow.study_id == row, RecodeDrawRow.key == key)
            .values(project_id=project_id)
        )

    def take(
        self, study: str, key: str, codings: Sequence[Coding], *, annotator: str, at: datetime
    ) -> bool:
        """Note what a coder applied to an excerpt again; whether that is new or different.

        `at` is when they did, which says what their labels mean. A code that the codebook lacks
        is added to it, as one that comes in with any annotation.
        """
        row = lookup.study_id(self._session, study, to_write=True)
        excerpt = self._excerpts(row, [key]).get(key)
        if excerpt is None or (excerpt.recoded_at == utc(at) and excerpt.annotator == annotator):
            return False
        bearers = codebooks.bearers(
            self._session,
            row,
            (one.code for one in codings),
            at=at,
            author="Label Studio",
            reason="applied there",
        )
        self._clear([excerpt.id])
        self._put(excerpt.id, codings, bearers, again=True)
        self._session.execute(
            update(RecodeExcerptRow)
            .where(RecodeExcerptRow.id == excerpt.id)
            .values(recoded_at=at, annotator=annotator)
        )
        return True

    def forget(self, study: str, keys: Collection[str]) -> int:
        """Take excerpts as not coded again; how many had been."""
        row = lookup.study_id(self._session, study, to_write=True)
        found = [
            one.id
            for one in self._excerpts(row, sorted(keys)).values()
            if one.recoded_at is not None
        ]
        self._clear(found)
        for some in lookup.chunks(found):
            self._session.execute(
                update(RecodeExcerptRow)
                .where(RecodeExcerptRow.id.in_(some))
                .values(recoded_at=None, annotator=None)
            )
        return len(found)

    def _versions_read(self, study: int, coder: str) -> dict[tuple[int, int], int]:
        """The newest version under which the coder read each turn, by transcript's row and turn."""
        query = (
            select(ReadingRow.transcript_id, ReadingRow.turn, func.max(ReadingRow.version))
            .join(TranscriptRow, TranscriptRow.id == ReadingRow.transcript_id)
            .where(TranscriptRow.study_id == study, ReadingRow.coder == coder)
            .group_by(ReadingRow.transcript_id, ReadingRow.turn)
        )
        return {(place, turn): version for place, turn, version in self._session.execute(query)}

    def _excerpts(self, study: int, keys: Sequence[str]) -> dict[str, RecodeExcerptRow]:
        found: dict[str, RecodeExcerptRow] = {}
        for some in lookup.chunks(keys):
            query = (
                select(RecodeExcerptRow)
                .join(RecodeDrawRow, RecodeDrawRow.id == RecodeExcerptRow.draw_id)
                .where(RecodeDrawRow.study_id == study, RecodeExcerptRow.key.in_(some))
                .execution_options(populate_existing=True)
            )
            found |= {one.key: one for one in self._session.scalars(query)}
        return found

    def _clear(self, excerpts: Sequence[int]) -> None:
        for some in lookup.chunks(excerpts):
            self._session.execute(
                delete(RecodeCodingRow).where(
                    RecodeCodingRow.excerpt_id.in_(some), RecodeCodingRow.again
                )
            )

    def _put(
        self,
        excerpt: int,
        codings: Iterable[Coding],
        bearers: Mapping[str, Bearer],
        *,
        again: bool,
    ) -> None:
        # The same twice, from a file and from Label Studio, counts once.
        once = {(one.start, one.end, bearers[one.code]): None for one in codings}
        rows = [
            {
                "excerpt_id": excerpt,
                "again": again,
                "start": start,
                "end": end,
                "code_id": bearer.code,
                "version": bearer.version,
            }
            for start, end, bearer in once
        ]
        if rows:
            self._session.execute(insert(RecodeCodingRow), rows)


class _Reader:
    """Reads both codings of an excerpt under the newest version of the codebook."""

    def __init__(self, history: CodebookHistory) -> None:
        self._history = history
        self._map = CodebookMap(history, history.current.number)
        self._since: dict[int, _Since] = {}

    def excerpt(
        self,
        row: RecodeExcerptRow,
        transcript: str,
        coder: str,
        codings: Sequence[RecodeCodingRow],
    ) -> RecodeExcerpt:
        codes = self._history.current.by_id
        sides: dict[bool, dict[Coding, None]] = {False: {}, True: {}}
        undecided = False
        for one in codings:
            fate = self._map.read(one.code_id, one.version)
            undecided |= bool(fate.options)
            for code in fate.codes:
                coding = Coding(
                    transcript=transcript,
                    turn=row.turn,
                    start=one.start,
                    end=one.end,
                    code=codes[code].path,
                    coder=coder,
                    coded_at=row.recoded_at if one.again else row.coded_at,
                )
                sides[one.again][coding] = None
        since = self._changed_since(row.version)
        return RecodeExcerpt(
            transcript=transcript,
            turn=row.turn,
            key=row.key,
            stratum=row.stratum,
            probability=row.probability,
            coded_at=row.coded_at,
            before=tuple(sides[False]),
            after=None if row.recoded_at is None else tuple(sides[True]),
            recoded_at=row.recoded_at,
            annotator=row.annotator,
            undecided=undecided,
            younger=since.younger - {one.code for one in sides[False]},
            redefined=since.redefined,
        )

    def _changed_since(self, number: int) -> "_Since":
        """The codes that were not there under a version, in any form, and those redefined."""
        if number not in self._since:
            current = self._history.current
            first = max(number, self._history.versions[0].number)
            old = self._history.version(first)
            fates = mapping(self._history, first, current.number)
            there = {code for fate in fates.values() for code in (*fate.codes, *fate.options)}
            self._since[number] = _Since(
                younger=frozenset(one.path for one in current.live if one.id not in there),
                redefined=frozenset(
                    one.path
                    for one in current.live
                    if one.id in old.by_id and _meaning(old.by_id[one.id]) != _meaning(one)
                ),
            )
        return self._since[number]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Since:
    """What became of the codebook after a version, as paths of the newest."""

    younger: frozenset[str]
    redefined: frozenset[str]


def _meaning(one: VersionedCode) -> tuple[str, str, str]:
    return (one.code.definition, one.code.include, one.code.exclude)

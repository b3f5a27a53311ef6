"""Adds material to a study: checks all of it first, then writes what is new."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from annotations.codings import Coding, Reading
from annotations.errors import InputError, Problem
from annotations.numerals import many
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from service.storage import annotated, codebooks, lookup, memos, recorded, versions
from service.storage.records import Added, now
from service.storage.tables import CodingRow, ReadingRow, TranscriptRow, TurnRow

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")

_KEY = ("transcript_id", "turn", "start", "end", "code_id", "coder")
"""What makes a coding from a file the same coding."""


def add(session: Session, study: int, material: Material) -> Added:
    """Write what is new. Raises InputError, with every problem, before anything is written."""
    known = lookup.transcript_ids(session, study)
    turns = _turns(session, _rows_mentioned(known, material))
    stored = {name: turns.get(row, {}) for name, row in known.items()}
    book = codebooks.stored(session, study)
    history = versions.history(session, study)
    wanted = codebooks.merged(book, material, history)
    problems = [
        *_problems_of_transcripts(material.transcripts, stored),
        *_problems_of_spans(material, stored),
        *codebooks.problems(session, study, material, wanted, history),
    ]
    if problems:
        raise InputError(*problems)
    added, attributes = _add_transcripts(session, study, material.transcripts, known, stored)
    marked = 0 if material.interviewers is None else _mark(session, material, known, stored)
    codes, definitions = codebooks.replace_with(session, study, book, wanted)
    rows = lookup.transcript_ids(session, study)
    codings = _add_codings(session, study, material, rows)
    return Added(
        transcripts=len(added),
        turns=sum(len(item.turns) for item in added),
        codings=codings.new,
        readings=_add_readings(session, study, material, rows),
        codes=codes,
        attributes=attributes,
        definitions=definitions,
        interviewers=marked,
        memos=codings.memos + memos.add_memos(session, study, material.memos),
        choices=codings.choices,
        sets=memos.add_sets(session, study, material.sets),
    )


def _rows_mentioned(known: Mapping[str, int], material: Material) -> list[int]:
    mentioned = {item.name for item in material.transcripts}
    mentioned.update(mark.transcript for mark in _marks(material))
    return [known[name] for name in sorted(mentioned & known.keys())]


def _marks(material: Material) -> list[Coding | Reading]:
    return [*material.codings, *material.readings]


def _turns(session: Session, rows: Sequence[int]) -> dict[int, dict[int, Turn]]:
    found: dict[int, dict[int, Turn]] = {}
    for some in lookup.chunks(rows):
        query = select(
            TurnRow.transcript_id,
            TurnRow.number,
            TurnRow.speaker,
            TurnRow.text,
            TurnRow.interviewer,
        )
        for row, number, speaker, text, interviewer in session.execute(
            query.where(TurnRow.transcript_id.in_(some))
        ):
            found.setdefault(row, {})[number] = Turn(
                index=number, speaker=speaker, text=text, interviewer=interviewer
            )
    return found


def _problems_of_transcripts(
    transcripts: Sequence[Transcript], stored: Mapping[str, Mapping[int, Turn]]
) -> list[Problem]:
    problems = []
    for item in transcripts:
        message = _unstorable(item)
        if message is None and item.name in stored:
            message = _difference(item, stored[item.name])
        if message is not None:
            problems.append(Problem(file=f"transcript {item.name}", line=None, message=message))
    return problems


def _unstorable(transcript: Transcript) -> str | None:
    for turn in transcript.turns:
        text = turn.speaker + turn.text
        if _NO_TEXT.search(text):
            return (
                f"turn {turn.index} holds characters that are no text (NUL or half a pair of "
                "surrogates); save the file as UTF-8 again"
            )
    return None


def _difference(transcript: Transcript, stored: Mapping[int, Turn]) -> str | None:
    remedy = "give the new version another name, since codings belong to these words"
    if len(transcript.turns) != len(stored):
        turns = many(len(transcript.turns), "turn")
        return f"{turns}, but the study has it with {len(stored)}; {remedy}"
    for turn in transcript.turns:
        before = stored[turn.index]
        if turn.text != before.text:
            return f"turn {turn.index} has other words than in the study; {remedy}"
        if turn.speaker and before.speaker and turn.speaker != before.speaker:
            return (
                f"turn {turn.index} is spoken by {turn.speaker!r}, in the study by "
                f"{before.speaker!r}; {remedy}"
            )
    return None


def _problems_of_spans(
    material: Material, stored: Mapping[str, Mapping[int, Turn]]
) -> list[Problem]:
    lengths = {name: {n: len(t.text) for n, t in turns.items()} for name, turns in stored.items()}
    for item in material.transcripts:
        lengths[item.name] = {turn.index: len(turn.text) for turn in item.turns}
    problems: dict[str, Problem] = {}

    def complain(transcript: str, message: str) -> None:
        problem = Problem(file=f"transcript {transcript}", line=None, message=message)
        problems.setdefault(str(problem), problem)

    for place in _marks(material):
        if place.transcript not in lengths:
            complain(place.transcript, "codings of it, but it is neither here nor in the study")
        elif place.turn not in lengths[place.transcript]:
            last = len(lengths[place.transcript]) - 1
            complain(place.transcript, f"a coding of turn {place.turn}; its turns are 0 to {last}")
    for coding in material.codings:
        length = lengths.get(coding.transcript, {}).get(coding.turn)
        if length is not None and not 0 <= coding.start <= coding.end <= length:
            complain(
                coding.transcript,
                f"a coding of characters {coding.start} to {coding.end} of turn {coding.turn}, "
                f"which has {length}",
            )
    return list(problems.values())


def _add_transcripts(
    session: Session,
    study: int,
    transcripts: Sequence[Transcript],
    known: Mapping[str, int],
    stored: Mapping[str, Mapping[int, Turn]],
) -> tuple[list[Transcript], int]:
    """The transcripts that are new, and how many known ones had their attributes changed."""
    new = [item for item in transcripts if item.name not in known]
    if new:
        session.execute(
            insert(TranscriptRow),
            [
                {
                    "study_id": study,
                    "name": item.name,
                    "words": item.words,
                    "attributes": dict(item.attributes),
                }
                for item in new
            ],
        )
        rows = lookup.transcript_ids(session, study)
        session.execute(
            insert(TurnRow),
            [
                {
                    "transcript_id": rows[item.name],
                    "number": turn.index,
                    "speaker": turn.speaker,
                    "text": turn.text,
                    "interviewer": turn.interviewer,
                }
                for item in new
                for turn in item.turns
            ],
        )
    attributes: dict[str, dict[str, Any]] = dict(
        session.execute(
            select(TranscriptRow.name, TranscriptRow.attributes).where(
                TranscriptRow.study_id == study
            )
        ).all()
    )
    changed = [
        {"id": known[item.name], "attributes": merged}
        for item in transcripts
        if item.name in known
        and (merged := {**attributes[item.name], **item.attributes}) != attributes[item.name]
    ]
    if changed:
        session.execute(update(TranscriptRow), changed)
    named = [
        {"transcript_id": known[item.name], "number": turn.index, "speaker": turn.speaker}
        for item in transcripts
        if item.name in known
        for turn in item.turns
        if turn.speaker and not stored[item.name][turn.index].speaker
    ]
    if named:
        session.execute(update(TurnRow), named)
    return new, len(changed)


def _mark(
    session: Session,
    material: Material,
    known: Mapping[str, int],
    stored: Mapping[str, Mapping[int, Turn]],
) -> int:
    """Mark the interviewers' turns of known transcripts, and no others; how many changed."""
    changed = [
        {
            "transcript_id": known[item.name],
            "number": turn.index,
            "interviewer": turn.interviewer,
        }
        for item in material.transcripts
        if item.name in known
        for turn in item.turns
        if turn.interviewer != stored[item.name][turn.index].interviewer
    ]
    if changed:
        session.execute(update(TurnRow), changed)
    return len(changed)


@dataclass(frozen=True, kw_only=True, slots=True)
class _AddedCodings:
    """How many codings were new, and how many memos came in with those or to older ones.

    `choices` are the older codings whose code was split, and of which a part came in.
    """

    new: int
    memos: int
    choices: int


def _add_codings(
    session: Session, study: int, material: Material, rows: Mapping[str, int]
) -> _AddedCodings:
    codes = codebooks.bearers(
        session,
        study,
        (coding.code for coding in material.codings),
        author=codebooks.IMPORT,
        reason="",
    )
    columns = [CodingRow.__table__.c[name] for name in (*_KEY, "id", "memo")]
    held: dict[tuple[object, ...], tuple[int, str]] = {}
    mentioned = sorted({rows[coding.transcript] for coding in material.codings})
    for some in lookup.chunks(mentioned):
        query = select(*columns).where(
            CodingRow.transcript_id.in_(some), CodingRow.annotation_id.is_(None)
        )
        for *place, row, memo in session.execute(query):
            held[tuple(place)] = (row, memo)
    read = _read_otherwise(session, study, mentioned)
    chosen: dict[int, _Chosen] = {}
    new: dict[tuple[object, ...], dict[str, object]] = {}
    noted: dict[int, str] = {}
    for coding in material.codings:
        key = (
            rows[coding.transcript],
            coding.turn,
            coding.start,
            coding.end,
            codes[coding.code].code,
            coding.coder,
        )
        others = dict(read.others.get(key, {}))
        for one in read.waiting.get(key, ()):
            others[one.id] = one.memo
            mine = chosen.setdefault(one.id, _Chosen(coding=coding, codes=set()))
            mine.codes.add(codes[coding.code].code)
        if key not in held and not others:
            new[key] = {
                **dict(zip(_KEY, key, strict=True)),
                "coded_at": coding.coded_at,
                "version": codes[coding.code].version,
                "memo": coding.memo,
                "continues": coding.continues,
            }
        elif coding.memo and coding.memo not in others.values():
            row, memo = held[key] if key in held else next(iter(others.items()))
            if not memo:
                noted[row] = coding.memo
    if new:
        session.execute(insert(CodingRow), list(new.values()))
    if noted:
        session.execute(update(CodingRow), [{"id": r, "memo": m} for r, m in noted.items()])
    with_memo = sum(bool(values["memo"]) for values in new.values())
    for row, mine in chosen.items():
        annotated.choose(
            session,
            row,
            version=versions.current_number(session, study),
            codes=mine.codes,
            by=mine.coding.coder,
            at=mine.coding.coded_at or now(),
        )
    return _AddedCodings(new=len(new), memos=with_memo + len(noted), choices=len(chosen))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    """The parts of a split code that came in for a coding that waits, the first in `coding`."""

    coding: Coding
    codes: set[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Otherwise:
    """Codings that read today otherwise than they were made, by place, code of today and coder.

    `others` were made with other codes and read as it, each row with its memo: an export holds
    them as they read today, and added once more they would put the code of today into what older
    versions read. `waiting` have the code among the options of a choice to be made, unless their
    coder had applied it there beside: then it chooses nothing.
    """

    others: Mapping[tuple[object, ...], Mapping[int, str]]
    waiting: Mapping[tuple[object, ...], Sequence[recorded.RecordedCoding]]


def _read_otherwise(session: Session, study: int, transcripts: Sequence[int]) -> _Otherwise:
    known = versions.history(session, study)
    others: dict[tuple[object, ...], dict[int, str]] = defaultdict(dict)
    waiting: dict[tuple[object, ...], list[recorded.RecordedCoding]] = defaultdict(list)
    made_so: set[tuple[object, ...]] = set()
    # Under the first version everything reads as it was made.
    for some in lookup.chunks(transcripts if len(known.versions) > 1 else ()):
        made = recorded.recorded(session, study, some)
        for one in recorded.read_under(made, known, known.current.number):
            coding = one.coding
            place = (coding.transcript, coding.turn, coding.start, coding.end)
            made_so.add((*place, coding.code, coding.coder))
            for code in one.fate.codes:
                if code != coding.code:
                    others[(*place, code, coding.coder)][coding.id] = coding.memo
            for code in one.fate.options:
                waiting[(*place, code, coding.coder)].append(coding)
    return _Otherwise(
        others=others, waiting={key: own for key, own in waiting.items() if key not in made_so}
    )


def _add_readings(session: Session, study: int, material: Material, rows: Mapping[str, int]) -> int:
    held: dict[tuple[int, int, str], tuple[int, bool]] = {}
    for some in lookup.chunks(sorted({rows[item.transcript] for item in material.readings})):
        query = select(
            ReadingRow.id,
            ReadingRow.transcript_id,
            ReadingRow.turn,
            ReadingRow.coder,
            ReadingRow.assisted,
        ).where(ReadingRow.transcript_id.in_(some), ReadingRow.annotation_id.is_(None))
        for row, transcript, turn, coder, assisted in session.execute(query):
            held[transcript, turn, coder] = (row, assisted)
    wanted: dict[tuple[int, int, str], bool] = {}
    for reading in material.readings:
        key = (rows[reading.transcript], reading.turn, reading.coder)
        # Once somebody saw suggestions, the reading is not independent, whatever else is said.
        wanted[key] = wanted.get(key, False) or reading.assisted
    number = max(versions.current_number(session, study), 1)
    new = [
        {
            "transcript_id": row,
            "turn": turn,
            "coder": coder,
            "assisted": assisted,
            "version": number,
        }
        for (row, turn, coder), assisted in wanted.items()
        if (row, turn, coder) not in held
    ]
    if new:
        session.execute(insert(ReadingRow), new)
    seen = [
        {"id": held[key][0], "assisted": True}
        for key, assisted in wanted.items()
        if key in held and assisted and not held[key][1]
    ]
    if seen:
        session.execute(update(ReadingRow), seen)
    return len(new) + len(seen)

"""A study's codebook as a sequence of versions: its log, differences, edits and exports."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotations.codebook import Codebook
from annotations.codebook_versions.applying import revised
from annotations.codebook_versions.differences import Change, diff
from annotations.codebook_versions.history import CodebookHistory, CodebookVersion
from annotations.codebook_versions.operations import plain
from annotations.codebook_versions.tracing import what_became
from annotations.codings import is_model
from annotations.errors import NotFound, StateError, command
from annotations.formats.codebook_yaml import (
    OperationsFile,
    operations_that_make,
    write_operations,
)
from annotations.formats.refi.codebook import write_codebook
from annotations.quotations import find_code
from service import queue
from service.house import House
from service.storage.recorded import ReadCoding, RecordedCoding, read_under
from service.storage.session import UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionLine:
    """A version and the edits that made it, each as it is written in a file."""

    number: int
    at: datetime | None
    author: str
    reason: str
    codes: int
    operations: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebookLogView:
    """All versions, the oldest first."""

    study: str
    versions: tuple[VersionLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeLine:
    """How a code differs between two versions (see `Change`), and what hangs on it.

    `codings` people made that carry the code before the change, in `transcripts`; from a newer
    version to an older one, those that carry a code again which the newer one does not have.
    """

    kind: str
    before: str | None
    after: str | None
    into: tuple[str, ...]
    fields: tuple[str, ...]
    codings: int
    transcripts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebookDiff:
    """What differs between two versions."""

    study: str
    start: int
    end: int
    changes: tuple[ChangeLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """People's codings as a version reads them; what was coded twice the same counts once.

    `waiting` for a choice, `retired`: codings that the version leaves out.
    """

    codings: int
    waiting: int
    retired: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedEdits:
    """What edits do to a codebook; `applied` False: what they would do, nothing is stored.

    `job` brings Label Studio up to date, None where that is not connected or not asked for.
    """

    study: str
    applied: bool
    version: int
    changes: tuple[ChangeLine, ...]
    before: Tally
    after: Tally
    job: int | None = None


def codebook_log(house: House, study: str) -> CodebookLogView:
    """Every version with its edits."""
    with house.database.reading() as work:
        history = work.codebooks.history(study)
    return CodebookLogView(
        study=study,
        versions=tuple(
            VersionLine(
                number=one.number,
                at=one.at,
                author=one.author,
                reason=one.reason,
                codes=len(one.live),
                operations=tuple(plain(edit) for edit in one.operations),
            )
            for one in history.versions
            if one.number
        ),
    )


def codebook_diff(house: House, study: str, start: int, end: int) -> CodebookDiff:
    """What differs between two versions; NotFound says which there are."""
    with house.database.reading() as work:
        history = work.codebooks.history(study)
        record = _people(work, study)
    return CodebookDiff(
        study=study, start=start, end=end, changes=_changes(history, start, end, record)
    )


def apply_edits(
    house: House,
    study: str,
    given: OperationsFile,
    *,
    author: str,
    reason: str = "",
    keep: bool = False,
    follow: bool = False,
    accepting: Sequence[int] = (),
) -> AppliedEdits:
    """Apply edits, all or none, or say what they would do (`keep` False).

    `author` and `reason` sign what does not sign itself. With `follow`, a job is asked for that
    brings Label Studio up to date; `accepting` are proposals that are done by it. Raises
    InputError where an edit cannot be done, NotFound where there is no such study.
    """
    signed_by, why = given.author or author, given.reason or reason
    with house.database.unit_of_work() if keep else house.database.reading() as work:
        if not work.studies.exists(study):
            raise NotFound(
                f"There is no study {study!r}, and edits are of a codebook that there is. Begin "
                "one with the codebook itself, as .csv or .qdc: "
                f"{command('import', study)} codebook.csv"
            )
        history = work.codebooks.history(study)
        record = _people(work, study)
        connected = work.label_studio.connection(study) is not None
        if keep:
            made = work.codebooks.revise(study, given.operations, author=signed_by, reason=why)
        else:
            made = revised(history.current, given.operations)
        after = CodebookHistory(versions=(*history.versions, made))
        if keep:
            if accepting:
                work.codebooks.decide(study, accepting, "accepted")
            work.commit()
    job = None
    if keep and follow and connected:
        job = queue.enqueue(house, queue.FOLLOW, study).id
    return AppliedEdits(
        study=study,
        applied=keep,
        version=made.number,
        changes=_changes(after, history.current.number, made.number, record),
        before=_tally(read_under(record, after, history.current.number)),
        after=_tally(read_under(record, after, made.number)),
        job=job,
    )


def version_of(house: House, study: str, number: int | None = None) -> CodebookVersion:
    """One version of a study's codebook, the newest unless a number is given."""
    with house.database.reading() as work:
        history = work.codebooks.history(study)
    return history.current if number is None else history.version(number)


def code_called(work: UnitOfWork, study: str, code: str) -> str:
    """The path of a code, given by path or name; NotFound tells what became of one that is gone."""
    history = work.codebooks.history(study)
    try:
        return find_code(history.current.codebook(), code)
    except NotFound as error:
        became = what_became(history, code)
        if became is None:
            raise
        raise NotFound(
            f"there is no code {code!r} any more: {became}. All edits: "
            f"{command('codebook', 'log', study)}"
        ) from error


def codebook_of(house: House, study: str, number: int | None = None) -> Codebook:
    """The codebook of a version as a value: what every export writes."""
    version = version_of(house, study, number)
    if not version.live:
        raise StateError(
            f"{study} has no codes to export. Import some: {command('import', study)} PATH..."
        )
    return version.codebook()


def codebook_as_qdc(house: House, study: str, number: int | None = None) -> bytes:
    """A version as a REFI-QDA codebook, without the sets of transcripts that are the study's."""
    return write_codebook(codebook_of(house, study, number).codes, ())


def codebook_as_yaml(house: House, study: str, number: int | None = None) -> str:
    """A version as the list of edits that makes it: `codebook apply` reads it back."""
    codebook_of(house, study, number)
    version = version_of(house, study, number)
    title = f"The codebook of {study}, version {version.number}"
    return write_operations(operations_that_make(version), title)


def _people(work: UnitOfWork, study: str) -> tuple[RecordedCoding, ...]:
    return tuple(
        one.coding for one in work.codebooks.record(study) if not is_model(one.coding.coder)
    )


def _changes(
    history: CodebookHistory, start: int, end: int, record: Sequence[RecordedCoding]
) -> tuple[ChangeLine, ...]:
    then = _Carried.under(history, start, record)
    # Forwards an added code has no codings yet; backwards it has those of before it was gone.
    now = _Carried.under(history, end, record) if end < start else None
    return tuple(_line(change, then, now) for change in diff(history, start, end))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Carried:
    """How many codings carry each code under a version, and in which transcripts."""

    version: CodebookVersion
    codings: Counter[int]
    transcripts: Mapping[int, set[int]]

    @classmethod
    def under(
        cls, history: CodebookHistory, number: int, record: Sequence[RecordedCoding]
    ) -> "_Carried":
        codings: Counter[int] = Counter()
        transcripts: defaultdict[int, set[int]] = defaultdict(set)
        for one in read_under(record, history, number):
            for code in (*one.fate.codes, *one.fate.retired):
                codings[code] += 1
                transcripts[code].add(one.coding.transcript)
        return cls(version=history.version(number), codings=codings, transcripts=transcripts)


def _line(change: Change, then: _Carried, now: _Carried | None) -> ChangeLine:
    side, path = (now, change.after) if change.before is None else (then, change.before)
    code = None if side is None or path is None else side.version.named(path)
    return ChangeLine(
        kind=change.kind,
        before=change.before,
        after=change.after,
        into=change.into,
        fields=change.fields,
        codings=0 if side is None or code is None else side.codings[code.id],
        transcripts=0 if side is None or code is None else len(side.transcripts.get(code.id, ())),
    )


def _tally(read: Sequence[ReadCoding]) -> Tally:
    table = {
        (
            one.coding.transcript,
            one.coding.turn,
            one.coding.start,
            one.coding.end,
            one.coding.coder,
            code,
        )
        for one in read
        for code in one.fate.codes
    }
    return Tally(
        codings=len(table),
        waiting=sum(bool(one.fate.options) for one in read),
        retired=sum(bool(one.fate.retired) for one in read),
    )

"""What a reader has to know of the codebook version that figures are read under."""

from annotations.codebook_versions.history import CodebookHistory
from annotations.numerals import form, many
from service.storage.records import Unread
from service.storage.session import UnitOfWork


def codebook_notes(work: UnitOfWork, study: str, version: int | None = None) -> tuple[str, ...]:
    """What a version leaves out, and which codes came when turns had been read already."""
    history = work.codebooks.history(study)
    read = history.current if version is None else history.version(version)
    unread = work.studies.unread(study, version)
    notes = []
    if version is not None and version != history.current.number:
        notes.append(
            f"Codings are read under version {read.number} of the codebook; the newest is "
            f"{history.current.number}."
        )
    if unread.waiting:
        notes.append(waiting_words(unread))
    if unread.retired:
        notes.append(_retired(unread))
    if unread.later:
        notes.append(
            f"Left out: {many(unread.later, 'coding')} of codes that version {read.number} does "
            "not have."
        )
    return (*notes, *_late_codes(work, study, history, read.number))


def quoting_notes(work: UnitOfWork, study: str) -> tuple[str, ...]:
    """What quotations under the newest version leave out: turns are not counted there."""
    unread = work.studies.unread(study)
    notes = [f"{_waiting(unread)} They are not quoted until then."] if unread.waiting else []
    return (*notes, *([_retired(unread)] if unread.retired else []))


def waiting_words(unread: Unread) -> str:
    """How many codings wait, and what is left out with them."""
    beside = (
        f" What was coded there otherwise is left out too: {many(unread.beside, 'coding')}."
        if unread.beside
        else ""
    )
    return (
        f"{_waiting(unread)} Turns with them count as not read by their coders until then"
        f"{_by_nobody(unread)}.{beside}"
    )


def _waiting(unread: Unread) -> str:
    return f"Waiting for a choice, because the code was split: {many(unread.waiting, 'coding')}."


def _by_nobody(unread: Unread) -> str:
    if not unread.unsettled:
        return ""
    turns = many(unread.unsettled, "turn")
    return f", and {turns} by nobody, since the adjudicated coding waits there"


def _retired(unread: Unread) -> str:
    return f"Left out: {many(unread.retired, 'coding')} of retired codes."


def _late_codes(work: UnitOfWork, study: str, history: CodebookHistory, version: int) -> list[str]:
    """Codes that nobody could have applied on some of the turns that count as read."""
    readings = work.codebooks.readings_by_version(study)
    total = sum(readings.values())
    first = min(readings, default=version)
    derived = {
        code for one in history.versions for passage in one.passages for code in passage.into
    }
    notes = []
    for one in history.version(version).live:
        since = next(item.number for item in history.versions if one.id in item.by_id)
        older = sum(count for number, count in readings.items() if number < since)
        if since > first and older and one.id not in derived:
            notes.append(
                f"{one.path} came with version {since}: {older:,} of {many(total, 'turn')} had "
                f"been read before, and {form(older, 'counts', 'count')} as read without it."
            )
    return notes

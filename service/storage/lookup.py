"""Names to row ids, shared by the repositories."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations.errors import NotFound
from service.storage.tables import StudyRow, TranscriptRow


def study_id(session: Session, name: str, *, to_write: bool = False) -> int:
    """The study's row id. With `to_write`, other writers of the study wait their turn."""
    query = select(StudyRow.id).where(StudyRow.name == name)
    found = session.scalar(query.with_for_update() if to_write else query)
    if found is None:
        names = sorted(session.scalars(select(StudyRow.name)))
        known = f"The studies are: {', '.join(names)}." if names else "There is no study yet."
        raise NotFound(
            f"There is no study {name!r}. {known} Make one with: second-coder import STUDY PATH..."
        )
    return found


def transcript_ids(session: Session, study: int) -> dict[str, int]:
    """Row ids of all transcripts of a study by name, in the order in which they came in."""
    query = select(TranscriptRow.name, TranscriptRow.id).where(TranscriptRow.study_id == study)
    return dict(session.execute(query.order_by(TranscriptRow.id)).all())


def transcript_id(session: Session, study: int, name: str) -> int:
    """The row id of one transcript."""
    query = select(TranscriptRow.id).where(TranscriptRow.study_id == study)
    found = session.scalar(query.where(TranscriptRow.name == name))
    if found is None:
        raise NotFound(f"The study has no transcript {name!r}. Import it, or correct its name.")
    return found


T = TypeVar("T")


def chunks(items: Sequence[T], size: int = 1000) -> Iterator[Sequence[T]]:
    """Cut a list, since databases limit the values in one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

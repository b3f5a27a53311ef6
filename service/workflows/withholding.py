"""Whose suggestions may be looked at: those that people are to code blind only once they have."""

from collections.abc import Sequence

from annotations.blind import in_blind_sample
from service.storage.overviews import TranscriptSummary
from service.storage.session import UnitOfWork


def withheld(
    work: UnitOfWork, study: str, transcripts: Sequence[TranscriptSummary]
) -> frozenset[str]:
    """The transcripts drawn or in the blind sample that no person has read to the end.

    A transcript of a connected study that has no task yet counts as drawn if the next push
    would draw it.
    """
    connection = work.label_studio.connection(study)
    drawn = work.draws.drawn(study)
    tasks = {link.transcript: link.blind for link in work.label_studio.tasks(study)}
    return frozenset(
        item.name
        for item in transcripts
        if not item.finished
        and (
            item.name in drawn
            or tasks.get(
                item.name,
                connection is not None
                and not item.readers
                and in_blind_sample(item.name, share=connection.blind_share, seed=connection.seed),
            )
        )
    )

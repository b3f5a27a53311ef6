"""A model's own coding of a study's transcripts, also of those it learned from."""

from collections.abc import Iterable, Sequence

from annotations.codings import MODEL_PREFIX, Coding
from annotations.transcripts import Transcript
from models.suggestions import SegmentCodes
from service.house import House
from service.storage.records import ModelRecord
from service.workflows.model_codes import codes_of_model
from service.workflows.modelling import folder_of
from service.workflows.suggesting import portions
from service.workflows.training import Progress


def code_all(
    house: House,
    study: str,
    record: ModelRecord,
    transcripts: Sequence[Transcript],
    *,
    progress: Progress = lambda _stage, _done, _total: None,
) -> tuple[Coding, ...]:
    """Every code that reaches its threshold, also those that the gate keeps silent.

    The codes are those of the codebook as it is now. What taught the model is coded by the fold
    that left its transcript out. Raises ArtifactError where the model's files are gone.
    """
    from models.artifacts import out_of_fold
    from models.suggester import Suggester

    with house.database.reading() as work:
        codes = codes_of_model(work, study, record)
    folder = folder_of(house, record.version)
    names = {item.name for item in transcripts}
    held = [one for one in out_of_fold(folder) if one.transcript in names]
    known = {_key(one) for one in held}
    suggester = Suggester.load(folder, encoder_cache=house.cache)
    fresh = [
        item
        for item in transcripts
        if any(segment.key not in known for segment in suggester.segmentation.segments(item))
    ]
    decided = list(held)
    done = 0
    for some in portions(fresh):
        progress("coding", done, len(fresh))
        decided += [one for one in suggester.decisions(some) if _key(one) not in known]
        done += len(some)
    progress("coding", done, len(fresh))
    return tuple(codings_of((codes.decided(one) for one in decided), record.version))


def codings_of(decisions: Iterable[SegmentCodes], version: str) -> Iterable[Coding]:
    """Decisions as codings by the model version."""
    for one in decisions:
        for code in one.codes:
            yield Coding(
                transcript=one.transcript,
                turn=one.turn,
                start=one.start,
                end=one.end,
                code=code,
                coder=f"{MODEL_PREFIX}{version}",
            )


def _key(one: SegmentCodes) -> tuple[str, int, int, int]:
    return (one.transcript, one.turn, one.start, one.end)

"""A model's own coding of a study's transcripts, also of those it learned from."""

from collections.abc import Iterable, Sequence

import numpy as np

from annotations.codings import MODEL_PREFIX, Coding
from annotations.reliability.prevalence.full_coding import FullCoding
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
) -> FullCoding:
    """Every code that reaches its threshold, and how likely each is, also what is kept silent.

    The codes are those of the codebook as it is now. What taught the model is coded by the fold
    that left its transcript out. Raises ArtifactError where the model's files are gone.
    """
    from models.artifacts import HeldOut
    from models.suggester import Suggester

    with house.database.reading() as work:
        codes = codes_of_model(work, study, record)
    folder = folder_of(house, record.version)
    suggester = Suggester.load(folder, encoder_cache=house.cache)
    names = {item.name for item in transcripts}
    held = HeldOut.read(folder)
    parts = [held.only([row for row, key in enumerate(held.keys) if key[0] in names])]
    known = set(parts[0].keys)
    fresh = [
        item
        for item in transcripts
        if any(segment.key not in known for segment in suggester.segmentation.segments(item))
    ]
    done = 0
    for some in portions(fresh):
        progress("coding", done, len(fresh))
        coded = suggester.coded(some)
        parts.append(coded.only([row for row, key in enumerate(coded.keys) if key not in known]))
        done += len(some)
    progress("coding", done, len(fresh))
    decisions = (one for part in parts for one in part.decisions())
    return FullCoding(
        coder=f"{MODEL_PREFIX}{record.version}",
        codings=tuple(codings_of(decisions, record.version)),
        segments=tuple(key for part in parts for key in part.keys),
        codes=held.codes,
        chances=np.concatenate([part.scores for part in parts]).astype(np.float64),
    ).renamed(codes.called)


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

"""How much a model doubts each transcript, by which a sample may be drawn."""

from collections.abc import Mapping, Sequence

import numpy as np

from annotations.codebook import SEPARATOR, normal_path
from annotations.errors import NotFound, command
from annotations.transcripts import Transcript
from service.house import House
from service.storage.records import ModelRecord
from service.workflows.model_codes import codes_of_model
from service.workflows.recommending import LearnedCode, learned_codes, looks_at
from service.workflows.training import Progress


def doubts_about(
    house: House,
    study: str,
    record: ModelRecord,
    transcripts: Sequence[Transcript],
    codes: Sequence[str] = (),
    *,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Mapping[str, float]:
    """The model's doubt about how often each transcript carries `codes`, or all that it knows.

    A code stands for those below it too, also for what the gate keeps silent. NotFound where the
    model knows no such code.
    """
    from models.certainty import doubt_of, doubts_together

    with house.database.reading() as work:
        learned = learned_codes(record, codes_of_model(work, study, record))
    columns = _columns(study, record, learned, codes)
    if not transcripts:
        return {}
    looks = looks_at(house, record, transcripts, progress)
    found = np.stack([doubt_of(looks[one.name].probabilities[:, columns]) for one in transcripts])
    together = doubts_together(found)
    return {one.name: float(size) for one, size in zip(transcripts, together, strict=True)}


def _columns(
    study: str, record: ModelRecord, learned: Sequence[LearnedCode], codes: Sequence[str]
) -> list[int]:
    if not codes:
        return [one.column for one in learned]
    columns = set()
    for code in codes:
        path = normal_path(code)
        own = [
            one.column
            for one in learned
            if one.code == path or one.code.startswith(path + SEPARATOR)
        ]
        if not own:
            raise NotFound(
                f"Model {record.version} knows no code {code!r} in {study}. "
                f"{command('codebook', 'show', study)} lists the codes; what is new in it, or has "
                f"too few codings, needs a training: {command('train', study)}"
            )
        columns.update(own)
    return sorted(columns)

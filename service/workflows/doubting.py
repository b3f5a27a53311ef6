"""How much a model doubts each transcript, by which a sample may be drawn."""

from collections.abc import Mapping, Sequence

import numpy as np

from annotations.codebook import SEPARATOR, Codebook
from annotations.errors import NotFound, command
from annotations.quotations import find_code
from annotations.reliability.estimate import Floats
from annotations.transcripts import Transcript
from service.house import House
from service.storage.records import ModelRecord
from service.workflows.model_codes import codes_of_model
from service.workflows.modelling import folder_of
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

    A code stands for those below it too, also for what the gate keeps silent. A transcript that
    taught the model is doubted by the fold that left it out. A code is given by path or by a name
    that only one code has; NotFound where there is no such code, or the model does not know it.
    """
    from models.certainty import doubt_of, doubts_together

    with house.database.reading() as work:
        learned = learned_codes(record, codes_of_model(work, study, record))
        book = work.studies.codebook(study)
    columns = _columns(study, book, record, learned, codes)
    if not transcripts:
        return {}
    scores = _held_out(house, record, transcripts)
    fresh = [one for one in transcripts if one.name not in scores]
    if fresh:
        looks = looks_at(house, record, fresh, progress)
        scores |= {name: look.probabilities for name, look in looks.items()}
    found = np.stack([doubt_of(scores[one.name][:, columns]) for one in transcripts])
    together = doubts_together(found)
    return {one.name: float(size) for one, size in zip(transcripts, together, strict=True)}


def _held_out(
    house: House, record: ModelRecord, transcripts: Sequence[Transcript]
) -> dict[str, Floats]:
    """Probabilities of those that taught the model with every segment: (segments, codes) each."""
    from models.artifacts import HeldOut
    from models.suggester import Suggester

    folder = folder_of(house, record.version)
    segmentation = Suggester.load(folder, encoder_cache=house.cache).segmentation
    held = HeldOut.read(folder)
    place = {key: row for row, key in enumerate(held.keys)}
    taught = {key[0] for key in held.keys}
    found = {}
    for item in transcripts:
        if item.name in taught:
            rows = [place.get(segment.key) for segment in segmentation.segments(item)]
            known = [row for row in rows if row is not None]
            if len(known) == len(rows):
                found[item.name] = held.scores[known].astype(np.float64)
    return found


def _columns(
    study: str,
    book: Codebook,
    record: ModelRecord,
    learned: Sequence[LearnedCode],
    codes: Sequence[str],
) -> list[int]:
    if not codes:
        return [one.column for one in learned]
    columns = set()
    for code in codes:
        path = find_code(book, code)
        own = [
            one.column
            for one in learned
            if one.code == path or one.code.startswith(path + SEPARATOR)
        ]
        if not own:
            raise NotFound(
                f"Model {record.version} knows no code {path!r} in {study}. What is new in the "
                "codebook, or has too few codings, needs a training: "
                f"{command('train', study)}"
            )
        columns.update(own)
    return sorted(columns)

"""The model in use, as a look at drift needs it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotations.errors import ArtifactError, command
from annotations.numerals import form, many
from annotations.reliability.drift.answers import HeldScores, texts_of
from annotations.reliability.drift.texts import TextShift
from annotations.reliability.drift.waves import Waves
from annotations.reliability.estimate import Floats
from annotations.study import Study
from service.house import House
from service.storage.records import ModelRecord
from service.workflows.model_codes import ModelCodes
from service.workflows.modelling import folder_of

if TYPE_CHECKING:
    from models.artifacts import HeldOut
    from models.suggestions import CodedSegments


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftModel:
    """The model in use: its held-out scores, and a vector for every transcript.

    `unasked` are codes of today's codebook that are not what the model learned. `since` are
    transcripts that came, or were coded otherwise, since the last training in full: their scores
    are of another model than those of the rest, which would look like drift, and are left out.
    """

    held: HeldScores
    vectors: Mapping[str, Floats]
    unasked: tuple[str, ...]
    since: tuple[str, ...]


def open_model(
    house: House, record: ModelRecord, study: Study, codes: ModelCodes | None
) -> DriftModel:
    """The model with its held-out scores, codes under the names that they have today."""
    from models.artifacts import HeldOut, verify
    from models.suggester import Suggester

    folder = folder_of(house, record.version)
    verify(folder)
    held, since = _cross_validated(HeldOut.read(folder), folder)
    stale = () if codes is None else tuple(one.code for one in codes.stale)
    # A code under its name of today; what is not the same code any more has none.
    names = [_today(code, codes, stale) for code in held.codes]
    known = [at for at, name in enumerate(names) if name is not None]
    suggester = Suggester.load(folder, encoder_cache=house.cache)
    return DriftModel(
        held=HeldScores(
            version=record.version,
            keys=held.keys,
            codes=tuple(name for name in names if name is not None),
            scores=held.scores[:, known].astype(np.float64),
            applied=held.applied[:, known],
        ),
        unasked=stale,
        since=since,
        vectors={item.name: suggester.look(item).vector for item in study.transcripts},
    )


def _cross_validated(held: "HeldOut", folder: Path) -> tuple["CodedSegments", tuple[str, ...]]:
    """The held-out scores of the last training in full, and the transcripts without them."""
    from models.carried import Carried

    try:
        whole = Carried.read(folder).cross_validated
    except ArtifactError:  # of a version that knew no other training
        return held, ()
    rows = [row for row, key in enumerate(held.keys) if key[0] in whole]
    others = dict.fromkeys(key[0] for key in held.keys if key[0] not in whole)
    return held.only(rows), tuple(others)


def _today(code: str, codes: ModelCodes | None, stale: Collection[str]) -> str | None:
    name = code if codes is None else codes.now.get(code, code)
    return None if name in stale else name


def model_notes(study: str, model: DriftModel | None) -> tuple[str, ...]:
    """Which codes and transcripts the model is not asked about, and why."""
    if model is None:
        return ()
    return (*_unasked(model), *_since(study, model))


def _since(study: str, model: DriftModel) -> tuple[str, ...]:
    if not model.since:
        return ()
    count = len(model.since)
    return (
        f"{many(count, 'transcript')} came or {form(count, 'was', 'were')} coded otherwise since "
        "the last training in full, and the model is not asked about them: what it says of them is "
        "by another version than what it says of the rest, which would look like drift. Train in "
        f"full to have them asked about: {command('train', study)}",
    )


def _unasked(model: DriftModel) -> tuple[str, ...]:
    if not model.unasked:
        return ()
    return (
        "The codebook changed since the model was trained, so that the meaning of these codes, and "
        f"the model on them, are not asked about: {', '.join(model.unasked)}. Train again.",
    )


def scores_by_segment(held: HeldScores) -> dict[tuple[str, int, int, int], dict[str, float]]:
    """Held-out probabilities, by segment and code."""
    return {
        key: dict(zip(held.codes, row.tolist(), strict=True))
        for key, row in zip(held.keys, held.scores, strict=True)
    }


def text_shifts(
    model: DriftModel, waves: Waves, study: Study, *, seed: int
) -> tuple[TextShift, ...]:
    """The last wave beside the first, and what the model did not learn from beside what it did."""
    names = [item.name for item in study.transcripts]
    labels = {
        names[at]: waves.names[waves.wave[at]]
        for at in np.argsort(waves.wave, kind="stable")
        if waves.wave[at] >= 0
    }
    trained = frozenset(key[0] for key in model.held.keys) | set(model.since)
    return texts_of(model.vectors, labels, trained, seed=seed)

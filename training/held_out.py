"""Held-out scores of a refresh: kept where known, by the base where a transcript is new."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations.transcripts import Segment
from models.carried import Carried
from models.embedding_cache import EmbeddingCache
from models.finetuned import FinetunedEncoder, finetuned_texts, load_base
from models.parts import ModelParts
from models.scoring import view_scores
from training.base import Base
from training.dataset import TrainingData
from training.learning import Vectors
from training.views import Learner

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOutScores:
    """Where held-out scores come from.

    *Shapes:* `known` are rows of the data, `there` the same segments' rows in the base; `new`
    are the rows of transcripts that the base had not seen; `fold_of` (segments,).
    """

    base: Base
    known: Rows
    there: Rows
    new: Rows
    fold_of: Rows

    @classmethod
    def of(cls, base: Base, data: TrainingData) -> "HeldOutScores":
        """Find the base's segments again; a transcript is known with all its segments or none."""
        place = {key: row for row, key in enumerate(base.held.keys)}
        there = np.array([place.get(one.key, -1) for one in data.segments], dtype=np.int64)
        known = np.flatnonzero(there >= 0)
        return cls(
            base=base,
            known=known,
            there=there[known],
            new=np.flatnonzero(there < 0),
            fold_of=_folds(base.carried, data),
        )

    def scored(self, data: TrainingData, vectors: Vectors, cache: Path | None) -> Floats:
        """*Shape:* (segments, codes, views)."""
        base = self.base
        found = np.zeros((len(data.segments), *base.carried.scores.shape[1:]))
        found[self.known] = base.carried.scores[self.there]
        if len(self.new):
            found[self.new] = view_scores(
                base.parts,
                [data.segments[row] for row in self.new],
                vectors.by_text,
                lambda segments: _by_finetuned(base.parts, segments, cache),
            )
        return found

    def floored(self, learner: Learner) -> Floats:
        """The baseline's, which learned what the base did; *shape:* (segments, codes, 1)."""
        found = np.zeros((*learner.data.truth.shape, 1))
        found[self.known, :, 0] = self.base.carried.floor[self.there]
        if len(self.new):
            side = np.zeros(len(found), dtype=np.int64)
            side[self.new] = 1
            found[self.new] = learner.baseline(side, 1)
        return found


def _folds(carried: Carried, data: TrainingData) -> Rows:
    """The fold of each segment: new transcripts are dealt to those that hold least."""
    counted = np.bincount(data.clusters[data.scored], minlength=len(data.transcripts))
    size = np.bincount(data.clusters, minlength=len(data.transcripts))
    folds = np.full(len(data.transcripts), -1, dtype=np.int64)
    held = np.zeros((max(carried.folds.values(), default=0) + 1, 2), dtype=np.int64)
    for place, name in enumerate(data.transcripts):
        if name in carried.folds:
            folds[place] = carried.folds[name]
            held[folds[place]] += (counted[place], size[place])
    new = np.flatnonzero(folds < 0).tolist()
    for place in sorted(new, key=lambda at: (-counted[at], -size[at])):
        folds[place] = min(range(len(held)), key=lambda at: tuple(held[at]))
        held[folds[place]] += (counted[place], size[place])
    return folds[data.clusters]


def _by_finetuned(parts: ModelParts, segments: Sequence[Segment], cache: Path | None) -> Floats:
    encoder = FinetunedEncoder(load_base(parts.encoder_source), parts.finetuned or {})
    texts = finetuned_texts(segments, parts.setting)
    return EmbeddingCache(cache).encode(encoder, texts).astype(np.float64)

"""What the coders' disagreement says: soft targets, and how far each coder goes with the rest."""

import numpy as np
from numpy.typing import NDArray

from training.dataset import TrainingData

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

PRIOR_DECISIONS = 50.0
"""A coder with so many positive decisions shared with others is half believed."""

_LEAST_WEIGHT = 0.1


def targets_of(data: TrainingData, rows: Rows, kind: str) -> Floats:
    """What these segments teach, from 0 to 1; *shape:* (rows, codes).

    The "majority" (0.5 for a tie), the "share" of the coders who applied the code, or that
    share "weighted" by the coders' agreement with each other on these segments.
    """
    if kind == "majority":
        return data.targets[rows]
    read, applied = data.read[:, rows], data.applied[:, rows]
    weights = reliability(data, rows) if kind == "weighted" else np.ones(len(data.coders))
    yes = np.einsum("k,ksc->sc", weights, applied.astype(np.float64))
    return np.asarray(yes / (weights @ read)[:, np.newaxis])


def disagree(data: TrainingData) -> bool:
    """Whether any two coders read the same segment and differ."""
    readers = data.read.sum(axis=0)[:, np.newaxis]
    yes = data.applied.sum(axis=0)
    return bool(((yes > 0) & (yes < readers)).any())


def reliability(data: TrainingData, rows: Rows) -> Floats:
    """The weight of each coder's reading, 1 on average; *shape:* (coders,).

    Positive agreement 2a / (2a + b + c) with the majority of the other readers of each segment,
    drawn to the coders' mean with the force of `PRIOR_DECISIONS`, and as log odds, the weight
    of an independent witness.
    """
    read = data.read[:, rows]
    applied = data.applied[:, rows]
    readers, yes = read.sum(axis=0), applied.sum(axis=0, dtype=np.int64)
    counts = np.zeros((len(data.coders), 2))
    for coder in range(len(data.coders)):
        beside = read[coder] & (readers > 1)
        own = applied[coder, beside]
        others = (readers[beside] - 1)[:, np.newaxis]
        rest = yes[beside] - own
        clear = 2 * rest != others
        agreed = 2 * rest > others
        counts[coder] = [
            2 * (own & agreed & clear).sum(),
            (own & clear).sum() + (agreed & clear).sum(),
        ]
    overall = counts.sum(axis=0)
    if not overall[1]:
        return np.ones(len(data.coders))
    mean = overall[0] / overall[1]
    share = (counts[:, 0] + PRIOR_DECISIONS * mean) / (counts[:, 1] + PRIOR_DECISIONS)
    inside = np.clip(share, 0.5, 0.99)
    weights = np.maximum(np.log(inside / (1 - inside)), _LEAST_WEIGHT)
    return np.asarray(weights / weights.mean())

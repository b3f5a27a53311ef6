"""One logistic head a code, all codes fitted at once on one view of the segments.

A head is a penalised logistic regression: its weights are drawn to a centre (zero, or what is
known of the code before anybody coded), with a force that more codings overcome. All codes share
the products with the features, so thirty heads cost little more than one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.newton import Features, Prepared

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

_BLOCK = 4096
"""So many segments are squared at a time, in single precision; blocks are added in double."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heads:
    """Linear heads; *shapes:* `weights` (codes, features), `bias` (codes,)."""

    weights: Floats32
    bias: Floats32

    def scores(self, features: Features) -> Floats:
        """Uncalibrated log-odds; *shape:* (segments, codes)."""
        product = features @ self.weights.T
        return np.asarray(product, dtype=np.float64) + self.bias.astype(np.float64)


def fit_heads(
    features: Features | Prepared,
    targets: Floats,
    *,
    strength: float,
    centre: Floats32 | None = None,
    weights: Floats | None = None,
    balanced: bool = True,
    check: Callable[[], None] = lambda: None,
) -> Heads:
    """Fit a head for each code; `balanced` has both labels weigh the same in total.

    *Shapes:* `features` (segments, features), `targets` (segments, codes) from 0 to 1: a share
    between enters as both labels, at that share and the rest of the weight; `centre` (codes,
    features), zero where not given; `weights` (segments,), 1 where not given. Larger
    `strength` means less force towards the centre. A code without two labels gets its centre
    as its head, with the log odds of its share, half a segment added to each side, as the
    mean score. `check` is called between steps and may raise.
    """
    prepared = features if isinstance(features, Prepared) else Prepared(features)
    matrix = prepared.features
    codes, width = targets.shape[1], matrix.shape[1]
    held = np.ones(len(targets)) if weights is None else weights
    middle = np.zeros((codes, width), np.float32) if centre is None else centre
    with threadpool_limits(1):
        offset = np.asarray(matrix @ middle.T, dtype=np.float64)
        yes = (targets * held[:, np.newaxis]).sum(axis=0)
        no = held.sum() - yes
        both = (np.minimum(yes, no) > 0) & (width > 0)
        bias = np.log((yes + 0.5) / (no + 0.5))
        if len(offset):
            bias -= offset.mean(axis=0)
        found = np.zeros((codes, width), np.float32)
        if both.any():
            pull_up = targets[:, both] * held[:, np.newaxis]
            pull_down = (1 - targets[:, both]) * held[:, np.newaxis]
            if balanced:  # each side half of the segments' weight
                total = (yes + no)[both]
                pull_up *= total / (2 * yes[both])
                pull_down *= total / (2 * no[both])
            found[both], bias[both] = prepared.solve(
                pull_up, pull_down, offset[:, both], 1.0 / strength, check
            )
    return Heads(weights=found + middle, bias=bias.astype(np.float32))


@dataclass(frozen=True, kw_only=True, slots=True)
class Standardised:
    """Dense features moved to mean 0 and deviation 1; *shapes:* (segments, features), (features,).

    A feature that is the same everywhere becomes 0.
    """

    features: Floats32
    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, features: Floats32) -> "Standardised":
        """Standardise over the segments."""
        mean = features.mean(axis=0, dtype=np.float64)
        scaled = features - mean.astype(np.float32)
        squares = np.zeros(features.shape[1])
        for start in range(0, len(scaled), _BLOCK):
            block = scaled[start : start + _BLOCK]
            squares += np.einsum("sf,sf->f", block, block)
        deviation = np.sqrt(squares / max(len(scaled), 1))
        scale = np.where(deviation > 1e-6, deviation, np.inf)
        scaled /= scale.astype(np.float32)
        return cls(features=scaled, mean=mean, scale=scale)

    def restored(self, heads: Heads) -> Heads:
        """Heads fitted on the standardised features, for the features as they were."""
        weights = heads.weights / self.scale
        return Heads(
            weights=weights.astype(np.float32),
            bias=(heads.bias - weights @ self.mean).astype(np.float32),
        )

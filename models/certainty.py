"""How sure a model is, read from its probabilities. Needs no torch."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def entropy(probabilities: Floats) -> Floats:
    """Shannon's entropy of each yes/no decision in bits: 0 where it is sure, 1 at one half.

    *Shape:* any, 0 to 1; result the same.
    """
    yes = np.clip(probabilities, 1e-12, 1 - 1e-12)
    return np.asarray(-(yes * np.log2(yes) + (1 - yes) * np.log2(1 - yes)))


def doubt_of(probabilities: Floats) -> Floats:
    """The variance of how many segments carry each code, as the probabilities have it.

    The sum of p (1 - p), as if segments were independent. *Shapes:* (segments, codes), (codes,).
    """
    return np.asarray((probabilities * (1 - probabilities)).sum(axis=0))


def doubts_together(doubts: Floats) -> Floats:
    """One figure for several codes, the size by which a sample is drawn.

    The root of the sum of variances, each relative to its mean over transcripts, so that a common
    code does not outweigh the rare ones. Drawn with probabilities in proportion to it, the model's
    corrections of all codes have the least sum of relative variances. *Shapes:* (transcripts,
    codes), (transcripts,).
    """
    mean = doubts.mean(axis=0)
    relative = np.divide(doubts, mean, out=np.zeros_like(doubts), where=mean > 0)
    return np.asarray(np.sqrt(relative.sum(axis=1)))


def certainty(probabilities: Floats) -> float:
    """1 less the mean entropy of all decisions on a transcript; 1 where there are none.

    *Shape:* `probabilities` (segments, codes).
    """
    return 1.0 - float(entropy(probabilities).mean()) if probabilities.size else 1.0

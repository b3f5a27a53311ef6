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


def certainty(probabilities: Floats) -> float:
    """1 less the mean entropy of all decisions on a transcript; 1 where there are none.

    *Shape:* `probabilities` (segments, codes).
    """
    return 1.0 - float(entropy(probabilities).mean()) if probabilities.size else 1.0

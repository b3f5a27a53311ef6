"""To which part of a code that was split an excerpt is nearest, before a model has learned them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]


def likeness_to_parts(
    excerpts: Floats32, texts: Mapping[str, Sequence[str]], vectors: Mapping[str, Floats32]
) -> dict[str, Floats32]:
    """The cosine of each excerpt with the middle of what is known of each part.

    `texts` are what the codebook says of a part and the excerpts that people coded with it,
    `vectors` those of the texts, each of length 1. *Shapes:* `excerpts` (excerpts, dimension),
    each row of length 1; the answer (excerpts,) for each part, -1 to 1.
    """
    found: dict[str, Floats32] = {}
    for part, own in texts.items():
        middle = np.sum([vectors[text] for text in own], axis=0, dtype=np.float32)
        length = np.linalg.norm(middle)
        found[part] = excerpts @ (middle / length if length else middle)
    return found

"""Probabilities and decisions that are consistent with the tree of codes.

Where coders apply a theme along with the codes below it, a code implies its theme: the theme's
probability is then never below the code's, and who has the code has the theme. Where coders
code leaves alone, or keep the theme for what fits none of its codes, nothing is implied.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotations.codebook import ancestors

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Pairs = Sequence[tuple[int, int]]

IMPLIED_SHARE = 0.9
IMPLIED_POSITIVES = 5
"""A code implies a theme that so large a share of its segments carry, of at least so many."""


def implied_pairs(codes: Sequence[str], truth: Bools) -> tuple[tuple[int, int], ...]:
    """Pairs of a code and the code above it that it implies, the deepest codes first.

    *Shape:* `truth` (segments, codes), the majority. A code with too few segments of its own
    goes by all the codes below the same theme together.
    """
    place = {code: number for number, code in enumerate(codes)}
    below: dict[int, list[int]] = {}
    for code in codes:
        for above in ancestors(code):
            if above in place:
                below.setdefault(place[above], []).append(place[code])
    pairs = []
    for parent, children in below.items():
        with_parent = truth[:, children] & truth[:, [parent]]
        own, both = truth[:, children].sum(axis=0), with_parent.sum(axis=0)
        for at, child in enumerate(children):
            count, shared = int(own[at]), int(both[at])
            if count < IMPLIED_POSITIVES:
                count, shared = int(own.sum()), int(both.sum())
            if count >= IMPLIED_POSITIVES and shared >= IMPLIED_SHARE * count:
                pairs.append((child, parent))
    return tuple(sorted(pairs, key=lambda pair: (-codes[pair[0]].count(" > "), pair)))


def consistent(probabilities: Floats, pairs: Pairs) -> Floats:
    """No theme below a code that implies it; *shape:* (segments, codes)."""
    found = probabilities.copy()
    for child, parent in pairs:
        np.maximum(found[:, parent], found[:, child], out=found[:, parent])
    return found


def closed(applied: Bools, pairs: Pairs) -> Bools:
    """With each code what it implies; *shape:* (segments, codes)."""
    found = applied.copy()
    for child, parent in pairs:
        found[:, parent] |= found[:, child]
    return found

"""p-values from exchanging whole transcripts between two waves."""

from collections.abc import Callable, Sequence

import numpy as np

from annotations.reliability.estimate import Bools, Floats
from annotations.reliability.tallies import Ints

DRAWS = 2000
_CHUNK = 250
_TIE = 1e-9

Departures = Callable[[Floats], Floats]
"""How far apart the waves are, *shape:* (draws, subjects), for each way to divide transcripts
between them: rows of (draws, transcripts), 1 for those after."""


def permuted_p(
    departures: Departures, after: Bools, places: Sequence[Ints], *, seed: int, draws: int = DRAWS
) -> Floats:
    """The share of divisions that set the waves as far apart as they are; *shape:* (subjects,).

    Transcripts of each element of `places` change waves among themselves. Draws without a value
    count against; NaN where there is none for the waves as they are.
    """
    rng = np.random.default_rng(seed)
    observed = departures(after[np.newaxis].astype(np.float64))[0]
    extreme = np.ones_like(observed)
    for start in range(0, draws, _CHUNK):
        number = min(_CHUNK, draws - start)
        lots = np.zeros((number, len(after)))
        for own in places:
            taken = np.broadcast_to(after[own].astype(np.float64), (number, len(own)))
            lots[:, own] = rng.permuted(taken, axis=1)
        # Rounding must not turn a tie into a win.
        extreme += (~(departures(lots) < observed * (1 - _TIE))).sum(axis=0)
    return np.where(np.isnan(observed), np.nan, extreme / (draws + 1))

"""Are some transcripts unlike others? A two-sample test whose units are transcripts."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from annotations.reliability.drift.ratios import DRAWS, LEVEL
from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.reliability.estimate import Bools, Floats

_CHUNK = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class TextShift:
    """Two groups of transcripts: `distance` is the energy distance of their mean vectors.

    `p` permutes transcripts, one-sided since a distance only grows; None below
    `MIN_A_WAVE` transcripts in a group. `reason` then says so.
    """

    before: str
    after: str
    transcripts: tuple[int, int]
    distance: float
    p: float | None
    moved: bool
    reason: str | None = None


def text_shift(
    vectors: Floats,
    before: Bools,
    after: Bools,
    *,
    names: tuple[str, str],
    seed: int,
    draws: int = DRAWS,
) -> TextShift:
    """Energy distance (Székely & Rizzo 2013) between groups of transcripts.

    *Shape:* `vectors` (transcripts, width), what stands for each transcript, such as the mean
    of its segments' embeddings; `before`, `after` (transcripts,).
    2 E|X - Y| - E|X - X'| - E|Y - Y'| over distinct transcripts, so that it is about 0 where
    the groups are alike.
    """
    places = np.flatnonzero(before | after)
    sizes = (int(before.sum()), int(after.sum()))
    if min(sizes) < MIN_A_WAVE:
        return TextShift(
            before=names[0],
            after=names[1],
            transcripts=sizes,
            distance=float("nan"),
            p=None,
            moved=False,
            reason=f"{sizes[0]} and {sizes[1]} transcripts; a test needs {MIN_A_WAVE} of each",
        )
    apart = cdist(vectors[places], vectors[places])
    late = after[places].astype(np.float64)
    observed = float(_energy(apart, late[np.newaxis])[0])
    rng = np.random.default_rng(seed)
    extreme = 1
    for start in range(0, draws, _CHUNK):
        number = min(_CHUNK, draws - start)
        lots = rng.permuted(np.broadcast_to(late, (number, len(late))), axis=1)
        extreme += int((_energy(apart, lots) >= observed - 1e-12).sum())
    p = extreme / (draws + 1)
    return TextShift(
        before=names[0],
        after=names[1],
        transcripts=sizes,
        distance=observed,
        p=p,
        moved=p <= LEVEL,
    )


def _energy(apart: Floats, late: Floats) -> Floats:
    early = 1 - late
    m, n = early.sum(axis=1), late.sum(axis=1)
    to_late = late @ apart
    within_late = (to_late * late).sum(axis=1) / (n * (n - 1))
    between = (to_late * early).sum(axis=1) / (m * n)
    within_early = ((early @ apart) * early).sum(axis=1) / (m * (m - 1))
    energy: Floats = 2 * between - within_late - within_early
    return energy

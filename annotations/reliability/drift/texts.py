"""Are some transcripts unlike others? A two-sample test whose units are transcripts."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from annotations.numerals import many
from annotations.reliability.drift.permuting import DRAWS
from annotations.reliability.drift.ratios import LEVEL
from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.reliability.estimate import (
    Bools,
    Estimate,
    Floats,
    Replicates,
    Scale,
    jackknife,
)

_CHUNK = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class TextShift:
    """Two groups of transcripts: `distance` is the energy distance of their mean vectors.

    Its interval is the transcript jackknife's. `p` permutes transcripts, one-sided since a
    distance only grows; None below `MIN_A_WAVE` transcripts in a group. `reason` then says so.
    """

    before: str
    after: str
    transcripts: tuple[int, int]
    distance: Estimate
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
        reason = f"{sizes[0]} and {many(sizes[1], 'transcript')}; a test needs {MIN_A_WAVE} of each"
        return TextShift(
            before=names[0],
            after=names[1],
            transcripts=sizes,
            distance=Estimate.undefined(reason, n=len(places), clusters=len(places)),
            p=None,
            moved=False,
            reason=reason,
        )
    apart = cdist(vectors[places], vectors[places])
    late = after[places].astype(np.float64)
    distance = _with_interval(apart, late)
    observed = distance.value
    rng = np.random.default_rng(seed)
    extreme = 1
    for start in range(0, draws, _CHUNK):
        number = min(_CHUNK, draws - start)
        lots = rng.permuted(np.broadcast_to(late, (number, len(late))), axis=1)
        extreme += int((_energy(apart, 1 - lots, lots) >= observed - 1e-12).sum())
    p = extreme / (draws + 1)
    return TextShift(
        before=names[0],
        after=names[1],
        transcripts=sizes,
        distance=distance,
        p=p,
        moved=p <= LEVEL,
    )


def _with_interval(apart: Floats, late: Floats) -> Estimate:
    number = len(late)
    kept = 1 - np.eye(number)
    whole = np.ones((1, number))
    (found,) = jackknife(
        Replicates(
            values=_energy(apart, (1 - late) * whole, late * whole),
            deletions=_energy(apart, (1 - late) * kept, late * kept)[:, np.newaxis],
            used=np.ones((number, 1), dtype=np.bool_),
        ),
        scale=Scale.RAW,
        n=[number],
    )
    return found


def _energy(apart: Floats, early: Floats, late: Floats) -> Floats:
    """For each row who is early and who is late (0 or 1), and may be neither."""
    m, n = early.sum(axis=1), late.sum(axis=1)
    to_late = late @ apart
    within_late = (to_late * late).sum(axis=1) / (n * (n - 1))
    between = (to_late * early).sum(axis=1) / (m * n)
    within_early = ((early @ apart) * early).sum(axis=1) / (m * (m - 1))
    energy: Floats = 2 * between - within_late - within_early
    return energy

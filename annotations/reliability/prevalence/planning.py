"""What a sample of a given size would tell, from transcripts that are coded already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from annotations.numerals import many
from annotations.reliability.estimate import (
    CONFIDENCE,
    MIN_CLUSTERS,
    Floats,
    insufficient_transcripts,
)
from annotations.reliability.prevalence.intervals import spread_of
from annotations.reliability.prevalence.shares import MIN_FOUND, shares_of
from annotations.reliability.prevalence.sums import Population, Sums
from annotations.reliability.prevalence.tuning import Tuning
from annotations.unequal import probabilities_of

_RARELY = 1e-9
"""A probability so low that no finite population is corrected for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SizePlan:
    """How surely a share would be known from `size` drawn transcripts: half the interval's width.

    `whole` for all transcripts together, `cell` for one cell of the usual size, with its part of
    the sample; `people` as `whole`, without a model. None where too few would be drawn.
    """

    size: int
    whole: float | None
    cell: float | None
    people: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CodePlan:
    """One code: its share in the pilot, and what each size buys; `reason` where none can be told.

    `tuning` is how far the model would be leaned on.
    """

    code: str
    share: float
    tuning: float
    sizes: tuple[SizePlan, ...]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """What is planned for: `total` transcripts in so many `cells`, `coded` of them already."""

    total: int
    coded: int
    cells: int
    of: Population


def plans_of(
    pilot: Sums,
    extension: Extension,
    sizes: Sequence[int],
    *,
    doubts: Mapping[str, float] | None = None,
) -> tuple[CodePlan, ...]:
    """For each code, the half-widths that each size of sample would bring.

    `pilot`: transcripts that people coded, with the model's coding of each by a fold that left
    it out. With its variance s² between transcripts of y - lambda f, and v of y, the estimate for
    these interviews has (1/n - 1/N) s², that for people like these v/N more. With `doubts`, of each
    of its transcripts in their order, s² is that of a draw by them.
    """
    everything = np.ones(len(pilot.sizes), dtype=np.bool_)
    alike = replace(
        pilot,
        probability=np.full(len(pilot.sizes), _RARELY),
        strata=np.zeros(len(pilot.sizes), dtype=np.int64),
    )
    tuning = Tuning.of(alike, [everything]).where_apart(alike, [everything])
    corrected, alone = (
        spread_of(shares_of(alike, everything, tuning=one, of=Population.THESE).deletions).variance
        * len(pilot.sizes)
        for one in (tuning, Tuning.fixed(alike, 0.0))
    )
    bridged, bridged_alone = corrected, alone
    if doubts is not None:
        bridged = corrected * _by_doubts(pilot, tuning.lam, doubts)
        bridged_alone = alone * _by_doubts(pilot, np.zeros_like(tuning.lam), doubts)
    found = np.minimum(
        pilot.found.sum(axis=0), (pilot.segments[:, np.newaxis] - pilot.found).sum(axis=0)
    )
    share = pilot.people.sum(axis=0) / pilot.sizes.sum()
    plans = []
    for at, code in enumerate(pilot.codes):
        reason = insufficient_transcripts(len(pilot.sizes))
        if reason is None and found[at] < MIN_FOUND:
            reason = (
                f"insufficient: people found the code in {many(float(found[at]), 'segment')} of "
                f"the pilot, or all but so many: a plan needs {MIN_FOUND}"
            )
        rows = (
            ()
            if reason
            else tuple(
                SizePlan(
                    size=size,
                    whole=_half_width(bridged[at], alone[at], size, extension, 1),
                    cell=_half_width(bridged[at], alone[at], size, extension, extension.cells),
                    people=_half_width(bridged_alone[at], alone[at], size, extension, 1),
                )
                for size in sizes
            )
        )
        plans.append(
            CodePlan(
                code=code,
                share=float(share[at]),
                tuning=float(tuning.whole[at]),
                sizes=rows,
                reason=reason,
            )
        )
    return tuple(plans)


def _by_doubts(pilot: Sums, lam: Floats, doubts: Mapping[str, float]) -> Floats:
    """The variance of a draw by doubts over that of an even one; *shapes:* (codes,).

    Sum of e²/r over sum of e², with e the residual of a pilot transcript and r its probability
    relative to the even one.
    """
    counts = pilot.people - (lam * pilot.said).sum(axis=-1)
    e = counts - pilot.sizes[:, np.newaxis] * counts.sum(axis=0) / pilot.sizes.sum()
    relative = np.array(list(probabilities_of(doubts, 1).values())) * len(doubts)
    even = (e**2).sum(axis=0)
    drawn = (e**2 / relative[:, np.newaxis]).sum(axis=0)
    return np.asarray(np.divide(drawn, even, out=np.ones_like(even), where=even > 0))


def _half_width(
    spread: float, alone: float, size: int, extension: Extension, cells: int
) -> float | None:
    """By t; `spread` is the variance between transcripts that the sample must bridge."""
    whole = extension.total / cells
    rest = (extension.total - extension.coded) / cells
    drawn = min(size / cells, rest)
    if drawn < 2:
        return None
    variance = (rest / whole) ** 2 * max(1 / drawn - 1 / rest, 0.0) * spread
    if extension.of is Population.LIKE:
        variance += alone / whole
    return float(stdtrit(drawn - 1, (1 + CONFIDENCE) / 2) * np.sqrt(variance))


def usual_sizes(rest: int, cells: int) -> tuple[int, ...]:
    """Sizes worth a look: from two a cell to a half of what there is."""
    steps: Floats = np.array([20, 40, 60, 80, 120, 160, 240])
    least = max(2 * cells, MIN_CLUSTERS)
    found = tuple(int(one) for one in steps if least <= one <= rest)
    return found or (min(max(least, 1), rest),)

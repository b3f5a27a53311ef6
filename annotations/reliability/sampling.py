"""How much more to double-code, from a pilot, for an interval of a wanted width."""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from annotations.codings import CodingTable
from annotations.reliability.agreement import people_of
from annotations.reliability.coefficients import cohen
from annotations.reliability.estimate import (
    CONFIDENCE,
    Floats,
    insufficient_positives,
    insufficient_transcripts,
    jackknife_variance,
    leave_one_out,
)
from annotations.reliability.tallies import grouping, pair_tables

_Z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to double-code for one code.

    `prevalence`, `kappa` and `design_effect` come from the pilot; the last is how many times
    larger the variance is over transcripts than if segments were independent, at least 1.
    `segments` is how many a pair of coders must both read, `transcripts` how many of the
    pilot's mean length that is, both in all and so including the pilot's own. None with a
    `reason` where the pilot cannot tell.
    """

    code: str
    prevalence: float
    kappa: float
    design_effect: float | None
    segments: int | None
    transcripts: int | None
    reason: str | None = None


def kappa_variance(shares: Floats) -> Floats:
    """Large-sample variance of Cohen's kappa times the number of units.

    Fleiss, Cohen & Everitt (1969), eq. 13. *Shape:* `shares` (..., q, q), cells summing to 1;
    the result (...).
    """
    rows, columns = shares.sum(axis=-1), shares.sum(axis=-2)
    agreed = np.trace(shares, axis1=-2, axis2=-1)
    chance = (rows * columns).sum(axis=-1)
    kappa = (agreed - chance) / (1 - chance)
    rest = (1 - kappa)[..., np.newaxis]
    diagonal = np.diagonal(shares, axis1=-2, axis2=-1)
    on = (diagonal * (1 - (rows + columns) * rest) ** 2).sum(axis=-1)
    # For the cell in row i and column j: the share of column i plus that of row j.
    crossed = (columns[..., :, np.newaxis] + rows[..., np.newaxis, :]) ** 2
    off = (shares * crossed).sum(axis=(-2, -1))
    off = off - (diagonal * (columns + rows) ** 2).sum(axis=-1)
    centre = (kappa - chance * (1 - kappa)) ** 2
    variance: Floats = (on + (1 - kappa) ** 2 * off - centre) / (1 - chance) ** 2
    return variance


def segments_needed(
    *, kappa: float, prevalence: float, half_width: float, design_effect: float = 1.0
) -> int:
    """Segments that two coders must both read for kappa ± `half_width`, 95%.

    Both coders are taken to apply the code to the share `prevalence` of the segments.
    """
    if not 0 < prevalence < 1 or not 0 < half_width < 1 or not -1 < kappa < 1:
        raise ValueError(
            f"prevalence {prevalence}, half-width {half_width} and kappa {kappa} were given; "
            "the first two must lie between 0 and 1, kappa between -1 and 1"
        )
    both = prevalence**2 + kappa * prevalence * (1 - prevalence)
    if both < 0 or 1 - 2 * prevalence + both < 0:
        raise ValueError(f"two coders at prevalence {prevalence} cannot have a kappa of {kappa}")
    table = np.array([[1 - 2 * prevalence + both, prevalence - both], [prevalence - both, both]])
    per_unit = float(kappa_variance(table)) * design_effect
    return math.ceil(_Z**2 * per_unit / half_width**2)


def plan_of(pilot: CodingTable, *, half_width: float = 0.1) -> tuple[Plan, ...]:
    """For each code, what a pair of coders must read for a kappa known to ± `half_width`.

    Kappa is that of the pilot's pairs of coders, their tables added up. The design effect is
    the variance of its jackknife over transcripts, divided by that of its jackknife over
    segments as if they were independent; for two coders the latter is near Fleiss, Cohen &
    Everitt's, and unlike it holds for more. Below 1, which chance makes of a small pilot, 1 is
    taken.
    """
    people = people_of(pilot)
    groups, units = len(people.transcripts), len(people.units)
    by_unit = np.zeros((units, len(people.codes), 2, 2))
    for one, other in combinations(range(len(people.coders)), 2):
        by_unit += pair_tables(
            first=people.applied[one],
            second=people.applied[other],
            both=people.read[one] & people.read[other],
            clusters=np.arange(units),
            groups=units,
        )
    flat = grouping(people.clusters, groups) @ by_unit.reshape(units, len(people.codes) * 4)
    sums = flat.reshape(groups, *by_unit.shape[1:])
    used = sums.sum(axis=(-2, -1)) > 0
    replicates = leave_one_out(sums, cohen, used=used)
    spreads = jackknife_variance(replicates)
    independent = jackknife_variance(
        leave_one_out(by_unit, cohen, used=by_unit.sum(axis=(-2, -1)) > 0)
    )
    twice_read = (people.read.sum(axis=0) >= 2).sum()
    plans = []
    for at, code in enumerate(people.codes):
        table = sums[:, at].sum(axis=0)
        clusters, size = int(used[:, at].sum()), float(table.sum())
        kappa = float(replicates.values[at])
        marginals = (table.sum(axis=0) + table.sum(axis=1)) / 2
        prevalence = float(marginals[1] / size) if size else math.nan
        reason = insufficient_transcripts(clusters) or insufficient_positives(
            float(marginals.min()) * twice_read / size
        )
        if reason is None and not (spreads[at] > 0 and independent[at] > 0):
            reason = "the pilot's kappa does not vary, so it cannot tell what more would bring"
        if reason is not None:
            plans.append(
                Plan(
                    code=code,
                    prevalence=prevalence,
                    kappa=kappa,
                    design_effect=None,
                    segments=None,
                    transcripts=None,
                    reason=reason,
                )
            )
            continue
        effect = max(1.0, float(spreads[at] / independent[at]))
        needed = segments_needed(
            kappa=kappa, prevalence=prevalence, half_width=half_width, design_effect=effect
        )
        plans.append(
            Plan(
                code=code,
                prevalence=prevalence,
                kappa=kappa,
                design_effect=effect,
                segments=needed,
                transcripts=math.ceil(needed * clusters / float(twice_read)),
            )
        )
    return tuple(plans)

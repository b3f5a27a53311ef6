"""Agreement by wave: of people with each other, and of the model with them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from annotations.codings import CodingTable
from annotations.reliability.agreement import NOT_BOTH, ONE_VALUE, people_of
from annotations.reliability.coefficients import alpha, pair_alpha
from annotations.reliability.drift.ratios import Change, detectable
from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.reliability.estimate import (
    CONFIDENCE,
    Bools,
    Estimate,
    Floats,
    Replicates,
    Scale,
    jackknife,
    leave_one_out,
)
from annotations.reliability.tallies import Ints, Tally, pair_tables

ALL_CODES = "all codes"


def alpha_replicates(table: CodingTable, wave: Bools) -> Replicates:
    """Krippendorff's alpha of people in one wave: all codes pooled first, then each code.

    *Shape:* `wave` (transcripts,). Unassisted readings only.
    """
    people = people_of(table)
    tally = Tally.of_readings(
        read=people.read,
        applied=people.applied,
        clusters=people.clusters,
        groups=len(people.transcripts),
    )
    part = tally.with_sums(
        np.concatenate([tally.sums.sum(axis=1, keepdims=True), tally.sums], axis=1)[wave]
    )
    return leave_one_out(
        part.sums, lambda sums: alpha(part.with_sums(sums)), used=part.pairable > 0
    )


def model_replicates(
    truth: Floats, applied: Bools, clusters: Ints, *, groups: int, wave: Bools
) -> Replicates:
    """Alpha of the model's decisions and the people's majority: pooled first, then each code.

    *Shapes:* `truth` (segments, codes), 1, 0, or anything else where it is not known, `applied`
    (segments, codes), `clusters` (segments,), `wave` (groups,).
    """
    tables = np.stack(
        [
            pair_tables(
                first=truth[:, [at]] == 1,
                second=applied[:, [at]],
                both=(truth[:, at] == 0) | (truth[:, at] == 1),
                clusters=clusters,
                groups=groups,
            ).reshape(groups, 4)
            for at in range(truth.shape[1])
        ],
        axis=1,
    )
    tables = np.concatenate([tables.sum(axis=1, keepdims=True), tables], axis=1)[wave]
    return leave_one_out(
        tables,
        lambda sums: pair_alpha(sums.reshape(*sums.shape[:-1], 2, 2)),
        used=tables.sum(axis=-1) > 0,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Difference:
    """After minus before, and its p."""

    estimate: Estimate
    p: float | None


def compare_alphas(
    subjects: Sequence[str], before: Replicates, after: Replicates, sizes: tuple[int, int]
) -> tuple[Change, ...]:
    """Alpha after minus before, for each subject; p is that of Welch's t on the jackknife.

    `sizes` are the units of either wave. No p below `MIN_A_WAVE` transcripts a wave.
    """
    sides = [
        jackknife(
            side,
            scale=Scale.ATANH,
            n=[size] * len(subjects),
            undefined=[ONE_VALUE if size else NOT_BOTH] * len(subjects),
            min_clusters=MIN_A_WAVE,
        )
        for side, size in zip((before, after), sizes, strict=True)
    ]
    changes = []
    for at, subject in enumerate(subjects):
        difference = _welch(before, after, at, sum(sizes))
        changes.append(
            Change(
                subject=subject,
                before=sides[0][at],
                after=sides[1][at],
                difference=difference.estimate,
                p=difference.p,
                adjusted=None,
                moved=False,
                detectable=detectable(difference.estimate),
            )
        )
    return tuple(changes)


def _welch(before: Replicates, after: Replicates, at: int, n: int) -> _Difference:
    """The waves' jackknife variances added, t with Welch's degrees."""
    value = float(after.values[at] - before.values[at])
    own = [side.deletions[side.used[:, at], at] for side in (before, after)]
    counts = [len(one) for one in own]
    clusters = sum(counts)
    if np.isnan(value):
        return _Difference(
            estimate=Estimate.undefined("undefined in one of the waves", n=n, clusters=clusters),
            p=None,
        )
    variances = [(len(one) - 1) / len(one) * float(((one - one.mean()) ** 2).sum()) for one in own]
    variance = sum(variances)
    if min(counts) < MIN_A_WAVE or not variance > 0:
        reason = (
            f"described only: {counts[0]} and {counts[1]} transcripts, a test needs "
            f"{MIN_A_WAVE} in each wave"
            if min(counts) < MIN_A_WAVE
            else "no interval: the data do not show how far it varies"
        )
        return _Difference(estimate=Estimate.bare(value, reason, n=n, clusters=clusters), p=None)
    degrees = variance**2 / sum(
        one**2 / (count - 1) for one, count in zip(variances, counts, strict=True)
    )
    error = variance**0.5
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees)) * error
    return _Difference(
        estimate=Estimate(
            value=value,
            low=value - half,
            high=value + half,
            n=n,
            clusters=clusters,
            method="transcript jackknife in each wave, Welch t",
        ),
        p=float(2 * stats.t.sf(abs(value) / error, degrees)),
    )

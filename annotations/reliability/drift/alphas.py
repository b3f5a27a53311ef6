"""Agreement by wave: of people with each other, and of the model with them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from annotations.codings import CodingTable
from annotations.numerals import many
from annotations.reliability.agreement import (
    NOT_BOTH,
    ONE_VALUE,
    codings_a_coder,
    codings_of_the_fewer,
    people_of,
)
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
    insufficient_positives,
    jackknife,
    leave_one_out,
)
from annotations.reliability.tallies import Ints, Tally, pair_tables

ALL_CODES = "all codes"


@dataclass(frozen=True, kw_only=True, slots=True)
class WaveAlphas:
    """Alphas of one wave: all codes pooled first, then each code.

    `positives` are codings a coder, of the rarer of yes and no; *shape:* (1 + codes,).
    """

    replicates: Replicates
    positives: Floats


def alphas_of_people(table: CodingTable, wave: Bools) -> WaveAlphas:
    """Krippendorff's alpha of people in one wave.

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
    return WaveAlphas(
        replicates=leave_one_out(
            part.sums, lambda sums: alpha(part.with_sums(sums)), used=part.pairable > 0
        ),
        positives=codings_a_coder(part.total),
    )


def alphas_of_model(
    truth: Floats, applied: Bools, clusters: Ints, *, groups: int, wave: Bools
) -> WaveAlphas:
    """Alpha of the model's decisions and the people's majority in one wave.

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
    return WaveAlphas(
        replicates=leave_one_out(
            tables,
            lambda sums: pair_alpha(sums.reshape(*sums.shape[:-1], 2, 2)),
            used=tables.sum(axis=-1) > 0,
        ),
        positives=codings_of_the_fewer(tables.sum(axis=0).reshape(-1, 2, 2)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Difference:
    """After minus before, and its p."""

    estimate: Estimate
    p: float | None


def compare_alphas(
    subjects: Sequence[str], before: WaveAlphas, after: WaveAlphas, sizes: tuple[int, int]
) -> tuple[Change, ...]:
    """Alpha after minus before, for each subject; p is that of Welch's t on the jackknife.

    `sizes` are the units of either wave. No interval and no p below `MIN_A_WAVE` transcripts a
    wave, or below `MIN_POSITIVES` codings a coder in it: alpha is near 0 where two coders hardly
    ever apply a code and never to the same, and seems not to vary.
    """
    shortage = [
        [insufficient_positives(float(count)) for count in side.positives]
        for side in (before, after)
    ]
    sides = [
        jackknife(
            side.replicates,
            scale=Scale.ATANH,
            n=[size] * len(subjects),
            shortage=short,
            undefined=[ONE_VALUE if size else NOT_BOTH] * len(subjects),
            min_clusters=MIN_A_WAVE,
        )
        for side, size, short in zip((before, after), sizes, shortage, strict=True)
    ]
    changes = []
    for at, subject in enumerate(subjects):
        difference = _welch(
            before.replicates,
            after.replicates,
            at,
            sum(sizes),
            shortage=next((short[at] for short in shortage if short[at]), None),
        )
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


def _welch(
    before: Replicates, after: Replicates, at: int, n: int, *, shortage: str | None
) -> _Difference:
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
    if min(counts) < MIN_A_WAVE or shortage is not None or not variance > 0:
        reason = (
            f"described only: {counts[0]} and {many(counts[1], 'transcript')}, a test needs "
            f"{MIN_A_WAVE} in each wave"
            if min(counts) < MIN_A_WAVE
            else shortage or "no interval: the data do not show how far it varies"
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

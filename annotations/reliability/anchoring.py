"""What suggestions do to people: transcripts coded blind against transcripts coded with them.

Where transcripts were assigned to the two arms at random, the difference between the arms is
the effect of suggesting. Acceptance of suggestions is not a measure of reliability.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from annotations.codings import ADJUDICATED, CodingTable, is_model
from annotations.numerals import many
from annotations.reliability.agreement import (
    NOT_BOTH,
    ONE_VALUE,
    ModelCoding,
    codings_of_the_fewer,
)
from annotations.reliability.coefficients import pair_alpha
from annotations.reliability.estimate import (
    CONFIDENCE,
    MIN_CLUSTERS,
    Bools,
    Estimate,
    Floats,
    Replicates,
    Scale,
    Statistic,
    insufficient_positives,
    jackknife,
    leave_one_out,
)
from annotations.reliability.tallies import pair_tables

_WORDS = 1000.0
_CHUNK = 200
NO_WORDS = "nobody read anything in this arm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """One figure in the two arms; `difference` is shown minus blind.

    `p` is that of re-randomising transcripts between the arms (two-sided), None below
    `MIN_CLUSTERS` transcripts in an arm or where the figure is undefined.
    """

    blind: Estimate
    shown: Estimate
    difference: Estimate
    p: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeAnchoring:
    """One code, or all codes together (`code` None).

    `alpha` between the model and the people; `frequency` codings per 1,000 words read;
    `added` codings of units for which the model did not suggest the code, per 1,000 words.
    `abandoned`: people add the code less when suggestions are shown, after Benjamini-Hochberg
    over the codes at .05.
    """

    code: str | None
    alpha: Contrast
    frequency: Contrast
    added: Contrast
    abandoned: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchoring:
    """Blind against shown; `blind` and `shown` count transcripts."""

    version: str
    blind: int
    shown: int
    overall: CodeAnchoring
    codes: tuple[CodeAnchoring, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Arms:
    """Which transcripts lie in which arm, and draws of the same. *Shape:* (draws, transcripts)."""

    shown: Bools
    blind: Bools
    draws: Floats


def anchoring_of(
    table: CodingTable, model: ModelCoding, *, seed: int, draws: int = 2000
) -> Anchoring:
    """The effect of suggesting, from a table with assisted and unassisted readings.

    A transcript is shown where anybody read a part of it with suggestions, and then only its
    assisted readings count; otherwise it is blind. `model.applied` is what was, or in the blind
    arm would have been, suggested. Intervals are jackknives over the transcripts of each arm.
    """
    people = table.of_coders(
        [name for name in table.coders if name != ADJUDICATED and not is_model(name)]
    )
    groups = len(people.transcripts)
    helped = (people.assisted & people.read).any(axis=0)
    shown = np.zeros(groups, dtype=np.bool_)
    shown[people.clusters[helped]] = True
    read = people.read & model.read & (people.assisted == shown[people.clusters])
    sums = _sums(people, model, read)
    present = sums[..., 4].sum(axis=1) > 0
    shown &= present
    arms = _arms(shown, present & ~shown, seed=seed, draws=draws)
    sizes = read.sum(axis=0) > 0
    units = [int((sizes & arm[people.clusters]).sum()) for arm in (arms.blind, arms.shown)]
    alpha = _contrasts(sums, _alpha, arms, Scale.ATANH, units, len(people.codes))
    frequency, added = (
        _contrasts(sums, statistic, arms, Scale.RAW, units, len(people.codes))
        for statistic in (_frequency, _added)
    )
    gone = _abandoned(added[1:])
    everything = [
        CodeAnchoring(code=code, alpha=one, frequency=two, added=three, abandoned=left)
        for code, one, two, three, left in zip(
            [None, *people.codes], alpha, frequency, added, [False, *gone], strict=True
        )
    ]
    return Anchoring(
        version=model.version,
        blind=int(arms.blind.sum()),
        shown=int(arms.shown.sum()),
        overall=everything[0],
        codes=tuple(everything[1:]),
    )


def _sums(people: CodingTable, model: ModelCoding, read: Bools) -> Floats:
    """Cross tables of people and model, then words read. *Shape:* (transcripts, 1 + codes, 5)."""
    groups = len(people.transcripts)
    tables = np.zeros((groups, len(people.codes), 2, 2))
    for coder in range(len(people.coders)):
        tables += pair_tables(
            first=people.applied[coder],
            second=model.applied,
            both=read[coder],
            clusters=people.clusters,
            groups=groups,
        )
    length = np.array([len(unit.text.split()) for unit in people.units], dtype=np.float64)
    words = np.bincount(people.clusters, weights=length * read.sum(axis=0), minlength=groups)
    cells = tables.reshape(groups, len(people.codes), 4)
    cells = np.concatenate([cells.sum(axis=1, keepdims=True), cells], axis=1)
    times = np.broadcast_to(words[:, np.newaxis, np.newaxis], (*cells.shape[:2], 1))
    return np.concatenate([cells, times], axis=-1)


def _alpha(sums: Floats) -> Floats:
    return pair_alpha(sums[..., :4].reshape(*sums.shape[:-1], 2, 2))


def _frequency(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _WORDS * (sums[..., 2] + sums[..., 3]) / sums[..., 4]


def _added(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _WORDS * sums[..., 2] / sums[..., 4]


def _arms(shown: Bools, blind: Bools, *, seed: int, draws: int) -> _Arms:
    rng = np.random.default_rng(seed)
    places = np.flatnonzero(shown | blind)
    lots = np.zeros((draws, len(shown)))
    for draw in lots:
        draw[rng.permutation(places)[: int(shown.sum())]] = 1.0
    return _Arms(shown=shown, blind=blind, draws=lots)


def _contrasts(
    sums: Floats,
    statistic: Statistic,
    arms: _Arms,
    scale: Scale,
    units: Sequence[int],
    codes: int,
) -> tuple[Contrast, ...]:
    sizes = [[count * codes, *[count] * codes] for count in units]
    sides = []
    for arm in (arms.blind, arms.shown):
        part = sums[arm]
        sides.append(leave_one_out(part, statistic, used=part[..., 4] > 0))
    shortage = [
        [
            insufficient_positives(float(count)) if scale is Scale.ATANH else None
            for count in codings_of_the_fewer(sums[arm, :, :4].sum(axis=0).reshape(-1, 2, 2))
        ]
        for arm in (arms.blind, arms.shown)
    ]
    blind, shown = (
        jackknife(
            side,
            scale=scale,
            n=size,
            shortage=short,
            undefined=[
                (ONE_VALUE if scale is Scale.ATANH else NO_WORDS) if n else NOT_BOTH for n in size
            ],
        )
        for side, size, short in zip(sides, sizes, shortage, strict=True)
    )
    p = _p_values(sums, statistic, arms)
    return tuple(
        Contrast(
            blind=blind[at],
            shown=shown[at],
            difference=_difference(
                sides,
                at,
                sizes[0][at] + sizes[1][at],
                shortage=next((short[at] for short in shortage if short[at]), None),
            ),
            p=None if np.isnan(p[at]) else float(p[at]),
        )
        for at in range(codes + 1)
    )


def _difference(sides: Sequence[Replicates], at: int, n: int, *, shortage: str | None) -> Estimate:
    """Shown minus blind: the arms' jackknife variances added, t with Welch's degrees.

    `shortage` is why an arm has too little for an interval, where it has.
    """
    blind, shown = sides
    value = float(shown.values[at] - blind.values[at])
    numbers = [int(side.used[:, at].sum()) for side in sides]
    clusters = sum(numbers)
    if np.isnan(value):
        return Estimate.undefined("undefined in one of the arms", n=n, clusters=clusters)
    if min(numbers) < MIN_CLUSTERS:
        return Estimate.bare(
            value,
            f"insufficient: {numbers[0]} blind and {many(numbers[1], 'shown transcript')}, an "
            f"interval needs {MIN_CLUSTERS} of each",
            n=n,
            clusters=clusters,
        )
    if shortage is not None:
        return Estimate.bare(value, shortage, n=n, clusters=clusters)
    parts = []
    for side, number in zip(sides, numbers, strict=True):
        deletions = side.deletions[side.used[:, at], at]
        parts.append(float((number - 1) / number * ((deletions - deletions.mean()) ** 2).sum()))
    variance = sum(parts)
    if not variance > 0:
        return Estimate.bare(
            value,
            "no interval: undefined without one of the transcripts, or the same whichever is "
            "left out",
            n=n,
            clusters=clusters,
        )
    degrees = variance**2 / sum(
        part**2 / (number - 1) for part, number in zip(parts, numbers, strict=True)
    )
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees)) * variance**0.5
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        n=n,
        clusters=clusters,
        method="transcript jackknife in each arm, Welch t",
    )


def _p_values(sums: Floats, statistic: Statistic, arms: _Arms) -> Floats:
    """Two-sided re-randomisation of transcripts; draws without a value count against."""
    if min(arms.shown.sum(), arms.blind.sum()) < MIN_CLUSTERS:
        return np.full(sums.shape[1], np.nan)
    kept = (arms.shown | arms.blind).astype(np.float64)

    def difference(lots: Floats) -> Floats:
        shown = statistic(np.einsum("rg,gsc->rsc", lots, sums))
        found: Floats = shown - statistic(np.einsum("rg,gsc->rsc", kept - lots, sums))
        return found

    observed = difference(arms.shown[np.newaxis].astype(np.float64))[0]
    extreme = np.ones_like(observed)
    for start in range(0, len(arms.draws), _CHUNK):
        drawn = np.abs(difference(arms.draws[start : start + _CHUNK]))
        # Rounding must not turn a tie into a win.
        extreme += (~(drawn < np.abs(observed) - 1e-12)).sum(axis=0)
    return np.where(np.isnan(observed), np.nan, extreme / (len(arms.draws) + 1))


def _abandoned(added: Sequence[Contrast]) -> list[bool]:
    p = np.array([1.0 if one.p is None else one.p for one in added])
    if len(p) == 0:
        return []
    adjusted = stats.false_discovery_control(p, method="bh")
    return [
        bool(level <= 1 - CONFIDENCE and one.difference.value < 0)
        for level, one in zip(adjusted, added, strict=True)
    ]

"""Each coder beside the rest, and the codes that are taken for each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from annotations.codings import CodingTable
from annotations.numerals import many
from annotations.reliability.agreement import ONE_VALUE, codings_of_the_fewer, people_of
from annotations.reliability.coefficients import cohen, pair_alpha, pair_percent
from annotations.reliability.estimate import (
    MIN_POSITIVES,
    Bools,
    Estimate,
    Floats,
    Scale,
    insufficient_positives,
    jackknife,
    leave_one_out,
)
from annotations.reliability.tallies import Ints, grouping, pair_tables

ALONE = "nobody else read what this coder read"
MIN_CONFUSED = 5
"""Confusions below which a pair of codes stands after all others, whatever its share."""

SHOWN = 30
"""How many pairs of codes are reported."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeUse:
    """How much one coder uses a code beside the others, on the units that both read.

    `own` is the share of those units to which the coder applied it, `others` the mean share of
    the others who read them. `difference` is own minus others, `ratio` own over others with an
    interval on the log scale. `tendency` is "over" or "under" where the interval of the
    difference leaves out 0; with many codes and coders some do so by chance.
    """

    code: str
    own: float
    others: float
    difference: Estimate
    ratio: Estimate
    tendency: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CoderFigures:
    """One coder against the majority of the others, over all codes; ties are left out.

    `n` counts code decisions, `units` those units that the coder and another one read.
    """

    coder: str
    units: int
    transcripts: int
    percent: Estimate
    kappa: Estimate
    alpha: Estimate
    use: tuple[CodeUse, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """Two codes of which one coder applied one alone where another applied the other alone.

    `times` counts pairs of coders in units. `share` is `times` over all pairs of coders in
    units that both read and to which at least one of the two applied at least one of the codes.
    """

    codes: tuple[str, str]
    times: int
    share: Estimate


def coder_figures_of(table: CodingTable) -> tuple[CoderFigures, ...]:
    """Every coder beside the rest, from unassisted readings."""
    people = people_of(table)
    readers = people.read.sum(axis=0)
    yes = people.applied.sum(axis=0, dtype=np.float64)
    return tuple(_figures(people, coder, readers, yes) for coder in range(len(people.coders)))


def _figures(people: CodingTable, coder: int, readers: Ints, yes: Floats) -> CoderFigures:
    groups = len(people.transcripts)
    own = people.applied[coder]
    others = np.maximum(readers - people.read[coder], 0)
    shared = people.read[coder] & (others > 0)
    share = (yes - own) / np.maximum(others, 1)[:, np.newaxis]
    untied: Bools = shared[:, np.newaxis] & (share != 0.5)

    def tables(weights: Floats | None) -> Floats:
        by_code = pair_tables(
            first=own,
            second=share > 0.5,
            both=untied,
            clusters=people.clusters,
            groups=groups,
            weights=weights,
        )
        pooled: Floats = by_code.sum(axis=1, keepdims=True)
        return pooled

    sums = tables(people.weights)
    fewest = codings_of_the_fewer(tables(None).sum(axis=0))
    decisions = int(sums.sum())
    percent, kappa, alpha = (
        jackknife(
            leave_one_out(sums, statistic, used=sums.sum(axis=(-2, -1)) > 0),
            scale=scale,
            n=[decisions],
            shortage=[insufficient_positives(float(fewest[0]))],
            undefined=[ONE_VALUE if decisions else ALONE],
        )[0]
        for statistic, scale in (
            (pair_percent, Scale.LOGIT),
            (cohen, Scale.ATANH),
            (pair_alpha, Scale.ATANH),
        )
    )
    by_group = grouping(people.clusters, groups, people.weights)
    here = shared[:, np.newaxis]
    seen = by_group @ shared.astype(np.float64)
    counts = np.stack(
        [
            by_group @ (own & here).astype(np.float64),
            by_group @ np.where(here, share, 0.0),
            np.repeat(seen[:, np.newaxis], len(people.codes), axis=1),
        ],
        axis=-1,
    )
    return CoderFigures(
        coder=people.coders[coder],
        units=int(seen.sum()),
        transcripts=len(np.unique(people.clusters[shared])),
        percent=percent,
        kappa=kappa,
        alpha=alpha,
        use=_use(people.codes, counts),
    )


def _use(codes: Sequence[str], counts: Floats) -> tuple[CodeUse, ...]:
    """*Shape:* `counts` (transcripts, codes, 3): own codings, the others' share, units."""
    total = counts.sum(axis=0)
    used = counts[..., 2] > 0
    units = total[:, 2].astype(int).tolist()
    scarce = [insufficient_positives(float(count)) for count in total[:, :2].max(axis=1)]
    own, others = _share(total, 0), _share(total, 1)
    difference = jackknife(
        leave_one_out(counts, lambda sums: _share(sums, 0) - _share(sums, 1), used=used),
        scale=Scale.RAW,
        n=units,
        shortage=scarce,
        undefined=[ALONE] * len(units),
    )
    logs = jackknife(
        leave_one_out(counts, _log_ratio, used=used),
        scale=Scale.RAW,
        n=units,
        shortage=scarce,
        undefined=[
            ALONE if not count else _one_sided(mine, theirs)
            for count, (mine, theirs) in zip(units, total[:, :2], strict=True)
        ],
    )
    return tuple(
        CodeUse(
            code=code,
            own=float(own[at]),
            others=float(others[at]),
            difference=difference[at],
            ratio=_ratio(logs[at], zero=bool(total[at, 0] == 0 and total[at, 1] > 0)),
            tendency=_tendency(difference[at]),
        )
        for at, code in enumerate(codes)
    )


def _share(sums: Floats, column: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(sums[..., 2] > 0, sums[..., column] / sums[..., 2], np.nan)
    return found


def _log_ratio(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(sums[..., 0] / sums[..., 1])
    return np.where(np.isfinite(found), found, np.nan)


def _one_sided(mine: float, theirs: float) -> str:
    if mine > 0:
        return "the others never applied the code here"
    return "the coder never applied the code here" if theirs > 0 else "nobody applied the code here"


def _ratio(logs: Estimate, *, zero: bool) -> Estimate:
    if not logs.defined:
        return replace(logs, value=0.0) if zero else logs
    low, high = (None if side is None else float(np.exp(side)) for side in (logs.low, logs.high))
    method = logs.method if low is None else logs.method.replace("raw", "log")
    return replace(logs, value=float(np.exp(logs.value)), low=low, high=high, method=method)


def _tendency(difference: Estimate) -> str | None:
    if difference.low is None or difference.high is None:
        return None
    if difference.low > 0:
        return "over"
    return "under" if difference.high < 0 else None


def confusions_of(table: CodingTable) -> tuple[Confusion, ...]:
    """The pairs of codes taken for each other, the most confused first, at most `SHOWN`.

    Ordered by share; pairs confused fewer than `MIN_CONFUSED` times come after the others.
    """
    people = people_of(table)
    times = np.ones(len(people.units)) if people.weights is None else people.weights
    number = len(people.codes)
    confused = np.zeros((number, number))
    either = np.zeros((number, number))
    pairs = []
    for one, other in combinations(range(len(people.coders)), 2):
        both = np.flatnonzero(people.read[one] & people.read[other])
        first, second = people.applied[one, both], people.applied[other, both]
        # Only units with a coding of one of the two matter.
        some = (first | second).any(axis=1)
        both, first, second = both[some], first[some], second[some]
        if len(both):
            pair = _Pair(
                first_only=(first & ~second).astype(np.float64),
                second_only=(second & ~first).astype(np.float64),
                any_of_both=(first | second).astype(np.float64),
                clusters=people.clusters[both],
                weights=times[both],
            )
            pairs.append(pair)
            swapped = (pair.first_only * pair.weights[:, np.newaxis]).T @ pair.second_only
            confused += swapped + swapped.T
            weighted = pair.any_of_both * pair.weights[:, np.newaxis]
            alone = weighted.sum(axis=0)
            either += alone[:, np.newaxis] + alone - weighted.T @ pair.any_of_both
    above = np.argwhere(np.triu(confused, k=1) > 0)
    share = confused[above[:, 0], above[:, 1]] / either[above[:, 0], above[:, 1]]
    enough = confused[above[:, 0], above[:, 1]] >= MIN_CONFUSED
    order = np.lexsort((above[:, 1], above[:, 0], -share, ~enough))[:SHOWN]
    return _confusions(people, pairs, above[order])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """Two coders on the units that both read and one coded. *Shapes:* (units, codes), (units,)."""

    first_only: Floats
    second_only: Floats
    any_of_both: Floats
    clusters: Ints
    weights: Floats


def _confusions(people: CodingTable, pairs: Sequence[_Pair], chosen: Ints) -> tuple[Confusion, ...]:
    groups = len(people.transcripts)
    sums = np.zeros((groups, len(chosen), 2))
    one, other = chosen[:, 0], chosen[:, 1]
    for pair in pairs:
        by_group = grouping(pair.clusters, groups, pair.weights)
        swapped = pair.first_only[:, one] * pair.second_only[:, other]
        swapped += pair.first_only[:, other] * pair.second_only[:, one]
        sums[..., 0] += by_group @ swapped
        sums[..., 1] += by_group @ np.maximum(pair.any_of_both[:, one], pair.any_of_both[:, other])
    total = sums.sum(axis=0)
    shares = jackknife(
        leave_one_out(sums, _part, used=sums[..., 1] > 0),
        scale=Scale.LOGIT,
        n=total[:, 1].astype(int).tolist(),
        shortage=[_too_few(int(count)) for count in total[:, 0]],
    )
    return tuple(
        Confusion(
            codes=(people.codes[first], people.codes[second]),
            times=int(total[at, 0]),
            share=shares[at],
        )
        for at, (first, second) in enumerate(chosen.tolist())
    )


def _too_few(times: int) -> str | None:
    if times >= MIN_POSITIVES:
        return None
    return f"insufficient: confused {many(times, 'time')}, an interval needs {MIN_POSITIVES}"


def _part(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)

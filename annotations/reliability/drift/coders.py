"""Do coders code as they did? Each against the others by wave, and against their own coding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotations.codings import ADJUDICATED, CodingTable
from annotations.reliability.coefficients import pair_alpha
from annotations.reliability.drift.permuting import DRAWS
from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.reliability.estimate import (
    Bools,
    Estimate,
    Floats,
    Scale,
    insufficient_positives,
    jackknife,
    leave_one_out,
)
from annotations.reliability.tallies import Ints, grouping, pair_tables


@dataclass(frozen=True, kw_only=True, slots=True)
class AgainstOthers:
    """A coder beside the others on the units that both read.

    *Shapes:* `disagreed` (units,): whether the coder's set of codes is not that of the
    majority of the others, ties left out; `bias` (units, codes): applied by the coder minus the
    share of the others who did; `clusters` (units,).
    """

    coder: str
    disagreed: Bools
    bias: Floats
    clusters: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfAgreement:
    """A coder's second coding of what they had coded before, without seeing the first.

    `before` and `after` count the segments that bear the code in the old and in the new coding.
    `shift` is codings in the new minus codings in the old, for each segment and code; `p` that
    of flipping the sign of whole transcripts, two-sided, `adjusted` the same after
    Benjamini-Hochberg over all that was looked at, and `moved` whether that is at most .05.
    Drift of which as much is gained as lost shows in `alpha` alone.
    """

    coder: str
    code: str | None
    before: int
    after: int
    alpha: Estimate
    shift: Estimate
    p: float | None
    adjusted: float | None = None
    moved: bool = False


def against_others(table: CodingTable) -> tuple[AgainstOthers, ...]:
    """Every coder against the others, on unassisted readings. Adjudicated coding is a consensus.

    Where the team agreed on a unit, the agreed coding stands for the others.
    """
    table = table.unassisted()
    agreed = table.coders.index(ADJUDICATED) if ADJUDICATED in table.coders else None
    settled = table.read[agreed] if agreed is not None else np.zeros(len(table.units), np.bool_)
    found = []
    for at, coder in enumerate(table.coders):
        if at == agreed:
            continue
        others = table.read.copy()
        others[at] = False
        others[:, settled] = False
        if agreed is not None:
            others[agreed] = settled
        readers = others.sum(axis=0)
        units = np.flatnonzero(table.read[at] & (readers > 0))
        yes = (table.applied[:, units] & others[:, units, np.newaxis]).sum(axis=0)
        share = yes / readers[units, np.newaxis]
        clear = (share != 0.5).all(axis=1)
        own = table.applied[at, units]
        found.append(
            AgainstOthers(
                coder=coder,
                disagreed=((own != (share > 0.5)) & clear[:, np.newaxis]).any(axis=1),
                bias=own - share,
                clusters=table.clusters[units],
            )
        )
    return tuple(found)


def disagreement_sums(one: AgainstOthers, groups: int) -> Floats:
    """Units disagreed on, and units; *shape:* (transcripts, 1, 1, 2)."""
    values = np.stack([one.disagreed, np.ones(len(one.clusters))], axis=-1)
    sums = grouping(one.clusters, groups) @ values.astype(np.float64)
    return np.asarray(sums)[:, np.newaxis, np.newaxis]


def bias_sums(one: AgainstOthers, groups: int) -> Floats:
    """A coder's lead over the others, and units; *shape:* (transcripts, codes, 1, 2)."""
    by_transcript = grouping(one.clusters, groups)
    lead: Floats = by_transcript @ one.bias
    units = np.broadcast_to((by_transcript @ np.ones(len(one.clusters)))[:, np.newaxis], lead.shape)
    return np.stack([lead, units], axis=-1)[:, :, np.newaxis]


def self_agreement(
    coder: str,
    codes: Sequence[str],
    old: Bools,
    new: Bools,
    clusters: Ints,
    *,
    groups: int,
    seed: int,
    draws: int = DRAWS,
    weights: Floats | None = None,
    both: Bools | None = None,
) -> tuple[SelfAgreement, ...]:
    """A coder's blind re-coding beside the earlier one: all codes pooled first, then each.

    *Shapes:* `old`, `new` (segments, codes), `clusters` (segments,) below `groups`, `weights`
    (segments,) how often each counts, `both` (segments, codes) which codes could be applied to
    a segment both times (None: all). There is no interval of alpha below ten codings the
    first time, unequal ones counted as the number of equal ones that vary as much (Kish).
    """
    if both is None:
        both = np.ones_like(old)
    old, new = old & both, new & both
    tables = pair_tables(
        first=old,
        second=new,
        both=both,
        clusters=clusters,
        groups=groups,
        weights=weights,
    ).reshape(groups, len(codes), 4)
    tables = np.concatenate([tables.sum(axis=1, keepdims=True), tables], axis=1)
    used = tables.sum(axis=-1) > 0
    before, after = (
        [int(one.sum()), *(int(count) for count in one.sum(axis=0))] for one in (old, new)
    )
    n = [int(both.sum()), *(int(count) for count in both.sum(axis=0))]
    alphas = jackknife(
        leave_one_out(
            tables, lambda sums: pair_alpha(sums.reshape(*sums.shape[:-1], 2, 2)), used=used
        ),
        scale=Scale.ATANH,
        n=n,
        shortage=[insufficient_positives(count) for count in _positives(old, weights)],
        undefined=["everything or nothing was coded, both times"] * len(n),
        min_clusters=MIN_A_WAVE,
    )
    shifts = jackknife(
        leave_one_out(tables, _shift, used=used), scale=Scale.RAW, n=n, min_clusters=MIN_A_WAVE
    )
    p = flipped(tables[..., 1] - tables[..., 2], seed=seed, draws=draws)
    enough = used.sum(axis=0) >= MIN_A_WAVE
    return tuple(
        SelfAgreement(
            coder=coder,
            code=code,
            before=before[at],
            after=after[at],
            alpha=alphas[at],
            shift=shifts[at],
            p=float(p[at]) if enough[at] else None,
        )
        for at, code in enumerate([None, *codes])
    )


def _positives(old: Bools, weights: Floats | None) -> list[float]:
    """Codings the first time, all codes pooled first: (sum w)² / sum w² where they weigh unlike.

    Those of the second time say nothing of how many there are: a draw with a chance surplus of
    them would be believed, and one without would not.
    """
    times = np.ones(len(old)) if weights is None else weights
    counts = np.column_stack([old.sum(axis=1), old]).astype(np.float64)
    with np.errstate(invalid="ignore"):
        found: Floats = np.nan_to_num((times @ counts) ** 2 / (times**2 @ counts))
    return [float(count) for count in found]


def flipped(differences: Floats, *, seed: int, draws: int = DRAWS) -> Floats:
    """P of the sum of differences when the sign of each transcript's is drawn at random.

    *Shape:* (transcripts, statistics) to (statistics,). Two-sided; all sign patterns are tried
    where there are no more of them than `draws`.
    """
    some = differences[(differences != 0).any(axis=1)]
    if not len(some):
        return np.ones(differences.shape[1])
    observed = np.abs(some.sum(axis=0)) - 1e-9
    if 2 ** min(len(some), 60) <= draws:
        patterns = np.indices((2,) * len(some)).reshape(len(some), -1).T * 2.0 - 1.0
        exact: Floats = (np.abs(patterns @ some) >= observed).mean(axis=0)
        return exact
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, len(some)))
    extreme = (np.abs(signs @ some) >= observed).sum(axis=0)
    drawn: Floats = (1 + extreme) / (draws + 1)
    return drawn


def _shift(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        shift: Floats = (sums[..., 1] - sums[..., 2]) / sums.sum(axis=-1)
    return shift

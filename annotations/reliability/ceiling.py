"""How near the model comes to what people reach with each other, on the same units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from annotations.codings import CodingTable
from annotations.reliability.agreement import ModelCoding, codings_of_the_fewer, people_of
from annotations.reliability.coefficients import pair_alpha
from annotations.reliability.estimate import (
    MIN_CLUSTERS,
    MIN_POSITIVES,
    Bools,
    Estimate,
    Floats,
    Replicates,
    Scale,
    insufficient_positives,
    jackknife,
    leave_one_out,
)
from annotations.reliability.tallies import pair_tables

NO_PAIR = "no unit that the model coded was read by two coders"
NO_ALPHA = "no pair has an alpha here: their readings all say the same"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceiling:
    """Krippendorff's alpha of pairs, for one code or over all (`code` None).

    `between_coders` is the mean over pairs of coders, `with_model` the mean over coders of
    their pair with the model, both on units that the model and two or more coders read;
    `difference` is `with_model` minus `between_coders`, its interval from the same deletions.
    `n` counts units (over all codes: units times codes). `left_out` are coders, and
    pairs of others, with too little in common for an interval, which would rule a mean over pairs.
    """

    code: str | None
    between_coders: Estimate
    with_model: Estimate
    difference: Estimate
    left_out: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """Two coders by their places, and their tables. *Shape:* (transcripts, 1 + codes, 2, 2)."""

    one: int
    other: int
    tables: Floats

    @property
    def bears_an_interval(self) -> bool:
        """Whether there are as many transcripts and codings, over all codes, as one needs."""
        pooled = self.tables[:, 0]
        transcripts = int((pooled.sum(axis=(-2, -1)) > 0).sum())
        fewer = float(codings_of_the_fewer(pooled.sum(axis=0)))
        return transcripts >= MIN_CLUSTERS and fewer >= MIN_POSITIVES


def ceiling_of(table: CodingTable, model: ModelCoding) -> tuple[Ceiling, ...]:
    """The ceiling over all codes (first) and code by code, from unassisted readings."""
    people = people_of(table)
    groups = len(people.transcripts)
    applied = people.applied
    read = people.read & model.read

    def tables(first: Bools, second: Bools, both: Bools) -> Floats:
        found = pair_tables(
            first=first, second=second, both=both, clusters=people.clusters, groups=groups
        )
        return np.concatenate([found.sum(axis=1, keepdims=True), found], axis=1)

    pairs = [
        _Pair(
            one=one,
            other=other,
            tables=tables(applied[one], applied[other], read[one] & read[other]),
        )
        for one, other in combinations(range(len(people.coders)), 2)
        if (read[one] & read[other]).any()
    ]
    # Chosen once and not in each deletion, so that all of these are of one statistic.
    kept = [pair for pair in pairs if pair.bears_an_interval] or pairs
    coders = sorted({coder for pair in kept for coder in (pair.one, pair.other)})
    left_out = _left_out(people.coders, pairs, kept, coders)
    shared = np.zeros(len(people.units), dtype=np.bool_)
    for pair in kept:
        shared |= read[pair.one] & read[pair.other]
    human = [pair.tables for pair in kept]
    against = [tables(applied[coder], model.applied, read[coder] & shared) for coder in coders]
    labels: list[str | None] = [None, *people.codes]
    if not human:
        nothing = Estimate.undefined(NO_PAIR)
        return tuple(
            Ceiling(code=code, between_coders=nothing, with_model=nothing, difference=nothing)
            for code in labels
        )
    sums = np.stack([*human, *against], axis=1)
    between = _mean_alpha(sums[:, : len(human)])
    with_model = _mean_alpha(sums[:, len(human) :])
    difference = replace(
        with_model,
        values=with_model.values - between.values,
        deletions=with_model.deletions - between.deletions,
    )
    units = int(shared.sum())
    sizes = [units * len(people.codes), *[units] * len(people.codes)]
    shortage = [insufficient_positives(float(n)) for n in _codings(sums.sum(axis=0))]
    undefined: Sequence[str | None] = [NO_ALPHA] * len(labels)
    first, second, third = (
        jackknife(one, scale=scale, n=sizes, shortage=shortage, undefined=undefined)
        for one, scale in (
            (between, Scale.ATANH),
            (with_model, Scale.ATANH),
            (difference, Scale.RAW),
        )
    )
    return tuple(
        Ceiling(code=code, between_coders=one, with_model=two, difference=three, left_out=left_out)
        for code, one, two, three in zip(labels, first, second, third, strict=True)
    )


def _left_out(
    names: Sequence[str], pairs: Sequence[_Pair], kept: Sequence[_Pair], coders: Sequence[int]
) -> tuple[tuple[str, ...], ...]:
    """Coders of whom no pair was kept, and the pairs left out of those who remain."""
    gone = {coder for pair in pairs for coder in (pair.one, pair.other)} - set(coders)
    apart = {(pair.one, pair.other) for pair in pairs} - {(pair.one, pair.other) for pair in kept}
    return (
        *((names[coder],) for coder in sorted(gone)),
        *((names[one], names[other]) for one, other in sorted(apart) if not {one, other} & gone),
    )


def _mean_alpha(sums: Floats) -> Replicates:
    """The mean over pairs whose alpha is defined. *Shape:* (transcripts, pairs, codes, 2, 2)."""
    used = sums.sum(axis=(-2, -1)) > 0
    pairs = leave_one_out(sums, pair_alpha, used=used)
    defined = ~np.isnan(pairs.values)
    number = defined.sum(axis=0)

    def mean(values: Floats) -> Floats:
        # A pair that loses its alpha in a deletion makes the deletion undefined.
        total: Floats = np.where(defined, values, 0.0).sum(axis=-2)
        divisor: Floats = np.where(number > 0, number, np.nan)
        return total / divisor

    return Replicates(
        values=mean(pairs.values), deletions=mean(pairs.deletions), used=used.any(axis=1)
    )


def _codings(total: Floats) -> Floats:
    """Codings of the fewer in the mean pair. *Shape:* (pairs, codes, 2, 2) to (codes,)."""
    fewer: Floats = codings_of_the_fewer(total).mean(axis=0)
    return fewer

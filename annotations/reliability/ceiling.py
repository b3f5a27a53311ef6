"""How near the model comes to what people reach with each other, on the same units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from annotations.codings import CodingTable
from annotations.reliability.agreement import ModelCoding, codings_of_the_fewer, people_of
from annotations.reliability.coefficients import pair_alpha
from annotations.reliability.estimate import (
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
    `n` counts units (over all codes: units times codes).
    """

    code: str | None
    between_coders: Estimate
    with_model: Estimate
    difference: Estimate


def ceiling_of(table: CodingTable, model: ModelCoding) -> tuple[Ceiling, ...]:
    """The ceiling over all codes (first) and code by code, from unassisted readings."""
    people = people_of(table)
    shared = model.read & (people.read.sum(axis=0) >= 2)
    groups = len(people.transcripts)
    number = len(people.coders)

    def tables(first: Bools, second: Bools, both: Bools) -> Floats:
        found = pair_tables(
            first=first, second=second, both=both, clusters=people.clusters, groups=groups
        )
        return np.concatenate([found.sum(axis=1, keepdims=True), found], axis=1)

    read = people.read & shared
    applied = people.applied
    human = [
        tables(applied[one], applied[other], read[one] & read[other])
        for one, other in combinations(range(number), 2)
        if (read[one] & read[other]).any()
    ]
    against = [
        tables(applied[coder], model.applied, read[coder])
        for coder in range(number)
        if read[coder].any()
    ]
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
        Ceiling(code=code, between_coders=one, with_model=two, difference=three)
        for code, one, two, three in zip(labels, first, second, third, strict=True)
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

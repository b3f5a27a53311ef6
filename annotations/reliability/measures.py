"""All measures of agreement on each code side by side, with what they must be read against."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotations.codings import CodingTable
from annotations.reliability import coefficients
from annotations.reliability.agreement import (
    NOBODY_TWICE,
    ONE_VALUE,
    codings_a_coder,
    codings_of_the_fewer,
    codings_said,
    people_of,
    tally_of,
)
from annotations.reliability.estimate import (
    UNITS_WITH_IT,
    Estimate,
    Floats,
    Scale,
    insufficient_positives,
    jackknife,
)
from annotations.reliability.tallies import Tally, pair_tables

RARE = 0.05
"""Prevalence below which (or above 1 minus which) chance alone agrees nine times in ten."""

SIZE_ALONE = (
    "no interval: a size without its sign is above 0 by chance alone, and its interval could never "
    "hold 0"
)

_MEASURES = {
    "percent": (coefficients.percent, Scale.LOGIT),
    "positive": (coefficients.positive, Scale.LOGIT),
    "negative": (coefficients.negative, Scale.LOGIT),
    "fleiss": (coefficients.fleiss, Scale.ATANH),
    "conger": (coefficients.conger, Scale.ATANH),
    "alpha": (coefficients.alpha, Scale.ATANH),
    "ac1": (coefficients.gwet_ac1, Scale.ATANH),
    "brennan_prediger": (coefficients.brennan_prediger, Scale.ATANH),
}
_UNUSED = {
    "positive": "no coder applied the code in a unit read twice",
    "negative": "every coder applied the code in every unit read twice",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Measures:
    """Every coefficient for one code, or for all codes pooled (`code` None).

    `n` counts units (pooled: units times codes). `positive` and `negative` are the agreement
    on yes and on no. `prevalence` is the mean share of a unit's readers who applied the code;
    `bias` the mean over pairs of coders of the difference between the shares of their units to
    which they applied it, without its sign: a size, with no interval, see `SIZE_ALONE`.
    `caution` says why kappa and alpha tell little at this prevalence; AC1 and Brennan-Prediger
    stand beside them and never instead. With two coders who read the same units, Conger's
    kappa is Cohen's.
    """

    code: str | None
    prevalence: Estimate
    bias: Estimate
    percent: Estimate
    positive: Estimate
    negative: Estimate
    fleiss: Estimate
    conger: Estimate
    alpha: Estimate
    ac1: Estimate
    brennan_prediger: Estimate
    caution: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuresReport:
    """The measures of each code and of all codes pooled."""

    coders: tuple[str, ...]
    codes: tuple[Measures, ...]
    pooled: Measures


def measures_of(table: CodingTable) -> MeasuresReport:
    """All measures between people, from their unassisted readings.

    All deletions of all codes come from one pass over the units.
    """
    people = people_of(table)
    tally = tally_of(people)
    plain = tally if people.weights is None else tally_of(people, weighted=False)
    positives = codings_a_coder(plain.total)
    pooled_positives = codings_a_coder(plain.pooled().total)
    if len(people.coders) == 2:
        both = pair_tables(
            first=people.applied[0],
            second=people.applied[1],
            both=people.read[0] & people.read[1],
            clusters=people.clusters,
            groups=len(people.transcripts),
        ).sum(axis=0)
        positives = codings_of_the_fewer(both)
        pooled_positives = codings_of_the_fewer(both.sum(axis=0, keepdims=True))
    return MeasuresReport(
        coders=people.coders,
        codes=_measures(list(people.codes), tally, positives, codings_said(plain.total)),
        pooled=_measures(
            [None], tally.pooled(), pooled_positives, codings_said(plain.pooled().total)
        )[0],
    )


def _measures(
    codes: Sequence[str | None], tally: Tally, positives: Floats, said: Floats
) -> tuple[Measures, ...]:
    total = tally.total
    paired = total.pairable.astype(int).tolist()
    shortage = [insufficient_positives(float(count)) for count in positives]
    found = {
        name: jackknife(
            tally.replicates(coefficient),
            scale=scale,
            n=paired,
            shortage=shortage,
            undefined=[_UNUSED.get(name, ONE_VALUE) if n else NOBODY_TWICE for n in paired],
        )
        for name, (coefficient, scale) in _MEASURES.items()
    }
    rated = total.rated.astype(int).tolist()
    found["prevalence"] = jackknife(
        tally.replicates(coefficients.prevalence, used=tally.rated > 0),
        scale=Scale.LOGIT,
        n=rated,
        shortage=[insufficient_positives(float(count), *UNITS_WITH_IT) for count in said],
        undefined=["nobody read anything"] * len(rated),
    )
    found["bias"] = tuple(
        Estimate.undefined("one coder or none: nobody to differ from", n=n, clusters=clusters)
        if np.isnan(size)
        else Estimate.bare(float(size), SIZE_ALONE, n=n, clusters=clusters)
        for size, n, clusters in zip(
            coefficients.coder_bias(total),
            rated,
            (tally.rated > 0).sum(axis=0).tolist(),
            strict=True,
        )
    )
    return tuple(
        Measures(
            code=code,
            caution=_caution(found["prevalence"][at].value),
            **{name: estimates[at] for name, estimates in found.items()},
        )
        for at, code in enumerate(codes)
    )


def _caution(prevalence: float) -> str | None:
    if np.isnan(prevalence) or RARE <= prevalence <= 1 - RARE:
        return None
    chance = prevalence**2 + (1 - prevalence) ** 2
    kind = "rare" if prevalence < RARE else "near universal"
    return (
        f"{kind}: readers applied it to {prevalence:.1%} of units, so chance alone agrees on "
        f"{chance:.1%} and a few disagreements decide kappa and alpha; read the positive and "
        "negative agreement"
    )

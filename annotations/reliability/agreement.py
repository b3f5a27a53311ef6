"""Who agrees with whom, on what, and how surely: between coders, and with the model.

Reliability is judged on readings made without sight of a model's suggestions; assisted
readings are left out throughout.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from annotations.codings import ADJUDICATED, CodingTable, is_model
from annotations.reliability import coefficients
from annotations.reliability.estimate import (
    UNITS_WITH_IT,
    Bools,
    Estimate,
    Floats,
    Scale,
    insufficient_positives,
    jackknife,
    leave_one_out,
)
from annotations.reliability.tallies import Tally, pair_tables, tables_of_pairs

MAJORITY = "majority"
"""Stands for what most of a unit's readers said (or the adjudicated coding) beside coders."""

NOBODY_TWICE = "no unit was read by two coders"
NOT_BOTH = "the two read no unit in common"
ONE_VALUE = "all readings say the same, so agreement cannot be told from chance"


@dataclass(frozen=True, kw_only=True, slots=True)
class PairAgreement:
    """Two coders, over all codes on the units that both read; `n` counts code decisions."""

    coders: tuple[str, str]
    percent: Estimate
    kappa: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeAgreement:
    """All coders on one code; `n` counts units.

    `prevalence` is the mean share of a unit's readers who applied the code, over all units
    read; `percent` and `alpha` stand on units that two or more coders read.
    """

    code: str
    prevalence: Estimate
    percent: Estimate
    alpha: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class PooledAgreement:
    """All coders, every unit times every code being one decision; `n` counts decisions."""

    percent: Estimate
    alpha: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelAgainst:
    """The model and one coder, over all codes on the units that both read; `n` as for pairs."""

    coder: str
    percent: Estimate
    kappa: Estimate
    alpha: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelAgreement:
    """A model version against each coder who read what it coded, and against the majority.

    `transcripts` counts those that the model and at least one coder read.
    """

    version: str
    transcripts: int
    against: tuple[ModelAgainst, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCoding:
    """What a model version applied. *Shapes:* `read` (units,), `applied` (units, codes)."""

    version: str
    read: Bools
    applied: Bools


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """The agreement of a study's coders; `coders` are the people who read anything unassisted."""

    coders: tuple[str, ...]
    pairs: tuple[PairAgreement, ...]
    codes: tuple[CodeAgreement, ...]
    pooled: PooledAgreement
    model: ModelAgreement | None = None


def agreement_of(table: CodingTable, *, model: ModelCoding | None = None) -> Agreement:
    """Percent, Cohen's kappa and Krippendorff's alpha, with intervals over transcripts.

    The adjudicated coding is the coders' common work and no coder of its own here.
    """
    people = people_of(table)
    tally = tally_of(people)
    pairs = list(combinations(range(len(people.coders)), 2))
    tables = _tables_of_pairs(people, pairs, people.weights)
    # A passage is one event however long it is: what must not be few is counted unweighted.
    counted = tables if people.weights is None else _tables_of_pairs(people, pairs, None)
    plain = tally if people.weights is None else tally_of(people, weighted=False)
    positives = codings_a_coder(plain.total)
    overall = float(codings_a_coder(plain.pooled().total)[0])
    if len(pairs) == 1:
        both = counted[0].sum(axis=0)
        positives = codings_of_the_fewer(both)
        overall = float(codings_of_the_fewer(both.sum(axis=0)))
    return Agreement(
        coders=people.coders,
        pairs=tuple(
            PairAgreement(
                coders=(people.coders[one], people.coders[other]), percent=percent, kappa=kappa
            )
            for (one, other), percent, kappa in zip(
                pairs,
                *_of_tables(tables, (coefficients.pair_percent, coefficients.cohen), counted),
                strict=True,
            )
        ),
        codes=_of_codes(people.codes, tally, positives, codings_said(plain.total)),
        pooled=_pooled(tally, overall),
        model=None
        if model is None
        else model_agreement_of(table, model.read, model.applied, model.version),
    )


def model_agreement_of(
    table: CodingTable, model_read: Bools, model_applied: Bools, version: str
) -> ModelAgreement:
    """The model's coding against each human coder's, and against the majority of them.

    *Shapes:* `model_read` (units,), `model_applied` (units, codes), in the table's order. For a
    transcript in the training data the caller gives the coding of the fold that left it out.
    Decisions on which the majority is tied are left out.
    """
    blind = table.unassisted()
    blind = blind.of_coders([name for name in blind.coders if not is_model(name)])
    expected = (len(table.units), len(table.codes))
    if model_applied.shape != expected or model_read.shape != expected[:1]:
        raise ValueError(
            f"the model's coding is {model_read.shape} and {model_applied.shape}, "
            f"expected {expected[:1]} and {expected}: (units,) and (units, codes)"
        )
    names = [name for name, read in zip(blind.coders, blind.read, strict=True) if read.any()]
    label = blind.majority()
    sides = [
        *(
            (blind.applied[at], blind.read[at] & model_read)
            for at in map(blind.coders.index, names)
        ),
        (label > 0.5, (label != 0.5) & ~np.isnan(label) & model_read[:, np.newaxis]),
    ]

    def tables(weights: Floats | None) -> list[Floats]:
        return [
            pair_tables(
                first=first,
                second=model_applied,
                both=both,
                clusters=blind.clusters,
                groups=len(table.transcripts),
                weights=weights,
            )
            for first, both in sides
        ]

    shared = blind.read.any(axis=0) & model_read
    return ModelAgreement(
        version=version,
        transcripts=len(np.unique(blind.clusters[shared])),
        against=tuple(
            ModelAgainst(coder=name, percent=percent, kappa=kappa, alpha=alpha)
            for name, percent, kappa, alpha in zip(
                [*names, MAJORITY],
                *_of_tables(
                    tables(blind.weights),
                    (coefficients.pair_percent, coefficients.cohen, coefficients.pair_alpha),
                    tables(None),
                ),
                strict=True,
            )
        ),
    )


def tally_of(people: CodingTable, *, weighted: bool = True) -> Tally:
    """What the people's readings add up to."""
    return Tally.of_readings(
        read=people.read,
        applied=people.applied,
        clusters=people.clusters,
        groups=len(people.transcripts),
        weights=people.weights if weighted else None,
    )


def _tables_of_pairs(
    people: CodingTable, pairs: Sequence[tuple[int, int]], weights: Floats | None
) -> list[Floats]:
    """Cross tables of pairs; one without a shared unit keeps its place, as a table of zeros."""
    return tables_of_pairs(
        read=people.read,
        applied=people.applied,
        pairs=pairs,
        clusters=people.clusters,
        groups=len(people.transcripts),
        weights=weights,
    )


def codings_a_coder(total: Tally) -> Floats:
    """How many readings a coder has of the rarer of yes and no. *Shape:* (codes,).

    Readings of units read twice or more, divided by the mean number of readers of such a
    unit: with every coder on every unit, the coders' mean.
    """
    readers = total.values.sum(axis=-1) / np.maximum(total.pairable, 1.0)
    rarer: Floats = total.values.min(axis=-1) / np.maximum(readers, 1.0)
    return rarer


def codings_said(total: Tally) -> Floats:
    """Units with the rarer of yes and no, each as its readers' share. *Shape:* (codes,)."""
    rarer: Floats = total.shares.min(axis=-1)
    return rarer


def codings_of_the_fewer(tables: Floats) -> Floats:
    """The same for two coders: of the one who has fewer. *Shape:* (..., 2, 2) to (...)."""
    rarer: Floats = np.minimum(tables.sum(axis=-1), tables.sum(axis=-2)).min(axis=-1)
    return rarer


def people_of(table: CodingTable) -> CodingTable:
    """The people's unassisted readings: no model, and no adjudication, which is common work."""
    blind = table.unassisted()
    return blind.of_coders(
        [
            name
            for name, read in zip(blind.coders, blind.read, strict=True)
            if read.any() and name != ADJUDICATED and not is_model(name)
        ]
    )


def _of_codes(
    codes: tuple[str, ...], tally: Tally, positives: Floats, said: Floats
) -> tuple[CodeAgreement, ...]:
    total = tally.total
    paired = total.pairable.astype(int).tolist()
    shortage = [insufficient_positives(float(count)) for count in positives]
    undefined = [ONE_VALUE if units else NOBODY_TWICE for units in paired]
    prevalence = jackknife(
        tally.replicates(coefficients.prevalence, used=tally.rated > 0),
        scale=Scale.LOGIT,
        n=total.rated.astype(int).tolist(),
        shortage=[insufficient_positives(float(count), *UNITS_WITH_IT) for count in said],
        undefined=["nobody read anything"] * len(codes),
    )
    percent = jackknife(
        tally.replicates(coefficients.percent),
        scale=Scale.LOGIT,
        n=paired,
        shortage=shortage,
        undefined=undefined,
    )
    alpha = jackknife(
        tally.replicates(coefficients.alpha),
        scale=Scale.ATANH,
        n=paired,
        shortage=shortage,
        undefined=undefined,
    )
    return tuple(
        CodeAgreement(code=code, prevalence=one, percent=two, alpha=three)
        for code, one, two, three in zip(codes, prevalence, percent, alpha, strict=True)
    )


def _pooled(tally: Tally, positives: float) -> PooledAgreement:
    pooled = tally.pooled()
    total = pooled.total
    decisions = total.pairable.astype(int).tolist()
    shortage = [insufficient_positives(positives)]
    undefined = [ONE_VALUE if count else NOBODY_TWICE for count in decisions]
    percent, alpha = (
        jackknife(
            pooled.replicates(coefficient),
            scale=scale,
            n=decisions,
            shortage=shortage,
            undefined=undefined,
        )[0]
        for coefficient, scale in (
            (coefficients.percent, Scale.LOGIT),
            (coefficients.alpha, Scale.ATANH),
        )
    )
    return PooledAgreement(percent=percent, alpha=alpha)


def _of_tables(
    tables: Sequence[Floats],
    statistics: Sequence[Callable[[Floats], Floats]],
    counted: Sequence[Floats],
) -> list[tuple[Estimate, ...]]:
    """Estimates over all codes for each pair's (transcripts, codes, 2, 2), by statistic.

    `counted` are the same tables without weights.
    """
    if not tables:
        return [() for _ in statistics]
    sums = np.stack([table.sum(axis=1) for table in tables], axis=1)
    used = sums.sum(axis=(-2, -1)) > 0
    total = sums.sum(axis=0)
    decisions = total.sum(axis=(-2, -1)).astype(int).tolist()
    fewest = codings_of_the_fewer(np.stack([table.sum(axis=(0, 1)) for table in counted]))
    shortage = [insufficient_positives(float(count)) for count in fewest]
    undefined = [ONE_VALUE if count else NOT_BOTH for count in decisions]
    return [
        jackknife(
            leave_one_out(sums, statistic, used=used),
            scale=Scale.LOGIT if statistic is coefficients.pair_percent else Scale.ATANH,
            n=decisions,
            shortage=shortage,
            undefined=undefined,
        )
        for statistic in statistics
    ]

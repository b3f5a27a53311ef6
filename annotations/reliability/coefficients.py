"""Agreement coefficients as functions of tallies and cross tables.

Each is NaN where it is undefined and never 1 for want of evidence: where every reading says
the same, no coefficient can tell agreement from chance.
"""

import numpy as np

from annotations.reliability.estimate import Floats
from annotations.reliability.tallies import Tally


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _varied(tally: Tally) -> Floats:
    """1 where the pairable readings hold two values or more, else NaN."""
    return np.where((tally.values > 0).sum(axis=-1) > 1, 1.0, np.nan)


def _beyond_chance(agreement: Floats, chance: Floats) -> Floats:
    return _ratio(agreement - chance, 1.0 - chance)


def percent(tally: Tally) -> Floats:
    """Mean over units of the share of equal pairs of readings, 0 to 1. *Shape:* (...)."""
    return 1.0 - _ratio(tally.disagreeing, tally.pairable)


def prevalence(tally: Tally, category: int = 1) -> Floats:
    """Mean over units of the share of readers who chose the category, 0 to 1."""
    return _ratio(tally.shares[..., category], tally.rated)


def specific(tally: Tally, category: int) -> Floats:
    """Positive agreement on one category: of two, given that one chose it, the other did too.

    sum r(r-1) / sum r(m-1), which is 2a/(2a+b+c) for two coders (Cicchetti & Feinstein 1990;
    for many, Uebersax).
    """
    return _ratio(tally.agreeing[..., category], tally.comparable[..., category])


def positive(tally: Tally) -> Floats:
    """Agreement on yes: `specific` of category 1."""
    return specific(tally, 1)


def negative(tally: Tally) -> Floats:
    """Agreement on no: `specific` of category 0."""
    return specific(tally, 0)


def alpha(tally: Tally) -> Floats:
    """Krippendorff's alpha, nominal: 1 - Do/De over pairable values (Krippendorff 2011)."""
    values = tally.values
    size = values.sum(axis=-1)
    expected = size**2 - (values**2).sum(axis=-1)
    return 1.0 - _ratio((size - 1.0) * tally.disagreement, expected)


def fleiss(tally: Tally) -> Floats:
    """Fleiss' kappa (1971), with Gwet's (2014) treatment of missing readings."""
    chance = (_shares(tally) ** 2).sum(axis=-1)
    return _beyond_chance(percent(tally), chance) * _varied(tally)


def gwet_ac1(tally: Tally) -> Floats:
    """Gwet's AC1 (2008): chance is sum p(1-p) / (q-1)."""
    shares = _shares(tally)
    chance = (shares * (1.0 - shares)).sum(axis=-1) / (tally.categories - 1)
    return _beyond_chance(percent(tally), chance) * _varied(tally)


def brennan_prediger(tally: Tally) -> Floats:
    """Brennan and Prediger's (1981) coefficient: chance is 1/q."""
    agreement = percent(tally)
    return _beyond_chance(agreement, np.full_like(agreement, 1 / tally.categories)) * _varied(tally)


def conger(tally: Tally) -> Floats:
    """Conger's kappa (1980): chance from each coder's own distribution, over pairs of coders."""
    counts = tally.marginals
    seen = counts.sum(axis=-1, keepdims=True)
    reads = seen > 0
    coders = reads.sum(axis=-2)
    share = np.where(reads, counts / np.where(reads, seen, 1.0), 0.0)
    joint = share.sum(axis=-2) ** 2 - (share**2).sum(axis=-2)
    chance = _ratio(joint.sum(axis=-1), (coders * (coders - 1.0))[..., 0])
    return _beyond_chance(percent(tally), chance) * _varied(tally)


def coder_bias(tally: Tally) -> Floats:
    """Mean over pairs of coders of |p_a - p_b|, p the share of their units they said yes to.

    For two coders on the same units the size of Byrt, Bishop & Carlin's (1993) bias index.
    """
    # Coders first: there are few, so that the long axes stay together.
    no, yes = (
        np.ascontiguousarray(np.moveaxis(tally.marginals[..., answer], -1, 0)) for answer in (0, 1)
    )
    seen = no + yes
    reads = seen > 0
    coders = reads.sum(axis=0)
    # Sorted, the sum over pairs of differences is linear in the shares.
    shares = np.sort(np.where(reads, yes / np.where(reads, seen, 1.0), np.inf), axis=0)
    differences = np.zeros(coders.shape)
    for rank, share in enumerate(shares):
        there = rank < coders
        differences += (2.0 * rank - coders + 1.0) * np.where(there, share, 0.0)
    return _ratio(differences, coders * (coders - 1.0) / 2.0)


def _shares(tally: Tally) -> Floats:
    return _ratio(tally.shares, np.broadcast_to(tally.rated[..., np.newaxis], tally.shares.shape))


def pair_percent(table: Floats) -> Floats:
    """Share of decisions on which two coders agree. *Shape:* (..., q, q) to (...)."""
    return _ratio(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def cohen(table: Floats) -> Floats:
    """Cohen's kappa (1960) of a cross table of two coders. *Shape:* (..., q, q) to (...).

    Undefined only where both chose one and the same category throughout.
    """
    size = table.sum(axis=(-2, -1))
    rows, columns = table.sum(axis=-1), table.sum(axis=-2)
    agreed = np.trace(table, axis1=-2, axis2=-1)
    chance = (rows * columns).sum(axis=-1)
    # Counts, not shares: whole numbers keep the undefined case exact.
    return _ratio(size * agreed - chance, size**2 - chance)


def pair_alpha(table: Floats) -> Floats:
    """Krippendorff's alpha, nominal, of two coders who both read every unit."""
    values = table.sum(axis=-1) + table.sum(axis=-2)
    size = values.sum(axis=-1)
    unequal = table.sum(axis=(-2, -1)) - np.trace(table, axis1=-2, axis2=-1)
    expected = size**2 - (values**2).sum(axis=-1)
    return 1.0 - _ratio(2.0 * (size - 1.0) * unequal, expected)


def bias(table: Floats) -> Floats:
    """How much oftener the first coder says yes than the second: (yes, no - no, yes) / n."""
    return _ratio(table[..., 1, 0] - table[..., 0, 1], table.sum(axis=(-2, -1)))

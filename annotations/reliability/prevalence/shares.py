"""The shares of all codes in one cell, with their intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.numerals import many
from annotations.reliability.estimate import Bools, Estimate, Floats
from annotations.reliability.prevalence.freedom import degrees_of
from annotations.reliability.prevalence.intervals import (
    Deletions,
    Varying,
    interval_of,
    spread_of,
)
from annotations.reliability.prevalence.sums import Fit, Population, Sums
from annotations.reliability.prevalence.tuning import Tuning

MIN_SAMPLE = 5
"""Coded transcripts of the sample in a cell (where all of it was coded and stands for people like
these, of the cell), below which it has no interval."""

MIN_FOUND = 5
"""Segments of a cell's coded transcripts in which people found a code (and in which they did
not), below which it has none. Transcripts, where the share is of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """One cell, every code: *shapes* (codes,).

    `corrected` uses model and people, `people` the people's sample alone, both with intervals;
    `model` is the naive count. `effective` is the size of the sample that would have done as well
    without a model, NaN where that cannot be told; `lam` (codes, ways) how far the model was leaned
    on, `alike` where it was not because people agree with it on all that was sampled. `deletions`
    are those of `corrected`. Where it is `counted`, nothing is left to chance: these interviews
    are meant, and people coded them all.
    """

    corrected: tuple[Estimate, ...]
    people: tuple[Estimate, ...]
    model: Floats
    effective: Floats
    lam: Floats
    alike: Bools
    deletions: Deletions
    counted: bool


def shares_of(sums: Sums, cell: Bools, *, tuning: Tuning, of: Population) -> Shares:
    """The shares in one cell.

    The interval is a jackknife over transcripts, stratified, on the logit scale, with t; each
    deletion has the lambda that it would have led to. For these interviews only the sample
    varies, with the finite-population correction; for people like these, all transcripts do.
    Where people and model agree on all that was sampled here, the model is not leaned on.
    """
    fit = Fit.of(sums, cell)
    wanted, tuning = tuning, tuning.where_apart(sums, [fit.sample])
    alone = Tuning.fixed(sums, 0.0)
    with np.errstate(all="ignore"):
        freedom = Freedom.of(sums, fit, of)
        corrected = deletions_of(sums, fit, tuning, of, freedom)
        by_people = deletions_of(sums, fit, alone, of, freedom)
        gain = spread_of(by_people).variance / spread_of(corrected).variance
        naive = sums.model[cell].sum(axis=0) / sums.sizes[cell].sum()
    n, clusters = int(sums.sizes[cell].sum()), fit.clusters(of)
    counted = fit.complete and of is Population.THESE
    shortage = [None if counted else _shortage(sums, fit, float(one)) for one in rarer(sums, fit)]
    return Shares(
        corrected=interval_of(corrected, n=n, clusters=clusters, shortage=shortage),
        people=interval_of(by_people, n=n, clusters=clusters, shortage=shortage),
        model=naive,
        effective=np.where(np.isfinite(gain), gain * clusters, np.nan),
        lam=tuning.lam,
        alike=(wanted.whole > tuning.whole) & fit.rest.any(),
        deletions=corrected,
        counted=counted,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Freedom:
    """Degrees of freedom of the sample's variance, and of that of what was coded for certain."""

    sample: float
    certain: float

    @classmethod
    def of(cls, sums: Sums, fit: Fit, of: Population) -> "Freedom":
        """They follow from lengths and the draw, and are the same for all codes."""
        sizes, probability = sums.sizes, sums.probability[fit.sample]
        place = np.unique(fit.strata[fit.sample], return_inverse=True)[1]
        drawn = probability if of is Population.THESE else None
        certain = sizes[fit.certain] if of is Population.LIKE else np.zeros(0)
        return cls(
            sample=degrees_of(sizes[fit.sample] / probability, place, drawn),
            certain=degrees_of(certain, np.zeros(len(certain), dtype=np.int64)),
        )


def deletions_of(
    sums: Sums, fit: Fit, tuning: Tuning, of: Population, freedom: Freedom | None = None
) -> Deletions:
    """The estimate, and as it would be without each transcript that varies.

    `freedom`, where it is known already.
    """
    freedom = freedom or Freedom.of(sums, fit, of)
    sizes, codes, ways = sums.sizes, *sums.said.shape[1:]
    model = sums.said.reshape(len(sizes), -1)
    people = np.where(sums.coded[:, np.newaxis], sums.people, 0.0)
    weights = np.where(fit.sample, 1 / sums.probability, 0.0)
    sampled = np.flatnonzero(fit.sample)
    lam, without = tuning.lam, tuning.without[sampled]
    rest_size, certain_size = sizes[fit.rest].sum(), sizes[fit.certain].sum()
    whole = rest_size + certain_size

    # The sample's weighted sums of units, people's and model's, whole and one left out: the
    # others of its stratum then stand for it.
    parts = np.column_stack([sizes, people, model]) * weights[:, np.newaxis]
    total = parts[sampled].sum(axis=0)
    strata = fit.strata[sampled]
    numbers, place, counts = np.unique(strata, return_inverse=True, return_counts=True)
    by_stratum = np.zeros((len(numbers), parts.shape[1]))
    np.add.at(by_stratum, place, parts[sampled])
    held = counts[place].astype(np.float64)
    scale = held / (held - 1)
    left = (
        total
        + (scale - 1)[:, np.newaxis] * by_stratum[place]
        - scale[:, np.newaxis] * parts[sampled]
    )

    def theta(parts: Floats, lam: Floats, seen: Floats, sure: Floats) -> Floats:
        if not rest_size:
            return np.asarray(sure + np.zeros(lam.shape[:-1]))
        units, yes, said = parts[..., :1], parts[..., 1 : 1 + codes], parts[..., 1 + codes :]
        missed = seen - said / units
        by_way = missed.reshape(*missed.shape[:-1], codes, ways)
        rest = yes / units + (lam * by_way).sum(axis=-1)
        return np.asarray((certain_size * sure + rest_size * rest) / whole)

    seen = model[fit.rest].sum(axis=0) / (rest_size or 1.0)
    sure = people[fit.certain].sum(axis=0) / (certain_size or 1.0)
    value = theta(total, lam, seen, sure)
    factors = (held - 1) / held
    if of is Population.THESE:
        sample = Varying(
            values=theta(left, without, seen, sure),
            factors=factors * (1 - sums.probability[sampled]),
            groups=place,
            degrees=freedom.sample,
        )
        return Deletions(value=value, varying=(sample,) if rest_size else ())
    unsampled = np.flatnonzero(fit.rest & ~fit.sample)
    certain = np.flatnonzero(fit.certain)
    fewer = _without_each(model, sizes, fit.rest, sampled)
    parts_of_three = (
        (sampled, theta(left, without, fewer, sure), factors, freedom.sample),
        (
            unsampled,
            theta(total, lam, _without_each(model, sizes, fit.rest, unsampled), sure),
            _share_left(len(unsampled), int(fit.rest.sum())),
            len(unsampled) - 1,
        ),
        (
            certain,
            theta(total, lam, seen, _without_each(people, sizes, fit.certain, certain)),
            _share_left(len(certain), len(certain)),
            freedom.certain,
        ),
    )
    return Deletions(
        value=value,
        varying=tuple(
            Varying(values=values, factors=one, groups=None, degrees=free)
            for places, values, one, free in parts_of_three
            # A single transcript cannot be left out.
            if len(places) > 1
        ),
    )


def _without_each(counts: Floats, sizes: Floats, among: Bools, left: NDArray[np.int64]) -> Floats:
    """The share among some transcripts, without each in `left`; *shape:* (left, codes)."""
    fewer = sizes[among].sum() - sizes[left]
    return np.asarray((counts[among].sum(axis=0) - counts[left]) / fewer[:, np.newaxis])


def _share_left(rows: int, size: int) -> Floats:
    return np.full(rows, (size - 1) / size if size else 0.0)


def rarer(sums: Sums, fit: Fit) -> Floats:
    """In how many segments of the cell's sample people found each code, or did not: the fewer.

    Of transcripts, where the shares are of them. What was coded for certain speaks for itself
    alone, and for others only where the whole cell was. *Shape:* (codes,).
    """
    coded = fit.certain if fit.complete else fit.sample
    found = sums.found[coded].sum(axis=0)
    return np.asarray(np.minimum(found, sums.segments[coded].sum() - found))


def _shortage(sums: Sums, fit: Fit, found: float) -> str | None:
    """Why a cell has no interval. What was not coded is spoken for by the sample alone."""
    looked, sort = (fit.certain, "") if fit.complete else (fit.sample, "sampled ")
    transcripts = int(looked.sum())
    if transcripts < MIN_SAMPLE:
        return (
            f"insufficient: {many(transcripts, f'{sort}transcript')} coded by people in this cell, "
            f"an interval needs {MIN_SAMPLE}"
        )
    if found < MIN_FOUND:
        return (
            f"insufficient: people found the code in {sums.number(found)} of "
            f"{'' if fit.complete else 'the sample of '}this cell, or all but so many: an interval "
            f"needs {MIN_FOUND}"
        )
    return None

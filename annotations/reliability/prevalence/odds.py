"""Who speaks of it more: odds ratios of a code by attributes, from model and sample together.

Logistic regression by rectified estimating equations (prediction-powered inference, Angelopoulos
et al. 2023): with x the attributes of a transcript, N its units, and mu their expected share,

    lambda · sum over all x (f - N mu) + sum over the sample x ((y - N mu) - lambda (f - N mu)) / pi

is zero (lambda f the sum over the two ways in which the model says something). The model's errors
are taken out as in `shares`, with the same lambdas; transcripts coded
for certain enter with their own y. Variances are the infinitesimal jackknife's: what each
transcript moves the log odds, by the slope of the equations, within the strata of the draw. Where
people like these are meant, transcripts coded for certain vary too, by their distances from what is
fitted; HC2 (MacKinnon and White 1985) makes up for the part that a transcript has in its own fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit

from annotations.numerals import many
from annotations.reliability.estimate import CONFIDENCE, Bools, Estimate, Floats
from annotations.reliability.methods import Versions
from annotations.reliability.prevalence.differences import benjamini_hochberg, holm
from annotations.reliability.prevalence.intervals import Spread
from annotations.reliability.prevalence.shares import MIN_FOUND, MIN_SAMPLE, rarer
from annotations.reliability.prevalence.sums import Fit, Population, Sums
from annotations.reliability.prevalence.tuning import Tuning

MIN_CARRYING = 2
"""Coded transcripts on each side of a ratio in which people found the code, and as many with
something that does not carry it: of one, nobody knows how far it varies, and of none less."""

_STEPS = 60
_NO_SPREAD = 1e-9
_SEPARATED = 15.0
"""Log odds beyond which the data say "always" or "never", and no ratio."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A value of an attribute, against the value that it is compared with."""

    attribute: str
    value: str
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OddsRatio:
    """How many times the odds of a code are those at the reference, other attributes equal.

    `p` is that of a t-test of a ratio of 1, corrected for all of the report by Holm and by
    Benjamini and Hochberg; None without an interval. `tuning` (lambda) is how far the model was
    leaned on, None without a ratio.
    """

    code: str
    term: Term
    ratio: Estimate
    p: float | None
    holm: float | None
    benjamini_hochberg: float | None
    tuning: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OddsReport:
    """Every code on the attributes `on`: which values speak of it more, in which `unit`."""

    study: str
    unit: str
    of: str
    on: tuple[str, ...]
    transcripts: int
    coded: int
    ratios: tuple[OddsRatio, ...]
    versions: Versions
    seed: int
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """Attributes as numbers; *shape:* `rows` (transcripts, 1 + terms), the intercept first."""

    terms: tuple[Term, ...]
    rows: Floats

    def sides(self, term: Term) -> dict[str, Bools]:
        """The transcripts of a term's reference and of its value, by these two."""
        terms = list(enumerate(self.terms, start=1))
        same = [at for at, one in terms if one.attribute == term.attribute]
        (own,) = (at for at, one in terms if one == term)
        return {
            term.reference: np.asarray((self.rows[:, same] == 0).all(axis=1)),
            term.value: np.asarray(self.rows[:, own] == 1),
        }

    def follows(self, among: Bools) -> Term | None:
        """The first value that, among these transcripts, the values before it decide.

        What the two say of a code cannot be told apart. *Shape:* `among` (transcripts,).
        """
        rows = self.rows[among]
        for place, term in enumerate(self.terms, start=1):
            if np.linalg.matrix_rank(rows[:, : place + 1]) <= place:
                return term
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """Of one code: log odds `beta`, `variance` and `degrees` of freedom; *shapes:* (1 + terms,)."""

    beta: Floats
    variance: Floats
    degrees: Floats


def design_of(values: Sequence[tuple[str, ...]], attributes: Sequence[str]) -> Design:
    """Each value of each attribute against its commonest, the first by name among equals."""
    columns: list[Floats] = [np.ones(len(values))]
    terms = []
    for at, attribute in enumerate(attributes):
        own = [one[at] for one in values]
        levels = sorted(set(own), key=lambda level: (-own.count(level), level))
        for level in sorted(levels[1:]):
            terms.append(Term(attribute=attribute, value=level, reference=levels[0]))
            columns.append(np.array([one == level for one in own], dtype=np.float64))
    return Design(terms=tuple(terms), rows=np.column_stack(columns))


def odds_of(sums: Sums, design: Design, *, tuning: Tuning, of: Population) -> tuple[OddsRatio, ...]:
    """The odds ratios of every code and term, corrected together.

    Where people and model agree on all that was sampled of a side, the model is not leaned on.
    """
    everything = np.ones(len(sums.sizes), dtype=np.bool_)
    fit = Fit.of(sums, everything)
    sides = [side for term in design.terms for side in design.sides(term).values()]
    tuning = tuning.where_apart(
        sums, [side & fit.sample for side in sides if (side & fit.rest).any()]
    )
    n, clusters = int(sums.sizes.sum()), fit.clusters(of)
    few = rarer(sums, fit)
    counted = fit.complete and of is Population.THESE
    lacking = _lacking(sums, fit, design, of)
    found: list[tuple[str, Term, Estimate, float | None, float | None]] = []
    for at, code in enumerate(sums.codes):
        reason = None if counted else _shortage(sums, float(few[at]), fit, design)
        fitted = None if reason else fitted_of(sums, at, design, tuning=tuning, of=of)
        for place, term in enumerate(design.terms, start=1):
            if fitted is None:
                why = (
                    reason or "no ratio: with these attributes the code is carried always or never"
                )
                estimate, p = Estimate.undefined(why, n=n, clusters=clusters), None
            elif (term, at) in lacking:
                estimate, p = Estimate.undefined(lacking[term, at], n=n, clusters=clusters), None
            elif counted:
                why = "a count: people coded every transcript"
                value = float(np.exp(fitted.beta[place]))
                estimate, p = Estimate.bare(value, why, n=n, clusters=clusters), None
            else:
                estimate, p = _ratio(fitted, place, n=n, clusters=clusters)
            lam = float(tuning.whole[at]) if estimate.defined else None
            found.append((code, term, estimate, p, lam))
    tested = np.array([p for *_, p, _ in found if p is not None])
    corrected = iter(zip(holm(tested), benjamini_hochberg(tested), strict=True))
    ratios = []
    for code, term, estimate, p, lam in found:
        one, two = (None, None) if p is None else map(float, next(corrected))
        ratios.append(
            OddsRatio(
                code=code,
                term=term,
                ratio=estimate,
                p=p,
                holm=one,
                benjamini_hochberg=two,
                tuning=lam,
            )
        )
    return tuple(ratios)


def fitted_of(
    sums: Sums, code: int, design: Design, *, tuning: Tuning, of: Population
) -> Fitted | None:
    """One code's log odds and their variances; None where no finite ones solve the equations."""
    fit = Fit.of(sums, np.ones(len(sums.sizes), dtype=np.bool_))
    rows, sizes = design.rows, sums.sizes
    people = np.where(sums.coded, sums.people[:, code], 0.0)
    lam, model = float(tuning.whole[code]), sums.said[:, code] @ tuning.lam[code]
    weights = np.where(fit.sample, 1 / sums.probability, 0.0)
    # The equations are those of a weighted regression: so many units, so many that carry it.
    seen = lam * fit.rest
    units = (fit.certain + seen + (1 - lam) * weights) * sizes
    yes = (fit.certain + weights) * people + (fit.rest - weights) * model
    beta = _solved(rows, yes, units)
    if beta is None:
        return None
    mu = expit(rows @ beta)
    expected = sizes * mu
    curve = rows.T @ (rows * (units * mu * (1 - mu))[:, np.newaxis])
    inverse: Floats = np.asarray(np.linalg.inv(curve), dtype=np.float64)
    missed = model - lam * expected
    own = rows * (people - expected - missed)[:, np.newaxis]
    seen_by = rows * missed[:, np.newaxis] * fit.rest[:, np.newaxis]
    sampled = np.flatnonzero(fit.sample)
    strata = fit.strata[sampled]
    part = own[sampled] * weights[sampled][:, np.newaxis]
    variance: Floats = np.zeros(rows.shape[1])
    free = 0
    for stratum in np.unique(strata):
        mine = strata == stratum
        count = int(mine.sum())
        if count < 2:
            continue
        free += count - 1
        like = of is Population.LIKE
        left = np.ones(count) if like else 1 - sums.probability[sampled][mine]
        moved = part[mine] - np.average(part[mine], axis=0, weights=left)
        if like:
            moved = moved + seen_by[sampled][mine]
        steps = (moved @ inverse) ** 2
        variance += count / (count - 1) * (left[:, np.newaxis] * steps).sum(axis=0)
    # Coefficients use up degrees of freedom, as in any regression.
    degrees: Floats = np.full(rows.shape[1], float(max(free - len(design.terms), 1)))
    if of is Population.LIKE:
        variance += ((seen_by[fit.rest & ~fit.sample] @ inverse) ** 2).sum(axis=0)
        sure = fit.certain
        own_part = _of_certain(
            rows[sure], (people - expected)[sure], sizes[sure], mu[sure], inverse=inverse
        )
        squares = variance**2 / degrees + own_part.variance**2 / own_part.degrees
        whole = variance + own_part.variance
        with np.errstate(all="ignore"):
            degrees = np.where(own_part.variance > 0, whole**2 / squares, degrees)
        variance = whole
    return Fitted(beta=beta, variance=variance, degrees=degrees)


def _of_certain(
    rows: Floats, distances: Floats, sizes: Floats, mu: Floats, *, inverse: Floats
) -> Spread:
    """What transcripts coded for certain add to the variance of each coefficient.

    HC2, so that in a group of n by itself it has n/(n-1); Satterthwaite's degrees of freedom,
    what a transcript adds growing with its size to the power of 1.5 as in `shares`. *Shapes:*
    `rows` (certain, coefficients), the others (certain,); `inverse` of the equations' slope.
    """
    pulls, share = rows @ inverse, mu * (1 - mu)
    leverage = (pulls * rows).sum(axis=1) * sizes * share
    left = np.maximum(1 - leverage, _NO_SPREAD)[:, np.newaxis]
    added = pulls**2 * (sizes**1.5 * share)[:, np.newaxis]
    with np.errstate(all="ignore"):
        degrees = added.sum(axis=0) ** 2 / (added**2 / left).sum(axis=0)
    return Spread(
        variance=((pulls * distances[:, np.newaxis]) ** 2 / left).sum(axis=0),
        degrees=np.fmax(degrees, 1.0),
    )


def _solved(rows: Floats, yes: Floats, units: Floats) -> Floats | None:
    """Newton's steps, halved where they would overshoot; None without a finite solution."""
    beta = np.zeros(rows.shape[1])
    share = yes.sum() / units.sum()
    if not 0 < share < 1:
        return None
    beta[0] = np.log(share / (1 - share))
    for _ in range(_STEPS):
        mu = expit(rows @ beta)
        slope = rows.T @ (yes - units * mu)
        curve = rows.T @ (rows * (units * mu * (1 - mu))[:, np.newaxis])
        try:
            step = np.linalg.solve(curve, slope)
        except np.linalg.LinAlgError:
            return None
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        beta = beta + step
        if np.abs(beta).max() > _SEPARATED:
            return None
        if np.abs(step).max() < 1e-10:
            return beta
    return None


def _ratio(fitted: Fitted, place: int, *, n: int, clusters: int) -> tuple[Estimate, float | None]:
    value, error = float(fitted.beta[place]), float(np.sqrt(fitted.variance[place]))
    if not error > _NO_SPREAD:
        reason = "no interval: it is the same whichever transcript is left out"
        return Estimate.bare(float(np.exp(value)), reason, n=n, clusters=clusters), None
    degrees = float(fitted.degrees[place])
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees)) * error
    estimate = Estimate(
        value=float(np.exp(value)),
        low=float(np.exp(value - half)),
        high=float(np.exp(value + half)),
        n=n,
        clusters=clusters,
        method="stratified infinitesimal jackknife over transcripts, t, log scale",
    )
    return estimate, float(2 * stats.t.sf(abs(value) / error, degrees))


def _shortage(sums: Sums, few: float, fit: Fit, design: Design) -> str | None:
    looked, sort = (fit.certain, "") if fit.complete else (fit.sample, "sampled ")
    clusters = int(looked.sum())
    if clusters < MIN_SAMPLE + len(design.terms):
        return (
            f"insufficient: {many(clusters, f'{sort}transcript')} coded by people, "
            f"{many(len(design.terms), 'ratio needs', 'ratios need')} "
            f"{MIN_SAMPLE + len(design.terms)}"
        )
    lacking = _unsampled(fit, design)
    if lacking is not None:
        return f"insufficient: fewer than 2 transcripts of {lacking} are in the sample"
    follows = design.follows(fit.sample | fit.certain)
    if follows is not None:
        return (
            f"no ratio: in the sample, the other attributes decide who has {follows.attribute} "
            f"{follows.value or 'not given'}, so that what each says cannot be told apart"
        )
    if few < MIN_FOUND:
        return (
            f"insufficient: people found the code in {sums.number(few)}"
            f"{'' if fit.complete else ' of the sample'}, or all but so many: a ratio needs "
            f"{MIN_FOUND}"
        )
    return None


def _unsampled(fit: Fit, design: Design) -> str | None:
    looked: Bools = fit.sample | fit.certain
    for at, term in enumerate(design.terms, start=1):
        if design.rows[looked, at].sum() < 2:
            return f"{term.attribute} {term.value or 'not given'}"
    return None


def _lacking(sums: Sums, fit: Fit, design: Design, of: Population) -> dict[tuple[Term, int], str]:
    """The terms, and of each the codes, that have too little on one side, and why.

    What of a side was not coded is spoken for by its sample alone. A side that was coded whole is
    known as it stands where these interviews are meant.
    """
    found: dict[tuple[Term, int], str] = {}
    for term in design.terms:
        for value, side in design.sides(term).items():
            whole = not (side & fit.rest).any()
            if whole and of is Population.THESE:
                continue
            looked = side & (fit.certain if whole else fit.sample)
            count, sort = int(looked.sum()), "" if whole else "sampled "
            name = f"{term.attribute} {value or 'not given'}"
            carry = sums.found[looked] > 0
            lack = sums.found[looked] < sums.segments[looked, np.newaxis]
            with_it, without = carry.sum(axis=0).tolist(), lack.sum(axis=0).tolist()
            for code, (yes, no) in enumerate(zip(with_it, without, strict=True)):
                if count < MIN_SAMPLE:
                    found[term, code] = (
                        f"insufficient: {many(count, f'{sort}transcript')} of {name} coded by "
                        f"people, a ratio needs {MIN_SAMPLE}"
                    )
                elif min(yes, no) < MIN_CARRYING:
                    what = "the code" if yes <= no else f"a {sums.counted} without the code"
                    found.setdefault(
                        (term, code),
                        f"insufficient: people found {what} in "
                        f"{many(min(yes, no), f'{sort}transcript')} of {name}, a ratio needs "
                        f"{MIN_CARRYING}",
                    )
    return found

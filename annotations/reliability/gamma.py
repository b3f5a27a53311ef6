"""Gamma: agreement on spans that people cut differently (Mathet, Widlöcher, Métivier 2015).

What the coders' best alignment costs is compared with what it costs by chance. Chance moves
each coder's work along the text, so it keeps how many spans there are, how long, and of which
codes. It places them anywhere: where people can only code whole turns, agreement on where a
turn begins counts in gamma, and alpha over turns is the better measure.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotations.codings import ADJUDICATED, Coding, Reading, is_model
from annotations.reliability.agreement import NOBODY_TWICE
from annotations.reliability.alignment import (
    MAX_CANDIDATES,
    TooManyCandidates,
    best_alignment,
    category_disorder,
)
from annotations.reliability.continua import Continuum, continua_of, rearranged
from annotations.reliability.estimate import (
    Estimate,
    Floats,
    Scale,
    insufficient_positives,
    jackknife,
    leave_one_out,
)
from annotations.transcripts import Transcript

MAX_SAMPLES, MIN_SAMPLES, ALL_SAMPLES = 30, 10, 300
"""Random rearrangements of a transcript: 30 as in the paper, fewer once all make up 300."""

MAX_WORK = 1_000_000
"""Unitary alignments considered in all, a minute or two; then the rest is left out."""

_PAIRS_AS_ONE = 3000
"""Pairs of spans that two coders' alignment takes in the time of one candidate of several."""

NOTHING_CODED = "no coder coded anything in a turn that two coders read"
NOT_ALIGNED = "no two coders' spans lie close enough to be taken for the same"
NO_CHANCE = "rearranged at random the coders would agree as fully, so chance explains everything"
ONE_CODE = "aligned at random the spans never differ in code, so chance explains everything"
TOO_MANY = (
    f"more than {MAX_CANDIDATES:,} ways to put its spans together could be the best; "
    "compare two coders at a time"
)
OVER_WORK = (
    "the work limit was reached; the transcripts compared were drawn at random from all, "
    "so the value stands for all and the interval is wider"
)
WHOLE_TURNS = (
    "every span is a whole turn, but chance places spans anywhere, so gamma is too kind; "
    "read alpha over turns"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptGamma:
    """One transcript: `observed` and `expected` disorder, and 1 - observed/expected.

    Where several sets of coders read different turns, disorders are means over the sets,
    weighted by the spans a coder.
    """

    transcript: str
    spans: int
    observed: float
    expected: float
    gamma: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A transcript that two coders read and that does not enter, with the reason."""

    transcript: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Gamma:
    """Gamma and gamma-cat over transcripts; `n` counts spans.

    `gamma` judges where spans are and which code they carry, `gamma_cat` the codes of aligned
    spans alone (Mathet 2017). `samples` is the number of random rearrangements a transcript,
    `chance_error` the relative 95% error of the expected disorder that they leave. A
    transcript in which nobody coded anything has no disorder and does not enter.
    """

    coders: tuple[str, ...]
    gamma: Estimate
    gamma_cat: Estimate
    transcripts: tuple[TranscriptGamma, ...]
    left_out: tuple[LeftOut, ...]
    samples: int
    chance_error: float
    seed: int
    caution: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """Sums that add up over continua, and then over transcripts.

    *Shape:* `sums` (6,): cost observed and expected; weight of pairs of unequal codes and of all
    pairs, observed and expected. `size` is the mean number of spans a coder, `variance` that of
    the expected cost.
    """

    sums: Floats
    size: float
    spans: int
    variance: float
    work: float


def gamma_of(
    *,
    transcripts: Sequence[Transcript],
    codings: Iterable[Coding],
    readings: Iterable[Reading],
    coders: Sequence[str],
    codes: Collection[str] | None = None,
    seed: int = 0,
    samples: int | None = None,
) -> Gamma:
    """Gamma between people, from their unassisted readings, on the turns that they share.

    Offsets count characters over those turns, one after the other. The value is 1 - O/E, O and
    E the sums over transcripts of observed and expected disorder, each times the transcript's
    mean number of spans a coder; with one transcript, the paper's. The adjudicated coding and
    models are left out; `codes` limits what is compared; `samples` None chooses.
    """
    people = [name for name in coders if name != ADJUDICATED and not is_model(name)]
    continua = continua_of(transcripts, codings, readings, people, codes)
    if samples is None:
        wanted = -(-ALL_SAMPLES // max(1, len(continua)))
        samples = min(MAX_SAMPLES, max(MIN_SAMPLES, wanted))
    names = list(continua)
    found: dict[str, _Outcome] = {}
    left_out: dict[str, str] = {}
    work = 0.0
    for number in np.random.default_rng(seed).permutation(len(names)).tolist():
        name = names[number]
        if work > MAX_WORK:
            left_out[name] = OVER_WORK
            continue
        try:
            found[name] = _outcome(continua[name], samples, np.random.default_rng([seed, number]))
        except TooManyCandidates:
            left_out[name] = TOO_MANY
            continue
        work += found[name].work
    found = {name: found[name] for name in names if name in found}
    outcomes = list(found.values())
    sums = np.array([outcome.sums for outcome in outcomes]).reshape(-1, 6)
    readers = {name for key in found for item in continua[key] for name in item.readers}
    expected = float(sums[:, 1].sum())
    error = float(np.sqrt(sum(outcome.variance for outcome in outcomes)))
    gamma, gamma_cat = _estimates(
        sums,
        spans=sum(outcome.spans for outcome in outcomes),
        coders=len(readers),
        nothing=next(iter(left_out.values()), NOTHING_CODED if names else NOBODY_TWICE),
    )
    compared = [item for key in found for item in continua[key]]
    whole = all(item.whole_turns for item in compared) and gamma.defined
    return Gamma(
        coders=tuple(name for name in people if name in readers),
        gamma=replace(gamma, seed=seed),
        gamma_cat=replace(gamma_cat, seed=seed),
        transcripts=tuple(
            TranscriptGamma(
                transcript=name,
                spans=outcome.spans,
                observed=float(outcome.sums[0] / outcome.size),
                expected=float(outcome.sums[1] / outcome.size),
                gamma=float(_gamma(outcome.sums)),
            )
            for name, outcome in found.items()
            if outcome.spans
        ),
        left_out=tuple(
            LeftOut(transcript=name, reason=left_out[name]) for name in names if name in left_out
        ),
        samples=samples,
        chance_error=1.96 * error / expected if expected else float("nan"),
        seed=seed,
        caution=WHOLE_TURNS if whole else None,
    )


def _outcome(continua: Sequence[Continuum], samples: int, random: np.random.Generator) -> _Outcome:
    sums, size, spans, variance, work = np.zeros(6), 0.0, 0, 0.0, 0.0
    for item in continua:
        count = sum(map(len, item.spans))
        if not count:
            continue
        observed = best_alignment(item.spans)
        codes = category_disorder(observed, item.spans)
        share = 1 / _PAIRS_AS_ONE if len(item.spans) == 2 else 1.0
        work += observed.candidates * share
        drawn = np.zeros((samples, 3))
        for sample in range(samples):
            moved = rearranged(item, random)
            chance = best_alignment(moved)
            by_chance = category_disorder(chance, moved)
            drawn[sample] = chance.disorder, by_chance.unequal, by_chance.pairs
            work += chance.candidates * share
        mean_size = count / len(item.spans)
        disorder, unequal, pairs = drawn.mean(axis=0)
        sums += [
            observed.cost,
            mean_size * disorder,
            codes.unequal,
            codes.pairs,
            unequal,
            pairs,
        ]
        size += mean_size
        spans += count
        variance += mean_size**2 * float(drawn[:, 0].var()) / samples
    return _Outcome(sums=sums, size=size, spans=spans, variance=variance, work=work)


def _gamma(sums: Floats) -> Floats:
    observed, expected = sums[..., 0], sums[..., 1]
    some = expected > 0
    result: Floats = np.where(some, 1.0 - observed / np.where(some, expected, 1.0), np.nan)
    return result


def _gamma_cat(sums: Floats) -> Floats:
    unequal, pairs, by_chance, chance_pairs = np.moveaxis(sums[..., 2:], -1, 0)
    some = (pairs > 0) & (by_chance > 0)
    ratio = (unequal * chance_pairs) / np.where(some, pairs * by_chance, 1.0)
    result: Floats = np.where(some, 1.0 - ratio, np.nan)
    return result


def _estimates(sums: Floats, *, spans: int, coders: int, nothing: str) -> tuple[Estimate, Estimate]:
    """Gamma and gamma-cat from `sums` (transcripts, 6)."""
    shortage = insufficient_positives(spans / max(1, coders), "span")
    unaligned = bool(sums[:, 3].sum() == 0)
    estimates: list[Estimate] = []
    for statistic, used, why in (
        (_gamma, sums[:, [1]] > 0, NO_CHANCE),
        (_gamma_cat, sums[:, [3]] > 0, NOT_ALIGNED if unaligned else ONE_CODE),
    ):
        replicates = leave_one_out(sums[:, np.newaxis], statistic, used=used)
        held = [*replicates.values.tolist(), *replicates.deletions.ravel().tolist()]
        estimates += jackknife(
            replicates,
            # Where coders avoid each other it may fall below -1.
            scale=Scale.RAW if any(value < -1 for value in held) else Scale.ATANH,
            n=[spans],
            shortage=[shortage],
            undefined=[why if spans else nothing],
        )
    gamma, gamma_cat = estimates
    return gamma, gamma_cat

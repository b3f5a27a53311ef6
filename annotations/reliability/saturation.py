"""Has the codebook settled? New codes, and new code-transcript pairs, as transcripts are coded."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import curve_fit
from scipy.special import gammaln

from annotations.codings import Coding, CodingTable
from annotations.reliability.estimate import Bools, Estimate, Floats, Replicates, Scale, jackknife

BASE = 4
RUN = 2
THRESHOLD = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Saturation:
    """What transcripts add, in the order in which they were coded.

    `codes` and `pairs` are how many codes, and pairs of a code and a transcript, had been met
    after each transcript; `expected` is the number of codes after so many transcripts in random
    order. `new_share` is the share of new information in the last run (Guest, Namey & Chen
    2020), `reached` the number of transcripts after which it was at most .05 for the first time,
    `stayed` that from which on it was so to the end; None where there is none.
    `coverage` is Good-Turing's: the chance that a code met in one more transcript is known.
    `fitted` is the curve a·n/(b + n) after so many transcripts, fitted to `expected`, and
    `asymptote` the number of codes that it tends to; empty and NaN where it cannot be fitted.
    """

    transcripts: tuple[str, ...]
    codes: tuple[int, ...]
    pairs: tuple[int, ...]
    expected: tuple[float, ...]
    base: int
    run: int
    new_share: float
    reached: int | None
    stayed: int | None
    coverage: Estimate
    asymptote: float
    fitted: tuple[float, ...]

    @property
    def new_codes(self) -> tuple[int, ...]:
        """How many codes each transcript brought."""
        return _steps(self.codes)

    @property
    def new_pairs(self) -> tuple[int, ...]:
        """How many codes each transcript holds: its pairs of a code and a transcript."""
        return _steps(self.pairs)


def saturation_of_people(people: CodingTable, codings: Iterable[Coding]) -> Saturation:
    """Saturation in the order in which transcripts were first coded.

    Those without a time come last, in the order of the study.
    """
    first: dict[str, float] = {}
    for coding in codings:
        if coding.coded_at is not None:
            at = coding.coded_at.timestamp()
            first[coding.transcript] = min(first.get(coding.transcript, at), at)
    met = np.zeros((len(people.transcripts), len(people.codes)), dtype=np.bool_)
    np.logical_or.at(met, people.clusters, people.applied.any(axis=0))
    read = np.zeros(len(people.transcripts), dtype=np.bool_)
    read[people.clusters[people.read.any(axis=0)]] = True
    order = sorted(
        np.flatnonzero(read).tolist(),
        key=lambda at: (first.get(people.transcripts[at], math.inf), at),
    )
    return saturation_of([people.transcripts[at] for at in order], met[order])


def saturation_of(
    transcripts: Sequence[str], met: Bools, *, base: int = BASE, run: int = RUN
) -> Saturation:
    """Saturation from which transcript holds which code, transcripts in the order of coding.

    *Shape:* `met` (transcripts, codes).
    """
    number = len(transcripts)
    seen: Bools = np.asarray(np.cumsum(met, axis=0) > 0)
    codes = seen.sum(axis=1)
    frequency = met.sum(axis=0)
    expected = _expected(frequency[frequency > 0], number)
    runs = _runs(codes.astype(np.float64), base, run)
    curve = _fit(expected)
    return Saturation(
        transcripts=tuple(transcripts),
        codes=tuple(int(one) for one in codes),
        pairs=tuple(int(one) for one in np.cumsum(met.sum(axis=1))),
        expected=tuple(float(one) for one in expected),
        base=base,
        run=run,
        new_share=runs.share,
        reached=runs.reached,
        stayed=runs.stayed,
        coverage=_coverage(met),
        asymptote=curve.most,
        fitted=curve.after(number),
    )


def _expected(frequency: Floats, number: int) -> Floats:
    """Rarefaction: codes minus the chance that n transcripts drawn miss each (Hurlbert 1971)."""
    n = np.arange(1, number + 1)[:, np.newaxis]
    left = number - np.asarray(frequency, dtype=np.float64)
    possible = left >= n
    rest = np.where(possible, left - n, 0.0)
    missed = np.exp(
        gammaln(left + 1) - gammaln(rest + 1) - gammaln(number + 1) + gammaln(number - n + 1)
    )
    found: Floats = (1.0 - np.where(possible, missed, 0.0)).sum(axis=1)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Runs:
    """The share of new codes in the last run, when it was first small enough, and since when."""

    share: float = float("nan")
    reached: int | None = None
    stayed: int | None = None


def _runs(codes: Floats, base: int, run: int) -> _Runs:
    if len(codes) < base + run or codes[base - 1] == 0:
        return _Runs()
    ends = np.arange(base + run, len(codes) + 1)
    shares = (codes[ends - 1] - codes[ends - 1 - run]) / codes[base - 1]
    small = shares <= THRESHOLD
    since = len(ends) if small.all() else int(np.argmin(small[::-1]))
    return _Runs(
        share=float(shares[-1]),
        reached=int(ends[np.argmax(small)]) if small.any() else None,
        stayed=int(ends[-since]) if since else None,
    )


def _coverage(met: Bools) -> Estimate:
    """1 - f1/n: f1 codes met in a single transcript, n pairs of code and transcript."""
    frequency: Floats = met.sum(axis=0, dtype=np.float64)
    total = int(met.sum())
    if not total:
        return Estimate.undefined("nobody applied a code", clusters=len(met))
    without: Floats = frequency - met
    pairs = without.sum(axis=1)
    single: Bools = np.equal(without, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        deletions = 1.0 - single.sum(axis=1) / pairs
    (estimate,) = jackknife(
        Replicates(
            values=np.array([1.0 - np.count_nonzero(frequency == 1) / total]),
            deletions=deletions[:, np.newaxis],
            used=np.asarray(met.any(axis=1)).reshape(-1, 1),
        ),
        scale=Scale.LOGIT,
        n=[total],
    )
    return estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class _Curve:
    """a·n/(b + n): `most` is a, `half` is b, the transcripts that bring half of them."""

    most: float = float("nan")
    half: float = float("nan")

    def after(self, number: int) -> tuple[float, ...]:
        """The curve after 1, 2, ... transcripts; empty where there is none."""
        if math.isnan(self.most):
            return ()
        return tuple(self.most * n / (self.half + n) for n in range(1, number + 1))


def _fit(expected: Floats) -> _Curve:
    n = np.arange(1, len(expected) + 1, dtype=np.float64)
    if len(expected) < BASE or expected[-1] == 0:
        return _Curve()
    try:
        (most, half), _ = curve_fit(
            lambda x, a, b: a * x / (b + x), n, expected, p0=(expected[-1], 1.0), bounds=(0, np.inf)
        )
    except RuntimeError:
        return _Curve()
    return _Curve(most=float(most), half=float(half))


def _steps(sums: Sequence[int]) -> tuple[int, ...]:
    return tuple(after - before for before, after in zip((0, *sums), sums, strict=False))

"""May the model stand in for a coder? The alternative annotator test.

Calderon, Reichart & Dror (2025), "The alternative annotator test for LLM-as-a-judge". Their
test takes units as independent, which the units of one transcript are not: with the prevalence
differing between transcripts it passes models at its boundary far too often. The verdict here
stands on transcript means; the published variant is given beside it, named as such.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

import numpy as np
from scipy import stats

from annotations.codings import CodingTable
from annotations.numerals import form, many
from annotations.reliability.agreement import ModelCoding, people_of
from annotations.reliability.estimate import (
    MIN_CLUSTERS,
    Bools,
    Estimate,
    Floats,
    Scale,
    jackknife,
    leave_one_out,
)
from annotations.reliability.sets import distances
from annotations.reliability.tallies import Ints

MIN_CODERS = 3
MIN_UNITS = 30
LEVEL = 0.05
_SLACK = 1e-9
PASS = 0.5
"""The share of coders whom the model must beat."""


class Expertise(Enum):
    """The coders' expertise sets epsilon, how much worse than a coder the model may do.

    A model costs less than an expert, so against experts more is forgiven.
    """

    EXPERT = 0.2
    SKILLED = 0.15
    CROWD = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class AgainstCoder:
    """The model in the place of one coder.

    `model_wins` and `coder_wins` are the shares of units on which one agrees with the remaining
    coders at least as well as the other; both may be near 1. `p` tests that the coder's lead is
    epsilon or more; `beaten` after the correction over coders.
    """

    coder: str
    units: int
    transcripts: int
    model_wins: float
    coder_wins: float
    p: float
    beaten: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One way to take the units: `omega` is the share of coders beaten, NaN if not testable."""

    name: str
    omega: float
    passed: bool | None
    coders: tuple[AgainstCoder, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Substitution:
    """The test's outcome on a set of codes.

    `rho` is the mean over coders of `model_wins`, `n` counting units. `verdict` states it in
    words, with what it assumes. `left_out` names coders with too few units or transcripts.
    """

    version: str
    codes: tuple[str, ...]
    epsilon: float
    by_transcript: Variant
    by_unit: Variant
    rho: Estimate
    left_out: tuple[str, ...]
    verdict: str

    @property
    def passed(self) -> bool | None:
        """Whether the model may stand in, by transcripts; None where it cannot be tested."""
        return self.by_transcript.passed


def substitution_of(
    table: CodingTable,
    model: ModelCoding,
    *,
    codes: Sequence[str] | None = None,
    expertise: Expertise = Expertise.SKILLED,
) -> Substitution:
    """Test the model against each coder in turn, on sets of the codes named (default all).

    Agreement on a unit is 1 - the MASI distance of the sets of codes, averaged over the
    remaining coders; for a single code that is accuracy. With W 1 where a side agrees with them
    at least as well as the other, d = W_coder - W_model; H0: mean d >= epsilon, by a one-sided
    t on transcript means, Benjamini-Yekutieli over coders. Unassisted readings only.
    """
    people = people_of(table)
    chosen = list(people.codes if codes is None else codes)
    columns = [people.codes.index(code) for code in chosen]
    duels = _duels(people, columns, model)
    tested = [duel for duel in duels if duel.enough]
    epsilon = expertise.value
    by_transcript = _variant("transcript means", tested, epsilon, by_transcript=True)
    return Substitution(
        version=model.version,
        codes=tuple(chosen),
        epsilon=epsilon,
        by_transcript=by_transcript,
        by_unit=_variant("units, as published", tested, epsilon, by_transcript=False),
        rho=_rho(tested, len(people.transcripts)),
        left_out=tuple(duel.coder for duel in duels if not duel.enough),
        verdict=_verdict(by_transcript, epsilon),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Duel:
    """One coder and the model on the units that both and another coder read, (units,) each."""

    coder: str
    model_wins: Bools
    coder_wins: Bools
    clusters: Ints

    @property
    def enough(self) -> bool:
        return len(self.clusters) >= MIN_UNITS and len(np.unique(self.clusters)) >= MIN_CLUSTERS


def _duels(people: CodingTable, columns: Sequence[int], model: ModelCoding) -> list[_Duel]:
    applied = people.applied[:, :, columns].astype(np.float64)
    modelled = model.applied[:, columns].astype(np.float64)
    read = people.read & model.read
    number = len(people.coders)
    likeness = np.zeros((number, number, len(people.units)))
    for one, other in combinations(range(number), 2):
        both = np.flatnonzero(read[one] & read[other])
        likeness[one, other, both] = 1.0 - distances(applied[one, both], applied[other, both])[2]
        likeness[other, one, both] = likeness[one, other, both]
    to_model = np.where(read, 1.0 - distances(applied, modelled)[2], 0.0)
    duels = []
    for coder, name in enumerate(people.coders):
        others = read.copy()
        others[coder] = False
        units = np.flatnonzero(read[coder] & others.any(axis=0))
        # Sums, not means: both sides face the same others. The slack undoes rounding.
        lead = likeness[coder].sum(axis=0)[units] - (to_model * others).sum(axis=0)[units]
        duels.append(
            _Duel(
                coder=name,
                model_wins=lead <= _SLACK,
                coder_wins=lead >= -_SLACK,
                clusters=people.clusters[units],
            )
        )
    return duels


def _variant(name: str, duels: Sequence[_Duel], epsilon: float, *, by_transcript: bool) -> Variant:
    p = np.array([_p_value(duel, epsilon, by_transcript=by_transcript) for duel in duels])
    beaten = _benjamini_yekutieli(p)
    testable = len(duels) >= MIN_CODERS
    omega = float(beaten.mean()) if testable else float("nan")
    return Variant(
        name=name,
        omega=omega,
        passed=omega >= PASS if testable else None,
        coders=tuple(
            AgainstCoder(
                coder=duel.coder,
                units=len(duel.clusters),
                transcripts=len(np.unique(duel.clusters)),
                model_wins=float(duel.model_wins.mean()),
                coder_wins=float(duel.coder_wins.mean()),
                p=float(p[at]),
                beaten=bool(beaten[at]),
            )
            for at, duel in enumerate(duels)
        ),
    )


def _p_value(duel: _Duel, epsilon: float, *, by_transcript: bool) -> float:
    """One-sided t that the coder's mean lead is below epsilon."""
    lead = duel.coder_wins.astype(np.float64) - duel.model_wins
    if by_transcript:
        groups = int(duel.clusters.max()) + 1
        counts = np.bincount(duel.clusters, minlength=groups)
        sums = np.bincount(duel.clusters, weights=lead, minlength=groups)
        lead = sums[counts > 0] / counts[counts > 0]
    if np.ptp(lead) == 0:
        # The same everywhere: beyond what t can say, but not in doubt.
        return 0.0 if lead[0] < epsilon else 1.0
    return float(stats.ttest_1samp(lead, epsilon, alternative="less").pvalue)


def _benjamini_yekutieli(p: Floats) -> Bools:
    """Which hypotheses are rejected at `LEVEL` (Benjamini & Yekutieli 2001)."""
    if len(p) == 0:
        return np.zeros(0, dtype=np.bool_)
    adjusted = stats.false_discovery_control(p, method="by")
    rejected: Bools = adjusted <= LEVEL
    return rejected


def _rho(duels: Sequence[_Duel], groups: int) -> Estimate:
    """The mean over coders of the model's wins, each coder weighing the same."""
    if not duels:
        return Estimate.undefined("no coder has enough units beside another coder and the model")
    sums = np.zeros((groups, 1, len(duels), 2))
    for at, duel in enumerate(duels):
        sums[:, 0, at, 0] = np.bincount(duel.clusters, weights=duel.model_wins, minlength=groups)
        sums[:, 0, at, 1] = np.bincount(duel.clusters, minlength=groups)

    def mean_share(counts: Floats) -> Floats:
        shares: Floats = np.mean(counts[..., 0] / counts[..., 1], axis=-1)
        return shares

    (estimate,) = jackknife(
        leave_one_out(sums, mean_share, used=sums[..., 1].sum(axis=-1) > 0),
        scale=Scale.LOGIT,
        n=[sum(len(duel.clusters) for duel in duels)],
    )
    return estimate


def _verdict(variant: Variant, epsilon: float) -> str:
    number = len(variant.coders)
    if variant.passed is None:
        return (
            f"Not testable: the test needs {MIN_CODERS} coders, each with {MIN_UNITS} units in "
            f"{MIN_CLUSTERS} transcripts that the model and another coder read too; "
            f"{number} of the coders {form(number, 'has', 'have')} them."
        )
    beaten = sum(one.beaten for one in variant.coders)
    answer = "may" if variant.passed else "may not"
    return (
        f"The model {answer} stand in for a coder: it is shown to do no worse than {beaten} of "
        f"{many(number, 'coder')} (half are needed), assuming that agreeing with the other coders "
        f"is what makes a coding good and that a coder's lead of up to {epsilon:.0%} of units is "
        "an acceptable price for what the model saves. Units to which nobody applies a code "
        "count as draws, so on rare codes a model that applies nothing would pass: read it "
        "beside the agreement on each code."
    )

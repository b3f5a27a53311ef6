"""How often the intervals hold the truth, and how often the tests raise a false alarm.

Simulated studies whose true values are known, analysed by the functions that the reports use.
Run from the top of the checkout; the figures go to benchmarks/results/agreement_coverage.json:

    python benchmarks/agreement_coverage.py
"""

import json
import platform
import time
from pathlib import Path

import numpy as np
import scipy

from annotations.codings import CodingTable
from annotations.reliability import coefficients
from annotations.reliability.agreement import ModelCoding, codings_of_the_fewer
from annotations.reliability.anchoring import anchoring_of
from annotations.reliability.estimate import (
    Scale,
    insufficient_positives,
    jackknife,
    leave_one_out,
)
from annotations.reliability.sampling import kappa_variance
from annotations.reliability.substitution import Expertise, substitution_of
from annotations.reliability.tallies import Tally, pair_tables
from annotations.transcripts import Segment

SEED = 20260101
RESULT = Path(__file__).parent / "results" / "agreement_coverage.json"
UNITS = 40
ICC = 0.07


def beta(rng: np.random.Generator, mean: float, icc: float, size: tuple[int, ...]) -> np.ndarray:
    """Rates by transcript, such that the units of one transcript correlate by `icc`."""
    weight = 1 / icc - 1
    return rng.beta(mean * weight, (1 - mean) * weight, size)


def share(values: list[bool] | np.ndarray) -> dict[str, float]:
    """A share with its binomial standard error."""
    mean = float(np.mean(values))
    error = (mean * (1 - mean) / max(len(values), 1)) ** 0.5
    return {"share": round(mean, 4), "se": round(error, 4)}


def table_of(applied: np.ndarray, assisted: np.ndarray, clusters: np.ndarray) -> CodingTable:
    names = tuple(f"t{at}" for at in range(int(clusters.max()) + 1))
    return CodingTable(
        units=tuple(
            Segment(transcript=names[at], turn=0, start=0, end=9, speaker="", text="one two three")
            for at in clusters
        ),
        codes=tuple(f"code {at}" for at in range(applied.shape[2])),
        coders=tuple("abcdefgh"[: len(applied)]),
        transcripts=names,
        clusters=clusters,
        read=np.ones(applied.shape[:2], dtype=np.bool_),
        assisted=assisted,
        applied=applied,
    )


def coverage(replicates: int = 2000) -> list[dict[str, object]]:
    """Kappa and alpha of two coders; every replicate is a code of one wide table."""
    rng = np.random.default_rng(SEED)
    rows = []
    hit, false = 0.85, 0.02
    for transcripts in (8, 10, 15, 30):
        for prevalence in (0.05, 0.20):
            clusters = np.repeat(np.arange(transcripts), UNITS)
            rates = beta(rng, prevalence, ICC, (transcripts, replicates))[clusters]
            truth = rng.random(rates.shape) < rates
            applied = rng.random((2, *truth.shape)) < np.where(truth, hit, false)
            both = prevalence * hit**2 + (1 - prevalence) * false**2
            said = prevalence * hit + (1 - prevalence) * false
            # Two coders with equal error rates: kappa and alpha have one population value.
            target = (both - said**2) / (said * (1 - said))
            read = np.ones(applied.shape[:2], dtype=np.bool_)
            tables = pair_tables(
                first=applied[0],
                second=applied[1],
                both=read[0],
                clusters=clusters,
                groups=transcripts,
            )
            tally = Tally.of_readings(
                read=read, applied=applied, clusters=clusters, groups=transcripts
            )
            fewer = codings_of_the_fewer(tables.sum(axis=0))
            enough = np.array([insufficient_positives(float(n)) is None for n in fewer])
            used = np.ones((transcripts, replicates), dtype=np.bool_)
            row: dict[str, object] = {
                "transcripts": transcripts,
                "units_each": UNITS,
                "prevalence": prevalence,
                "true_value": round(target, 4),
                "replicates": replicates,
                "insufficient_by_positives": round(float(1 - enough.mean()), 4),
                "insufficient_by_transcripts": transcripts < 10,
            }
            for name, found in (
                ("kappa", leave_one_out(tables, coefficients.cohen, used=used)),
                ("alpha", tally.replicates(coefficients.alpha)),
            ):
                estimates = jackknife(
                    found, scale=Scale.ATANH, n=[len(clusters)] * replicates, min_clusters=2
                )
                covered = [
                    one.low <= target <= one.high
                    for one, fine in zip(estimates, enough, strict=True)
                    if fine and one.low is not None and one.high is not None
                ]
                row[name] = {"intervals": len(covered), **share(covered)}
            total = tables.sum(axis=0)
            with np.errstate(all="ignore"):
                error = np.sqrt(kappa_variance(total / len(clusters)) / len(clusters))
            naive = np.abs(coefficients.cohen(total) - target) <= 1.959964 * error
            row["kappa_by_segments"] = share(naive[enough])
            rows.append(row)
    return rows


def false_passes(studies: int = 1500) -> list[dict[str, object]]:
    """The alternative annotator test where the model is exactly epsilon worse than each coder."""
    rng = np.random.default_rng(SEED + 1)
    rows = []
    error, transcripts, units = 0.1, 30, 20
    clusters = np.repeat(np.arange(transcripts), units)
    for expertise in (Expertise.EXPERT, Expertise.SKILLED):
        # Beside two others who err at this rate the coder leads by (q - error)(1 - 2 error).
        rate = error + expertise.value / (1 - 2 * error)
        outcomes: dict[str, list[bool]] = {"pass": [], "pass_by_unit": [], "p": [], "p_by_unit": []}
        for _ in range(studies):
            truth = rng.random((len(clusters), 1)) < 0.3
            applied = truth ^ (rng.random((3, *truth.shape)) < error)
            wrong = beta(rng, rate, 0.1, (transcripts,))[clusters][:, np.newaxis]
            model = truth ^ (rng.random(truth.shape) < wrong)
            found = substitution_of(
                table_of(applied, np.zeros(applied.shape[:2], dtype=np.bool_), clusters),
                ModelCoding(
                    version="v", read=np.ones(len(clusters), dtype=np.bool_), applied=model
                ),
                expertise=expertise,
            )
            outcomes["pass"].append(bool(found.by_transcript.passed))
            outcomes["pass_by_unit"].append(bool(found.by_unit.passed))
            outcomes["p"].append(found.by_transcript.coders[0].p <= 0.05)
            outcomes["p_by_unit"].append(found.by_unit.coders[0].p <= 0.05)
        rows.append(
            {
                "epsilon": expertise.value,
                "icc": 0.1,
                "transcripts": transcripts,
                "units_each": units,
                "studies": studies,
                "false_passes": share(outcomes["pass"]),
                "false_passes_by_unit": share(outcomes["pass_by_unit"]),
                "one_coder_beaten_without_correction": share(outcomes["p"]),
                "one_coder_beaten_without_correction_by_unit": share(outcomes["p_by_unit"]),
            }
        )
    return rows


def anchoring_study(
    rng: np.random.Generator, *, arm: int, copying: float
) -> tuple[CodingTable, ModelCoding]:
    clusters = np.repeat(np.arange(2 * arm), 20)
    rates = beta(rng, 0.25, ICC, (2 * arm, 2))[clusters]
    truth = rng.random(rates.shape) < rates
    model = truth ^ (rng.random(truth.shape) < 0.15)
    own = truth ^ (rng.random((2, *truth.shape)) < 0.1)
    shown = (clusters % 2 == 1)[np.newaxis, :, np.newaxis]
    applied = np.where(shown & (rng.random(own.shape) < copying), model, own)
    assisted = np.broadcast_to(shown[..., 0], applied.shape[:2]).copy()
    everything = np.ones(len(clusters), dtype=np.bool_)
    coding = ModelCoding(version="v", read=everything, applied=model)
    return table_of(applied, assisted, clusters), coding


def anchoring(studies: int = 800) -> list[dict[str, object]]:
    """The gain in alpha with the model, for planted copying."""
    rng = np.random.default_rng(SEED + 2)
    rows = []
    for arm in (15, 30):
        for copying in (0.0, 0.3, 0.6):
            table, model = anchoring_study(rng, arm=4000, copying=copying)
            target = anchoring_of(table, model, seed=1, draws=1).overall.alpha.difference.value
            target = 0.0 if copying == 0 else target
            values, covered, found = [], [], []
            for study in range(studies):
                table, model = anchoring_study(rng, arm=arm, copying=copying)
                alpha = anchoring_of(table, model, seed=study, draws=200).overall.alpha
                low, high = alpha.difference.low, alpha.difference.high
                values.append(alpha.difference.value)
                covered.append(low is not None and high is not None and low <= target <= high)
                found.append(alpha.p is not None and alpha.p <= 0.05)
            rows.append(
                {
                    "copying": copying,
                    "transcripts_an_arm": arm,
                    "studies": studies,
                    "true_difference": round(target, 4),
                    "mean_difference": round(float(np.mean(values)), 4),
                    "coverage": share(covered),
                    "p_at_most_05": share(found),
                }
            )
    return rows


def main() -> None:
    started = time.perf_counter()
    report = {
        "seed": SEED,
        "icc": ICC,
        "interval": "transcript jackknife with t, 95%",
        "coverage": coverage(),
        "alternative_annotator_test": false_passes(),
        "anchoring": anchoring(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        },
    }
    report["seconds"] = round(time.perf_counter() - started, 1)
    RESULT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

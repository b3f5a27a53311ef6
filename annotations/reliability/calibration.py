"""Do probabilities mean what they say? Expected calibration error and the reliability diagram."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.numerals import many
from annotations.reliability.estimate import (
    MIN_POSITIVES,
    Estimate,
    Floats,
    Scale,
    jackknife,
    leave_one_out,
)

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

BINS = 15
"""Bins of a diagram, as most papers on calibration have it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Decisions of about equal probability: what was said, and how often it was so.

    `said` is their mean probability, `observed` the share that carries the code, `n` how many.
    """

    said: float
    observed: float
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationFigures:
    """Expected calibration error (0 to 1; 0 is best) with the bins that it comes from."""

    error: Estimate
    bins: tuple[ReliabilityBin, ...]

    @classmethod
    def undefined(cls, reason: str) -> "CalibrationFigures":
        """Nothing to compare."""
        return cls(error=Estimate.undefined(reason), bins=())


def calibration_of(
    probabilities: Floats, truth: Bools, clusters: Ints, *, bins: int = BINS
) -> CalibrationFigures:
    """Of yes/no decisions with their probabilities.

    *Shapes:* all (decisions,); `clusters` are transcripts. Bins of equal mass (Nixon et al.
    2019): their edges are quantiles, equal probabilities share one, and they stay as they are
    while transcripts are left out. The error is sum of n_b / n · |said_b - observed_b| over
    bins. Chance alone makes it positive: by about sqrt(bins · 2 p (1 - p) / (pi · n)).
    """
    if not probabilities.size:
        return CalibrationFigures.undefined("no segment was coded without suggestions in sight")
    edges = np.quantile(probabilities, np.linspace(0, 1, bins + 1))
    place = np.searchsorted(edges[1:-1], probabilities)
    names, cluster = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(names), 1, bins, 3))
    counted = (np.ones_like(probabilities), probabilities, truth.astype(np.float64))
    for at, values in enumerate(counted):
        np.add.at(sums[:, 0, :, at], (cluster, place), values)
    flat = sums.reshape(len(names), 1, -1)
    positives = int(truth.sum())
    (error,) = jackknife(
        leave_one_out(flat, _error, used=np.ones((len(names), 1), dtype=np.bool_)),
        scale=Scale.LOGIT,
        n=[probabilities.size],
        shortage=[_shortage(positives)],
    )
    return CalibrationFigures(
        error=error,
        bins=tuple(
            ReliabilityBin(said=float(said / n), observed=float(yes / n), n=int(n))
            for n, said, yes in sums.sum(axis=(0, 1))
            if n
        ),
    )


def pooled_calibration(
    probabilities: Floats, truth: Bools, clusters: Ints, codes: Sequence[int]
) -> CalibrationFigures:
    """The decisions on several codes together.

    *Shapes:* `probabilities`, `truth` (segments, all codes), `clusters` (segments,).
    """
    chosen = np.asarray(codes, dtype=np.int64)
    return calibration_of(
        probabilities[:, chosen].ravel(),
        truth[:, chosen].ravel(),
        np.repeat(clusters, len(chosen)),
    )


def _error(sums: Floats) -> Floats:
    """Of counts (..., bins · 3); *shape:* (...,)."""
    counts = sums.reshape(*sums.shape[:-1], -1, 3)
    gaps = np.abs(counts[..., 1] - counts[..., 2]).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(gaps / counts[..., 0].sum(axis=-1))


def _shortage(positives: int) -> str | None:
    if positives >= MIN_POSITIVES:
        return None
    carry = many(positives, "segment carries", "segments carry")
    return f"insufficient: {carry} the code, an interval needs {MIN_POSITIVES}"

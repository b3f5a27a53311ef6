"""Held-out figures with intervals, against the majority of the coders."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.numerals import many
from annotations.reliability.estimate import (
    MIN_POSITIVES,
    Estimate,
    Floats,
    Replicates,
    Scale,
    jackknife,
    leave_one_out,
)
from models.report import OverallFigures

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

EVALUATED_POSITIVES = 20
EVALUATED_TRANSCRIPTS = 5
"""Overall figures are over codes with at least so many positives in so many transcripts."""

_NO_UNITS = "no segment was coded without suggestions in sight"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeFigures:
    """One code's figures."""

    kappa: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """Counts of decisions against the majority.

    *Shape:* `counts` (transcripts, codes, 4): both say yes, the model alone, the coders
    alone, neither. `used` (transcripts,): whether the transcript has scored segments.
    """

    counts: Floats
    used: Bools

    @classmethod
    def of(
        cls, applied: Bools, truth: Bools, scored: Bools, clusters: Ints, transcripts: int
    ) -> "Confusion":
        """*Shapes:* `applied`, `truth` (segments, codes); `scored`, `clusters` (segments,)."""
        cells = [applied & truth, applied & ~truth, ~applied & truth, ~applied & ~truth]
        counts = np.zeros((transcripts, truth.shape[1], 4))
        for place, cell in enumerate(cells):
            np.add.at(counts[:, :, place], clusters[scored], cell[scored].astype(np.float64))
        used = np.bincount(clusters[scored], minlength=transcripts) > 0
        return cls(counts=counts, used=used)

    @property
    def units(self) -> int:
        """Scored segments."""
        return int(self.counts[:, 0].sum()) if self.counts.shape[1] else 0

    def positives(self) -> Floats:
        """Segments with each code, by transcript; *shape:* (transcripts, codes)."""
        return np.asarray(self.counts[:, :, 0] + self.counts[:, :, 2])

    def evaluated(self) -> Bools:
        """Codes common enough for the overall figures; all with positives if none is.

        *Shape:* (codes,).
        """
        positives = self.positives()
        common = (positives.sum(axis=0) >= EVALUATED_POSITIVES) & (
            (positives > 0).sum(axis=0) >= EVALUATED_TRANSCRIPTS
        )
        return np.asarray(common if common.any() else positives.sum(axis=0) > 0)


def code_figures(confusion: Confusion) -> tuple[CodeFigures, ...]:
    """Kappa, precision, recall and F1 of each code."""
    total = confusion.counts.sum(axis=0)
    positives, taken = total[:, 0] + total[:, 2], total[:, 0] + total[:, 1]
    codes = len(total)
    shortage = [
        f"insufficient: {many(round(count), 'segment carries', 'segments carry')} the code, an "
        f"interval needs {MIN_POSITIVES}"
        if count < MIN_POSITIVES
        else None
        for count in positives.tolist()
    ]
    units = [confusion.units] * codes
    nowhere = ["no scored segment carries the code" if not p else None for p in positives]
    silent = ["the model applied the code nowhere" if not t else None for t in taken]
    either = [a or b for a, b in zip(nowhere, silent, strict=True)]

    def estimates(
        statistic: str, scale: Scale, n: Sequence[int], why: Sequence[str | None]
    ) -> tuple[Estimate, ...]:
        replicates = replicates_of(confusion, statistic)
        return jackknife(replicates, scale=scale, n=n, shortage=shortage, undefined=why)

    figures = zip(
        estimates("kappa", Scale.ATANH, units, either),
        estimates("precision", Scale.LOGIT, [int(t) for t in taken], silent),
        estimates("recall", Scale.LOGIT, [int(p) for p in positives], nowhere),
        estimates("f1", Scale.LOGIT, units, either),
        strict=True,
    )
    return tuple(CodeFigures(kappa=k, precision=p, recall=r, f1=f) for k, p, r, f in figures)


def overall_figures(confusion: Confusion, codes: Bools) -> OverallFigures:
    """Figures over some codes: kappa and F1 of all decisions pooled, and F1 averaged.

    *Shape:* `codes` (codes,). A code whose F1 is not defined counts 0 in the average.
    """
    if not codes.any() or not confusion.units:
        nothing = Estimate.undefined(
            "no code has a positive segment" if confusion.units else _NO_UNITS
        )
        return OverallFigures(kappa=nothing, macro_f1=nothing, micro_f1=nothing)
    chosen = Confusion(counts=confusion.counts[:, codes], used=confusion.used)
    pooled = Confusion(counts=chosen.counts.sum(axis=1, keepdims=True), used=confusion.used)
    each = replicates_of(chosen, "f1")
    averaged = Replicates(
        values=np.nan_to_num(each.values).mean(keepdims=True),
        deletions=np.nan_to_num(each.deletions).mean(axis=1, keepdims=True),
        used=each.used[:, :1],
    )
    units = [confusion.units]
    return OverallFigures(
        kappa=jackknife(replicates_of(pooled, "kappa"), scale=Scale.ATANH, n=units)[0],
        macro_f1=jackknife(averaged, scale=Scale.LOGIT, n=units)[0],
        micro_f1=jackknife(replicates_of(pooled, "f1"), scale=Scale.LOGIT, n=units)[0],
    )


def replicates_of(confusion: Confusion, statistic: str) -> Replicates:
    """Each code's "kappa", "precision", "recall" or "f1", and without each transcript."""
    used = np.broadcast_to(confusion.used[:, np.newaxis], confusion.counts.shape[:2])
    return leave_one_out(confusion.counts, _STATISTICS[statistic], used=used)


def _kappa(counts: Floats) -> Floats:
    """Cohen (1960): (po - pe) / (1 - pe)."""
    both, model, coders, neither = np.moveaxis(counts, -1, 0)
    total = both + model + coders + neither
    yes, no = (both + model) * (both + coders), (neither + model) * (neither + coders)
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = (yes + no) / total**2
        return np.asarray(((both + neither) / total - chance) / (1 - chance))


def _precision(counts: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(counts[..., 0] / (counts[..., 0] + counts[..., 1]))


def _recall(counts: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(counts[..., 0] / (counts[..., 0] + counts[..., 2]))


def _f1(counts: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            2 * counts[..., 0] / (2 * counts[..., 0] + counts[..., 1] + counts[..., 2])
        )


_STATISTICS = {"kappa": _kappa, "precision": _precision, "recall": _recall, "f1": _f1}

"""One line for each code: its figures, its gate, and how it fares against the baseline."""

import numpy as np
from numpy.typing import NDArray

from annotations.reliability.estimate import Estimate
from models.report import CodeReport
from training.dataset import TrainingData
from training.evaluate import Confusion, code_figures
from training.options import TrainOptions


def code_reports(
    data: TrainingData,
    model: Confusion,
    baseline: Confusion,
    thresholds: NDArray[np.float64],
    options: TrainOptions,
) -> tuple[CodeReport, ...]:
    """A report for each code, in the order of the codebook; *shape:* `thresholds` (codes,)."""
    evaluated, support = model.evaluated(), data.support
    reports = []
    pairs = zip(code_figures(model), code_figures(baseline), strict=True)
    for place, (own, floor) in enumerate(pairs):
        reason = _closed(int(support[place]), own.kappa, options)
        reports.append(
            CodeReport(
                code=data.codes[place],
                support=int(support[place]),
                threshold=float(thresholds[place]),
                gate="open" if reason is None else "closed",
                reason=reason,
                kappa=own.kappa,
                precision=own.precision,
                recall=own.recall,
                f1=own.f1,
                baseline_kappa=floor.kappa,
                baseline_f1=floor.f1,
                beats_baseline=own.kappa.value > floor.kappa.value
                if own.kappa.defined and floor.kappa.defined
                else None,
                evaluated=bool(evaluated[place]),
            )
        )
    return tuple(reports)


def open_gates(reports: tuple[CodeReport, ...]) -> tuple[bool, ...]:
    """Whether each code may be suggested."""
    return tuple(report.gate == "open" for report in reports)


def _closed(support: int, kappa: Estimate, options: TrainOptions) -> str | None:
    """Why a code is not suggested, None where it is."""
    if support == 0:
        return "no segment carries it"
    if support < options.min_support:
        noun = "segment carries" if support == 1 else "segments carry"
        return f"{support} {noun} it, {options.min_support} are needed"
    if not kappa.defined:
        return f"its held-out kappa is not defined: {kappa.reason}"
    if kappa.value < options.min_kappa:
        return (
            f"its held-out kappa is {kappa.value:.2f}, {options.min_kappa:.2f} is needed "
            f"({support} segments carry it)"
        )
    return None

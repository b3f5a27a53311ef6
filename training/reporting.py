"""One line for each code: its figures, its gate, and how it fares against the baseline."""

from annotations.numerals import decimals, many
from annotations.reliability.calibration import CalibrationFigures, calibration_of
from annotations.reliability.estimate import Estimate
from models.report import CodeReport
from models.thresholds import LEAST_TAKEN, UNREACHED
from training.crossfit import CrossFit
from training.dataset import TrainingData
from training.evaluate import CodeFigures, Confusion, code_figures
from training.options import TrainOptions


def code_reports(
    data: TrainingData,
    fit: CrossFit,
    model: Confusion,
    baseline: Confusion,
    options: TrainOptions,
) -> tuple[CodeReport, ...]:
    """A report for each code, in the order of the codebook; `model` counts what `fit` decided."""
    evaluated, support = model.evaluated(), data.support
    calibration = _calibration(data, fit)
    reports = []
    pairs = zip(code_figures(model), code_figures(baseline), strict=True)
    for place, (own, floor) in enumerate(pairs):
        threshold = float(fit.thresholds[place])
        reason = _closed(int(support[place]), own, threshold, options)
        trusted = options.trust_definitions and by_definition(data, place, options.min_support)
        if trusted:
            reason = (
                f"open by its definition, as asked for: {_carried(int(support[place]))}, "
                "and no held-out figure speaks for it"
            )
        reports.append(
            CodeReport(
                code=data.codes[place],
                support=int(support[place]),
                threshold=threshold,
                gate="open" if reason is None or trusted else "closed",
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
                calibration_error=calibration[place].error,
                aim_met=_met(own.precision, options),
                by_definition=trusted,
            )
        )
    return tuple(reports)


def by_definition(data: TrainingData, code: int, least: int) -> bool:
    """Whether a code has a definition, and fewer codings than a gate asks for."""
    return int(data.support[code]) < least and bool(data.book[code].definition.strip())


def open_gates(reports: tuple[CodeReport, ...]) -> tuple[bool, ...]:
    """Whether each code may be suggested."""
    return tuple(report.gate == "open" for report in reports)


def _calibration(data: TrainingData, fit: CrossFit) -> list[CalibrationFigures]:
    rows = data.scored
    return [
        calibration_of(fit.probabilities[rows, code], data.truth[rows, code], data.clusters[rows])
        for code in range(len(data.codes))
    ]


def _met(precision: Estimate, options: TrainOptions) -> bool | None:
    """Whether the held-out precision is at least the one aimed at."""
    wanted = options.aim.precision
    if wanted is None or not precision.defined:
        return None
    return precision.value >= wanted


def _closed(
    support: int, figures: CodeFigures, threshold: float, options: TrainOptions
) -> str | None:
    """Why a code is not suggested, None where it is."""
    if support == 0:
        return "no segment carries it"
    if support < options.min_support:
        return f"{_carried(support)}, {options.min_support} are needed"
    if options.aim.precision is not None:
        return _imprecise(figures.precision, threshold, options.aim.precision)
    kappa = figures.kappa
    if not kappa.defined:
        return f"its held-out kappa is not defined: {kappa.reason}"
    if kappa.value < options.min_kappa:
        return (
            f"its held-out kappa is {decimals(kappa.value)}, {options.min_kappa:.2f} is needed "
            f"({_carried(support)})"
        )
    return None


def _carried(support: int) -> str:
    return many(support, "segment carries it", "segments carry it")


def _imprecise(precision: Estimate, threshold: float, wanted: float) -> str | None:
    if threshold >= UNREACHED:
        return f"no threshold reaches a precision of {wanted:g}"
    if not precision.defined:
        return f"its held-out precision is not defined: {precision.reason}"
    if precision.value >= wanted:
        return None
    said = f"its held-out precision is {_with_interval(precision)}"
    if precision.n < LEAST_TAKEN:
        return f"{said} of {precision.n} suggested, {wanted:g} is aimed at"
    if precision.high is None or precision.high < wanted:
        return f"{said}, {wanted:g} is aimed at"
    return None


def _with_interval(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return f"{one.value:.2f}"
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"

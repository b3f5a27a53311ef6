"""What training found out, as figures with intervals. Needs no torch."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from annotations.errors import ArtifactError
from annotations.reliability.calibration import CalibrationFigures, ReliabilityBin
from annotations.reliability.estimate import Estimate

REPORT_FILE = "report.json"
_BEFORE = CalibrationFigures.undefined(
    "the model was trained before this was computed; train again"
)


NONE_OPEN = (
    "No code is open yet: nothing will be suggested, and what the model codes by itself is not to "
    "be relied on. A code opens once enough segments carry it and the model agrees with people on "
    "transcripts that it did not learn from. Code more transcripts, then train again."
)
"""What is said of a model all of whose codes are closed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeReport:
    """One code's held-out figures against the majority of its coders.

    `support` counts the segments that teach the code, `gate` is "open" or "closed", and
    `reason` says why it is closed, or that it is open on the strength of its definition
    (`by_definition`) and nothing held out. `threshold` is a calibrated probability. `evaluated`
    says whether the code enters the overall figures. `beats_baseline` compares kappa with the
    baseline's on the same folds; None where one of them is undefined. `calibration_error` is
    the expected one, 0 to 1. `aim_met`: whether the held-out precision is at least the one that
    was aimed at; None where none was, or nothing was taken.
    """

    code: str
    support: int
    threshold: float
    gate: str
    reason: str | None
    kappa: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    baseline_kappa: Estimate
    baseline_f1: Estimate
    beats_baseline: bool | None
    evaluated: bool
    calibration_error: Estimate = _BEFORE.error
    aim_met: bool | None = None
    by_definition: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OverallFigures:
    """Figures over the evaluated codes: decisions pooled, or F1 averaged over codes."""

    kappa: Estimate
    macro_f1: Estimate
    micro_f1: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An alternative that cross-validation tried.

    `gain` is how much less the mean held-out log loss was than without it; `error` its standard
    error over folds. It is taken where the gain exceeds the error.
    """

    name: str
    value: str
    gain: float
    error: float
    taken: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the lead chose beside the aim: a retraining that nobody is asked about keeps to it.

    `encoder` is None for the default weights, else a hub name or the whole path of a folder;
    `folds` is the most there may be. Reports from before a field was kept have its default.
    """

    encoder: str | None = None
    min_support: int = 10
    min_kappa: float = 0.3
    folds: int = 5
    seed: int = 0
    tier: str = "auto"
    minutes: float = 60.0
    trust_definitions: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """That a training went on from a version, and what changed since the last full one.

    `base` is the version gone on from, `whole` the one that was cross-validated in full last;
    since then `new` transcripts came, `recoded` were coded otherwise and `gone` went.
    """

    base: str
    whole: str
    new: int
    recoded: int
    gone: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainReport:
    """A training run: the version that it published and how far that may be trusted.

    `segments` taught the model, those `scored` (coded without suggestions in sight) gave the
    figures. `context` says whether the turns before a segment help and are used; `choices` are
    all that cross-validation decided. `seconds` is wall time, 0 in a report that was read back
    from a published model. `aim` is what thresholds were chosen for; `calibration` is of the
    evaluated codes' decisions together. `tier` is "fast" or "best", with the reason for it;
    `asked` is what was asked for.
    `codebook_version` is the version under which the codings were read, None where there are
    no versions. `refreshed` is None where everything was cross-validated in this training.
    """

    model_version: str
    encoder: str
    transcripts: int
    segments: int
    scored: int
    folds: int
    seed: int
    context: bool
    codes: tuple[CodeReport, ...]
    kappa: Estimate
    macro_f1: Estimate
    micro_f1: Estimate
    baseline: OverallFigures
    notes: tuple[str, ...]
    seconds: float
    codebook_version: int | None = None
    aim: str = "kappa"
    calibration: CalibrationFigures = _BEFORE
    tier: str = "fast"
    tier_reason: str = ""
    choices: tuple[Choice, ...] = ()
    asked: Asked = Asked()
    refreshed: Refreshed | None = None


def report_document(report: TrainReport) -> str:
    """The report as JSON, without what differs between equal runs. NaN becomes null."""
    content = asdict(replace(report, model_version="", seconds=0.0))
    return json.dumps(_plain(content), ensure_ascii=False, indent=1, sort_keys=True)


def read_report(folder: Path) -> TrainReport:
    """The report of a published model, whose version is the folder's name."""
    try:
        content = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
        return TrainReport(
            **content
            | {
                "model_version": folder.name,
                "codes": tuple(
                    CodeReport(**{name: _restored(value) for name, value in code.items()})
                    for code in content["codes"]
                ),
                "kappa": _restored(content["kappa"]),
                "macro_f1": _restored(content["macro_f1"]),
                "micro_f1": _restored(content["micro_f1"]),
                "baseline": OverallFigures(
                    **{name: _restored(value) for name, value in content["baseline"].items()}
                ),
                "notes": tuple(content["notes"]),
                "choices": tuple(Choice(**one) for one in content.get("choices", [])),
                "asked": Asked(**content.get("asked", {})),
                "refreshed": Refreshed(**content["refreshed"])
                if content.get("refreshed")
                else None,
            }
            | _calibration(content.get("calibration"))
        )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ArtifactError(
            f"The training report of model {folder.name} in {folder} cannot be read. "
            "Restore the folder from a backup or train again."
        ) from problem


def _calibration(content: Any) -> dict[str, CalibrationFigures]:
    if content is None:
        return {}
    bins = tuple(ReliabilityBin(**one) for one in content["bins"])
    return {"calibration": CalibrationFigures(error=_restored(content["error"]), bins=bins)}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and value != value else value


def _restored(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return Estimate(**value | {"value": float("nan") if value["value"] is None else value["value"]})

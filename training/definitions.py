"""Codes that are opened on the strength of their definition, before codings speak for them."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logit

from models.calibration import Calibration, logistic
from models.exemplars import CodeExemplars
from models.report import CodeReport
from models.suggestions import CODEBOOK, Exemplar
from models.thresholds import UNREACHED
from training.crossfit import CrossFit
from training.dataset import TrainingData

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


def with_usual_share(
    fit: CrossFit,
    scores: Floats,
    data: TrainingData,
    reports: tuple[CodeReport, ...],
) -> CrossFit:
    """A fit in which trusted codes are as common as others; held-out figures stay as they are.

    *Shape:* `scores` (segments, codes, views). That hardly anybody applied a code says little
    about one that is new to the codebook, so its probabilities are moved, their order kept,
    until their mean is the median share of the codes that are open by their codings; its
    threshold is the median of theirs. Where no code is open yet, those that anybody applied
    take their place; where no threshold reaches the precision aimed at, as many segments are
    taken as that share. What is said held out moves likewise: it is what the model says of coded
    transcripts, beside what it says of others.
    """
    trusted = [place for place, report in enumerate(reports) if report.by_definition]
    known = [
        place for place, one in enumerate(reports) if one.gate == "open" and place not in trusted
    ] or [place for place, report in enumerate(reports) if report.support]
    if not trusted or not known or not data.scored.any():
        return fit
    share = float(np.median(data.truth[data.scored][:, known].mean(axis=0)))
    if not 0 < share < 1:
        return fit
    reached = [place for place in known if fit.thresholds[place] < UNREACHED]
    calibration, thresholds = fit.calibration, fit.thresholds.copy()
    probabilities, applied = fit.probabilities.copy(), fit.applied.copy()
    bias = calibration.bias.copy()
    for code in trusted:
        reach = scores[data.scored, code] @ calibration.weights[code]

        def excess(at: float, reach: Floats = reach) -> float:
            return float(logistic(reach + at).mean()) - share

        bias[code] = brentq(excess, -reach.max() - 30, -reach.min() + 30)
        thresholds[code] = (
            np.median(fit.thresholds[reached])
            if reached
            else np.quantile(logistic(reach + bias[code]), 1 - share)
        )
        moved = bias[code] - calibration.bias[code]
        probabilities[:, code] = logistic(logit(probabilities[:, code]) + moved)
        applied[:, code] = probabilities[:, code] >= thresholds[code]
    return CrossFit(
        probabilities=probabilities,
        applied=applied,
        calibration=Calibration(weights=calibration.weights, bias=bias),
        thresholds=thresholds,
    )


def definition_exemplar(data: TrainingData, code: int, vector: Floats32) -> CodeExemplars:
    """The definition in the place of an excerpt, which marks what it is the reason for."""
    text = data.book[code].definition.strip()
    exemplar = Exemplar(transcript="", turn=0, start=0, end=len(text), text=text, coder=CODEBOOK)
    return CodeExemplars(exemplars=(exemplar,), vectors=vector[np.newaxis])

"""Codes that are opened on the strength of their definition, before codings speak for them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from models.calibration import Calibration, logistic
from models.exemplars import CodeExemplars
from models.report import CodeReport
from models.suggestions import CODEBOOK, Exemplar
from training.crossfit import CrossFit
from training.dataset import TrainingData

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


def with_usual_share(
    fit: CrossFit, scores: Floats, data: TrainingData, reports: tuple[CodeReport, ...]
) -> CrossFit:
    """The published calibration and thresholds, in which trusted codes are as common as others.

    *Shape:* `scores` (segments, codes, views). That hardly anybody applied a code says little
    about one that is new to the codebook, so its probabilities are moved, their order kept,
    until their mean is the median share of the codes that are open by their codings; its
    threshold is the median of theirs. Held-out figures stay as they are.
    """
    trusted = [place for place, report in enumerate(reports) if report.by_definition]
    known = [
        place for place, one in enumerate(reports) if one.gate == "open" and place not in trusted
    ]
    if not trusted or not known or not data.scored.any():
        return fit
    share = float(np.median(data.truth[data.scored][:, known].mean(axis=0)))
    calibration, thresholds = fit.calibration, fit.thresholds.copy()
    bias = calibration.bias.copy()
    for code in trusted:
        reach = scores[data.scored, code] @ calibration.weights[code]

        def excess(at: float, reach: Floats = reach) -> float:
            return float(logistic(reach + at).mean()) - share

        bias[code] = brentq(excess, -reach.max() - 30, -reach.min() + 30)
        thresholds[code] = np.median(fit.thresholds[known])
    return replace(
        fit,
        calibration=Calibration(weights=calibration.weights, bias=bias),
        thresholds=thresholds,
    )


def definition_exemplar(data: TrainingData, code: int, vector: Floats32) -> CodeExemplars:
    """The definition in the place of an excerpt, which marks what it is the reason for."""
    text = data.book[code].definition.strip()
    exemplar = Exemplar(transcript="", turn=0, start=0, end=len(text), text=text, coder=CODEBOOK)
    return CodeExemplars(exemplars=(exemplar,), vectors=vector[np.newaxis])

"""From probabilities to decisions: the threshold of each code, for an aim."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import PRIOR_POSITIVES, logistic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

UNREACHED = 1.0
"""The threshold of a code that no threshold makes precise enough: nothing reaches it."""

LEAST_TAKEN = 10
"""A precision is not aimed at with fewer segments: two lucky ones would seem to reach any."""

_CAUTION = 0.25
"""Standard errors by which a precision must be exceeded to be taken for reached."""

_EDGE = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Aim:
    """What thresholds are chosen for: "kappa", "f1", or at least a `precision`."""

    name: str = "kappa"
    precision: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Aim":
        """From `kappa`, `f1` or `precision=0.8`; ValueError says what is allowed."""
        name, _, value = text.strip().lower().partition("=")
        if name in ("kappa", "f1") and not value:
            return cls(name=name)
        if name == "precision":
            try:
                precision = float(value)
            except ValueError:
                precision = 0.0
            if 0 < precision < 1:
                return cls(name=name, precision=precision)
        raise ValueError(
            f"{text!r} is no aim for thresholds; give kappa, f1, or precision=SHARE with a share "
            "between 0 and 1, such as precision=0.8"
        )

    def __str__(self) -> str:
        return self.name if self.precision is None else f"{self.name}={self.precision:g}"


KAPPA = Aim()


def choose_thresholds(probabilities: Floats, labels: Bools, aim: Aim = KAPPA) -> Floats:
    """The threshold of each code that serves the aim.

    *Shapes:* `probabilities`, `labels` (segments, codes); result (codes,).

    Kappa, F1: the largest expected value, over labels drawn by the probabilities, which is
    steadier than the best on the labels themselves. A code's own threshold is drawn, on the
    logit scale, to the one that is best for all decisions pooled, with weight
    n / (n + `PRIOR_POSITIVES`) for n positives.

    Precision: the lowest threshold from which upward the share of labels among what is taken
    exceeds the precision by a quarter of its standard error, where the probabilities count as
    `PRIOR_POSITIVES` labels more; `UNREACHED` where none does with at least 10 segments.
    """
    if aim.precision is not None:
        wanted = aim.precision
        pairs = zip(probabilities.T, labels.T, strict=True)
        return np.array([_precise(column, truth, wanted) for column, truth in pairs])
    value = _f1 if aim.name == "f1" else _kappa
    positives = labels.sum(axis=0)
    pooled = _best(probabilities.ravel(), value)
    own = np.array([_best(column, value) for column in probabilities.T])
    weight = positives / (positives + PRIOR_POSITIVES)
    return logistic(weight * _logit(own) + (1 - weight) * _logit(pooled))


def _best(probabilities: Floats, value: Callable[[Floats], Floats]) -> float:
    """Where `value`, of the probabilities in falling order cut after each but the last, is best."""
    if probabilities.size < 2:
        return 0.5
    ordered = np.sort(probabilities)[::-1]
    # Equal probabilities cannot be parted.
    found = np.where(ordered[:-1] > ordered[1:], value(ordered), -np.inf)
    if not np.isfinite(found).any():
        return 0.5
    return _between(ordered, int(np.argmax(found)))


def _between(ordered: Floats, last: int) -> float:
    """Between the last segment taken and the first one left, on the logit scale."""
    return float(logistic((_logit(ordered[last]) + _logit(ordered[last + 1])) / 2))


def _kappa(ordered: Floats) -> Floats:
    """Expected agreement above chance, of the first 1, 2, ... taken."""
    size, total = float(len(ordered)), float(ordered.sum())
    taken, hits = np.arange(1, len(ordered)), np.cumsum(ordered)[:-1]
    agree = (2 * hits - taken - total + size) / size
    chance = (taken * total + (size - taken) * (size - total)) / size**2
    return np.asarray((agree - chance) / np.maximum(1 - chance, _EDGE))


def _f1(ordered: Floats) -> Floats:
    """Twice the expected hits by what is taken and what is there, of the first 1, 2, ... taken."""
    taken, hits = np.arange(1, len(ordered)), np.cumsum(ordered)[:-1]
    return np.asarray(2 * hits / (taken + ordered.sum()))


def _precise(probabilities: Floats, labels: Bools, wanted: float) -> float:
    if probabilities.size <= LEAST_TAKEN:
        return UNREACHED
    order = np.argsort(-probabilities, kind="stable")
    ordered = probabilities[order]
    taken = np.arange(1, len(ordered) + 1)
    said = np.cumsum(ordered) / taken
    right = np.cumsum(labels[order])
    weight = taken + PRIOR_POSITIVES
    precision = (right + PRIOR_POSITIVES * said) / weight
    # The lowest threshold that seems to reach it owes something to luck.
    needed = wanted + _CAUTION * np.sqrt(wanted * (1 - wanted) / weight)
    parted = np.append(ordered[:-1] > ordered[1:], False)
    reached = np.flatnonzero((precision >= needed) & parted & (taken >= LEAST_TAKEN))
    return _between(ordered, int(reached[-1])) if reached.size else UNREACHED


def _logit(values: Floats | float) -> Floats:
    inside = np.clip(values, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))

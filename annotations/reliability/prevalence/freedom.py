"""How well a jackknife's variance is known where transcripts differ in length."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtrit

from annotations.reliability.estimate import CONFIDENCE, Floats

_PLENTY = 40.0
"""Degrees above which an interval hardly depends on them: the approximation is enough."""

_MANY = 1000
"""Transcripts above which it has to be: it is on the safe side."""

_LOGARITHMS = np.linspace(-12.0, 12.0, 121)


def degrees_of(sizes: Floats, strata: NDArray[np.int64], drawn: Floats | None = None) -> float:
    """Student's degrees of freedom for a ratio whose transcripts are left out one by one.

    *Shapes:* (coded,). `sizes` are units by weight, `strata` numbers from 0, `drawn` the
    probability of each to be in the sample, where nothing is meant but what it was drawn from:
    distances are then from the stratum's mean, else from the ratio itself.

    Where a few long transcripts decide, the variance is known no better than from those few; but
    they decide about the error as well, so that a large error comes with a large variance. The
    degrees are those with which t has the 95% point of the error divided by the root of its
    jackknife variance, for independent normal transcripts: a ratio of quadratic forms, whose
    distribution is known (Imhof 1961; here by Gil-Pelaez' (1951) inversion). Of what a sample
    was drawn from, the rest errs too, and moves no variance. Matching the moments of the variance
    alone (Satterthwaite; Bell and McCaffrey 2002) gives fewer, and intervals that are too wide. A
    transcript's own error is taken to grow with its size, as if all its segments erred alike: with
    an intraclass correlation of .06 and 100 segments it nearly does, and where they do not,
    coverage is higher. Equal sizes in strata that hold equally many have as many degrees as
    transcripts less strata; nothing has more, or less than 1.
    """
    counts = np.bincount(strata)
    most = float(len(sizes) - len(counts))
    squares = sizes**2
    if most < 2 or not squares.any():
        return max(most, 1.0)
    rough = squares.sum() ** 2 / (squares**2).sum() * most / len(sizes)
    if rough >= _PLENTY or len(sizes) > _MANY:
        return max(float(rough), 1.0)
    error, variance = _forms(sizes, strata, drawn)
    if not np.isfinite(variance).all():
        return 1.0

    def apart(degrees: float) -> float:
        point = float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
        return _beyond(point, error, variance) - (1 - CONFIDENCE)

    if apart(most) <= 0:
        return most
    return 1.0 if apart(1.0) >= 0 else float(brentq(apart, 1.0, most, xtol=1e-3))


def _forms(sizes: Floats, strata: NDArray[np.int64], drawn: Floats | None) -> tuple[Floats, Floats]:
    """The error's weights on the variance's axes, and the variance's weights: (axes,) each.

    Of independent normal transcripts z the error is error @ z, its jackknife variance
    variance @ z².
    """
    held = np.bincount(strata)[strata].astype(np.float64)
    # A transcript that is alone in its stratum has nobody to stand for it.
    scale = held / np.fmax(held - 1, 1.0)
    same = strata[:, np.newaxis] == strata
    whole, each = sizes.sum(), np.eye(len(sizes))
    # Residuals of the ratio as they follow from the transcripts' own errors, and what leaving one
    # out does to it: the others of its stratum then stand for it.
    residual = each - np.outer(sizes / whole, np.ones(len(sizes)))
    without = whole + (scale - 1) * (same @ sizes) - scale * sizes
    moves = (scale - 1)[:, np.newaxis] * same - scale[:, np.newaxis] * each
    part = np.zeros(len(sizes)) if drawn is None else drawn
    factors = (held - 1) / held * (1 - part)
    with np.errstate(all="ignore"):
        moved = moves @ residual / without[:, np.newaxis]
        if drawn is not None:
            weights = factors * same
            moved = moved - weights / weights.sum(axis=1, keepdims=True) @ moved
        half = np.sqrt(factors)[:, np.newaxis] * moved * sizes
    if not np.isfinite(half).all():
        return sizes, np.full(len(sizes), np.nan)
    variance, axes = np.linalg.eigh(half.T @ half)
    # Of a sampled transcript's error its part is in the truth too; as much varies in the others.
    error = axes.T @ (sizes * (1 - part) / whole)
    others = np.sqrt((part * (1 - part) * sizes**2).sum()) / whole
    return np.append(error, others), np.append(np.fmax(variance, 0.0), 0.0)


def _beyond(point: float, error: Floats, variance: Floats) -> float:
    """The chance that the error exceeds, either way, `point` times the root of its variance.

    That is the chance that (error @ z)² - point² (variance @ z²) is positive, from its
    characteristic function.
    """
    places = 2j * np.exp(_LOGARITHMS)[:, np.newaxis] / (error @ error)
    below = 1 + places * point**2 * variance
    above = 1 - (places * error**2 / below).sum(axis=1)
    wave = np.exp(-0.5 * (np.log(below).sum(axis=1) + np.log(above)))
    return float(0.5 + np.trapezoid(wave.imag, _LOGARITHMS) / np.pi)

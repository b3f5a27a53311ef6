"""What people make of passages that look like each code's to the model, in two waves.

A code whose meaning widened is applied to passages that the model would give another code; one
whose meaning narrowed is applied to fewer of those that look like its own. How often a code is
used as a whole is taken out first, for each wave, so that a use that rises or falls alike on all
text counts for nothing here.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from annotations.reliability.drift.permuting import Departures
from annotations.reliability.drift.ratios import Sides
from annotations.reliability.estimate import MIN_POSITIVES, Floats
from annotations.reliability.tallies import Ints, grouping

_STEPS = 25
_FARTHEST = 10.0
_LEAST_SPREAD = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookalikes:
    """Sums over one code's segments, transcript by transcript.

    Of what people said beyond the model's probability p of the code (`beyond`), and of its
    variance p(1 - p) (`spread`); both again with each segment weighted by the probability of
    every code that enough segments look like (`likes`, their places), and those weights.
    *Shapes:* (transcripts,), or (transcripts, likes) for the weighted ones.
    """

    likes: Ints
    beyond: Floats
    spread: Floats
    weighted_beyond: Floats
    weighted_spread: Floats
    weights: Floats

    @classmethod
    def of(
        cls, probabilities: Floats, truth: Floats, code: int, clusters: Ints, sides: Sides
    ) -> "Lookalikes":
        """*Shapes:* `probabilities` and `truth` (segments, codes), not 0 or 1: not known.

        Other codes are left out which fewer segments of both waves are expected to carry than
        two waves of `MIN_POSITIVES`.
        """
        own = truth[:, code]
        late = sides.after[clusters]
        known = ((own == 0) | (own == 1)) & (late | sides.before[clusters])
        p = probabilities[:, code].copy()
        for wave in (known & late, known & ~late):
            p[wave] = _as_common(p[wave], own[wave])
        by_transcript = grouping(clusters, len(sides.before), known.astype(np.float64))
        weights: Floats = by_transcript @ probabilities
        enough = weights.sum(axis=0) >= 2 * MIN_POSITIVES
        enough[code] = True
        likes = np.flatnonzero(enough)
        beyond, spread = np.where(known, own - p, 0.0), p * (1 - p)
        like = probabilities[:, likes]
        return cls(
            likes=likes,
            beyond=by_transcript @ beyond,
            spread=by_transcript @ spread,
            weighted_beyond=by_transcript @ (beyond[:, np.newaxis] * like),
            weighted_spread=by_transcript @ (spread[:, np.newaxis] * like),
            weights=weights[:, likes],
        )

    def points(self, sides: Sides) -> Floats:
        """Beyond the model over segments that look like each; *shape:* (transcripts, likes, 2).

        A ratio's numerator and denominator. What the use as a whole adds is taken from each
        transcript's numerator, so that the ratio's error knows of it.
        """
        own = self.weighted_beyond.copy()
        for wave in (sides.before, sides.after):
            share = self.weighted_spread[wave].sum(axis=0) / self.spread[wave].sum()
            own[wave] -= self.beyond[wave, np.newaxis] * share
        return np.stack([own, self.weights], axis=-1)

    def departures(self, sides: Sides) -> Departures:
        """The score test that a code's use on each sort of segments differs between the waves.

        In each wave sum r w - (sum r / sum v) sum v w over sum w: r beyond, v spread, w weight.
        The difference of waves over its linearised standard error, transcripts being the units.
        """
        there = sides.before | sides.after
        products = self._products() * there[:, np.newaxis, np.newaxis]

        def found(lots: Floats) -> Floats:
            late = lots * there
            value, own = self._in_wave(late, products)
            other_value, other = self._in_wave(there - late, products)
            variance = own + other
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(
                    variance > _LEAST_SPREAD, np.abs(value - other_value) / np.sqrt(variance), 0.0
                )

        return found

    def _products(self) -> Floats:
        """What the squared residuals add up from; *shape:* (transcripts, 10, likes)."""
        parts = (
            self.weighted_beyond,
            self.weighted_spread,
            self.beyond[:, np.newaxis],
            self.spread[:, np.newaxis],
        )
        whole = self.weights.shape
        return np.stack(
            [
                np.broadcast_to(one * other, whole)
                for at, one in enumerate(parts)
                for other in parts[at:]
            ],
            axis=1,
        )

    def _in_wave(self, wave: Floats, products: Floats) -> tuple[Floats, Floats]:
        """The statistic and its variance for each row of `wave`; *shapes:* (draws, likes)."""
        number = wave.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = (wave @ self.spread)[:, np.newaxis]
            lean = (wave @ self.beyond)[:, np.newaxis] / spread
            share = wave @ self.weighted_spread / spread
            weight = wave @ self.weights
            value = (wave @ self.weighted_beyond - lean * (wave @ self.weighted_spread)) / weight
            # A transcript's residual is a · (weighted beyond, weighted spread, beyond, spread).
            a = (np.ones_like(share), -lean, -share, share * lean)
            pairs = [(at, other) for at in range(len(a)) for other in range(at, len(a))]
            sums = (wave @ products.reshape(len(products), -1)).reshape(len(wave), len(pairs), -1)
            squares = sum(
                (1 if at == other else 2) * a[at] * a[other] * sums[:, place]
                for place, (at, other) in enumerate(pairs)
            )
            variance = number / (number - 1) * np.maximum(squares, 0.0) / weight**2
        return value, variance


def _as_common(p: Floats, truth: Floats) -> Floats:
    """Probabilities moved alike on the logit scale until their sum is that of the truth."""
    if not len(p):
        return p
    plain, shift = logit(p), 0.0
    for _ in range(_STEPS):
        moved = expit(plain + shift)
        step = (truth - moved).sum() / max((moved * (1 - moved)).sum(), _LEAST_SPREAD)
        shift = float(np.clip(shift + np.clip(step, -1.0, 1.0), -_FARTHEST, _FARTHEST))
    return np.asarray(expit(plain + shift))

"""Whether one view more lowers the held-out loss, so that it may join the others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.report import Choice
from training.choosing import gain_of, summed_loss
from training.crossfit import CrossFit, cross_fit
from training.dataset import TrainingData
from training.options import TrainOptions

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """A fit with one view more, and what it gains a segment, with its standard error.

    *Shape:* `scores` (segments, codes, views), the new one last; `fit` is made of them.
    """

    scores: Floats
    fit: CrossFit
    gain: float
    error: float

    @classmethod
    def of(
        cls,
        view: Floats,
        scores: Floats,
        without: CrossFit,
        data: TrainingData,
        fold_of: NDArray[np.int64],
        options: TrainOptions,
    ) -> "Beside":
        """Put a `view` beside the `scores` that the fit `without` it is made of.

        *Shapes:* `view` (segments, codes), `scores` (segments, codes, views), both by models
        that left the segment's fold out.
        """
        more = np.concatenate([scores, view[:, :, np.newaxis]], axis=2)
        fit = cross_fit(more, data.truth, data.scored, fold_of, aim=options.aim)
        folds = int(fold_of.max()) + 1
        before, after = (
            summed_loss(one, data.truth, data.scored, fold_of, folds) for one in (without, fit)
        )
        sizes = np.bincount(fold_of[data.scored], minlength=folds).astype(np.float64)
        gain, error = gain_of(before, after, sizes, None)
        return cls(scores=more, fit=fit, gain=gain, error=error)

    @property
    def surely(self) -> bool:
        """Whether the gain is more than its standard error."""
        return self.gain > self.error

    def choice(self, name: str, value: str) -> Choice:
        """As a report tells it."""
        return Choice(name=name, value=value, gain=self.gain, error=self.error, taken=self.surely)

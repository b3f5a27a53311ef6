"""Fit the heads of both views on some segments and score others with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features import Setting, WordsView, embedding_view, recurring_speakers
from models.heads import Heads, fit_heads, fit_standardised
from training.dataset import TrainingData

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]

EMBEDDING_STRENGTH = 0.003
"""Inverse regularisation on standardised vectors: hundreds of dense features, so little."""

WORDS_STRENGTH = 3.0
BASELINE_STRENGTH = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedViews:
    """Both views' features and heads, fitted on the same segments."""

    setting: Setting
    words: WordsView
    words_heads: Heads
    embedding_heads: Heads


class Learner:
    """Fits and scores on rows of the training data; `check` may raise to stop."""

    def __init__(
        self, data: TrainingData, vectors: Mapping[str, Floats32], check: Callable[[], None]
    ) -> None:
        self.data = data
        self._vectors, self._check = vectors, check
        self._view: tuple[Setting, Floats32] | None = None

    def fit(self, rows: Rows, *, context: bool) -> FittedViews:
        """Fit both views on these segments alone, terms and speakers included."""
        segments = [self.data.segments[row] for row in rows]
        targets = self.data.targets[rows]
        setting = Setting(context=context, speakers=recurring_speakers(segments))
        words = WordsView.fit(segments, setting)
        return FittedViews(
            setting=setting,
            words=words,
            words_heads=fit_heads(
                words.transform(segments), targets, strength=WORDS_STRENGTH, check=self._check
            ),
            embedding_heads=fit_standardised(
                self._embedding_view(setting)[rows],
                targets,
                strength=EMBEDDING_STRENGTH,
                check=self._check,
            ),
        )

    def score(self, fitted: FittedViews, rows: Rows) -> Floats:
        """Uncalibrated scores; *shape:* (rows, codes, 2): embedding view, words view."""
        meaning = self._embedding_view(fitted.setting)[rows]
        wording = fitted.words.transform([self.data.segments[row] for row in rows])
        return np.stack(
            [fitted.embedding_heads.scores(meaning), fitted.words_heads.scores(wording)], axis=2
        )

    def held_out(self, fold_of: NDArray[np.int64], fold: int, *, context: bool) -> Floats:
        """Scores of a fold by the others; -1 in `fold_of` leaves a segment out altogether.

        *Shapes:* `fold_of` (segments,); result (segments of the fold, codes, 2).
        """
        fitted = self.fit(np.flatnonzero((fold_of != fold) & (fold_of >= 0)), context=context)
        return self.score(fitted, np.flatnonzero(fold_of == fold))

    def baseline(self, fold_of: NDArray[np.int64], fold: int) -> Floats:
        """The floor: TF-IDF of words, speaker prefixed, and balanced logistic regression.

        *Shape:* (segments of the fold, codes, 1).
        """
        train = [self.data.segments[row] for row in np.flatnonzero(fold_of != fold)]
        test = [self.data.segments[row] for row in np.flatnonzero(fold_of == fold)]
        setting = Setting(context=False, speakers=recurring_speakers(train))
        words = WordsView.fit(train, setting, plain=True)
        heads = fit_heads(
            words.transform(train),
            self.data.targets[fold_of != fold],
            strength=BASELINE_STRENGTH,
            check=self._check,
        )
        return heads.scores(words.transform(test))[:, :, np.newaxis]

    def _embedding_view(self, setting: Setting) -> Floats32:
        """Of all segments; folds mostly share a setting, so the last one is kept."""
        if self._view is None or self._view[0] != setting:
            self._view = None
            self._view = (setting, embedding_view(self.data.segments, self._vectors, setting))
        return self._view[1]

"""Fit the heads of the views on some segments and score others with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from annotations.codebook import Code
from models.features import (
    CountedSegments,
    Setting,
    WordsView,
    embedding_view,
    recurring_speakers,
)
from models.heads import Heads, Standardised, fit_heads
from models.newton import Features, Prepared
from models.sentences import Sentences, fit_sentence_heads
from training.coders import targets_of
from training.dataset import TrainingData
from training.knowledge import Knowledge
from training.recipe import Recipe

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]

EMBEDDING_STRENGTH = 0.003
"""Inverse regularisation on standardised vectors: hundreds of dense features, so little."""

SENTENCE_STRENGTH = 0.01
"""Likewise on sentences' vectors, which vary more than those of whole segments."""

DESCRIPTION = 3.0
"""Codings that a definition is worth, whatever the recipe."""

WORDS_STRENGTH = 3.0
UNBALANCED_STRENGTH = 30.0
BASELINE_STRENGTH = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedViews:
    """Both views' features and heads, fitted on the same segments."""

    setting: Setting
    words: WordsView
    words_heads: Heads
    embedding_heads: Heads


class Learner:
    """Fits and scores on rows of the training data, in several threads; `check` may raise to stop.

    `vectors` holds those of the segments, of the turns before them and of the knowledge.
    """

    def __init__(
        self,
        data: TrainingData,
        vectors: Mapping[str, Floats32],
        knowledge: Knowledge,
        check: Callable[[], None],
    ) -> None:
        self.data = data
        self._vectors, self._knowledge, self._check = vectors, knowledge, check
        self._view: tuple[Setting, Floats32] | None = None
        self._preparing = Lock()
        self._by_sentence: Sentences | None = None
        self._counted = CountedSegments(data.segments, knowledge.texts)
        self._beside = len(data.segments) + np.arange(len(knowledge.texts))
        self._directions = knowledge.directions(vectors)
        self._themes = themes(data.book)
        self._defined = knowledge.of_more_than_a_name

    @property
    def has_roles(self) -> bool:
        """Whether any speaker recurs across transcripts."""
        return bool(recurring_speakers(self.data.segments))

    def fit(self, rows: Rows, recipe: Recipe) -> FittedViews:
        """Fit both views on these segments alone, terms and speakers included."""
        words, words_heads = self.fit_words(rows, recipe)
        return FittedViews(
            setting=self.setting(rows, recipe),
            words=words,
            words_heads=words_heads,
            embedding_heads=self.fit_embedding(rows, recipe),
        )

    def setting(self, rows: Rows, recipe: Recipe) -> Setting:
        """What of the surroundings is read, with the speakers who recur in these segments."""
        segments = (self.data.segments[row] for row in rows)
        return Setting(
            context=recipe.context == "turns",
            question=recipe.context == "question",
            speakers=recurring_speakers(segments) if recipe.roles else (),
        )

    def fit_words(self, rows: Rows, recipe: Recipe) -> tuple[WordsView, Heads]:
        """Fit the words view on these segments alone."""
        targets = targets_of(self.data, rows, recipe.targets)
        setting = self.setting(rows, recipe)
        about = self._knowledge.code_of
        pull = self._pull(targets, recipe)[about]
        told = np.flatnonzero(pull > 0)
        weights = np.concatenate([np.ones(len(rows)), (pull * self._knowledge.weights)[told]])
        rows = np.concatenate([rows, self._beside[told]])
        targets = np.vstack([targets, self._knowledge.targets[told]])
        words = WordsView.fit_counted(self._counted, rows, setting)
        features = words.transform_counted(self._counted, rows)
        heads = self._shared_fit(
            features,
            targets,
            recipe,
            strength=WORDS_STRENGTH if recipe.balanced else UNBALANCED_STRENGTH,
            balanced=recipe.balanced,
            weights=weights,
            centre=np.zeros((len(self.data.codes), features.shape[1]), dtype=np.float32),
        )
        return words, heads

    def fit_embedding(self, rows: Rows, recipe: Recipe) -> Heads:
        """Fit the embedding view on these segments alone."""
        targets = targets_of(self.data, rows, recipe.targets)
        view = self._embedding_view(self.setting(rows, recipe))
        if not np.array_equal(rows, np.arange(len(view))):
            view = view[rows]
        standard = Standardised.of(view)
        heads = self._shared_fit(
            standard.features,
            targets,
            recipe,
            strength=EMBEDDING_STRENGTH,
            balanced=True,
            weights=None,
            centre=self._centre(view, standard, targets, recipe),
        )
        return standard.restored(heads)

    def _centre(
        self, view: Floats32, standard: Standardised, targets: Floats, recipe: Recipe
    ) -> Floats32:
        """Heads on standardised vectors that go by the codes' descriptions alone.

        *Shapes:* `view` (rows, features), the vector first; result (codes, features).
        """
        width = self._directions.shape[1]
        along = (view[:, :width] @ self._directions.T).std(axis=0)
        pull = self._pull(targets, recipe) / np.where(along > 1e-6, along, np.inf)
        scale = np.where(np.isfinite(standard.scale[:width]), standard.scale[:width], 0.0)
        centre = np.zeros((len(self.data.codes), view.shape[1]), dtype=np.float32)
        centre[:, :width] = self._directions * scale * pull[:, np.newaxis]
        return centre

    def _pull(self, targets: Floats, recipe: Recipe) -> Floats:
        """How firmly each code begins as its description; *shape:* (codes,).

        As the recipe says. Of a code that nobody applied the description is all that is known,
        and one that is more than a name counts as a few codings for as long as those are few.
        """
        count = targets.sum(axis=0)
        least = np.where(self._defined, DESCRIPTION / (DESCRIPTION + count), count == 0)
        return np.asarray(np.maximum(recipe.knowledge, least))

    def _shared_fit(
        self,
        features: Features,
        targets: Floats,
        recipe: Recipe,
        *,
        strength: float,
        balanced: bool,
        weights: Floats | None,
        centre: Floats32,
    ) -> Heads:
        """Heads drawn to their centre, and beyond it to a share of their theme's head."""
        ready = Prepared(features)
        if recipe.sharing and self._themes:
            whole = fit_heads(
                ready,
                np.stack([targets[:, list(one)].max(axis=1) for one in self._themes], axis=1),
                strength=strength,
                balanced=balanced,
                weights=weights,
                check=self._check,
            )
            for theme, members in enumerate(self._themes):
                centre[list(members)] += np.float32(recipe.sharing) * whole.weights[theme]
        return fit_heads(
            ready,
            targets,
            strength=strength,
            balanced=balanced,
            centre=centre,
            weights=weights,
            check=self._check,
        )

    def score(self, fitted: FittedViews, rows: Rows) -> Floats:
        """Uncalibrated scores; *shape:* (rows, codes, 2): embedding view, words view."""
        meaning = self._embedding_view(fitted.setting)[rows]
        wording = fitted.words.transform_counted(self._counted, rows)
        return np.stack(
            [fitted.embedding_heads.scores(meaning), fitted.words_heads.scores(wording)], axis=2
        )

    def held_out(self, fold_of: NDArray[np.int64], fold: int, recipe: Recipe) -> Floats:
        """Scores of a fold by the others; -1 in `fold_of` leaves a segment out altogether.

        *Shapes:* `fold_of` (segments,); result (segments of the fold, codes, 2).
        """
        fitted = self.fit(np.flatnonzero((fold_of != fold) & (fold_of >= 0)), recipe)
        return self.score(fitted, np.flatnonzero(fold_of == fold))

    def baseline(self, fold_of: NDArray[np.int64], fold: int) -> Floats:
        """The floor: TF-IDF of words, speaker prefixed, and balanced logistic regression.

        *Shape:* (segments of the fold, codes, 1).
        """
        rows = np.flatnonzero(fold_of != fold)
        speakers = recurring_speakers(self.data.segments[row] for row in rows)
        setting = Setting(context=False, speakers=speakers)
        words = WordsView.fit_counted(self._counted, rows, setting, plain=True)
        heads = fit_heads(
            words.transform_counted(self._counted, rows),
            self.data.targets[rows],
            strength=BASELINE_STRENGTH,
            check=self._check,
        )
        test = words.transform_counted(self._counted, np.flatnonzero(fold_of == fold))
        return heads.scores(test)[:, :, np.newaxis]

    def fit_sentences(self, rows: Rows, recipe: Recipe) -> Heads:
        """Heads that read these segments sentence by sentence."""
        read = self._sentences().take(rows)
        standard = Standardised.of(read.vectors)
        targets = targets_of(self.data, rows, recipe.targets)
        heads = fit_sentence_heads(
            replace(read, vectors=standard.features),
            targets,
            strength=SENTENCE_STRENGTH,
            centre=self._centre(read.vectors, standard, targets, recipe),
            check=self._check,
        )
        return standard.restored(heads)

    def held_out_sentences(self, fold_of: NDArray[np.int64], fold: int, recipe: Recipe) -> Floats:
        """As `held_out`, of the sentence view; *shape:* (segments of the fold, codes)."""
        heads = self.fit_sentences(np.flatnonzero((fold_of != fold) & (fold_of >= 0)), recipe)
        return self._sentences().take(np.flatnonzero(fold_of == fold)).scores(heads)

    def _sentences(self) -> Sentences:
        with self._preparing:
            if self._by_sentence is None:
                self._by_sentence = Sentences.of(self.data.segments, self._vectors)
            return self._by_sentence

    def _embedding_view(self, setting: Setting) -> Floats32:
        """Of all segments; folds mostly share a setting, so the last one is kept."""
        with self._preparing:
            if self._view is None or self._view[0] != setting:
                self._view = None
                self._view = (setting, embedding_view(self.data.segments, self._vectors, setting))
            return self._view[1]


def themes(book: tuple[Code, ...]) -> tuple[tuple[int, ...], ...]:
    """The codes of each parent that has several, the parent itself among them where it is one."""
    members: dict[str, list[int]] = {}
    for place, code in enumerate(book):
        if code.parent is not None:
            members.setdefault(code.parent, []).append(place)
    for place, code in enumerate(book):
        if code.path in members:
            members[code.path].append(place)
    return tuple(tuple(own) for own in members.values() if len(own) > 1)

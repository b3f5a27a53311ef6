"""What of a study helps to code it: asked of the data, by held-out loss, and never by taste."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.report import Choice
from training.coders import disagree
from training.crossfit import CrossFit, cross_fit, log_loss
from training.recipe import CONTEXTS, TARGETS, Recipe
from training.threads import finish, fitting_pool
from training.views import Learner, themes

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_SEGMENTS_A_FOLD = 1000
"""Of a large study; fewer are a transcript or two, which is no ground to choose on."""

_KNOWLEDGE = (1.0, 2.0)
_SHARING = (0.5,)

PLAIN = Recipe()
"""What each alternative is compared with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeChoice:
    """`for_fold[k]` was chosen without fold k, `final` with all."""

    for_fold: tuple[Recipe, ...]
    final: Recipe
    compared: tuple[Choice, ...]

    def and_also(self, one: Choice) -> "RecipeChoice":
        """With a choice more to tell of."""
        return replace(self, compared=(*self.compared, one))


def choose_recipe(
    learner: Learner,
    fold_of: NDArray[np.int64],
    *,
    seed: int,
    step: Callable[[str, int, int], None],
) -> RecipeChoice:
    """Compare held-out log loss of each alternative with the plain recipe's, by itself.

    *Shape:* `fold_of` (segments,). Whole transcripts are sampled; the choice for a fold is made
    by the losses in the other folds. Alternatives that cannot differ (context without earlier
    turns, coders who never disagree) are not tried.
    """
    folds = int(fold_of.max()) + 1
    options = _alternatives(learner)
    tried = [recipe for own in options.values() for recipe in own]
    if not tried:
        return RecipeChoice(for_fold=(PLAIN,) * folds, final=PLAIN, compared=())
    chosen = _sample(learner, fold_of, seed)
    total = len(tried) + 1
    sizes = np.bincount(chosen[(chosen >= 0) & learner.data.scored], minlength=folds).astype(
        np.float64
    )
    losses: dict[Recipe, Floats] = {}
    for place, recipe in enumerate([PLAIN, *tried]):
        step("choosing", place, total)
        losses[recipe] = _losses(learner, chosen, recipe, folds)
    step("choosing", total, total)

    def best(but: int | None) -> Recipe:
        recipe = PLAIN
        for name, own in options.items():
            gains = {one: gain_of(losses[PLAIN], losses[one], sizes, but) for one in own}
            found = max(own, key=lambda one: gains[one][0])
            if gains[found][0] > gains[found][1]:
                recipe = replace(recipe, **{name: getattr(found, name)})
        return recipe

    final = best(None)
    compared = []
    for name, own in options.items():
        for one in own:
            gain, error = gain_of(losses[PLAIN], losses[one], sizes, None)
            taken = getattr(final, name) == getattr(one, name)
            value = str(getattr(one, name))
            compared.append(Choice(name=name, value=value, gain=gain, error=error, taken=taken))
    return RecipeChoice(
        for_fold=tuple(best(fold) for fold in range(folds)), final=final, compared=tuple(compared)
    )


def gain_of(plain: Floats, other: Floats, sizes: Floats, but: int | None) -> tuple[float, float]:
    """Mean gain a segment, and its standard error over the folds, without one of them."""
    kept = (np.arange(len(sizes)) != but) & (sizes > 0)
    difference, size = (plain - other)[kept], sizes[kept]
    gain = float(difference.sum() / max(size.sum(), 1.0))
    if len(size) < 2:
        return gain, 0.0
    rest = difference - gain * size
    error = np.sqrt(np.square(rest).sum() * len(size) / (len(size) - 1)) / size.sum()
    return gain, float(error)


def _alternatives(learner: Learner) -> dict[str, list[Recipe]]:
    """What could be done otherwise, by the name of the choice."""
    data = learner.data
    found: dict[str, list[Recipe]] = {}
    if data.has_context:
        found["context"] = [replace(PLAIN, context=one) for one in CONTEXTS[1:]]
    if learner.has_roles:
        found["roles"] = [replace(PLAIN, roles=False)]
    if data.segments and len(data.codes) > 1:
        found["knowledge"] = [replace(PLAIN, knowledge=one) for one in _KNOWLEDGE]
    if themes(data.book):
        found["sharing"] = [replace(PLAIN, sharing=one) for one in _SHARING]
    found["balanced"] = [replace(PLAIN, balanced=False)]
    if disagree(data):
        found["targets"] = [replace(PLAIN, targets=one) for one in TARGETS[1:]]
    return found


def _losses(learner: Learner, chosen: NDArray[np.int64], recipe: Recipe, folds: int) -> Floats:
    """Summed loss of the scored segments of each fold; *shape:* (folds,)."""
    scores = np.zeros((*learner.data.truth.shape, 2))

    def score(fold: int) -> None:
        scores[chosen == fold] = learner.held_out(chosen, fold, recipe)

    with fitting_pool() as pool:
        finish(pool, [pool.submit(score, fold) for fold in range(folds)])
    rows = chosen >= 0
    truth, scored = learner.data.truth[rows], learner.data.scored[rows]
    fit = cross_fit(scores[rows], truth, scored, chosen[rows])
    return summed_loss(fit, truth, scored, chosen[rows], folds)


def summed_loss(
    fit: CrossFit, truth: NDArray[np.bool_], scored: NDArray[np.bool_], fold_of: Rows, folds: int
) -> Floats:
    """Held-out loss of the scored segments of each fold, summed; *shape:* (folds,)."""
    loss = log_loss(fit, truth, scored)
    found = np.bincount(fold_of[scored], weights=loss, minlength=folds)
    return np.asarray(found, dtype=np.float64)


def _sample(learner: Learner, fold_of: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The fold of each segment, -1 outside the sample of whole transcripts."""
    clusters = learner.data.clusters
    size = np.bincount(clusters)
    order = np.random.default_rng(seed).permutation(len(size))
    fold_of_transcript = np.zeros(len(size), dtype=np.int64)
    fold_of_transcript[clusters] = fold_of
    held = np.zeros(int(fold_of.max()) + 1)
    chosen = np.full(len(fold_of), -1, dtype=np.int64)
    for cluster in order:
        fold = int(fold_of_transcript[cluster])
        if held[fold] == 0 or held[fold] + size[cluster] <= _SEGMENTS_A_FOLD:
            rows = clusters == cluster
            chosen[rows] = fold
            held[fold] += size[cluster]
    return chosen

"""Whether the turns before a segment help to code it, asked of the data."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.crossfit import cross_fit, log_loss
from training.views import Learner

_SEGMENTS_A_FOLD = 800


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextChoice:
    """`for_fold[k]` was chosen without fold k, `final` with all."""

    for_fold: tuple[bool, ...]
    final: bool


def choose_context(
    learner: Learner,
    fold_of: NDArray[np.int64],
    *,
    seed: int,
    step: Callable[[str, int, int], None],
) -> ContextChoice:
    """Compare held-out log loss with and without context, on a sample of whole transcripts.

    *Shape:* `fold_of` (segments,). The choice for a fold is made by the losses in the other
    folds. Without any earlier turn there is nothing to choose.
    """
    folds = int(fold_of.max()) + 1
    if not learner.data.has_context:
        return ContextChoice(for_fold=(False,) * folds, final=False)
    chosen = _sample(learner, fold_of, seed)
    total = 2 * folds
    losses = np.zeros((2, folds))
    for place, context in enumerate((False, True)):
        scores = np.zeros((*learner.data.truth.shape, 2))
        for fold in range(folds):
            step("choosing context", place * folds + fold, total)
            scores[chosen == fold] = learner.held_out(chosen, fold, context=context)
        rows = chosen >= 0
        truth, scored = learner.data.truth[rows], learner.data.scored[rows]
        fit = cross_fit(scores[rows], truth, scored, chosen[rows])
        loss = log_loss(fit.probabilities, truth)
        losses[place] = np.bincount(chosen[rows][scored], weights=loss[scored], minlength=folds)
    step("choosing context", total, total)
    gain = losses[0] - losses[1]
    return ContextChoice(
        for_fold=tuple(bool(gain.sum() - own > 0) for own in gain), final=bool(gain.sum() > 0)
    )


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

"""What is learned from a study's data: choices, folds, heads, the fine-tuned view, thresholds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.encoder import TransformersEncoder
from models.hierarchy import closed, consistent, implied_pairs
from training.checkpoints import Checkpoints
from training.choosing import RecipeChoice, choose_recipe
from training.crossfit import CrossFit, cross_fit, log_loss
from training.dataset import TrainingData
from training.folds import grouped_folds
from training.knowledge import Knowledge
from training.options import TrainOptions
from training.tiers import FinetunedView, Tier, choose_tier, finetuned_view
from training.views import FittedViews, Learner

Progress = Callable[[str, int, int], None]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Vectors:
    """Vectors of the segments' texts and of the turns before them, and whose they are."""

    encoder: TransformersEncoder
    knowledge: Knowledge
    by_text: dict[str, Floats32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What cross-validation found, for the model and the baseline, and the model itself."""

    folds: int
    tier: Tier
    choice: RecipeChoice
    scores: NDArray[np.float64]
    model: CrossFit
    baseline: CrossFit
    fitted: FittedViews
    finetuned: FinetunedView | None
    implied: tuple[tuple[int, int], ...]


def learn(
    data: TrainingData,
    vectors: Vectors,
    options: TrainOptions,
    kept: Checkpoints,
    step: Progress,
    check: Callable[[], None],
) -> Learned:
    """Choose, cross-validate, fit, and fine-tune where the tier says so; `check` may raise."""
    # One thread a product: how many there are would show in the last bits, hence the version.
    with threadpool_limits(1, user_api="blas"):
        fold_of = grouped_folds(
            data.transcripts, data.clusters, data.scored, folds=options.folds, seed=options.seed
        )
        folds = int(fold_of.max()) + 1
        tier = choose_tier(data, options, folds=folds)
        learner = Learner(data, vectors.by_text, vectors.knowledge, check)
        choice = choose_recipe(learner, fold_of, seed=options.seed, step=step)
        shape = data.truth.shape
        scores, floor = np.zeros((*shape, 2)), np.zeros((*shape, 1))
        for fold in range(folds):
            step("cross-validating", fold, folds + 1)
            own = fold_of == fold
            scores[own] = learner.held_out(fold_of, fold, choice.for_fold[fold])
            floor[own] = learner.baseline(fold_of, fold)
        step("cross-validating", folds, folds + 1)
        fitted = learner.fit(np.arange(len(data.segments)), choice.final)
        step("cross-validating", folds + 1, folds + 1)
    finetuned = None
    if tier.name == "best":
        finetuned = finetuned_view(
            data,
            vectors.knowledge,
            vectors.by_text,
            fold_of,
            choice,
            options,
            settings=(
                *(
                    learner.setting(np.flatnonzero(fold_of != fold), choice.for_fold[fold])
                    for fold in range(folds)
                ),
                fitted.setting,
            ),
            checkpoints=kept,
            step=step,
        )
    with threadpool_limits(1, user_api="blas"):
        implied = implied_pairs(data.codes, data.truth[data.scored])
        model = cross_fit(scores, data.truth, data.scored, fold_of, aim=options.aim)
        if finetuned is not None:
            # Few or easy codings are learned as well without; then its minutes buy nothing.
            more = np.concatenate([scores, finetuned.scores[:, :, np.newaxis]], axis=2)
            better = cross_fit(more, data.truth, data.scored, fold_of, aim=options.aim)
            if _loss(better, data) < _loss(model, data):
                scores, model = more, better
            else:
                finetuned = None
                tier = Tier(
                    name="fast",
                    reason=f"{tier.name}, {tier.reason}, was tried and did not lower the "
                    "held-out loss, so the fine-tuned encoder is not used",
                )
        return Learned(
            folds=folds,
            tier=tier,
            choice=choice,
            scores=scores,
            model=replace(
                model,
                probabilities=consistent(model.probabilities, implied),
                applied=closed(model.applied, implied),
            ),
            baseline=cross_fit(floor, data.truth, data.scored, fold_of, aim=options.aim),
            fitted=fitted,
            finetuned=finetuned,
            implied=implied,
        )


def _loss(fit: CrossFit, data: TrainingData) -> float:
    return float(log_loss(fit.probabilities, data.truth)[data.scored].mean())

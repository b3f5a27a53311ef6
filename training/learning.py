"""What is learned from a study's data: choices, folds, heads, the fine-tuned view, thresholds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.encoder import TransformersEncoder
from models.heads import Heads
from models.hierarchy import closed, consistent, implied_pairs
from models.sentences import reads_sentences
from training.beside import Beside
from training.checkpoints import Checkpoints
from training.choosing import RecipeChoice, choose_recipe
from training.crossfit import CrossFit, cross_fit
from training.dataset import TrainingData
from training.folds import grouped_folds
from training.knowledge import Knowledge
from training.options import TrainOptions
from training.threads import finish, fitting_pool
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
    sentence_heads: Heads | None
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
        by_sentence = reads_sentences(data.segments)
        total = (folds + 1) * (2 if by_sentence else 1)

        def validate(fold: int) -> None:
            own = fold_of == fold
            scores[own] = learner.held_out(fold_of, fold, choice.for_fold[fold])
            floor[own] = learner.baseline(fold_of, fold)

        step("cross-validating", 0, total)
        with fitting_pool() as pool:
            whole = pool.submit(learner.fit, np.arange(len(data.segments)), choice.final)
            fits = [pool.submit(validate, fold) for fold in range(folds)]
            finish(pool, [whole, *fits], lambda done: step("cross-validating", done, total))
        fitted = whole.result()
        model = cross_fit(scores, data.truth, data.scored, fold_of, aim=options.aim)
        sentence_heads = None
        if by_sentence:
            view = np.zeros(shape)

            def read(fold: int) -> None:
                recipe = choice.for_fold[fold]
                view[fold_of == fold] = learner.held_out_sentences(fold_of, fold, recipe)

            with fitting_pool() as pool:
                finish(
                    pool,
                    [pool.submit(read, fold) for fold in range(folds)],
                    lambda done: step("cross-validating", folds + 1 + done, total),
                )
            beside = Beside.of(view, scores, model, data, fold_of, options)
            choice = choice.and_also(beside.choice("sentences", "each"))
            if beside.surely:
                scores, model = beside.scores, beside.fit
                sentence_heads = learner.fit_sentences(np.arange(len(data.segments)), choice.final)
        step("cross-validating", total, total)
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
        if finetuned is not None:
            # Few or easy codings are learned as well without; then its minutes buy nothing.
            beside = Beside.of(finetuned.scores, scores, model, data, fold_of, options)
            if beside.gain > 0:
                scores, model = beside.scores, beside.fit
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
            sentence_heads=sentence_heads,
            finetuned=finetuned,
            implied=implied,
        )

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
    """What cross-validation found, for the model and the baseline, and the model itself.

    *Shapes:* `fold_of` (segments,), `scores` (segments, codes, views) and `floor` (segments,
    codes, 1), the baseline's: uncalibrated, by models that had not seen the transcript.
    """

    folds: int
    fold_of: NDArray[np.int64]
    tier: Tier
    choice: RecipeChoice
    scores: NDArray[np.float64]
    floor: NDArray[np.float64]
    model: CrossFit
    baseline: CrossFit
    fitted: FittedViews
    sentence_heads: Heads | None
    finetuned: FinetunedView | None
    implied: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What is settled before the first fit; `fold_of` has one fold a segment."""

    data: TrainingData
    vectors: Vectors
    options: TrainOptions
    learner: Learner
    fold_of: NDArray[np.int64]
    tier: Tier
    choice: RecipeChoice
    step: Progress

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return int(self.fold_of.max()) + 1

    @property
    def by_sentence(self) -> bool:
        """Whether segments are long enough to be read sentence by sentence too."""
        return reads_sentences(self.data.segments)

    @property
    def total(self) -> int:
        """Steps of cross-validation: each fold, and once everything."""
        return (self.folds + 1) * (2 if self.by_sentence else 1)

    @property
    def everything(self) -> NDArray[np.int64]:
        """The rows of all segments."""
        return np.arange(len(self.data.segments))

    def fit(self, scores: NDArray[np.float64]) -> CrossFit:
        """Calibration and thresholds for held-out scores."""
        return cross_fit(
            scores, self.data.truth, self.data.scored, self.fold_of, aim=self.options.aim
        )

    def beside(self, view: NDArray[np.float64], learned: Learned) -> Beside:
        """The fit with one view more than there are."""
        return Beside.of(view, learned.scores, learned.model, self.data, self.fold_of, self.options)


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
        plan = _plan(data, vectors, options, step, check)
        learned = _cross_validated(plan)
        if plan.by_sentence:
            learned = _with_sentences(plan, learned)
        step("cross-validating", plan.total, plan.total)
    view = _finetuned(plan, learned, kept) if plan.tier.name == "best" else None
    with threadpool_limits(1, user_api="blas"):
        if view is not None:
            learned = _with_finetuned(plan, learned, view)
        return keeping_to_the_tree(data, learned)


def _plan(
    data: TrainingData,
    vectors: Vectors,
    options: TrainOptions,
    step: Progress,
    check: Callable[[], None],
) -> _Plan:
    fold_of = grouped_folds(
        data.transcripts, data.clusters, data.scored, folds=options.folds, seed=options.seed
    )
    learner = Learner(data, vectors.by_text, vectors.knowledge, check)
    choice = choose_recipe(learner, fold_of, seed=options.seed, step=step)
    tier = choose_tier(
        data,
        options,
        folds=int(fold_of.max()) + 1,
        setting=learner.setting(np.arange(len(data.segments)), choice.final),
        parameters=vectors.encoder.layer_parameters,
    )
    return _Plan(
        data=data,
        vectors=vectors,
        options=options,
        learner=learner,
        fold_of=fold_of,
        tier=tier,
        choice=choice,
        step=step,
    )


def _cross_validated(plan: _Plan) -> Learned:
    """The model on everything, and what models and baselines say of the fold that they lack."""
    learner, choice, fold_of = plan.learner, plan.choice, plan.fold_of
    shape = plan.data.truth.shape
    scores, floor = np.zeros((*shape, 2)), np.zeros((*shape, 1))

    def validate(fold: int) -> None:
        own = fold_of == fold
        scores[own] = learner.held_out(fold_of, fold, choice.for_fold[fold])
        floor[own] = learner.baseline(fold_of, fold)

    plan.step("cross-validating", 0, plan.total)
    with fitting_pool() as pool:
        whole = pool.submit(learner.fit, plan.everything, choice.final)
        fits = [pool.submit(validate, fold) for fold in range(plan.folds)]
        finish(pool, [whole, *fits], lambda done: plan.step("cross-validating", done, plan.total))
    return Learned(
        folds=plan.folds,
        fold_of=fold_of,
        tier=plan.tier,
        choice=choice,
        scores=scores,
        floor=floor,
        model=plan.fit(scores),
        baseline=plan.fit(floor),
        fitted=whole.result(),
        sentence_heads=None,
        finetuned=None,
        implied=(),
    )


def _with_sentences(plan: _Plan, learned: Learned) -> Learned:
    """Read sentence by sentence too, where that surely lowers the held-out loss."""
    learner, fold_of = plan.learner, plan.fold_of
    view = np.zeros(plan.data.truth.shape)

    def read(fold: int) -> None:
        recipe = plan.choice.for_fold[fold]
        view[fold_of == fold] = learner.held_out_sentences(fold_of, fold, recipe)

    with fitting_pool() as pool:
        finish(
            pool,
            [pool.submit(read, fold) for fold in range(plan.folds)],
            lambda done: plan.step("cross-validating", plan.folds + 1 + done, plan.total),
        )
    beside = plan.beside(view, learned)
    choice = learned.choice.and_also(beside.choice("sentences", "each"))
    if not beside.surely:
        return replace(learned, choice=choice)
    return replace(
        learned,
        choice=choice,
        scores=beside.scores,
        model=beside.fit,
        sentence_heads=learner.fit_sentences(plan.everything, choice.final),
    )


def _finetuned(plan: _Plan, learned: Learned, kept: Checkpoints) -> FinetunedView:
    rows = [np.flatnonzero(plan.fold_of != fold) for fold in range(plan.folds)]
    return finetuned_view(
        plan.data,
        plan.vectors.knowledge,
        plan.vectors.by_text,
        plan.fold_of,
        learned.choice,
        plan.options,
        settings=(
            *(
                plan.learner.setting(rest, recipe)
                for rest, recipe in zip(rows, learned.choice.for_fold, strict=True)
            ),
            learned.fitted.setting,
        ),
        parameters=plan.vectors.encoder.layer_parameters,
        checkpoints=kept,
        step=plan.step,
    )


def _with_finetuned(plan: _Plan, learned: Learned, view: FinetunedView) -> Learned:
    """The fine-tuned view beside the others, where it lowers the held-out loss."""
    beside = plan.beside(view.scores, learned)
    if beside.gain > 0:
        return replace(learned, scores=beside.scores, model=beside.fit, finetuned=view)
    # Few or easy codings are learned as well without; then its minutes buy nothing.
    tier = Tier(
        name="fast",
        reason=f"{plan.tier.name}, {plan.tier.reason}, was tried and did not lower the "
        "held-out loss, so the fine-tuned encoder is not used",
    )
    return replace(learned, tier=tier)


def keeping_to_the_tree(data: TrainingData, learned: Learned) -> Learned:
    """What a code implies is at least as probable, and applies where the code does."""
    implied = implied_pairs(data.codes, data.truth[data.scored])
    return replace(
        learned,
        implied=implied,
        model=replace(
            learned.model,
            probabilities=consistent(learned.model.probabilities, implied),
            applied=closed(learned.model.applied, implied),
        ),
    )

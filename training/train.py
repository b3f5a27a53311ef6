"""Train a model on a study, find out how far it may be trusted, and publish it."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from annotations.reliability.calibration import pooled_calibration
from annotations.study import Study
from models.artifacts import HeldOut, part_files, publish
from models.embedding_cache import EmbeddingCache
from models.encoder import TransformersEncoder
from models.exemplars import choose_exemplars
from models.features import texts_of
from models.hierarchy import closed, consistent, implied_pairs
from models.parts import (
    ModelParts,
    exemplars_part,
    finetuned_part,
    library_versions,
    model_part,
)
from models.report import REPORT_FILE, TrainReport, report_document
from training.card import model_card
from training.checkpoints import Checkpoints
from training.choosing import RecipeChoice, choose_recipe
from training.crossfit import CrossFit, cross_fit, log_loss
from training.dataset import TrainingData, training_data
from training.definitions import definition_exemplar, with_usual_share
from training.evaluate import Confusion, overall_figures
from training.folds import grouped_folds
from training.knowledge import Knowledge, described, gather_knowledge
from training.options import TrainingStopped, TrainOptions
from training.reporting import code_reports, open_gates
from training.tiers import FinetunedView, Tier, choose_tier, finetuned_view
from training.views import FittedViews, Learner

Progress = Callable[[str, int, int], None]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Vectors:
    """Vectors of the segments' texts and of the turns before them, and whose they are."""

    encoder: TransformersEncoder
    knowledge: Knowledge
    by_text: dict[str, Floats32]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Learned:
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


def train(
    study: Study,
    *,
    options: TrainOptions,
    store: Path,
    cache: Path | None = None,
    checkpoints: Path | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainReport:
    """Learn a study's codes, cross-validate by transcript, publish into `store/<version>`.

    `cache` is a folder in which vectors are kept, `checkpoints` one in which fine-tuning keeps
    its work until the model is published, so that a run that was killed goes on where it was;
    None to keep none. `progress` is told a
    stage, steps done and steps in all; `should_stop` is asked often, and TrainingStopped is
    raised when it says so. Raises StateError where the study has too little to learn from,
    and ArtifactError where the encoder cannot be had.
    """
    started = time.monotonic()
    fine_tuning = False

    def check() -> None:
        if should_stop():
            raise TrainingStopped(
                "Training was stopped. Nothing was published; the model in use is the same. The "
                "same training, asked for again, goes on where fine-tuning was."
                if fine_tuning
                else "Training was stopped. Nothing was published; the model in use is the same."
            )

    def step(stage: str, done: int, total: int) -> None:
        nonlocal fine_tuning
        fine_tuning |= stage == "fine-tuning"
        check()
        progress(stage, done, total)

    step("reading", 0, 1)
    data = training_data(study)
    step("reading", 1, 1)
    vectors = _encode(data, options, cache, step)
    kept = Checkpoints(checkpoints, _key(data, options, vectors.encoder))
    learned = _learn(data, vectors, options, kept, step, check)
    step("publishing", 0, 1)
    report = replace(
        _report(data, learned, options, vectors.encoder), codebook_version=study.codebook_version
    )
    files = _files(data, learned, report, vectors)
    check()
    version = publish(files, store)
    kept.clear()
    progress("publishing", 1, 1)
    return replace(report, model_version=version, seconds=time.monotonic() - started)


def _encode(
    data: TrainingData, options: TrainOptions, cache: Path | None, step: Progress
) -> _Vectors:
    encoder = TransformersEncoder.load(options.encoder)
    knowledge = gather_knowledge(data)
    texts = list(dict.fromkeys([*texts_of(data.segments, context=True), *knowledge.texts]))
    rows = EmbeddingCache(cache).encode(
        encoder, texts, advance=lambda done, total: step("embedding", done, total)
    )
    by_text = dict(zip(texts, rows, strict=True))
    return _Vectors(encoder=encoder, knowledge=knowledge, by_text=by_text)


def _key(
    data: TrainingData, options: TrainOptions, encoder: TransformersEncoder
) -> dict[str, object]:
    """What decides the work of a training."""
    return {
        "data": data.digest(),
        "encoder": encoder.checksum,
        "folds": options.folds,
        "seed": options.seed,
        "minutes": options.minutes,
        "libraries": library_versions(),
    }


def _learn(
    data: TrainingData,
    vectors: _Vectors,
    options: TrainOptions,
    kept: Checkpoints,
    step: Progress,
    check: Callable[[], None],
) -> _Learned:
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
        return _Learned(
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


def _report(
    data: TrainingData,
    learned: _Learned,
    options: TrainOptions,
    encoder: TransformersEncoder,
) -> TrainReport:
    own, floor = (
        Confusion.of(fit.applied, data.truth, data.scored, data.clusters, len(data.transcripts))
        for fit in (learned.model, learned.baseline)
    )
    evaluated = own.evaluated()
    overall = overall_figures(own, evaluated)
    codes = code_reports(data, learned.model, own, floor, options)
    return TrainReport(
        model_version="",
        encoder=encoder.name,
        transcripts=len(data.transcripts),
        segments=len(data.segments),
        scored=int(data.scored.sum()),
        folds=learned.folds,
        seed=options.seed,
        context=learned.fitted.setting.looks_back,
        codes=codes,
        kappa=overall.kappa,
        macro_f1=overall.macro_f1,
        micro_f1=overall.micro_f1,
        baseline=overall_figures(floor, evaluated),
        notes=_notes(data, learned.folds, options),
        seconds=0.0,
        aim=str(options.aim),
        calibration=pooled_calibration(
            learned.model.probabilities[data.scored],
            data.truth[data.scored],
            data.clusters[data.scored],
            np.flatnonzero(evaluated).tolist(),
        ),
        tier=learned.tier.name,
        tier_reason=learned.tier.reason,
        choices=learned.choice.compared,
    )


def _notes(data: TrainingData, folds: int, options: TrainOptions) -> tuple[str, ...]:
    notes = []
    if folds < options.folds:
        notes.append(
            f"{folds} folds and not {options.folds}: there are {len(data.transcripts)} coded "
            "transcripts."
        )
    if assisted := int((~data.scored).sum()):
        notes.append(
            f"{assisted} segments were coded with suggestions in sight: they teach the model "
            "and enter no figure, threshold or gate."
        )
    return tuple(notes)


def _files(
    data: TrainingData,
    learned: _Learned,
    report: TrainReport,
    vectors: _Vectors,
) -> dict[str, bytes]:
    encoder, fitted = vectors.encoder, learned.fitted
    model = with_usual_share(learned.model, learned.scores, data, report.codes)
    parts = ModelParts(
        codes=data.codes,
        open=open_gates(report.codes),
        thresholds=model.thresholds,
        segmentation=data.segmentation,
        setting=fitted.setting,
        words=fitted.words,
        words_heads=fitted.words_heads,
        embedding_heads=fitted.embedding_heads,
        calibration=model.calibration,
        encoder_name=encoder.name,
        encoder_source=encoder.source,
        encoder_checksum=encoder.checksum,
        dimension=encoder.dimension,
        finetuned=None if learned.finetuned is None else learned.finetuned.arrays,
        implied=learned.implied,
    )
    training = {
        "data": data.digest(),
        "transcripts": report.transcripts,
        "segments": report.segments,
        "scored": report.scored,
        "folds": report.folds,
        "seed": report.seed,
        "aim": report.aim,
        "tier": report.tier,
        "recipe": asdict(learned.choice.final),
        "rounds": None if learned.finetuned is None else learned.finetuned.rounds,
    }
    own = np.stack([vectors.by_text[segment.text] for segment in data.segments])
    exemplars = {
        code: choose_exemplars(candidates, own)
        for code, candidates in zip(data.codes, data.candidates, strict=True)
    }
    for place, code in enumerate(report.codes):
        if code.by_definition:
            about = vectors.by_text[described(data.book[place])]
            exemplars[code.code] = definition_exemplar(data, place, about)
    tensors = finetuned_part(parts)
    held = HeldOut(
        keys=tuple(segment.key for segment in data.segments),
        codes=data.codes,
        scores=model.probabilities.astype(np.float32),
        applied=model.applied,
    )
    return {
        **part_files("model", model_part(parts, training)),
        **part_files("exemplars", exemplars_part(exemplars)),
        **part_files("out_of_fold", held.part),
        **({} if tensors is None else part_files("finetuned", tensors)),
        REPORT_FILE: report_document(report).encode("utf-8", "surrogatepass"),
        "card.md": model_card(data, parts, report).encode("utf-8", "surrogatepass"),
    }

"""Train a model on a study, find out how far it may be trusted, and publish it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
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
from models.parts import ModelParts, exemplars_part, model_part
from models.report import REPORT_FILE, TrainReport, report_document
from training.card import model_card
from training.context import choose_context
from training.crossfit import CrossFit, cross_fit
from training.dataset import TrainingData, training_data
from training.evaluate import Confusion, overall_figures
from training.folds import grouped_folds
from training.options import TrainingStopped, TrainOptions
from training.reporting import code_reports, open_gates
from training.views import FittedViews, Learner

Progress = Callable[[str, int, int], None]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Vectors:
    """Vectors of the segments' texts and of the turns before them, and whose they are."""

    encoder: TransformersEncoder
    by_text: dict[str, Floats32]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Learned:
    """What cross-validation found, for the model and the baseline, and the model itself."""

    folds: int
    model: CrossFit
    baseline: CrossFit
    fitted: FittedViews


def train(
    study: Study,
    *,
    options: TrainOptions,
    store: Path,
    cache: Path | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainReport:
    """Learn a study's codes, cross-validate by transcript, publish into `store/<version>`.

    `cache` is a folder in which vectors are kept, None to keep none. `progress` is told a
    stage, steps done and steps in all; `should_stop` is asked often, and TrainingStopped is
    raised when it says so. Raises StateError where the study has too little to learn from,
    and ArtifactError where the encoder cannot be had.
    """
    started = time.monotonic()

    def check() -> None:
        if should_stop():
            raise TrainingStopped(
                "Training was stopped. Nothing was published; the model in use is the same."
            )

    def step(stage: str, done: int, total: int) -> None:
        check()
        progress(stage, done, total)

    step("reading", 0, 1)
    data = training_data(study)
    step("reading", 1, 1)
    vectors = _encode(data, options, cache, step)
    learned = _learn(data, vectors, options, step, check)
    step("publishing", 0, 1)
    report = replace(
        _report(data, learned, options, vectors.encoder), codebook_version=study.codebook_version
    )
    files = _files(data, learned, report, vectors)
    check()
    version = publish(files, store)
    progress("publishing", 1, 1)
    return replace(report, model_version=version, seconds=time.monotonic() - started)


def _encode(
    data: TrainingData, options: TrainOptions, cache: Path | None, step: Progress
) -> _Vectors:
    encoder = TransformersEncoder.load(options.encoder)
    texts = texts_of(data.segments, context=True)
    rows = EmbeddingCache(cache).encode(
        encoder, texts, advance=lambda done, total: step("embedding", done, total)
    )
    return _Vectors(encoder=encoder, by_text=dict(zip(texts, rows, strict=True)))


def _learn(
    data: TrainingData,
    vectors: _Vectors,
    options: TrainOptions,
    step: Progress,
    check: Callable[[], None],
) -> _Learned:
    # One thread a product: how many there are would show in the last bits, hence the version.
    with threadpool_limits(1, user_api="blas"):
        fold_of = grouped_folds(
            data.transcripts, data.clusters, data.scored, folds=options.folds, seed=options.seed
        )
        folds = int(fold_of.max()) + 1
        learner = Learner(data, vectors.by_text, check)
        context = choose_context(learner, fold_of, seed=options.seed, step=step)
        shape = data.truth.shape
        scores, floor = np.zeros((*shape, 2)), np.zeros((*shape, 1))
        for fold in range(folds):
            step("cross-validating", fold, folds + 1)
            own = fold_of == fold
            scores[own] = learner.held_out(fold_of, fold, context=context.for_fold[fold])
            floor[own] = learner.baseline(fold_of, fold)
        step("cross-validating", folds, folds + 1)
        learned = _Learned(
            folds=folds,
            model=cross_fit(scores, data.truth, data.scored, fold_of, aim=options.aim),
            baseline=cross_fit(floor, data.truth, data.scored, fold_of, aim=options.aim),
            fitted=learner.fit(np.arange(len(data.segments)), context=context.final),
        )
        step("cross-validating", folds + 1, folds + 1)
    return learned


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
        context=learned.fitted.setting.context,
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
    encoder, model, fitted = vectors.encoder, learned.model, learned.fitted
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
    )
    training = {
        "data": data.digest(),
        "transcripts": report.transcripts,
        "segments": report.segments,
        "scored": report.scored,
        "folds": report.folds,
        "seed": report.seed,
        "aim": report.aim,
    }
    own = np.stack([vectors.by_text[segment.text] for segment in data.segments])
    exemplars = {
        code: choose_exemplars(candidates, own)
        for code, candidates in zip(data.codes, data.candidates, strict=True)
    }
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
        REPORT_FILE: report_document(report).encode("utf-8", "surrogatepass"),
        "card.md": model_card(data, parts, report).encode("utf-8", "surrogatepass"),
    }

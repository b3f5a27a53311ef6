"""Train a model on a study, find out how far it may be trusted, and publish it."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations.numerals import form, many
from annotations.reliability.calibration import pooled_calibration
from annotations.study import Study
from models.artifacts import HeldOut, part_files, publish
from models.carried import PART
from models.embedding_cache import EmbeddingCache
from models.encoder import TransformersEncoder
from models.exemplars import choose_exemplars
from models.features import texts_of
from models.parts import (
    ModelParts,
    exemplars_part,
    finetuned_part,
    library_versions,
    model_part,
)
from models.report import (
    NONE_OPEN,
    REPORT_FILE,
    Asked,
    CodeReport,
    TrainReport,
    report_document,
)
from models.sentences import reads_sentences, texts_by_sentence
from training.base import Base, NotRefreshable
from training.card import model_card
from training.checkpoints import Checkpoints
from training.dataset import TrainingData, training_data
from training.definitions import definition_exemplar, with_usual_share
from training.evaluate import Confusion, overall_figures
from training.knowledge import gather_knowledge
from training.learning import Learned, Vectors, keeping_to_the_tree, learn
from training.options import TrainingStopped, TrainOptions
from training.refreshing import Refresh, carried_by
from training.reporting import code_reports, open_gates

_WORK = 2
"""Changes where folds of an earlier release must not be gone on with."""

Progress = Callable[[str, int, int], None]
Floats32 = NDArray[np.float32]


def train(
    study: Study,
    *,
    options: TrainOptions,
    store: Path,
    base: Path | None = None,
    cache: Path | None = None,
    checkpoints: Path | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainReport:
    """Learn a study's codes, cross-validate by transcript, publish into `store/<version>`.

    `base` is the folder of a version that is to be refreshed: choices, folds and the held-out
    scores of its transcripts are kept where that may be; where it may not, everything is done
    anew and a note says why; where nothing was coded since, that version stays. `cache` is a
    folder in which vectors are kept, `checkpoints` one in which fine-tuning keeps its work
    until the model is published, so that a run that was killed goes on where it was; None to
    keep none. `progress` is told a stage, steps done and steps in all; `should_stop` is asked
    often, and TrainingStopped is raised when it says so. Raises StateError where the study has
    too little to learn from, and ArtifactError where the encoder cannot be had.
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
    known, why_not = _known(base)
    sentences = known is not None and known.parts.sentence_heads is not None
    vectors = encoded(data, options, cache, step, by_sentence=sentences)
    refresh = None
    if known is not None:
        try:
            refresh = Refresh.of(known, data, options, vectors)
        except NotRefreshable as reason:
            why_not = str(reason)
    if refresh is not None and refresh.nothing_to_do(options, study.codebook_version):
        step("publishing", 1, 1)
        stays = f"Nothing was coded since version {refresh.base.version} was made; it stays."
        report = refresh.base.report
        return replace(report, notes=(*report.notes, stays), seconds=time.monotonic() - started)
    kept = Checkpoints(None, {})
    if refresh is None:
        kept = Checkpoints(checkpoints, _key(data, options, vectors.encoder))
        learned = learn(data, vectors, options, kept, step, check)
    else:
        learned = refresh.learn(data, vectors, options, cache, step, check)
    step("publishing", 0, 1)
    report = _report(data, learned, options, vectors.encoder)
    report = replace(
        report,
        codebook_version=study.codebook_version,
        refreshed=None if refresh is None else refresh.told,
        notes=(*report.notes, *_refresh_notes(refresh, why_not)),
    )
    carried = carried_by(data, learned, vectors.knowledge, refresh)
    files = {**_files(data, learned, report, vectors), **part_files(PART, carried.part)}
    check()
    version = publish(files, store)
    kept.clear()
    progress("publishing", 1, 1)
    return replace(report, model_version=version, seconds=time.monotonic() - started)


def _known(base: Path | None) -> tuple[Base | None, str | None]:
    """The version to go on from, or why that cannot be."""
    if base is None:
        return None, None
    try:
        return Base.read(base), None
    except NotRefreshable as reason:
        return None, str(reason)


def _refresh_notes(refresh: Refresh | None, why_not: str | None) -> tuple[str, ...]:
    if refresh is not None:
        return refresh.notes
    return () if why_not is None else (f"Trained in full and not refreshed: {why_not}.",)


def encoded(
    data: TrainingData,
    options: TrainOptions,
    cache: Path | None,
    step: Progress,
    *,
    by_sentence: bool = False,
) -> Vectors:
    """The vectors of all that is learned from, out of the cache where they are there.

    Those of sentences too where segments are long, or `by_sentence` asks for them.
    """
    encoder = TransformersEncoder.when_needed(options.encoder)
    knowledge = gather_knowledge(data)
    texts = [*texts_of(data.segments, context=True), *knowledge.texts]
    if by_sentence or reads_sentences(data.segments):
        texts += texts_by_sentence(data.segments)
    texts = list(dict.fromkeys(texts))
    rows = EmbeddingCache(cache).encode(
        encoder, texts, advance=lambda done, total: step("embedding", done, total)
    )
    by_text = dict(zip(texts, rows, strict=True))
    return Vectors(encoder=encoder, knowledge=knowledge, by_text=by_text)


def _key(
    data: TrainingData, options: TrainOptions, encoder: TransformersEncoder
) -> dict[str, object]:
    """What decides the work of a training."""
    return {
        "data": data.digest,
        "encoder": encoder.checksum,
        "folds": options.folds,
        "seed": options.seed,
        "minutes": options.minutes,
        "libraries": library_versions(),
        "work": _WORK,
    }


def _report(
    data: TrainingData,
    learned: Learned,
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
        notes=_notes(data, learned.folds, options, codes),
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
        asked=Asked(
            # Where it was found: the worker that trains again starts in another folder.
            encoder=encoder.source,
            min_support=options.min_support,
            min_kappa=options.min_kappa,
            folds=options.folds,
            seed=options.seed,
            tier=options.tier,
            minutes=options.minutes,
            trust_definitions=options.trust_definitions,
        ),
    )


def _notes(
    data: TrainingData, folds: int, options: TrainOptions, codes: tuple[CodeReport, ...]
) -> tuple[str, ...]:
    notes = []
    if not any(open_gates(codes)):
        notes.append(f"{NONE_OPEN} What each code lacks stands beside it.")
    if folds < options.folds:
        notes.append(
            f"{folds} folds and not {options.folds}: there are {len(data.transcripts)} coded "
            "transcripts."
        )
    if assisted := int((~data.scored).sum()):
        notes.append(
            f"{many(assisted, 'segment was', 'segments were')} coded with suggestions in sight: "
            f"{form(assisted, 'it teaches', 'they teach')} the model and "
            f"{form(assisted, 'enters', 'enter')} no figure, threshold or gate."
        )
    return tuple(notes)


def _files(
    data: TrainingData,
    learned: Learned,
    report: TrainReport,
    vectors: Vectors,
) -> dict[str, bytes]:
    encoder, fitted = vectors.encoder, learned.fitted
    usual = with_usual_share(learned.model, learned.scores, data, report.codes)
    model = keeping_to_the_tree(data, replace(learned, model=usual)).model
    parts = ModelParts(
        codes=data.codes,
        open=open_gates(report.codes),
        thresholds=model.thresholds,
        segmentation=data.segmentation,
        setting=fitted.setting,
        words=fitted.words,
        words_heads=fitted.words_heads,
        embedding_heads=fitted.embedding_heads,
        sentence_heads=learned.sentence_heads,
        calibration=model.calibration,
        encoder_name=encoder.name,
        encoder_source=encoder.source,
        encoder_checksum=encoder.checksum,
        dimension=encoder.dimension,
        finetuned=None if learned.finetuned is None else learned.finetuned.arrays,
        implied=learned.implied,
    )
    training = {
        "data": data.digest,
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
            about = vectors.by_text[vectors.knowledge.description(place)]
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

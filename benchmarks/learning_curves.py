"""How well few codings are learned from: average precision by coded segments and method.

    python benchmarks/learning_curves.py [--study middle_managers] [--method fast] [--seed 0]

Whole transcripts are held out for scoring; from the others, so many segments are drawn: as they
come, transcript by transcript (200 turns of talkmoves are one lesson or two), or spread over all
transcripts, as a first coding is best spread. Methods: frozen (the encoder's vectors and
LogisticRegression, the baseline), fast without and with the codebook's definitions (names where a
study has none), best likewise; ours read the turns before where there are any. Macro average
precision over the codes with a positive segment held out, and over those rare in the study (under
2%). Size 0 is all segments of the other transcripts: how far a method comes at all, beside the
frozen baseline at 200. Where segments were read by several people, `coders` is how far one coder's
codings come, as scores of what most of the others applied to the same held-out segments: with
decisions for scores and fewer people to agree with it is no upper bound, but a measure of what
may be asked for. Held-out scores are the uncalibrated scores of the views in equal parts, in
deviations; average precision needs no more.
What is done is kept in --work and not done again; results: benchmarks/results/learning_curves.json,
in which what was not run stays as it was.
"""

import argparse
import json
import os
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine, read_study, write_result
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from annotations.codebook import Codebook
from annotations.study import Study
from models.embedding_cache import EmbeddingCache
from models.encoder import TransformersEncoder
from models.features import texts_of
from models.finetuned import finetuned_texts, load_base
from models.sentences import reads_sentences, texts_by_sentence
from training.checkpoints import Checkpoints
from training.dataset import TrainingData, training_data
from training.finetune import FinetuneOptions, fine_tune
from training.knowledge import gather_knowledge
from training.recipe import Recipe
from training.tiers import start_heads
from training.views import Learner

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "learning_curves.json"
STUDIES = ("middle_managers", "leoka", "sight", "talkmoves")
ORDERS = ("as they come", "spread")
METHODS = ("frozen", "fast", "fast+definitions", "best", "best+definitions")
ALL = 0
SIZES = (50, 100, 200, 500, 1000, ALL)
RARE = 0.02
EPOCHS = 15

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Material:
    """A study's data with and without what its codebook says, and the vectors of both."""

    def __init__(self, study: Study, cache: Path) -> None:
        self.data = training_data(study)
        bare = Codebook.of(
            [replace(one, definition="", include="", examples=()) for one in study.codebook.codes],
            declared=study.codebook.declared,
        )
        self.bare = training_data(replace(study, codebook=bare))
        self.encoder = TransformersEncoder.load()
        texts = [*texts_of(self.data.segments, context=True)]
        if reads_sentences(self.data.segments):
            texts += texts_by_sentence(self.data.segments)
        for data in (self.data, self.bare):
            texts += gather_knowledge(data).texts
        rows = EmbeddingCache(cache).encode(self.encoder, texts)
        self.vectors = dict(zip(texts, rows, strict=True))


def drawn(data: TrainingData, seed: int, how: str) -> tuple[Rows, Rows]:
    """Segments to learn from, in order, and those held out: a third of the transcripts."""
    order = np.random.default_rng(seed).permutation(len(data.transcripts))
    held = order[: max(1, len(order) // 3)]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    rows = np.argsort(place[data.clusters], kind="stable")
    if how == "spread":
        rows = np.random.default_rng(seed + 100).permutation(len(data.clusters))
    return rows[~np.isin(data.clusters[rows], held)], np.flatnonzero(np.isin(data.clusters, held))


def frozen(material: Material, rows: Rows, test: Rows) -> Floats:
    own = np.stack([material.vectors[one.text] for one in material.data.segments])
    found = np.zeros((len(test), len(material.data.codes)))
    for code, labels in enumerate((material.data.targets[rows] > 0.5).T):
        if 0 < labels.sum() < len(labels):
            head = LogisticRegression(class_weight="balanced", max_iter=1000)
            found[:, code] = head.fit(own[rows], labels).decision_function(own[test])
    return found


def fast(material: Material, rows: Rows, test: Rows, *, told: bool) -> Floats:
    data = material.data if told else material.bare
    knowledge = gather_knowledge(data)
    learner = Learner(data, material.vectors, knowledge, lambda: None)
    recipe = Recipe(
        context="turns" if data.has_context else "alone", knowledge=1.0 if told else 0.0
    )
    scores = learner.score(learner.fit(rows, recipe), test)
    if reads_sentences(data.segments):
        side = np.full(len(data.segments), -1, dtype=np.int64)
        side[rows], side[test] = 1, 0
        view = np.zeros((len(side), len(data.codes)))
        view[side == 0] = learner.held_out_sentences(side, 0, recipe)
        scores = np.concatenate([scores, view[test][:, :, np.newaxis]], axis=2)
    return scores


def in_equal_parts(scores: Floats) -> Floats:
    """The mean of the views in deviations; *shapes:* (segments, codes, views) to two of these."""
    spread = scores.std(axis=0)
    return np.asarray((scores / np.where(spread > 0, spread, 1)).mean(axis=2))


def best(material: Material, rows: Rows, test: Rows, *, told: bool, seed: int) -> Floats:
    data = material.data if told else material.bare
    knowledge = gather_knowledge(data)
    learner = Learner(data, material.vectors, knowledge, lambda: None)
    setting = learner.setting(rows, Recipe(context="turns" if data.has_context else "alone"))
    texts = finetuned_texts(data.segments, setting)
    heads = start_heads(data, knowledge, material.vectors, rows)
    if not told:
        heads = replace(heads, weights=np.zeros_like(heads.weights))
    tuned = fine_tune(
        load_base(None),
        heads,
        [texts[row] for row in rows],
        data.targets[rows],
        data.clusters[rows],
        options=FinetuneOptions(epochs=EPOCHS, seed=seed),
        rounds=EPOCHS,
        checkpoints=Checkpoints(None, {}),
        name="",
        step=lambda _done, _of: None,
    )
    scores = tuned.model.log_odds([texts[row] for row in test]).astype(np.float64)
    views = fast(material, rows, test, told=told)
    return np.concatenate([views, scores[:, :, np.newaxis]], axis=2)


def precision(data: TrainingData, test: Rows, scores: Floats) -> dict[str, float]:
    return macro(data.truth[test] & data.scored[test][:, np.newaxis], scores, data)


def macro(truth: NDArray[np.bool_], scores: Floats, data: TrainingData) -> dict[str, float]:
    """Over the codes that are true somewhere; *shapes:* both (segments, codes)."""
    codes = np.flatnonzero(truth.any(axis=0))
    each = np.array([average_precision_score(truth[:, code], scores[:, code]) for code in codes])
    rare = data.truth[:, codes].mean(axis=0) < RARE
    return {
        "macro": float(each.mean()),
        "rare": float(each[rare].mean()) if rare.any() else float("nan"),
    }


def of_coders(data: TrainingData, test: Rows) -> dict[str, float] | None:
    """Each coder's codings as scores; None where nobody read the same segment as another.

    A coder's segments are those that somebody else read; a tie of the others is no majority.
    """
    read, applied = data.read[:, test], data.applied[:, test]
    readers, yes = read.sum(axis=0), applied.sum(axis=0, dtype=np.int64)
    scores, truth = [], []
    for own_read, own in zip(read, applied, strict=True):
        beside = own_read & (readers > 1)
        scores.append(own[beside])
        truth.append(2 * (yes - own)[beside] > (readers[beside] - 1)[:, np.newaxis])
    if not any(map(len, scores)):
        return None
    return macro(np.vstack(truth), np.vstack(scores).astype(np.float64), data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", choices=STUDIES, action="append")
    parser.add_argument("--order", choices=ORDERS, action="append")
    parser.add_argument("--method", choices=METHODS, action="append")
    parser.add_argument("--size", type=int, choices=SIZES, action="append")
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=Path("/tmp/learning_curves"))
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    seeds = arguments.seed or list(range(3))
    for name in arguments.study or STUDIES:
        sample = ROOT / "examples" / name
        folder = sample if sample.is_dir() else arguments.data / name
        material = Material(read_study(folder), arguments.work / "cache")
        for order, seed in product(arguments.order or ORDERS, seeds):
            pool, test = drawn(material.data, seed, order)
            if len(test) > 3000:
                test = test[:3000]
            folder = arguments.work / name / order
            folder.mkdir(parents=True, exist_ok=True)
            people = of_coders(material.data, test)
            if people is not None:
                (folder / f"coders-{seed}.json").write_text(json.dumps(people))
            for size in arguments.size or SIZES:
                if size > len(pool):
                    continue
                for method in arguments.method or METHODS:
                    kept = folder / f"{method}-{size}-{seed}.json"
                    if kept.exists():
                        continue
                    rows = pool[: size or None]
                    told = method.endswith("definitions")
                    if method == "frozen":
                        scores = frozen(material, rows, test)
                    elif method.startswith("fast"):
                        scores = in_equal_parts(fast(material, rows, test, told=told))
                    else:
                        scores = in_equal_parts(best(material, rows, test, told=told, seed=seed))
                    found = precision(material.data, test, scores)
                    kept.write_text(json.dumps(found))
                    print(name, order, method, size, seed, found, flush=True)
    held = json.loads(RESULT.read_text()) if RESULT.exists() else {"studies": {}}
    write_result("learning_curves", collected(arguments.work, held))


def collected(work: Path, held: dict[str, Any]) -> dict[str, Any]:
    """Means over seeds, with each seed's value, and the ratio to the frozen baseline.

    What is not in the work folder stays as it is `held`.
    """
    studies = held["studies"]
    for name, order in product(STUDIES, ORDERS):
        sizes = studies.get(name, {}).get(order, {})
        own = mean_of(work / name / order, "coders")
        rows = {"coders": own} if own else {}
        for size in SIZES:
            before = sizes.get(str(size or "all"), {})
            row = {
                method: mean_of(work / name / order, f"{method}-{size}") or before.get(method)
                for method in METHODS
            }
            if row["frozen"]:
                rows[str(size or "all")] = {method: one for method, one in row.items() if one}
        for size, row in rows.items():
            if size == "coders":
                continue
            for one in row.values():
                one["times_frozen"] = round(one["macro"] / row["frozen"]["macro"], 2)
                if size == "all" and "200" in rows:
                    few = rows["200"]["frozen"]["macro"]
                    one["times_frozen_at_200"] = round(one["macro"] / few, 2)
        if rows:
            studies.setdefault(name, {})[order] = rows
    return {"machine": machine(), "studies": studies, "target_times_frozen_at_200": 1.5}


def mean_of(folder: Path, stem: str) -> dict[str, Any] | None:
    """Over the seeds that are done; None where there are none."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{stem}-[0-9]*.json"))]
    if not found:
        return None
    means = {
        kind: round(float(np.nanmean([one[kind] for one in found])), 4)
        for kind in ("macro", "rare")
        if not all(np.isnan(one[kind]) for one in found)
    }
    return means | {"seeds": [round(one["macro"], 4) for one in found]}


if __name__ == "__main__":
    main()

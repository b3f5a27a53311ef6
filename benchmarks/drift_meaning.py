"""The power to see that a code is applied to other text, with the classifier that `train` fits.

    python benchmarks/drift_meaning.py [--divisions 30] [--wave 25] [--how broadened]

Lessons (talkmoves) are divided at random into two waves; in the second each common code is
broadened (as many of its passages as make 30% of it are another's) or swapped with another. Both
views with the turns before are fitted by folds that leave transcripts out, on the changed codings,
calibrated, and each code is tested. Codes of a division are not independent, so the interval is
over divisions. Results: benchmarks/results/drift_meaning.json, kept as divisions are done.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from drift import DRAWS, FOLDS, LEVEL, changed, divide
from machine import RESULTS, TALKMOVES, machine, read_study
from scipy import stats

from annotations.reliability.drift.meaning import loss_sums
from annotations.reliability.drift.ratios import compare_ratios
from annotations.reliability.estimate import MIN_POSITIVES, Scale
from models.embedding_cache import EmbeddingCache
from models.encoder import TransformersEncoder
from models.features import texts_of
from training.crossfit import cross_fit
from training.dataset import TrainingData, training_data
from training.knowledge import gather_knowledge
from training.recipe import Recipe
from training.views import Learner

COMMON = 200
STATED = {"broadened, 25 a wave": 0.51, "broadened, 40 a wave": 0.74}
RESULT = RESULTS / "drift_meaning.json"


def common_codes(data: TrainingData) -> TrainingData:
    """The data with the codes alone that have 200 segments or more."""
    at = np.flatnonzero(data.truth.sum(axis=0) >= COMMON)
    return replace(
        data,
        codes=tuple(data.codes[code] for code in at),
        book=tuple(data.book[code] for code in at),
        candidates=tuple(data.candidates[code] for code in at),
        targets=data.targets[:, at],
        truth=data.truth[:, at],
    )


class Lessons:
    """talkmoves, its vectors, and what is changed of it in one division."""

    def __init__(self, cache: Path | None) -> None:
        self.data = common_codes(training_data(read_study(TALKMOVES)))
        knowledge = gather_knowledge(self.data)
        texts = list(dict.fromkeys([*texts_of(self.data.segments, context=True), *knowledge.texts]))
        rows = EmbeddingCache(cache).encode(TransformersEncoder.load(None), texts)
        vectors = dict(zip(texts, rows, strict=True))
        self.learner = Learner(self.data, vectors, knowledge, lambda: None)

    def found(self, wave: int, how: str, number: int) -> dict[str, bool]:
        """Whether each code's change is seen at the 5% level, in division number so and so."""
        rng = np.random.default_rng([wave, number])
        data = self.data
        sides = divide(rng, len(data.transcripts), wave)
        rows = np.flatnonzero((sides.before | sides.after)[data.clusters])
        clusters, late = data.clusters[rows], sides.after[data.clusters[rows]]
        truth = data.truth[rows].astype(np.float64)
        planted, codes = truth.copy(), []
        for code in range(len(data.codes)):
            own = truth[:, code]
            others = [
                other
                for other in range(len(data.codes))
                if other != code
                and (truth[late, other] * (1 - own[late])).sum() >= int(0.3 * own[late].sum())
            ]
            if others and min(own[late].sum(), own[~late].sum()) >= MIN_POSITIVES:
                planted[:, code] = changed(own, truth[:, rng.choice(others)], late, how, rng)
                codes.append(code)
        # The fold of a transcript, at random; -1 leaves out those of neither wave.
        fold_of = np.where(
            (sides.before | sides.after)[data.clusters],
            rng.permutation(len(data.transcripts))[data.clusters] % FOLDS,
            -1,
        )
        probabilities = self._held_out(planted, rows, fold_of)
        sums = loss_sums(probabilities, planted, clusters, len(data.transcripts))[:, codes]
        names = [data.codes[code] for code in codes]
        changes = compare_ratios(names, sums, sides, seed=number, scale=Scale.RAW, draws=DRAWS)
        return {one.subject: one.p is not None and one.p <= LEVEL for one in changes}

    def _held_out(self, planted: np.ndarray, rows: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
        targets = np.zeros_like(self.data.targets)
        targets[rows] = planted
        self.learner.data = replace(self.data, targets=targets, truth=targets == 1)
        scores = np.zeros((*targets.shape, 2))
        for fold in range(FOLDS):
            scores[fold_of == fold] = self.learner.held_out(fold_of, fold, Recipe(context="turns"))
        all_of = np.ones(len(rows), dtype=np.bool_)
        return cross_fit(scores[rows], planted == 1, all_of, fold_of[rows]).probabilities


def summary(divisions: list[dict[str, bool]], name: str) -> dict[str, Any]:
    """The share that is seen, with its 95% interval over divisions."""
    own = np.array([np.mean(list(one.values())) for one in divisions])
    half = stats.t.ppf(0.975, len(own) - 1) * own.std(ddof=1) / len(own) ** 0.5
    return {
        "divisions": len(own),
        "tests": sum(map(len, divisions)),
        "share": round(float(own.mean()), 3),
        "low": round(float(own.mean() - half), 3),
        "high": round(float(own.mean() + half), 3),
        "stated": STATED.get(name),
    }


def main() -> None:
    """Add the divisions that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--divisions", type=int, default=30)
    parser.add_argument("--wave", type=int, action="append")
    parser.add_argument("--how", choices=("broadened", "swapped"), action="append")
    parser.add_argument("--cache", type=Path, default=None, help="where embeddings are kept")
    parser.add_argument("--work", type=Path, default=Path("/tmp/drift_meaning"))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    lessons = Lessons(given.cache)
    for number in range(given.divisions):
        for wave in given.wave or (25, 40):
            for how in given.how or ("broadened", "swapped"):
                kept = given.work / f"{how}, {wave} a wave-{number}.json"
                if not kept.exists():
                    kept.write_text(json.dumps(lessons.found(wave, how, number)))
                    print(kept.name, kept.read_text(), flush=True)
    groups: dict[str, list[dict[str, bool]]] = {}
    for path in sorted(given.work.glob("*.json")):
        groups.setdefault(path.stem.rsplit("-", 1)[0], []).append(json.loads(path.read_text()))
    found = {name: summary(own, name) for name, own in groups.items() if len(own) > 1}
    RESULT.write_text(json.dumps({"machine": machine(), **found}, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

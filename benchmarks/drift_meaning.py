"""The power to see that a code is applied to other text, with the classifier that `train` fits.

    python benchmarks/drift_meaning.py [--divisions 30] [--wave 25] [--how broadened]

Lessons (talkmoves) are divided at random into two waves; in the second each common code is
broadened (as many of its passages as make 30% of it are another code's), scattered (they are any
without the code) or swapped with another; or nothing is changed. Both views with the turns before
are fitted by folds that leave transcripts out, on the changed codings, calibrated, and each code is
tested. Codes of a division are not independent, so the interval is over divisions. Beside it the
log loss alone, as the plan had it. Results: benchmarks/results/drift_meaning.json; fitted
divisions are kept in --work.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from drift import DRAWS, FOLDS, LEVEL, changed, divide
from machine import RESULTS, TALKMOVES, machine, read_study
from scipy import stats

from annotations.reliability.drift.meaning import loss_sums, meaning_changes
from annotations.reliability.drift.ratios import Sides, compare_ratios
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
HOW = ("broadened", "scattered", "swapped", "unchanged")
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

    def fitted(self, wave: int, how: str, number: int) -> dict[str, Any]:
        """Division number so and so: its waves, changed codings and held-out probabilities."""
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
                other = 1 - own if how == "scattered" else truth[:, rng.choice(others)]
                planted[:, code] = changed(own, other, late, how, rng)
                codes.append(code)
        # The fold of a transcript, at random; -1 leaves out those of neither wave.
        fold_of = np.where(
            (sides.before | sides.after)[data.clusters],
            rng.permutation(len(data.transcripts))[data.clusters] % FOLDS,
            -1,
        )
        return {
            "p": self._held_out(planted, rows, fold_of),
            "planted": planted,
            "clusters": clusters,
            "codes": np.array(codes),
            "before": sides.before,
            "after": sides.after,
        }

    def found(self, fitted: Mapping[str, Any], number: int) -> dict[str, list[bool]]:
        """Whether each code's change is seen at the 5% level: by the test, by the loss alone."""
        p, planted, clusters = fitted["p"], fitted["planted"], fitted["clusters"]
        names = [self.data.codes[code] for code in fitted["codes"]]
        strata = np.zeros(len(fitted["before"]), dtype=np.int64)
        sides = Sides(before=fitted["before"], after=fitted["after"], stratum=strata)
        changes = meaning_changes(
            self.data.codes, p, planted, clusters, sides, seed=number, draws=DRAWS
        )
        tested = {one.subject: one.loss for one in changes}
        sums = loss_sums(p, planted, clusters, len(strata))[:, fitted["codes"]]
        alone = compare_ratios(names, sums, sides, seed=number, scale=Scale.RAW, draws=DRAWS)
        return {
            name: [one.p is not None and one.p <= LEVEL for one in (tested[name], loss)]
            for name, loss in zip(names, alone, strict=True)
        }

    def _held_out(self, planted: np.ndarray, rows: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
        targets = np.zeros_like(self.data.targets)
        targets[rows] = planted
        self.learner.data = replace(self.data, targets=targets, truth=targets == 1)
        scores = np.zeros((*targets.shape, 2))
        for fold in range(FOLDS):
            scores[fold_of == fold] = self.learner.held_out(fold_of, fold, Recipe(context="turns"))
        all_of = np.ones(len(rows), dtype=np.bool_)
        return cross_fit(scores[rows], planted == 1, all_of, fold_of[rows]).probabilities


def summary(divisions: list[dict[str, list[bool]]], name: str) -> dict[str, Any]:
    """The share that is seen, with its 95% interval over divisions."""
    own = np.array([np.mean(list(one.values()), axis=0) for one in divisions])
    half = stats.t.ppf(0.975, len(own) - 1) * own.std(axis=0, ddof=1) / len(own) ** 0.5
    low, high = (own.mean(axis=0) + sign * half for sign in (-1, 1))
    by = {
        test: {
            "share": round(float(own[:, at].mean()), 3),
            "low": round(max(float(low[at]), 0.0), 3),
            "high": round(min(float(high[at]), 1.0), 3),
        }
        for at, test in enumerate(("the test", "log loss alone"))
    }
    tests = sum(map(len, divisions))
    return {"divisions": len(own), "tests": tests, **by, "stated": STATED.get(name)}


def main() -> None:
    """Add the divisions that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--divisions", type=int, default=30)
    parser.add_argument("--wave", type=int, action="append")
    parser.add_argument("--how", choices=HOW, action="append")
    parser.add_argument("--cache", type=Path, default=None, help="where embeddings are kept")
    parser.add_argument("--work", type=Path, default=Path("/tmp/drift_meaning"))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    lessons = Lessons(given.cache)
    for number in range(given.divisions):
        for wave in given.wave or (25, 40):
            for how in given.how or HOW:
                kept = given.work / f"{how}, {wave} a wave-{number}.npz"
                if not kept.exists():
                    np.savez_compressed(kept, **lessons.fitted(wave, how, number))
                    print(kept.name, flush=True)
    groups: dict[str, list[dict[str, list[bool]]]] = {}
    for path in sorted(given.work.glob("*.npz")):
        name, number = path.stem.rsplit("-", 1)
        groups.setdefault(name, []).append(lessons.found(np.load(path), int(number)))
    found = {name: summary(own, name) for name, own in groups.items() if len(own) > 1}
    RESULT.write_text(json.dumps({"machine": machine(), **found}, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

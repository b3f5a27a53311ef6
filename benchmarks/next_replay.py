"""`next` against random order: how many coded segments a given kappa takes.

    .venv/bin/python benchmarks/next_replay.py [STUDY ...] [--seeds N] [--cache FOLDER]

Replays the coding of real studies that are coded in full, with the fast tier. In each run
transcripts are divided at random: some are held out to measure kappa on, the others are the pool, a
few of which are coded at the start. Then, round by round, a model is trained on what is coded by
the program itself, and transcripts are added in the order of `next`, or in random order. Both
orders start from the same transcripts and are measured on the same. Long transcripts are cut to
their first turns and the pool is bounded, so that a run takes minutes. Reads ../shared/data beside
the project (other places by --data) and writes benchmarks/results/next_replay.json.

The figure: coded segments at which kappa, held out and over all codes pooled, first reaches the
bar, by interpolation between rounds, next / random for each seed, and their geometric mean.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from classifier_floor import ROOT, read_study
from numpy.typing import NDArray
from scipy.stats import t as student

from annotations.study import Study
from models.suggester import Suggester
from training.dataset import TrainingData, training_data
from training.options import TrainOptions
from training.select import Candidate, rank, uncertainty_of
from training.train import train

FOLDS = 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a study is replayed: transcripts at the start, a round, the rounds, the divisions."""

    start: int
    step: int
    rounds: int
    pool: int
    held_out: int
    turns: int


PLANS = {
    "leoka": Plan(start=30, step=25, rounds=6, pool=400, held_out=200, turns=10),
    "talkmoves": Plan(start=3, step=2, rounds=6, pool=50, held_out=30, turns=60),
}


def cut(study: Study, turns: int) -> Study:
    """The first turns of each transcript."""
    return replace(
        study,
        transcripts=tuple(replace(item, turns=item.turns[:turns]) for item in study.transcripts),
        codings=tuple(one for one in study.codings if one.turn < turns),
        readings=tuple(one for one in study.readings if one.turn < turns),
    )


def only(study: Study, names: set[str]) -> Study:
    """The study of these transcripts alone."""
    return replace(
        study,
        transcripts=tuple(item for item in study.transcripts if item.name in names),
        codings=tuple(one for one in study.codings if one.transcript in names),
        readings=tuple(one for one in study.readings if one.transcript in names),
    )


def kappa_of(suggester: Suggester, study: Study, data: TrainingData, held: set[str]) -> float:
    """Cohen's kappa of all decisions on held-out transcripts, pooled over all codes."""
    at = {code: place for place, code in enumerate(data.codes)}
    row = {segment.key: place for place, segment in enumerate(data.segments)}
    said: NDArray[np.bool_] = np.zeros_like(data.truth)
    rows = []
    for one in suggester.decisions([t for t in study.transcripts if t.name in held]):
        place = row.get((one.transcript, one.turn, one.start, one.end))
        if place is not None:
            rows.append(place)
            said[place, [at[code] for code in one.codes if code in at]] = True
    mine, truth = said[rows].ravel(), data.truth[rows].ravel()
    agree = (mine == truth).mean()
    chance = mine.mean() * truth.mean() + (1 - mine.mean()) * (1 - truth.mean())
    return float((agree - chance) / (1 - chance))


def chosen(
    suggester: Suggester,
    study: Study,
    coded: set[str],
    left: set[str],
    support: list[int],
    step: int,
) -> list[str]:
    """What `next` would name."""
    looks = {t.name: suggester.look(t) for t in study.transcripts if t.name in coded | left}
    ranked = rank(
        [
            Candidate(
                name=name,
                uncertainty=uncertainty_of(looks[name].probabilities),
                vector=looks[name].vector,
                cell=(),
            )
            for name in sorted(left)
        ],
        codes=suggester.codes,
        support=support,
        coded_vectors=[looks[name].vector for name in sorted(coded)],
        top=step,
    )
    return [one.transcript for one in ranked]


def replay(study: Study, plan: Plan, seed: int, order: str, cache: Path) -> list[dict[str, Any]]:
    """Coded segments and kappa, round by round."""
    data = training_data(study)
    names = np.random.default_rng(seed).permutation([t.name for t in study.transcripts]).tolist()
    held = set(names[: plan.held_out])
    pool = names[plan.held_out : plan.held_out + plan.pool]
    coded, curve = pool[: plan.start], []
    for number in range(plan.rounds + 1):
        some = only(study, set(coded))
        with tempfile.TemporaryDirectory() as store:
            report = train(
                some, options=TrainOptions(folds=FOLDS, tier="fast"), store=Path(store), cache=cache
            )
            suggester = Suggester.load(Path(store) / report.model_version, encoder_cache=cache)
            kappa = kappa_of(suggester, study, data, held)
            curve.append({"segments": report.segments, "kappa": round(kappa, 4)})
            left = [name for name in pool if name not in set(coded)]
            if number < plan.rounds:
                coded = coded + (
                    left[: plan.step]
                    if order == "random"
                    else chosen(
                        suggester,
                        study,
                        set(coded),
                        set(left),
                        [code.support for code in report.codes],
                        plan.step,
                    )
                )
    return curve


def reached(curve: list[dict[str, Any]], bar: float) -> float | None:
    """Segments at which the curve first reaches the bar, between rounds by interpolation."""
    for before, after in zip([None, *curve], curve, strict=False):
        if after["kappa"] >= bar:
            if before is None:
                return float(after["segments"])
            share = (bar - before["kappa"]) / (after["kappa"] - before["kappa"])
            return float(before["segments"] + share * (after["segments"] - before["segments"]))
    return None


def summary(runs: list[dict[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """The bar of each seed is the kappa that the worse order ends with, so that both reach it."""
    lines = []
    for run in runs:
        bar = min(max(point["kappa"] for point in curve) for curve in run.values())
        needed = {order: reached(curve, bar) for order, curve in run.items()}
        lines.append({"bar": bar, "needed": needed, "ratio": needed["next"] / needed["random"]})
    logs = np.log([line["ratio"] for line in lines])
    half = student.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / len(logs) ** 0.5
    ends = [run["next"][-1]["kappa"] - run["random"][-1]["kappa"] for run in runs]
    areas = [
        float(
            np.mean(
                [a["kappa"] - b["kappa"] for a, b in zip(run["next"], run["random"], strict=True)][
                    1:
                ]
            )
        )
        for run in runs
    ]
    return {
        "seeds": len(runs),
        "segments_next_by_random": {
            "mean": round(float(np.exp(logs.mean())), 3),
            "low": round(float(np.exp(logs.mean() - half)), 3),
            "high": round(float(np.exp(logs.mean() + half)), 3),
        },
        "kappa_next_minus_random_mean_over_rounds": [round(one, 4) for one in areas],
        "kappa_next_minus_random_at_the_end": [round(one, 4) for one in ends],
        "each_seed": lines,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", help=f"of {', '.join(PLANS)}; all if none")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=None, help="where embeddings are kept")
    arguments = parser.parse_args()
    if arguments.seeds < 2:
        parser.error("an interval over seeds needs at least 2")
    out = ROOT / "benchmarks" / "results" / "next_replay.json"
    results = json.loads(out.read_text()) if out.exists() else {"studies": {}}
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        for name in arguments.studies or PLANS:
            started, plan = time.process_time(), PLANS[name]
            study = cut(read_study(arguments.data / name), plan.turns)
            runs = []
            for seed in range(arguments.seeds):
                runs.append(
                    {order: replay(study, plan, seed, order, cache) for order in ("next", "random")}
                )
                print(name, seed, runs[-1], flush=True)
            results["studies"][name] = {
                "plan": vars(plan),
                **summary(runs),
                "curves": runs,
                "cpu_seconds": round(time.process_time() - started),
            }
            print(name, results["studies"][name]["segments_next_by_random"], flush=True)
            out.parent.mkdir(exist_ok=True)
            out.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

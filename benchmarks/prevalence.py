"""How often intervals of prevalence hold the truth, and what the model saves.

Transcripts of real studies are drawn again and again into groups that differ in prevalence, as a
population of which people code 5, 10 or 20 transcripts a group. The model is the tool's own, its
fast tier, by what it said of transcripts that it had not learned from; in each group it errs in its
own way: it misses and invents codes at rates of the group, and is as sure of what it invents as of
what it finds. (leoka's narratives, of one segment each, are bound in files of eight.) Beside the
estimate stand the same from the model's decisions alone, without its probabilities; people's sample
alone; and the naive count of what the model found, with the binomial interval that such counts are
given.

    python benchmarks/prevalence.py [--replicates 1000] [--tier fast]

Reads ../shared/data beside the project and writes benchmarks/results/prevalence.json. Figures
do not depend on the machine.
"""

import argparse
import json
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from machine import ROOT, read_study
from scipy import stats

from annotations.reliability.coefficients import cohen
from annotations.reliability.prevalence.intervals import bounds_of
from annotations.reliability.prevalence.shares import MIN_FOUND, Freedom, deletions_of, rarer
from annotations.reliability.prevalence.sums import Fit, Population, Sums
from annotations.reliability.prevalence.tuning import Tuning
from models.artifacts import HeldOut
from training.dataset import training_data
from training.options import TIERS, TrainOptions
from training.train import train

SEED = 20260401
GROUPS, MEMBERS = 12, 60
SAMPLES = (5, 10, 20)
BOUND = 8
OUT = ROOT / "benchmarks" / "results" / "prevalence.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """A study: *shapes* `people` and `model` (segments, codes), `clusters` (segments,).

    `probability` (segments, codes) is the model's, calibrated on the other folds.
    """

    codes: tuple[str, ...]
    people: np.ndarray
    model: np.ndarray
    probability: np.ndarray
    clusters: np.ndarray


def coded(folder: Path, tier: str = "fast") -> Coded:
    """Majority codes and out-of-fold decisions, on codes with 40 segments at least."""
    study = read_study(folder)
    data = training_data(study)
    with tempfile.TemporaryDirectory() as place:
        report = train(study, options=TrainOptions(tier=tier), store=Path(place))
        held = HeldOut.read(Path(place) / report.model_version)
    kept = np.flatnonzero(data.truth.sum(axis=0) >= 40)
    clusters = data.clusters
    if len(data.transcripts) == len(data.truth):
        # Narratives of a single segment, bound in files: else nothing would be clustered.
        clusters = clusters // BOUND
    return Coded(
        codes=tuple(data.codes[code] for code in kept),
        people=data.truth[:, kept],
        model=held.applied[:, kept],
        probability=held.scores[:, kept].astype(np.float64),
        clusters=clusters,
    )


def kappas(people: np.ndarray, model: np.ndarray) -> np.ndarray:
    table = np.stack(
        [
            np.stack([(~people & ~model).sum(axis=0), (~people & model).sum(axis=0)], axis=-1),
            np.stack([(people & ~model).sum(axis=0), (people & model).sum(axis=0)], axis=-1),
        ],
        axis=-2,
    )
    return np.asarray(cohen(table.astype(np.float64)))


class World:
    """Groups of transcripts, each with its own prevalence and its own errors of the model.

    A group draws transcripts with weights that lean to some and away from others. There the model
    misses up to a quarter of what it would find, and invents up to a tenth of the prevalence.
    """

    def __init__(self, study: Coded, rng: np.random.Generator) -> None:
        self.study = study
        count = int(study.clusters.max()) + 1
        lean = rng.gamma(2.0, size=(GROUPS, count))
        self.weights = lean / lean.sum(axis=1, keepdims=True)
        misses = rng.uniform(0.0, 0.25, GROUPS)
        common = study.people.mean(axis=0)
        invents = rng.uniform(0.0, 0.1, (GROUPS, 1)) * common
        self.sizes = np.bincount(study.clusters, minlength=count).astype(np.float64)
        self.people = self._sums(study.people)
        self.said = np.zeros((GROUPS, count, len(study.codes), 2))
        self.kappa = np.zeros((GROUPS, len(study.codes)))
        for group in range(GROUPS):
            flipped = study.model & (rng.random(study.model.shape) >= misses[group])
            flipped |= ~study.model & (rng.random(study.model.shape) < invents[group])
            chances = as_flipped(study, flipped, np.random.default_rng([SEED, group]))
            self.said[group] = np.stack([self._sums(flipped), self._sums(chances)], axis=-1)
            self.kappa[group] = kappas(study.people, flipped)

    def _sums(self, marks: np.ndarray) -> np.ndarray:
        found = np.zeros((len(self.sizes), marks.shape[1]))
        np.add.at(found, self.study.clusters, marks.astype(np.float64))
        return found

    def truth_of_people(self) -> np.ndarray:
        """Shares in what the groups are drawn from; *shape:* (groups, codes)."""
        return np.asarray((self.weights @ self.people) / (self.weights @ self.sizes)[:, np.newaxis])

    def members(self, rng: np.random.Generator) -> np.ndarray:
        """Which transcripts make up each group; *shape:* (groups, members)."""
        return np.stack(
            [rng.choice(len(self.sizes), MEMBERS, p=weights) for weights in self.weights]
        )

    def population(self, chosen: np.ndarray) -> tuple[Sums, np.ndarray]:
        """Members of all groups with everything known, and the true shares in each group."""
        sizes = self.sizes[chosen]
        people = self.people[chosen]
        said = np.stack([self.said[group][chosen[group]] for group in range(GROUPS)])
        flat = GROUPS * MEMBERS
        sums = Sums(
            codes=self.study.codes,
            sizes=sizes.reshape(flat),
            said=said.reshape(flat, -1, 2),
            people=people.reshape(flat, -1),
            segments=sizes.reshape(flat),
            found=people.reshape(flat, -1),
            probability=np.ones(flat),
            strata=np.repeat(np.arange(GROUPS), MEMBERS),
        )
        return sums, people.sum(axis=1) / sizes.sum(axis=1)[:, np.newaxis]


def as_flipped(study: Coded, flipped: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Probabilities that go with other decisions: those of segments that were decided so."""
    found = study.probability.copy()
    for code in range(found.shape[1]):
        yes = study.model[:, code]
        for now in (False, True):
            changed = (flipped[:, code] == now) & (yes != now)
            found[changed, code] = rng.choice(study.probability[yes == now, code], changed.sum())
    return found


def decisions_alone(sums: Sums) -> Sums:
    return replace(sums, said=sums.said[..., :1])


def sampled(whole: Sums, size: int, rng: np.random.Generator) -> Sums:
    """People have coded `size` of each group, drawn at random."""
    keys = rng.random((GROUPS, MEMBERS))
    sample = (keys.argsort(axis=1).argsort(axis=1) < size).ravel()
    return replace(
        whole,
        people=np.where(sample[:, np.newaxis], whole.people, np.nan),
        found=np.where(sample[:, np.newaxis], whole.found, 0.0),
        probability=np.full(len(sample), size / MEMBERS),
    )


def simulate(world: World, size: int, of: Population, replicates: int) -> dict[str, Any]:
    rng = np.random.default_rng(SEED + size)
    beyond = world.truth_of_people()
    cells = [np.repeat(np.arange(GROUPS), MEMBERS) == group for group in range(GROUPS)]
    shape = (replicates, GROUPS, len(world.study.codes))
    ways = ("model and people", "decisions and people", "people")
    held = {name: np.full(shape, np.nan) for name in (*ways, "naive")}
    width = {name: np.full(shape, np.nan) for name in ways}
    for replicate in range(replicates):
        whole, here = world.population(world.members(rng))
        truth = here if of is Population.THESE else beyond
        sums = sampled(whole, size, rng)
        decided = decisions_alone(sums)
        read = (
            (sums, Tuning.of(sums, cells)),
            (decided, Tuning.of(decided, cells)),
            (sums, Tuning.fixed(sums, 0.0)),
        )
        for group, cell in enumerate(cells):
            fit = Fit.of(sums, cell)
            freedom = Freedom.of(sums, fit, of)
            enough = rarer(sums, fit) >= MIN_FOUND
            for name, (own, lam) in zip(ways, read, strict=True):
                leaned = lam.where_apart(own, [fit.sample])
                found = bounds_of(deletions_of(own, fit, leaned, of, freedom))
                given = enough & found.known
                inside = (found.low <= truth[group]) & (truth[group] <= found.high)
                held[name][replicate, group] = np.where(given, inside, np.nan)
                width[name][replicate, group] = np.where(given, found.high - found.low, np.nan)
            units = sums.sizes[cell].sum()
            naive = sums.model[cell].sum(axis=0) / units
            error = stats.norm.ppf(0.975) * np.sqrt(naive * (1 - naive) / units)
            held["naive"][replicate, group] = np.abs(naive - truth[group]) <= error
    return summary(world, held, width)


def summary(
    world: World, held: dict[str, np.ndarray], width: dict[str, np.ndarray]
) -> dict[str, Any]:
    both = np.all([~np.isnan(one) for one in width.values()], axis=0)
    sums = {name: np.where(both, one, 0).sum(axis=0) for name, one in width.items()}
    with np.errstate(all="ignore"):
        ratio, decided = (
            sums[name] / sums["people"] for name in ("model and people", "decisions and people")
        )
    good = world.kappa >= 0.6
    return {
        "coverage": {name: share(values) for name, values in held.items()},
        "coverage_by_code": {
            code: share(held["model and people"][:, :, at])["share"]
            for at, code in enumerate(world.study.codes)
        },
        "with_interval": round(float(both.mean()), 4),
        "width": {
            name: round(float(np.nanmean(np.where(both, values, np.nan))), 4)
            for name, values in width.items()
        },
        "width_to_people": round(float(np.nanmean(ratio)), 4),
        "width_to_people_by_decisions": round(float(np.nanmean(decided)), 4),
        "width_to_people_where_kappa_is_.6": (
            round(float(np.nanmean(ratio[good])), 4) if good.any() else None
        ),
        "width_to_people_by_decisions_where_kappa_is_.6": (
            round(float(np.nanmean(decided[good])), 4) if good.any() else None
        ),
        "cells_where_kappa_is_.6": int(good.sum()),
    }


def share(values: np.ndarray) -> dict[str, float]:
    """A share with its standard error over replicates, whose cells are not independent."""
    flat = values.reshape(len(values), -1)
    flat = flat[~np.isnan(flat).all(axis=1)]
    by_replicate = np.nanmean(flat, axis=1)
    error = np.nanstd(by_replicate, ddof=1) / np.sqrt(len(by_replicate))
    return {"share": round(float(np.nanmean(values)), 4), "se": round(float(error), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--tier", choices=TIERS, default="fast")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    started = time.monotonic()
    results: dict[str, Any] = {
        "replicates": arguments.replicates,
        "tier": arguments.tier,
        "groups": GROUPS,
        "transcripts_a_group": MEMBERS,
        "studies": {},
    }
    for name in ("leoka", "talkmoves"):
        study = coded(arguments.data / name, arguments.tier)
        world = World(study, np.random.default_rng(SEED))
        wanted = [(of, size) for of in Population for size in SAMPLES]
        rows = {}
        # Each from a seed of its own, so that side by side they are the same.
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            found = [
                pool.submit(simulate, world, size, of, arguments.replicates) for of, size in wanted
            ]
            for (of, size), one in zip(wanted, found, strict=True):
                rows[f"{of.value}, {size} a group"] = told = one.result()
                print(
                    f"{name}, {of.value}, {size} a group: {told['coverage']}, width to people "
                    f"{told['width_to_people']} ({told['width_to_people_where_kappa_is_.6']}), "
                    f"{time.monotonic() - started:.0f} s",
                    flush=True,
                )
        results["studies"][name] = {
            "codes": len(study.codes),
            "kappa_of_the_model": {
                code: round(float(kappa), 3)
                for code, kappa in zip(study.codes, kappas(study.people, study.model), strict=True)
            },
            "kappa_by_group": [round(float(one), 3) for one in world.kappa.mean(axis=1)],
            "settings": rows,
        }
        results["seconds"] = round(time.monotonic() - started)
        results["cores"] = os.cpu_count()
        OUT.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

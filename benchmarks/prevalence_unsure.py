"""What it is worth to draw first what the model is unsure of, and whether intervals still hold.

The groups of `prevalence.py`, whose transcripts are drawn twice from the very same population: each
with the same probability, and with `sample --unsure-first`, where the probability rises with the
model's doubt about all codes, or about a single one that was asked for, each code in turn. The
doubts know nothing of what each group's errors are. Widths are compared where both draws give an
interval. Longer transcripts leave more to doubt, so people code more segments: beside the plain
ratio stands that for the same work, multiplied by the root of how many more.

    python benchmarks/prevalence_unsure.py [--replicates 1000]

Reads ../shared/data beside the project and writes benchmarks/results/prevalence_unsure.json.
Figures do not depend on the machine.
"""

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from classifier_floor import ROOT
from prevalence import GROUPS, MEMBERS, SAMPLES, SEED, World, coded, sampled, share

from annotations.reliability.prevalence.intervals import bounds_of
from annotations.reliability.prevalence.shares import MIN_FOUND, deletions_of, rarer
from annotations.reliability.prevalence.sums import Fit, Population, Sums
from annotations.reliability.prevalence.tuning import Tuning
from annotations.unequal import draw_unequal, probabilities_of
from models.certainty import doubts_together

OUT = ROOT / "benchmarks" / "results" / "prevalence_unsure.json"
CELLS = [np.repeat(np.arange(GROUPS), MEMBERS) == group for group in range(GROUPS)]


def doubts_of(world: World) -> np.ndarray:
    """The model's doubt about each code in each transcript; *shape:* (transcripts, codes)."""
    chance = world.study.probability
    found = np.zeros((len(world.sizes), chance.shape[1]))
    np.add.at(found, world.study.clusters, chance * (1 - chance))
    return found


def drawn_unsure(whole: Sums, doubts: np.ndarray, size: int, seed: int) -> Sums:
    """People have coded `size` of each group; *shape:* `doubts` (transcripts, codes asked for)."""
    together = doubts_together(doubts)
    sample = np.zeros(len(together), dtype=np.bool_)
    probability = np.zeros(len(together))
    for group, cell in enumerate(CELLS):
        sizes = {f"{group} {at}": float(together[at]) for at in np.flatnonzero(cell)}
        chances = probabilities_of(sizes, size)
        drawn = draw_unequal(chances, seed=seed)
        sample[cell] = [name in drawn for name in sizes]
        probability[cell] = list(chances.values())
    return replace(
        whole,
        people=np.where(sample[:, np.newaxis], whole.people, np.nan),
        found=np.where(sample[:, np.newaxis], whole.found, 0.0),
        probability=probability,
    )


def only(sums: Sums, code: int) -> Sums:
    one = slice(code, code + 1)
    return replace(
        sums,
        codes=sums.codes[one],
        said=sums.said[:, one],
        people=sums.people[:, one],
        found=sums.found[:, one],
    )


def simulate(world: World, size: int, replicates: int, *, single: bool) -> dict[str, Any]:
    """Coverage and widths of both draws, for both populations, of all codes or `single` ones."""
    rng = np.random.default_rng(SEED + size)
    beyond = world.truth_of_people()
    doubts = doubts_of(world)
    shape = (replicates, GROUPS, 1 if single else len(world.study.codes))
    names = [(draw, of) for draw in ("even", "unsure first") for of in Population]
    held = {name: np.full(shape, np.nan) for name in names}
    width = {name: np.full(shape, np.nan) for name in names}
    miss = {name: np.full(shape, np.nan) for name in names}
    work = {"even": 0.0, "unsure first": 0.0}
    for replicate in range(replicates):
        chosen = world.members(rng)
        whole, here = world.population(chosen)
        truths = {Population.THESE: here, Population.LIKE: beyond}
        own = doubts[chosen.ravel()]
        if single:
            code = replicate % len(world.study.codes)
            whole, own = only(whole, code), own[:, [code]]
            truths = {of: truth[:, [code]] for of, truth in truths.items()}
        draws = {
            "even": sampled(whole, size, rng),
            "unsure first": drawn_unsure(whole, own, size, replicate),
        }
        for draw, sums in draws.items():
            work[draw] += float(sums.sizes[sums.coded].sum())
            tuning = Tuning.of(sums, CELLS)
            for group, cell in enumerate(CELLS):
                fit = Fit.of(sums, cell)
                leaned = tuning.where_apart(sums, [fit.sample])
                enough = rarer(sums, fit) >= MIN_FOUND
                for of in Population:
                    deletions = deletions_of(sums, fit, leaned, of)
                    found = bounds_of(deletions)
                    given = enough & found.known
                    truth = truths[of][group]
                    inside = (found.low <= truth) & (truth <= found.high)
                    at = (draw, of)
                    held[at][replicate, group] = np.where(given, inside, np.nan)
                    width[at][replicate, group] = np.where(given, found.high - found.low, np.nan)
                    miss[at][replicate, group] = (deletions.value - truth) ** 2
    more = work["unsure first"] / work["even"]
    return {of.value: compared(of, held, width, miss, more) for of in Population}


def compared(of: Population, held: Any, width: Any, miss: Any, more: float) -> dict[str, Any]:
    even, unsure = ("even", of), ("unsure first", of)
    both = ~np.isnan(width[even]) & ~np.isnan(width[unsure])
    widths = [np.where(both, width[one], 0).sum(axis=(0, 1)) for one in (unsure, even)]
    with np.errstate(all="ignore"):
        ratio = widths[0] / widths[1]
        errors = np.sqrt(miss[unsure].mean(axis=(0, 1)) / miss[even].mean(axis=(0, 1)))
    return {
        "coverage": {one[0]: share(held[one]) for one in (even, unsure)},
        "with_interval": {
            one[0]: round(float((~np.isnan(width[one])).mean()), 4) for one in (even, unsure)
        },
        "segments_to_even": round(more, 4),
        "width_to_even": round(float(np.nanmean(ratio)), 4),
        "width_to_even_for_the_same_work": round(float(np.nanmean(ratio)) * more**0.5, 4),
        "width_to_even_by_code": [round(float(one), 3) for one in ratio],
        "error_to_even": round(float(np.nanmean(errors)), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.monotonic()
    results: dict[str, Any] = {
        "replicates": arguments.replicates,
        "groups": GROUPS,
        "transcripts_a_group": MEMBERS,
        "studies": {},
    }
    for name in ("leoka", "talkmoves"):
        study = coded(arguments.data / name)
        world = World(study, np.random.default_rng(SEED))
        doubts = doubts_of(world)
        rows: dict[str, Any] = {}
        for single in (False, True):
            asked = "one code" if single else "all codes"
            for size in SAMPLES:
                found = simulate(world, size, arguments.replicates, single=single)
                rows[f"{asked}, {size} a group"] = found
                for of, row in found.items():
                    coverage = row["coverage"]
                    print(
                        f"{name}, {asked}, {of}, {size} a group: coverage "
                        f"{coverage['even']['share']} even, "
                        f"{coverage['unsure first']['share']} unsure first, with interval "
                        f"{list(row['with_interval'].values())}, width {row['width_to_even']} "
                        f"(same work {row['width_to_even_for_the_same_work']}), "
                        f"error {row['error_to_even']}, {time.monotonic() - started:.0f} s",
                        flush=True,
                    )
        together = doubts_together(doubts)
        results["studies"][name] = {
            "codes": list(study.codes),
            "spread_of_the_doubts": round(float(together.std() / together.mean()), 3),
            "spread_of_the_lengths": round(float(world.sizes.std() / world.sizes.mean()), 3),
            "settings": rows,
        }
        results["seconds"] = round(time.monotonic() - started)
        results["cores"] = os.cpu_count()
        arguments.out.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

"""Drift on real transcripts divided into waves: false alarms where nothing moved, and power.

    python benchmarks/drift.py [--divisions 1000] [--again]

Lessons (talkmoves) and narratives (leoka) are divided at random into two waves. Each test's
share of p <= .05 where nothing was planted is its false alarms; beside them those of the usual
tests, which take segments as independent. Then changes are planted in the second wave. Each
part is written as soon as it is done, and what is there is not measured again.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import RESULTS, TALKMOVES, machine, read_study
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from annotations.reliability.agreement import people_of
from annotations.reliability.drift.alphas import (
    alphas_of_model,
    alphas_of_people,
    compare_alphas,
)
from annotations.reliability.drift.coders import (
    against_others,
    bias_sums,
    disagreement_sums,
    flipped,
)
from annotations.reliability.drift.control_chart import control_chart
from annotations.reliability.drift.meaning import meaning_changes
from annotations.reliability.drift.ratios import Sides, compare_ratios
from annotations.reliability.drift.texts import text_shift
from annotations.reliability.drift.trend import trends
from annotations.reliability.estimate import Bools, Floats, Scale
from annotations.reliability.tallies import Ints, grouping

WAVE = 30
DRAWS = 400
FOLDS = 5
WIDTH = 50
LEVEL = 0.05
RESULT = RESULTS / "drift.json"
LEOKA = TALKMOVES.parent / "leoka"


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """A study in numbers. *Shapes:* `features` (segments, width), `truth` (segments, codes)."""

    codes: tuple[str, ...]
    truth: Floats
    clusters: Ints
    groups: int
    texts: list[str]
    features: Floats


def material_of(folder: Path) -> Material:
    """The majority's coding of codes with 200 segments or more, and features of the words."""
    table = people_of(read_study(folder).table())
    label = table.majority()
    known = ~np.isnan(label).any(axis=1)
    truth = (label[known] == 1).astype(np.float64)
    common = np.flatnonzero(truth.sum(axis=0) >= 200)
    texts = [unit.text for unit, kept in zip(table.units, known, strict=True) if kept]
    words = make_pipeline(
        TfidfVectorizer(min_df=3, sublinear_tf=True), TruncatedSVD(WIDTH, random_state=0)
    )
    return Material(
        codes=tuple(table.codes[at] for at in common),
        truth=truth[:, common],
        clusters=table.clusters[known],
        groups=len(table.transcripts),
        texts=texts,
        features=words.fit_transform(texts),
    )


def held_out(features: Floats, truth: Floats, clusters: Ints) -> Floats:
    """Probabilities by folds that leave transcripts out; *shape:* (segments, codes)."""
    found = np.full(truth.shape, 0.5)
    for fold in range(FOLDS):
        out = clusters % FOLDS == fold
        for code in range(truth.shape[1]):
            if 0 < truth[~out, code].sum() < (~out).sum():
                fitted = LogisticRegression(C=10, max_iter=200).fit(
                    features[~out], truth[~out, code]
                )
                found[out, code] = fitted.predict_proba(features[out])[:, 1]
    return found


def divide(rng: np.random.Generator, groups: int, wave: int = WAVE) -> Sides:
    """Two waves of transcripts drawn at random."""
    drawn = rng.permutation(groups)[: 2 * wave]
    before, after = (np.isin(np.arange(groups), part) for part in (drawn[:wave], drawn[wave:]))
    return Sides(before=before, after=after, stratum=np.zeros(groups, dtype=np.int64))


def chi_squared(sums: Floats, sides: Sides) -> list[float]:
    """Segments with and without each code in two waves, as if they were independent."""
    found = []
    for code in range(sums.shape[1]):
        table = []
        for arm in (sides.before, sides.after):
            yes, number = sums[arm, code, 0].sum(axis=0)
            table.append([yes, number - yes])
        if min(np.sum(table, axis=0)) > 0:
            found.append(float(stats.chi2_contingency(table, correction=False).pvalue))
    return found


def mmd(features: Floats, clusters: Ints, sides: Sides, rng: np.random.Generator) -> float:
    """The kernel two-sample test of 150 segments a wave at most, permuting segments."""
    inside = [np.flatnonzero(arm[clusters]) for arm in (sides.before, sides.after)]
    size = min(150, *map(len, inside))
    rows = [rng.choice(own, size, replace=False) for own in inside]
    apart = cdist(*[features[np.concatenate(rows)]] * 2, "sqeuclidean")
    kernel = np.exp(-apart / np.median(apart[apart > 0]))
    np.fill_diagonal(kernel, 0.0)
    signs = np.repeat([-1.0, 1.0], size)
    lots = np.stack([signs, *(rng.permutation(signs) for _ in range(100))])
    values = ((lots @ kernel) * lots).sum(axis=1)
    return float((values >= values[0] - 1e-12).mean())


def shares(p: list[float]) -> dict[str, Any]:
    """How often p was at most .05, with the upper bound of its 95% interval (Clopper-Pearson)."""
    hits, number = int(np.sum(np.array(p) <= LEVEL)), len(p)
    upper = float(stats.beta.ppf(0.975, hits + 1, number - hits)) if hits < number else 1.0
    return {"tests": number, "share": round(hits / max(number, 1), 4), "upper": round(upper, 4)}


def false_alarms(folder: Path, divisions: int) -> dict[str, Any]:
    """Nothing planted: one test of each kind a division, on a code drawn at random."""
    data = material_of(folder)
    rng = np.random.default_rng(1)
    by_transcript = grouping(data.clusters, data.groups)
    read = np.broadcast_to(
        (by_transcript @ np.ones(len(data.clusters)))[:, None], (data.groups, len(data.codes))
    )
    use = np.stack([by_transcript @ data.truth, read], axis=-1)[:, :, np.newaxis]
    scores = held_out(data.features, data.truth, data.clusters)
    means = (by_transcript @ data.features) / read[:, :1].clip(1)
    p: dict[str, list[float]] = {
        name: [] for name in ("use", "meaning", "text", "chi-squared", "MMD")
    }
    for number in range(divisions):
        sides = divide(rng, data.groups)
        code = [int(rng.integers(len(data.codes)))]
        (change,) = compare_ratios(["code"], use[:, code], sides, seed=number, draws=DRAWS)
        meaning = {
            one.subject: one.loss
            for one in meaning_changes(
                data.codes, scores, data.truth, data.clusters, sides, seed=number, draws=DRAWS
            )
        }
        for name, one in (("use", change), ("meaning", meaning.get(data.codes[code[0]]))):
            if one is not None and one.p is not None:
                p[name].append(one.p)
        text = text_shift(
            means, sides.before, sides.after, names=("", ""), seed=number, draws=DRAWS
        )
        p["text"].append(1.0 if text.p is None else text.p)
        p["chi-squared"] += chi_squared(use[:, code], sides)
        p["MMD"].append(mmd(data.features, data.clusters, sides, rng))
    return {name: shares(values) for name, values in p.items()}


def topic_alarms(divisions: int) -> dict[str, Any]:
    """Lessons whose words differ, nothing else changed: how often meaning seems to have moved.

    They are ordered along a random direction of the ten in which lessons differ most; the first
    and the last are the waves, so that these are no random halves of one population.
    """
    data = material_of(TALKMOVES)
    scores = held_out(data.features, data.truth, data.clusters)
    by_transcript = grouping(data.clusters, data.groups)
    means = (
        by_transcript @ data.features / np.bincount(data.clusters, minlength=data.groups)[:, None]
    )
    main, _, _ = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    rng = np.random.default_rng(8)
    p = []
    for number in range(divisions):
        order = np.argsort(main[:, :10] @ rng.normal(size=10))
        before, after = (
            np.isin(np.arange(data.groups), ends) for ends in (order[:WAVE], order[-WAVE:])
        )
        sides = Sides(before=before, after=after, stratum=np.zeros(data.groups, dtype=np.int64))
        changes = meaning_changes(
            data.codes, scores, data.truth, data.clusters, sides, seed=number, draws=DRAWS
        )
        one = changes[int(rng.integers(len(changes)))].loss
        p += [one.p] if one.p is not None else []
    return {"meaning": shares(p)}


def agreement_alarms(divisions: int) -> dict[str, Any]:
    """leoka's coders: alpha of two random waves of narratives, pooled over codes."""
    table = people_of(read_study(LEOKA).table())
    rng = np.random.default_rng(2)
    p = []
    for _ in range(divisions):
        sides = divide(rng, len(table.transcripts), 2 * WAVE)
        one, two = (alphas_of_people(table, arm) for arm in (sides.before, sides.after))
        changes = compare_alphas(("all codes", *table.codes), one, two, (1, 1))
        p += [changes[0].p] if changes[0].p is not None else []
    return {"agreement": shares(p)}


def people_alarms(divisions: int) -> dict[str, Any]:
    """leoka divided at random: coders beside the others, the model beside people, and a trend.

    A coder and a code are drawn each time; the model is a classifier of the words, held out.
    """
    table = people_of(read_study(LEOKA).table())
    groups = len(table.transcripts)
    people = [one for one in against_others(table) if len(np.unique(one.clusters)) >= 4 * WAVE]
    data = material_of(LEOKA)
    scores = held_out(data.features, data.truth, data.clusters)
    off = np.stack(
        [
            np.bincount(data.clusters, (scores - data.truth).sum(axis=1), data.groups),
            np.bincount(data.clusters, minlength=data.groups) * float(len(data.codes)),
        ],
        axis=-1,
    )[:, np.newaxis, np.newaxis]
    by_transcript = grouping(data.clusters, data.groups)
    read = by_transcript @ np.ones(len(data.clusters))
    use = np.stack([by_transcript @ data.truth, np.tile(read[:, None], len(data.codes))], axis=-1)
    rng = np.random.default_rng(7)
    p: dict[str, list[float | None]] = {
        name: [] for name in ("coder", "coder and code", "model", "calibration", "trend")
    }
    for number in range(divisions):
        one = people[int(rng.integers(len(people)))]
        theirs = np.unique(one.clusters)
        sides = divide(rng, len(theirs), 2 * WAVE)
        whole = Sides(
            **{
                side: np.isin(np.arange(groups), theirs[getattr(sides, side)])
                for side in ("before", "after")
            },
            stratum=np.zeros(groups, dtype=np.int64),
        )
        for name, sums, scale in (
            ("coder", disagreement_sums(one, groups), Scale.LOGIT),
            ("coder and code", bias_sums(one, groups), Scale.RAW),
        ):
            at = [int(rng.integers(sums.shape[1]))]
            (change,) = compare_ratios(
                [""], sums[:, at], whole, seed=number, scale=scale, draws=DRAWS
            )
            p[name].append(change.p)
        sides = divide(rng, data.groups, 2 * WAVE)
        (change,) = compare_ratios([""], off, sides, seed=number, scale=Scale.RAW, draws=DRAWS)
        p["calibration"].append(change.p)
        before, after = (
            alphas_of_model(data.truth, scores >= 0.5, data.clusters, groups=data.groups, wave=arm)
            for arm in (sides.before, sides.after)
        )
        p["model"].append(compare_alphas(("", *data.codes), before, after, (1, 1))[0].p)
        wave = np.full(data.groups, -1)
        wave[rng.permutation(data.groups)[: 3 * WAVE]] = np.repeat(np.arange(3), WAVE)
        at = [int(rng.integers(len(data.codes)))]
        p["trend"] += [one.p for one in trends([""], use[:, at], wave, seed=number, draws=DRAWS)]
    return {name: shares([one for one in own if one is not None]) for name, own in p.items()}


def coder_alarms(divisions: int) -> dict[str, Any]:
    """Simulated: 30 transcripts by 10 segments, errors that differ between transcripts."""
    rng = np.random.default_rng(3)
    p: dict[str, list[float]] = {"recoding": [], "control chart": []}
    for number in range(divisions):
        errors = rng.beta(2, 18, size=30)
        flips = rng.random((30, 10)) < errors[:, None]
        signs = rng.choice([-1, 1], size=(30, 10))
        p["recoding"].append(
            float(flipped((flips * signs).sum(axis=1)[:, None], seed=number, draws=DRAWS)[0])
        )
        chart = control_chart(
            "",
            tuple(map(str, range(30))),
            flips.ravel(),
            np.repeat(np.arange(30), 10),
            seed=number,
            runs=200,
        )
        p["control chart"].append(1.0 if chart is None or chart.alarm is None else 0.0)
    return {name: shares(values) for name, values in p.items()}


def planted_use(planted: int) -> dict[str, Any]:
    """Simulated as in the plan: prevalence .10 that becomes .15 or .20, 40 segments each.

    Between transcripts prevalence varies as real codes' does: ICC .06 and .08.
    """
    rng = np.random.default_rng(4)
    found = {}
    for late, icc in itertools.product((0.15, 0.20), (0.06, 0.08)):
        p = []
        for number in range(planted):
            means = np.repeat([0.1, late], WAVE)
            own = rng.beta((1 / icc - 1) * means, (1 / icc - 1) * (1 - means))
            sums = np.stack([rng.binomial(40, own), np.full(2 * WAVE, 40)], axis=-1)
            after = np.arange(2 * WAVE) >= WAVE
            sides = Sides(before=~after, after=after, stratum=np.zeros(2 * WAVE, dtype=np.int64))
            (change,) = compare_ratios(
                ["code"], sums[:, None, None].astype(np.float64), sides, seed=number
            )
            p.append(1.0 if change.p is None else change.p)
        found[f".10 to {late:.2f}, ICC {icc}"] = shares(p)
    return found


def changed(one: Floats, other: Floats, late: Bools, how: str, rng: np.random.Generator) -> Floats:
    """The first code's coding, with what the second wave made of it."""
    if how == "unchanged":
        return one
    if how == "swapped":
        return np.where(late, other, one)
    # As many of its passages are the other's as make 30% of it.
    mine, theirs = (
        np.flatnonzero(late & (one == 1)),
        np.flatnonzero(late & (other == 1) & (one == 0)),
    )
    number = int(0.3 * len(mine))
    truth = one.copy()
    truth[rng.choice(mine, number, replace=False)] = 0.0
    truth[rng.choice(theirs, number, replace=False)] = 1.0
    return truth


def planted_coder(planted: int) -> dict[str, Any]:
    """Simulated: 30 transcripts by 10; a re-coding with 8 points more false positives.

    A twelfth of the segments is coded otherwise by chance; the points more are the same in all
    transcripts, or vary between them (deviation 5 points).
    """
    found = {}
    for name, varying in (("alike", False), ("varying between transcripts", True)):
        rng = np.random.default_rng(6)
        p = []
        for number in range(planted):
            rates = rng.beta(2, 23, size=30) if varying else np.full(30, 0.08)
            gained = rng.random((30, 10)) < rates[:, None]
            chance = rng.choice([-1, 0, 1], p=[0.04, 0.92, 0.04], size=(30, 10))
            sums = (gained + chance).sum(axis=1)[:, None].astype(float)
            p.append(float(flipped(sums, seed=number, draws=DRAWS)[0]))
        found[f"recoding, +8 points, {name}"] = shares(p)
    return found


def main() -> None:
    """Measure what is not in the result yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--divisions", type=int, default=1000)
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "false alarms, talkmoves": lambda: false_alarms(TALKMOVES, given.divisions),
        "false alarms, leoka": lambda: false_alarms(LEOKA, given.divisions),
        "false alarms, coders (simulated)": lambda: coder_alarms(given.divisions),
        "power, use (simulated)": lambda: planted_use(2 * given.divisions),
        "power, coder (simulated)": lambda: planted_coder(2 * given.divisions),
        "meaning where lessons differ in topic (talkmoves)": lambda: topic_alarms(given.divisions),
        "false alarms, agreement (leoka)": lambda: agreement_alarms(given.divisions),
        "false alarms, people and model (leoka)": lambda: people_alarms(given.divisions),
    }
    done = json.loads(RESULT.read_text()) if RESULT.exists() and not given.again else {}
    for name, measure in parts.items():
        if name in done:
            continue
        start = time.monotonic()
        done[name] = {**measure(), "seconds": round(time.monotonic() - start)}
        done["machine"] = machine()
        RESULT.write_text(json.dumps(done, indent=2) + "\n")
        print(name, json.dumps(done[name]), flush=True)


if __name__ == "__main__":
    main()

"""Do segments of a code that was hidden turn up among the candidates for new codes?

    .venv/bin/python benchmarks/candidates.py [STUDY ...] [--lessons N] [--cache FOLDER]

Each code of a real study is hidden in turn: it goes from the codebook and its codings are not
there, while the readings stay. A model is trained on the rest, and the candidates are what the
program proposes. Random turns that nobody coded, in groups of the same sizes, are the baseline.
Intervals are over hidden codes (t). Reads ../shared/data beside the project (other places by
--data) and writes benchmarks/results/candidates.json. Figures do not depend on the machine.

sight are comments on lectures (its "na", which says that no code fits, is taken as that);
talkmoves are turns of lessons, of which a few are taken, and its codes are acts of speech more
than topics. leoka cannot show it: each of its narratives carries several codes, and with one
hidden two segments at most are left uncoded.

For each hidden code: `base_rate`, its share of the turns that nobody coded; `precision` and
`found`, its share of the candidates and the share of its uncoded segments among them; the same
in the groups; `purest`, its largest share of one of the first ten groups (what a lead reads); and
`named`, whether it has at least half of one of these groups. `groups_of_it` are all groups of
which it has half, and `told_new` those of them that are said to broaden no existing code.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from classifier_floor import ROOT, read_study
from machine import RESULTS, part_of, write_result
from numpy.typing import NDArray
from scipy.stats import t as student

from annotations.codebook import Codebook
from annotations.study import Study
from models.candidate_codes import Grouping, group
from models.read_segments import ReadSegments, read_segments
from models.unfitting import unfitting
from training.options import TrainOptions
from training.train import train

STUDIES = ("sight", "talkmoves")
LEAST = 5
"""Uncoded segments that a hidden code needs to be looked for."""

FIRST = 10
DRAWS = 500
FIGURES = ("precision", "found", "precision_in_groups", "found_in_groups", "purest", "named")


def study_of(folder: Path, lessons: int) -> Study:
    study = read_study(folder)
    if folder.name == "talkmoves":
        names = [item.name for item in study.transcripts]
        drawn = np.random.default_rng(0).permutation(names).tolist()[:lessons]
        return part_of(study, set(drawn))
    return replace(study, codings=tuple(one for one in study.codings if one.code != "na"))


def without(study: Study, code: str) -> Study:
    """The study as if nobody had thought of the code."""
    return replace(
        study,
        codebook=Codebook(codes=tuple(one for one in study.codebook.codes if one.path != code)),
        codings=tuple(one for one in study.codings if one.code != code),
    )


def measure(
    study: Study, code: str, cache: Path, draw: np.random.Generator
) -> dict[str, Any] | None:
    hidden = {
        (one.transcript, one.turn) for one in study.codings if one.code == code
    }  # both studies are coded by whole turns
    with tempfile.TemporaryDirectory() as store:
        options = TrainOptions(folds=3, tier="fast")
        report = train(without(study, code), options=options, store=Path(store), cache=cache)
        read = read_segments(without(study, code), Path(store) / report.model_version, cache=cache)
    truth = np.array([(one.transcript, one.turn) in hidden for one in read.segments])
    if (truth & ~read.coded).sum() < LEAST:
        return None
    found = unfitting(read)
    groups = group(read, found)
    shares = [
        (truth[list(one.rows)].mean() >= 0.5, one.nearest is not None and one.nearest.within)
        for one in groups.groups
    ]
    return {
        "code": code,
        "uncoded": int((~read.coded).sum()),
        "hidden": int((truth & ~read.coded).sum()),
        "base_rate": float(truth[~read.coded].mean()),
        "candidates": len(found.rows),
        "groups": len(groups.groups),
        "groups_of_it": sum(bool(one) for one, _ in shares),
        "told_new": sum(bool(one and not near) for one, near in shares),
        "ours": figures(read, truth, found.rows, groups),
        "random": random_figures(read, truth, len(found.rows), groups, draw),
    }


def figures(
    read: ReadSegments, truth: NDArray[np.bool_], rows: NDArray[np.int64], groups: Grouping
) -> dict[str, float]:
    whole = [np.array(one.rows) for one in groups.groups]
    return _figures(truth, int((truth & ~read.coded).sum()), rows, whole)


def random_figures(
    read: ReadSegments,
    truth: NDArray[np.bool_],
    number: int,
    groups: Grouping,
    draw: np.random.Generator,
) -> dict[str, float]:
    """The mean over draws of as many uncoded turns, in groups of the same sizes."""
    uncoded = np.flatnonzero(~read.coded)
    ends = np.cumsum([one.size for one in groups.groups])
    drawn = []
    for _ in range(DRAWS):
        rows = draw.permutation(uncoded)[:number]
        whole = np.split(rows[: ends[-1]], ends[:-1]) if len(ends) else []
        drawn.append(_figures(truth, int(truth[uncoded].sum()), rows, whole))
    return {name: float(np.mean([one[name] for one in drawn])) for name in FIGURES}


def _figures(
    truth: NDArray[np.bool_], hidden: int, rows: NDArray[np.int64], whole: list[NDArray[np.int64]]
) -> dict[str, float]:
    inside = np.concatenate([np.zeros(0, np.int64), *whole])
    purest = max((float(truth[one].mean()) for one in whole[:FIRST]), default=0.0)
    return {
        "precision": float(truth[rows].mean()) if len(rows) else 0.0,
        "found": float(truth[rows].sum() / hidden),
        "precision_in_groups": float(truth[inside].mean()) if len(inside) else 0.0,
        "found_in_groups": float(truth[inside].sum() / hidden),
        "purest": purest,
        "named": float(purest >= 0.5),
    }


def summary(codes: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over hidden codes, and ours minus random with its 95% interval."""
    found = {}
    for name in FIGURES:
        ours = np.array([one["ours"][name] for one in codes])
        gain = ours - np.array([one["random"][name] for one in codes])
        half = float("nan")
        if len(gain) > 1:
            half = student.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5
        found[name] = {
            "ours": round(float(ours.mean()), 3),
            "random": round(float((ours - gain).mean()), 3),
            "gain": [round(float(gain.mean() + side), 3) for side in (0.0, -half, half)],
        }
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", help=f"of {', '.join(STUDIES)}; all if none")
    parser.add_argument("--lessons", type=int, default=6, help="of talkmoves")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=None, help="where embeddings are kept")
    arguments = parser.parse_args()
    out = RESULTS / "candidates.json"
    result = json.loads(out.read_text()) if out.exists() else {"studies": {}}
    result["gain"] = "ours minus random: mean, low, high"
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        for name in arguments.studies or STUDIES:
            started, draw = time.process_time(), np.random.default_rng(0)
            study = study_of(arguments.data / name, arguments.lessons)
            codes = []
            for code in study.codes_used:
                one = measure(study, code, cache, draw)
                if one is not None:
                    codes.append(one)
                    print(name, json.dumps(one), flush=True)
            result["studies"][name] = {
                "transcripts": len(study.transcripts),
                "turns": sum(len(item.turns) for item in study.transcripts),
                "hidden_codes": len(codes),
                "summary": summary(codes),
                "codes": codes,
                "cpu_seconds": round(time.process_time() - started),
            }
            write_result("candidates", result)
    return 0


if __name__ == "__main__":
    sys.exit(main())

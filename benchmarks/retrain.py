"""Training again after some more coding: ours with a warm cache beside what people do instead.

    python benchmarks/retrain.py [--data FOLDER] [--share 0.1] [--more 0.05] [--pairs 2]

A model is trained on all transcripts but a share, `--more`, drawn at random; those then come too.
The peer encodes everything anew with SentenceTransformer.encode and fits a LogisticRegression for
each code; then, as a second figure, it does so for each of five folds too, as it must to know how
good it is. Ours is `train --refresh`: the heads anew, held-out scores of the new transcripts,
calibration, thresholds, gates, report and publishing; and, as a second figure, `train`, which
chooses and cross-validates everything too. The vectors are in the cache: suggesting for the new
transcripts put them there. Processes of their own, which take turns.
Results: benchmarks/results/retrain.json.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import TALKMOVES, machine, part_of, read_study, write_result

ROLES = ("refresh", "full", "peer")


def ours(work: Path, data: Path, arguments: argparse.Namespace, role: str) -> None:
    from training.options import TrainOptions
    from training.train import train

    study = some_of(data, arguments.share, arguments.more if role == "first" else 0.0)
    known = json.loads((work / "first.json").read_text()) if role == "refresh" else None
    stages: dict[str, float] = {}
    at = [time.perf_counter(), ""]

    def progress(stage: str, _done: int, _total: int) -> None:
        now = time.perf_counter()
        if at[1]:
            stages[at[1]] = stages.get(at[1], 0.0) + now - at[0]
        at[:] = [now, stage]

    started = time.perf_counter()
    report = train(
        study,
        options=TrainOptions(tier="fast"),
        store=work / "store",
        base=None if known is None else work / "store" / known["version"],
        cache=work / "cache",
        progress=progress,
    )
    told = {
        "seconds": time.perf_counter() - started,
        "stages": stages,
        "version": report.model_version,
        "kappa": report.kappa.value,
        "refreshed": report.refreshed is not None,
    }
    (work / f"{role}.json").write_text(json.dumps(told))


def peer(work: Path, data: Path, arguments: argparse.Namespace) -> None:
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    from models.weights import default_folder
    from training.dataset import training_data

    learned = training_data(some_of(data, arguments.share, 0.0))
    texts = [one.text for one in learned.segments]
    started = time.perf_counter()
    vectors = SentenceTransformer(str(default_folder())).encode(texts)
    encoded = time.perf_counter()

    def fit(rows: Any) -> None:
        for labels in learned.targets[rows].T >= 0.5:
            if 0 < labels.sum() < len(labels):
                LogisticRegression(class_weight="balanced", max_iter=1000).fit(
                    vectors[rows], labels
                )

    fit(slice(None))
    done = time.perf_counter()
    for rows, _ in GroupKFold(5).split(vectors, groups=learned.clusters):
        fit(rows)
    told = {
        "seconds": done - started,
        "stages": {
            "encoding": encoded - started,
            "heads": done - encoded,
            "folds": time.perf_counter() - done,
        },
    }
    (work / "peer.json").write_text(json.dumps(told))


def some_of(data: Path, share: float, without: float) -> Any:
    study = read_study(data)
    names = [item.name for item in study.transcripts]
    names = names[: max(2, round(share * len(names)))]
    random.Random(0).shuffle(names)
    return part_of(study, set(names[: max(2, round((1 - without) * len(names)))]))


def run(role: str, work: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--role", role, "--work", str(work)]
    command += ["--data", str(arguments.data), "--share", str(arguments.share)]
    command += ["--more", str(arguments.more)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    told: dict[str, Any] = json.loads((work / f"{role}.json").read_text())
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=TALKMOVES)
    parser.add_argument("--share", type=float, default=1.0, help="of the transcripts")
    parser.add_argument("--more", type=float, default=0.05, help="of them, to come later")
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--role", choices=("first", *ROLES), help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role == "peer":
        peer(arguments.work, arguments.data, arguments)
        return
    if arguments.role:
        ours(arguments.work, arguments.data, arguments, arguments.role)
        return
    result: dict[str, Any] = {"machine": machine(), "study": arguments.data.name}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        cold = run("first", work, arguments)
        # Whoever codes has the new transcripts pushed first, which puts their vectors in the cache.
        run("full", work, arguments)
        rounds = [
            {role: run(role, work, arguments) for role in ROLES} for _ in range(arguments.pairs)
        ]
    assert all(one["refresh"]["refreshed"] for one in rounds)
    last = rounds[-1]
    seconds = {role: [round(one[role]["seconds"], 1) for one in rounds] for role in ROLES} | {
        "first, cold cache": round(cold["seconds"], 1)
    }
    peers = [one["peer"]["seconds"] for one in rounds]
    with_folds = [one["peer"]["seconds"] + one["peer"]["stages"]["folds"] for one in rounds]

    def faster(role: str, theirs: list[float]) -> list[float]:
        pairs = zip(theirs, rounds, strict=True)
        return [round(their / one[role]["seconds"], 2) for their, one in pairs]

    result |= {
        "share": arguments.share,
        "more": arguments.more,
        "seconds": seconds,
        "stages": {
            role: {name: round(value, 1) for name, value in last[role]["stages"].items()}
            for role in ROLES
        },
        "kappa": {role: round(last[role]["kappa"], 4) for role in ("refresh", "full")},
        "refresh_times_faster": faster("refresh", peers),
        "refresh_times_faster_than_with_folds": faster("refresh", with_folds),
        "full_times_faster_than_with_folds": faster("full", with_folds),
        "reached": statistics.median(faster("refresh", peers)) >= 10,
    }
    write_result(
        "retrain" if arguments.data == TALKMOVES else f"retrain_{arguments.data.name}", result
    )


if __name__ == "__main__":
    main()

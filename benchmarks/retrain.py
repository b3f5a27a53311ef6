"""Training again after some more coding: ours with a warm cache beside what people do instead.

    python benchmarks/retrain.py [--data FOLDER] [--share 0.1] [--pairs 2]

The peer encodes everything anew with SentenceTransformer.encode and fits a LogisticRegression for
each code; then, as a second figure, it does so for each of five folds too, as it must to know how
good it is. Ours does everything that `train` does: choices, cross-validation, calibration,
thresholds, gates, report and publishing, with the vectors of its first training at hand. Processes
of their own, which take turns. Results: benchmarks/results/retrain.json.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import TALKMOVES, machine, part_of, read_study, write_result


def ours(work: Path, data: Path, share: float) -> None:
    from training.options import TrainOptions
    from training.train import train

    study = some_of(data, share)
    stages: dict[str, float] = {}
    at = [time.perf_counter(), ""]

    def progress(stage: str, _done: int, _total: int) -> None:
        now = time.perf_counter()
        if at[1]:
            stages[at[1]] = stages.get(at[1], 0.0) + now - at[0]
        at[:] = [now, stage]

    started = time.perf_counter()
    train(
        study,
        options=TrainOptions(tier="fast"),
        store=work / "store",
        cache=work / "cache",
        progress=progress,
    )
    told = {"seconds": time.perf_counter() - started, "stages": stages}
    (work / "ours.json").write_text(json.dumps(told))


def peer(work: Path, data: Path, share: float) -> None:
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    from models.weights import default_folder
    from training.dataset import training_data

    learned = training_data(some_of(data, share))
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


def some_of(data: Path, share: float) -> Any:
    study = read_study(data)
    names = [item.name for item in study.transcripts]
    return part_of(study, set(names[: max(2, round(share * len(names)))]))


def run(role: str, work: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--role", role, "--work", str(work)]
    command += ["--data", str(arguments.data), "--share", str(arguments.share)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    told: dict[str, Any] = json.loads((work / f"{role}.json").read_text())
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=TALKMOVES)
    parser.add_argument("--share", type=float, default=1.0, help="of the transcripts")
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--role", choices=("ours", "peer"), help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        {"ours": ours, "peer": peer}[arguments.role](
            arguments.work, arguments.data, arguments.share
        )
        return
    result: dict[str, Any] = {"machine": machine(), "study": arguments.data.name}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        cold = run("ours", work, arguments)
        pairs = [
            (run("ours", work, arguments), run("peer", work, arguments))
            for _ in range(arguments.pairs)
        ]
    ratios = [theirs["seconds"] / mine["seconds"] for mine, theirs in pairs]
    result |= {
        "share": arguments.share,
        "seconds_cold_cache": round(cold["seconds"], 1),
        "seconds_warm_cache": [round(mine["seconds"], 1) for mine, _ in pairs],
        "seconds_peer": [round(theirs["seconds"], 1) for _, theirs in pairs],
        "stages_warm": {name: round(value, 1) for name, value in pairs[-1][0]["stages"].items()},
        "stages_peer": {name: round(value, 1) for name, value in pairs[-1][1]["stages"].items()},
        "times_faster": [round(ratio, 2) for ratio in ratios],
        "times_faster_than_with_folds": [
            round((theirs["seconds"] + theirs["stages"]["folds"]) / mine["seconds"], 2)
            for mine, theirs in pairs
        ],
        "reached": statistics.median(ratios) >= 10,
    }
    write_result(
        "retrain" if arguments.data == TALKMOVES else f"retrain_{arguments.data.name}", result
    )


if __name__ == "__main__":
    main()

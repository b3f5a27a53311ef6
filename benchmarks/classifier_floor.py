"""The classifier against the tf-idf floor on real studies, five folds grouped by transcript.

    .venv/bin/python benchmarks/classifier_floor.py [STUDY ...]

Reads ../shared/data beside the project (tidy CSV; other places by --data) and writes
benchmarks/results/classifier_floor.json. The figures do not depend on the machine; seconds do.
The bars: pooled kappa against the majority, on the codes with at least 20 positives in 5
transcripts, at or above the floor of the table that comes with the data.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from annotations.codebook import Codebook
from annotations.formats.reading import read_paths
from annotations.reliability.estimate import Estimate
from annotations.study import Study
from models.report import TrainReport
from training.options import TrainOptions
from training.train import train

ROOT = Path(__file__).resolve().parents[1]
BARS = {"leoka": 0.621, "sight": 0.479, "talkmoves": 0.42}


def read_study(folder: Path) -> Study:
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    found = read_paths(files, known={}, codebook=Codebook(), coder=None)
    return Study(
        name=folder.name,
        codebook=found.codebook,
        transcripts=found.transcripts,
        codings=found.codings,
        readings=found.readings,
    )


def figures(estimate: Estimate) -> dict[str, Any]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(estimate).items()
        if name in ("value", "low", "high", "n", "clusters")
    }


def summary(report: TrainReport, bar: float, seconds: dict[str, float]) -> dict[str, Any]:
    evaluated = [code for code in report.codes if code.evaluated]
    return {
        "transcripts": report.transcripts,
        "segments": report.segments,
        "codes": len(report.codes),
        "codes_evaluated": len(evaluated),
        "context": report.context,
        "model": {
            "kappa": figures(report.kappa),
            "macro_f1": figures(report.macro_f1),
            "micro_f1": figures(report.micro_f1),
        },
        "tf_idf_baseline": {
            "kappa": figures(report.baseline.kappa),
            "macro_f1": figures(report.baseline.macro_f1),
            "micro_f1": figures(report.baseline.micro_f1),
        },
        "bar_kappa": bar,
        "reached": report.kappa.value >= bar,
        "behind_baseline_on": [c.code for c in evaluated if c.beats_baseline is False],
        "kappa_by_code": {c.code: round(c.kappa.value, 4) for c in evaluated},
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", help=f"of {', '.join(BARS)}; all if none")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    out = ROOT / "benchmarks" / "results" / "classifier_floor.json"
    results = json.loads(out.read_text()) if out.exists() else {"studies": {}}
    results["cores"] = os.cpu_count()
    for name in arguments.studies or BARS:
        study = read_study(arguments.data / name)
        with tempfile.TemporaryDirectory() as folder:
            cache, store = Path(folder) / "cache", Path(folder) / "store"
            seconds: dict[str, float] = {}
            for run in ("cold", "warm"):
                started = time.monotonic()
                report = train(study, options=TrainOptions(tier="fast"), store=store, cache=cache)
                seconds[f"train_{run}_cache"] = time.monotonic() - started
        found = summary(report, BARS[name], seconds)
        results["studies"][name] = found
        kappa = report.kappa
        print(
            f"{name}: kappa {kappa.value:.3f} ({kappa.low:.3f} to {kappa.high:.3f}), baseline "
            f"{report.baseline.kappa.value:.3f}, bar {BARS[name]}, {found['seconds']}",
            flush=True,
        )
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    return 0 if all(one["reached"] for one in results["studies"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Do probabilities mean what they say, and is a stated precision kept? On real studies.

    .venv/bin/python benchmarks/calibration.py [STUDY ...] [--cache FOLDER]

Five folds by transcript; calibration and thresholds of a fold come from the others. The expected
calibration error is of the codes with at least 20 positives in 5 transcripts, pooled, in 15 bins
of equal mass; the bar is .03. For the aim "at least .8 precision": the precision that each code
reaches on held-out transcripts, with its interval; the bar is that no code which is suggested
has an interval that leaves .8 out. Reads ../shared/data beside the project (tidy CSV; other
places by --data) and writes benchmarks/results/calibration.json. No figure depends on the
machine.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifier_floor import ROOT, figures, read_study

from models.report import TrainReport
from models.thresholds import Aim
from training.options import TrainOptions
from training.train import train

STUDIES = ("sight", "leoka", "talkmoves")
BAR = 0.03
PRECISION = 0.8


def calibrated(report: TrainReport) -> dict[str, Any]:
    return {
        "segments": report.segments,
        "codes_evaluated": sum(code.evaluated for code in report.codes),
        "expected_calibration_error": figures(report.calibration.error),
        "reached": report.calibration.error.value <= BAR,
        "bins": [
            {name: round(value, 4) for name, value in asdict(one).items()}
            for one in report.calibration.bins
        ],
        "by_code": {
            code.code: {"support": code.support, **figures(code.calibration_error)}
            for code in report.codes
        },
    }


def kept(report: TrainReport) -> dict[str, Any]:
    open_ = [code for code in report.codes if code.gate == "open"]
    codes = {
        code.code: {
            "support": code.support,
            "threshold": round(code.threshold, 4),
            "precision": figures(code.precision),
            "recall": round(code.recall.value, 4) if code.recall.defined else None,
            "silent_because": code.reason,
            "within_interval": None
            if code.precision.low is None or code.precision.high is None
            else code.precision.low <= PRECISION <= code.precision.high,
        }
        for code in report.codes
    }
    return {
        "aim": report.aim,
        "codes_suggested": len(open_),
        "codes_silent": len(report.codes) - len(open_),
        "suggested_with_precision_within_interval": sum(
            codes[code.code]["within_interval"] is True for code in open_
        ),
        "suggested_with_interval_that_leaves_it_out": [
            code.code for code in open_ if codes[code.code]["within_interval"] is False
        ],
        "codes": codes,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", help=f"of {', '.join(STUDIES)}; all if none")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=None, help="where embeddings are kept")
    arguments = parser.parse_args()
    out = ROOT / "benchmarks" / "results" / "calibration.json"
    results = json.loads(out.read_text()) if out.exists() else {"studies": {}}
    results |= {"bar": BAR, "precision": PRECISION}
    with tempfile.TemporaryDirectory() as folder:
        cache, store = arguments.cache or Path(folder) / "cache", Path(folder) / "store"
        for name in arguments.studies or STUDIES:
            study = read_study(arguments.data / name)
            plain, precise = (
                train(study, options=TrainOptions(aim=aim), store=store, cache=cache)
                for aim in (Aim(), Aim(name="precision", precision=PRECISION))
            )
            found = {"calibration": calibrated(plain), "stated_precision": kept(precise)}
            results["studies"][name] = found
            error, promise = plain.calibration.error, found["stated_precision"]
            outside = promise["suggested_with_interval_that_leaves_it_out"]
            print(
                f"{name}: calibration error {error.value:.4f} ({error.low:.4f} to "
                f"{error.high:.4f}); precision {PRECISION} aimed at: "
                f"{promise['codes_suggested']} codes suggested, left out by the interval of "
                f"{outside}",
                flush=True,
            )
            out.parent.mkdir(exist_ok=True)
            out.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    good = [
        one["calibration"]["reached"]
        and not one["stated_precision"]["suggested_with_interval_that_leaves_it_out"]
        for one in results["studies"].values()
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

"""All measures with intervals, beside the krippendorff package called for every deletion.

The package gives alpha alone, one code and one deletion a call; a part of its calls is timed and
the rest extrapolated. The two take turns, in one thread; each figure is the median of its
processor times, so that other work on the machine weighs little and on both alike. Figures go to
benchmarks/results/agreement_speed.json:

    python benchmarks/agreement_speed.py
"""

import json
import os
import platform
import statistics
import time
from pathlib import Path

# Before numpy is loaded: a second thread would wait for a second processor.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import krippendorff
import numpy as np

from annotations.codings import CodingTable
from annotations.reliability.agreement import agreement_of
from annotations.reliability.measures import measures_of
from annotations.reliability.sets import set_agreement_of
from annotations.transcripts import Segment

CODERS, UNITS, TRANSCRIPTS, CODES = 5, 20_000, 80, 60
RUNS, CALLS = 7, 70
RESULT = Path(__file__).parent / "results" / "agreement_speed.json"


def study() -> CodingTable:
    """Codes from common to rare; coders who miss some and seldom add one; a tenth unread."""
    rng = np.random.default_rng(7)
    clusters = np.sort(rng.integers(0, TRANSCRIPTS, UNITS))
    truth = rng.random((UNITS, CODES)) < np.geomspace(0.12, 0.01, CODES)
    said = rng.random((CODERS, UNITS, CODES)) < np.where(truth, 0.8, 0.005)
    read = rng.random((CODERS, UNITS)) < 0.9
    names = tuple(f"t{at}" for at in range(TRANSCRIPTS))
    return CodingTable(
        units=tuple(
            Segment(transcript=names[at], turn=0, start=0, end=1, speaker="", text="x")
            for at in clusters
        ),
        codes=tuple(f"code {at}" for at in range(CODES)),
        coders=tuple("abcde"),
        transcripts=names,
        clusters=clusters,
        read=read,
        assisted=np.zeros_like(read),
        applied=said & read[..., np.newaxis],
    )


def main() -> None:
    table = study()
    ours: dict[str, list[float]] = {}
    calls = []
    for run in range(RUNS):
        for function in (agreement_of, measures_of, set_agreement_of):
            started = time.process_time()
            outcome = function(table)
            ours.setdefault(function.__name__, []).append(time.process_time() - started)
            if function is measures_of:
                alpha = outcome.codes[0].alpha.value
        for call in range(run, CALLS, RUNS):
            kept = table.clusters != call % TRANSCRIPTS
            values = table.applied[:, kept, call % CODES].astype(float)
            values[~table.read[:, kept]] = np.nan
            started = time.process_time()
            krippendorff.alpha(values, level_of_measurement="nominal", value_domain=[0, 1])
            calls.append(time.process_time() - started)
    seconds = {name: statistics.median(times) for name, times in ours.items()}
    whole = table.applied[..., 0].astype(float)
    whole[~table.read] = np.nan
    theirs = krippendorff.alpha(whole, level_of_measurement="nominal", value_domain=[0, 1])
    extrapolated = statistics.median(calls) * TRANSCRIPTS * CODES
    total = sum(seconds.values())
    report = {
        "coders": CODERS,
        "units": UNITS,
        "transcripts": TRANSCRIPTS,
        "codes": CODES,
        "processor_seconds": {name: round(value, 3) for name, value in seconds.items()},
        "processor_seconds_all_measures": round(total, 3),
        "processor_seconds_krippendorff_package_alpha_only_extrapolated": round(extrapolated, 1),
        "runs": RUNS,
        "from_calls": CALLS,
        "times_faster": round(extrapolated / total, 1),
        "times_faster_without_sets": round(extrapolated / (total - seconds["set_agreement_of"]), 1),
        "first_code_alpha_differs_by": abs(float(theirs) - alpha),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    RESULT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

"""All measures with intervals, beside the krippendorff package called for every deletion.

The package gives alpha alone, one code and one deletion a call; a part of its calls is timed and
the rest extrapolated. Figures go to benchmarks/results/agreement_speed.json:

    python benchmarks/agreement_speed.py
"""

import json
import platform
import time
from pathlib import Path

import krippendorff
import numpy as np

from annotations.codings import CodingTable
from annotations.reliability.agreement import agreement_of
from annotations.reliability.measures import measures_of
from annotations.reliability.sets import set_agreement_of
from annotations.transcripts import Segment

CODERS, UNITS, TRANSCRIPTS, CODES = 5, 20_000, 80, 60
CALLS = 60
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
    seconds = {}
    for function in (agreement_of, measures_of, set_agreement_of):
        started = time.perf_counter()
        outcome = function(table)
        seconds[function.__name__] = round(time.perf_counter() - started, 3)
        if function is measures_of:
            ours = outcome.codes[0].alpha.value

    package = 0.0
    for call in range(CALLS):
        kept = table.clusters != call % TRANSCRIPTS
        values = table.applied[:, kept, call % CODES].astype(float)
        values[~table.read[:, kept]] = np.nan
        started = time.perf_counter()
        krippendorff.alpha(values, level_of_measurement="nominal", value_domain=[0, 1])
        package += time.perf_counter() - started
    whole = table.applied[..., 0].astype(float)
    whole[~table.read] = np.nan
    theirs = krippendorff.alpha(whole, level_of_measurement="nominal", value_domain=[0, 1])
    extrapolated = package / CALLS * TRANSCRIPTS * CODES
    total = sum(seconds.values())
    report = {
        "coders": CODERS,
        "units": UNITS,
        "transcripts": TRANSCRIPTS,
        "codes": CODES,
        "seconds": seconds,
        "seconds_all_measures": round(total, 2),
        "seconds_krippendorff_package_alpha_only_extrapolated": round(extrapolated, 1),
        "from_calls": CALLS,
        "times_faster": round(extrapolated / total, 1),
        "times_faster_without_sets": round(extrapolated / (total - seconds["set_agreement_of"]), 1),
        "first_code_alpha_differs_by": abs(float(theirs) - ours),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    RESULT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

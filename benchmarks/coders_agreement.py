"""How far the coders of real studies agree, through the same reading and counting as a user's.

    python benchmarks/coders_agreement.py

reads the studies in `../shared/data` and writes `benchmarks/results/coders_agreement.json`:
Krippendorff's alpha, nominal, by turn, pooled over code decisions and as the mean over codes,
beside the figures that came with the data.
"""

import json
import math
import time
from pathlib import Path

from annotations.codebook import Codebook
from annotations.formats.reading import read_paths
from annotations.reliability.agreement import agreement_of
from annotations.study import Study
from annotations.transcripts import Segmentation

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
PUBLISHED = {"leoka": (0.6801, 0.4089), "sight": (0.8293, 0.8185)}


def main() -> None:
    results = {}
    for name, (pooled, mean) in PUBLISHED.items():
        began = time.perf_counter()
        folder = DATA / name
        material = read_paths(
            sorted(folder.glob("*.csv")), known={}, codebook=Codebook(), coder=None
        )
        study = Study(
            name=name,
            codebook=material.codebook,
            transcripts=material.transcripts,
            codings=material.codings,
            readings=material.readings,
        )
        found = agreement_of(study.table(segmentation=Segmentation()))
        alphas = [code.alpha.value for code in found.codes if not math.isnan(code.alpha.value)]
        alpha = found.pooled.alpha
        results[name] = {
            "coders": len(found.coders),
            "alpha_pooled": [round(figure, 4) for figure in (alpha.value, alpha.low, alpha.high)],
            "alpha_pooled_published": pooled,
            "alpha_mean_over_codes": round(sum(alphas) / len(alphas), 4),
            "alpha_mean_over_codes_published": mean,
            "seconds": round(time.perf_counter() - began, 2),
        }
    place = ROOT / "benchmarks" / "results" / "coders_agreement.json"
    place.write_text(json.dumps(results, indent=1) + "\n")
    print(place.read_text())


if __name__ == "__main__":
    main()

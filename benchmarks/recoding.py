"""A coder beside themself: how often the intervals hold the truth, the test errs, and finds.

    python benchmarks/recoding.py [--studies 400]

Simulated coders whose second coding of everything is known. They forget a code on some segments
and put it on others, in each transcript as many as they forget on average, at rates of their own
in every transcript; planted drift puts one code on more segments. The excerpts are drawn and
compared by the functions that the report uses.
"""

import argparse
import json
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
from machine import RESULTS, machine

from annotations.codebook import Code, Codebook
from annotations.codings import Coding
from annotations.recoding import OldExcerpt, draw_excerpts
from annotations.reliability.coefficients import pair_alpha
from annotations.reliability.drift.coders import SelfAgreement
from annotations.reliability.drift.recoded import RecodedExcerpt, compared
from annotations.reliability.estimate import Estimate
from annotations.study import Study
from annotations.transcripts import Transcript, Turn

RESULT = RESULTS / "recoding.json"
PREVALENCE = np.array([0.02, 0.05, 0.08, 0.12, 0.2, 0.25])
CODES = tuple(f"{share:.0%} of segments" for share in PREVALENCE)
DRIFTS = 4
"""The code that drift is planted in, used on a fifth of the segments."""
TURNS = 25
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
DESIGNS = (
    (30, 60, 0.0),
    (30, 300, 0.0),
    (12, 120, 0.0),
    (30, 60, 0.08),
    (30, 60, 0.2),
    (30, 300, 0.08),
)
"""Transcripts, excerpts coded again, and the planted rise in the share of segments."""


def twice(rng: np.random.Generator, transcripts: int, rise: float) -> tuple[Any, Any]:
    """Both codings of everything; *shapes:* (transcripts, turns, codes)."""
    own = rng.beta(10 * PREVALENCE, 10 * (1 - PREVALENCE), size=(transcripts, len(PREVALENCE)))
    own = own[:, np.newaxis]
    old = rng.random((transcripts, TURNS, len(PREVALENCE))) < own
    lost = rng.beta(3, 17, size=(transcripts, 1, 1))
    with np.errstate(divide="ignore"):
        gained = np.minimum(lost * own / (1 - own), 1)
    new = np.where(old, rng.random(old.shape) >= lost, rng.random(old.shape) < gained)
    if rise:
        more = rng.beta(4 * rise, 4 * (1 - rise), size=(transcripts, 1))
        there = rng.random((transcripts, TURNS)) < more / (1 - PREVALENCE[DRIFTS])
        new[:, :, DRIFTS] |= there
    return old, new


def drawn_and_compared(old: Any, new: Any, size: int, seed: int) -> tuple[SelfAgreement, ...]:
    names = [f"t{at}" for at in range(len(old))]

    def codings(marks: Any, at: int, turn: int) -> tuple[Coding, ...]:
        return tuple(
            Coding(transcript=names[at], turn=turn, start=0, end=5, code=CODES[code], coder="ann")
            for code in np.flatnonzero(marks[at, turn])
        )

    candidates = [
        OldExcerpt(transcript=name, turn=turn, codings=codings(old, at, turn), coded_at=MOMENT)
        for at, name in enumerate(names)
        for turn in range(TURNS)
    ]
    excerpts = [
        RecodedExcerpt(
            transcript=one.old.transcript,
            turn=one.old.turn,
            probability=one.probability,
            coded_at=MOMENT,
            recoded_at=MOMENT,
            before=one.old.codings,
            after=codings(new, names.index(one.old.transcript), one.old.turn),
        )
        for one in draw_excerpts(candidates, size=size, seed=seed)
    ]
    turns = tuple(Turn(index=turn, speaker="P", text="words") for turn in range(TURNS))
    study = Study(
        name="simulated",
        codebook=Codebook.of([Code(path=code) for code in CODES], declared=True),
        transcripts=tuple(Transcript(name=name, turns=turns) for name in names),
        codings=(),
        readings=(),
    )
    return compared(study, "ann", excerpts, seed=seed)


def truth(old: Any, new: Any, code: str | None) -> tuple[float, float]:
    """Alpha and change of the two codings of everything."""
    if code is not None:
        old, new = (marks[..., CODES.index(code)] for marks in (old, new))
    table = np.array(
        [[(~old & ~new).sum(), (~old & new).sum()], [(old & ~new).sum(), (old & new).sum()]]
    )
    return float(pair_alpha(table.astype(np.float64))), float(new.mean() - old.mean())


def holds(one: Estimate, value: float) -> bool | None:
    """Whether the interval holds the value, None where there is none."""
    if one.low is None or one.high is None:
        return None
    return one.low <= value <= one.high


def share(found: list[bool | None]) -> float | None:
    given = [one for one in found if one is not None]
    return round(float(np.mean(given)), 3) if given else None


def measured(transcripts: int, size: int, rise: float, studies: int) -> dict[str, Any]:
    alphas, shifts, found = defaultdict(list), defaultdict(list), defaultdict(list)
    for seed in range(studies):
        old, new = twice(np.random.default_rng(seed), transcripts, rise)
        for one in drawn_and_compared(old, new, size, seed):
            name = one.code or "all codes"
            alpha, change = truth(old, new, one.code)
            alphas[name].append(holds(one.alpha, alpha))
            shifts[name].append(holds(one.shift, change))
            if one.p is not None:
                found[name].append(one.p <= 0.05)
    return {
        "transcripts": transcripts,
        "excerpts": size,
        "planted_rise": rise,
        "planted_in": CODES[DRIFTS] if rise else None,
        "studies": studies,
        "codes": {
            name: {
                "alpha_has_interval": share([one is not None for one in alphas[name]]),
                "alpha_coverage": share(alphas[name]),
                "change_coverage": share(shifts[name]),
                "p_at_most_05": share(found[name]),
            }
            for name in ("all codes", *CODES)
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    asked = parser.parse_args()
    started = time.perf_counter()
    report = {
        "designs": [measured(*design, asked.studies) for design in DESIGNS],
        "machine": machine(),
    }
    report["seconds"] = round(time.perf_counter() - started, 1)
    RESULT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

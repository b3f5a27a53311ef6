"""What the figures of speed were measured on, and the steps that these benchmarks share."""

import gzip
import json
import os
import platform
import random
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any

from annotations.codebook import Codebook
from annotations.formats.reading import read_paths
from annotations.study import Study
from annotations.transcripts import Transcript

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
TALKMOVES = ROOT.parent / "shared" / "data" / "talkmoves"
SAMPLE = ROOT / "examples" / "middle_managers"

_OPENINGS = ("To be honest,", "On nights", "Last winter", "As I see it,", "Before the merger")
_SUBJECTS = ("the ward", "my manager", "the new rota", "our union", "the board", "head office")
_VERBS = ("never told us", "kept asking", "gave up on", "paid for", "went round", "cut back on")
_OBJECTS = ("the extra shifts", "any of the training", "what the families said", "the budget")
_CLOSINGS = ("and nobody answered for it.", "so we managed by ourselves.", "which I did like.")


def machine() -> dict[str, Any]:
    """Processor, cores, memory, and how busy it was when this was asked."""
    described = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    lines = dict(
        part for part in (line.split(":", 1) for line in described.splitlines() if ":" in line)
    )
    lines = {name.strip(): value.strip() for name, value in lines.items()}
    flags = set(lines.get("flags", "").split())
    return {
        "processor": lines.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "avx512_bf16": "avx512_bf16" in flags,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers", "numpy", "scikit-learn")},
    }


def read_study(folder: Path) -> Study:
    """A study in tidy files."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    found = read_paths(files, known={}, codebook=Codebook(), coder=None)
    return Study(
        name=folder.name,
        codebook=found.codebook,
        transcripts=found.transcripts,
        codings=found.codings,
        readings=found.readings,
    )


def part_of(study: Study, names: set[str]) -> Study:
    """The study's transcripts of these names with what people made of them."""
    return Study(
        name=study.name,
        codebook=study.codebook,
        transcripts=tuple(item for item in study.transcripts if item.name in names),
        codings=tuple(item for item in study.codings if item.transcript in names),
        readings=tuple(item for item in study.readings if item.transcript in names),
    )


def fictional_turns(number: int, count: int) -> list[dict[str, str]]:
    """Interview number so and so: questions and answers of one to five sentences."""
    draw = random.Random(number)

    def sentence() -> str:
        parts = (_OPENINGS, _SUBJECTS, _VERBS, _OBJECTS, _CLOSINGS)
        return (
            " ".join(draw.choice(part) for part in parts) + f" That was week {draw.randrange(999)}."
        )

    return [
        {
            "speaker": "Interviewer" if turn % 2 == 0 else "P",
            "text": " ".join(sentence() for _ in range(1 if turn % 2 == 0 else draw.randint(1, 5))),
        }
        for turn in range(count)
    ]


def turns_from(folder: Path | None, number: int, count: int) -> list[dict[str, str]]:
    """So many turns: of the study in a folder, else made up."""
    if folder is None:
        return fictional_turns(number, count)
    turns = _stored_turns(folder)
    start = number * count % max(1, len(turns) - count)
    return turns[start : start + count]


_TURNS: dict[Path, list[dict[str, str]]] = {}


def _stored_turns(folder: Path) -> list[dict[str, str]]:
    if folder not in _TURNS:
        _TURNS[folder] = [
            {"speaker": turn.speaker, "text": turn.text}
            for item in read_study(folder).transcripts
            for turn in item.turns
        ]
    return _TURNS[folder]


def write_transcripts(path: Path, transcripts: tuple[Transcript, ...]) -> None:
    """For a process of its own, quick to read."""
    plain = [[item.name, [[t.speaker, t.text] for t in item.turns]] for item in transcripts]
    path.write_bytes(gzip.compress(json.dumps(plain).encode(), 1))


def spread(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile, largest and number of measured values."""
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 4),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 4),
        "largest": round(ordered[-1], 4),
        "n": len(ordered),
    }


def write_result(name: str, result: dict[str, Any]) -> None:
    """Into benchmarks/results, and onto the screen."""
    text = json.dumps(result, indent=1) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text)
    print(text)

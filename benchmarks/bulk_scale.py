"""Bulk coding: cost against size, a run that is killed again and again, and Ray beside local.

    python benchmarks/bulk_scale.py [--data talkmoves] [--times 1 10 100] [--workers 2] [--only ray]

A study in tidy files is imported and trained once (kept in --work); its turns are the base: a
Parquet file with a row a turn (transcript, turn, speaker, text), repeated with altered names and
words, so that no text is coded twice. A hundred times talkmoves take an hour. Results:
benchmarks/results/bulk_scale.json.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from machine import RESULTS, TALKMOVES, machine, read_study, write_result

PARTS = ("sizes", "kills", "ray")
COMMAND = str(Path(sys.executable).parent / "second-coder")


def prepared(work: Path, data: Path) -> tuple[Path, Path]:
    """A home with the trained study, and its turns as Parquet."""
    home, base = work / "home", work / "turns.parquet"
    if not base.exists():
        work.mkdir(parents=True, exist_ok=True)
        for words in (["import", data.name, str(data)], ["train", data.name, "--tier", "fast"]):
            subprocess.run([COMMAND, *words, "--home", str(home)], check=True)
        rows = [
            {"transcript": one.name, "turn": turn.index, "speaker": turn.speaker, "text": turn.text}
            for one in read_study(data).transcripts
            for turn in one.turns
        ]
        pq.write_table(pa.Table.from_pylist(rows), base)
    return home, base


def repeated(base: Path, times: int, out: Path) -> Path:
    """The base so many times; every copy has other names and other words."""
    source = pq.read_table(base, columns=["transcript", "turn", "speaker", "text"])
    with pq.ParquetWriter(out, source.schema) as writer:
        for copy in range(times):
            rows = source.to_pylist()
            for row in rows:
                row["transcript"] += f" #{copy}"
                row["text"] += f" {copy}."
            writer.write_table(pa.Table.from_pylist(rows, schema=source.schema), 10_000)
    return out


def arguments_of(options: argparse.Namespace, corpus: Path, out: Path, *more: str) -> list[str]:
    return [
        *(COMMAND, "--home", str(options.home), "code", options.study, str(corpus)),
        *("--out", str(out), "--workers", str(options.workers), "--json", *more),
    ]


def run(command: list[str]) -> dict[str, Any]:
    """Run to the end: seconds, processor seconds and the peak of resident memory of all of it."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    watched = psutil.Process(process.pid)
    peak, processor = 0, 0.0
    while process.poll() is None:
        memory, used = 0, 0.0
        try:
            for one in (watched, *watched.children(recursive=True)):
                times = one.cpu_times()
                memory += one.memory_info().rss
                used += times.user + times.system
        except psutil.Error:
            continue
        peak, processor = max(peak, memory), max(processor, used)
        time.sleep(0.5)
    assert process.stdout is not None
    document = json.loads(process.stdout.read())
    return {
        "seconds": round(time.monotonic() - begun, 1),
        "processor_seconds": round(processor, 1),
        "peak_megabytes": round(peak / 1e6),
        "transcripts": document["transcripts"],
        "words": document["words"],
        "codings": document["codings"],
    }


def killed(options: argparse.Namespace, corpus: Path, out: Path, seconds: float) -> int:
    """Kill a run with everything it started, at random, some way into the work; how often."""
    rng = random.Random(options.seed)
    for death in range(options.kills):
        process = subprocess.Popen(
            arguments_of(options, corpus, out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(timeout=rng.uniform(0.15, 0.4) * seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        else:
            return death
    return options.kills


def content(folder: Path) -> list[str]:
    """Every row of both tables, sorted."""
    return sorted(
        json.dumps(row, sort_keys=True, default=str)
        for table in ("codings", "transcripts")
        for row in pq.read_table(folder / table).to_pylist()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=TALKMOVES)
    parser.add_argument("--work", type=Path, default=Path("/tmp/bulk_scale"))
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    options.study = options.data.name
    options.home, base = prepared(options.work, options.data)
    path = RESULTS / "bulk_scale.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    result |= {"machine": machine(), "workers": options.workers}
    parts = options.only or PARTS
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if "sizes" in parts:
            sizes = []
            for times in options.times:
                corpus = repeated(base, times, place / f"{times}.parquet")
                found = run(arguments_of(options, corpus, place / f"out-{times}"))
                sizes.append({"times": times, **found})
                print(json.dumps(sizes[-1]), flush=True)
            result["sizes"] = sizes
            result["seconds_a_copy_beyond_the_first"] = [
                round((two["seconds"] - one["seconds"]) / (two["times"] - one["times"]), 2)
                for one, two in pairwise(sizes)
            ]
        corpus = repeated(base, 1, place / "once.parquet")
        whole = run(arguments_of(options, corpus, place / "whole"))
        if "kills" in parts:
            result["kills"] = killed(options, corpus, place / "killed", whole["seconds"])
            run(arguments_of(options, corpus, place / "killed"))
            result["same_after_kills"] = content(place / "killed") == content(place / "whole")
        if "ray" in parts:
            on_ray = run(arguments_of(options, corpus, place / "ray", "--engine", "ray"))
            result["ray"] = {
                **on_ray,
                "same": content(place / "ray") == content(place / "whole"),
                "seconds_of_local": round(on_ray["seconds"] / whole["seconds"], 2),
            }
    write_result("bulk_scale", result)


if __name__ == "__main__":
    main()

"""How long a coder waits: `/predict` of the real service, for a transcript of 150 turns.

    python benchmarks/predicting.py [--data FOLDER] [--transcripts 20]

First transcripts that the service never saw (cold cache), then one that it did (warm), then 20
coders at once, each of whom opens `--opened` transcripts and sends what Label Studio sends:
/health, /setup, /predict. Made-up interviews; `--data` takes the turns of a tidy study instead.
Results: benchmarks/results/predicting.json.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from machine import machine, spread, turns_from, write_result
from running import STUDY, Service, running

CODERS = 20


def ask(client: httpx.Client, body: dict[str, Any]) -> float:
    """Seconds until the answer, which must hold one prediction."""
    started = time.perf_counter()
    answer = client.post(f"/ml/{STUDY}/predict", json=body)
    seconds = time.perf_counter() - started
    answer.raise_for_status()
    if len(answer.json()["results"]) != 1:
        raise SystemExit(f"one prediction was expected: {answer.text[:200]}")
    return seconds


def coder(
    service: Service, folder: Path | None, number: int, turns: int, opened: int
) -> list[float]:
    """Open some transcripts one after another, as Label Studio does for a coder."""
    seconds = []
    with service.client() as client:
        for place in range(1000 + number * opened, 1000 + (number + 1) * opened):
            client.get(f"/ml/{STUDY}/health").raise_for_status()
            schema = {"project": "1.1795372841", "schema": service.label_config}
            client.post(f"/ml/{STUDY}/setup", json=schema).raise_for_status()
            seconds.append(ask(client, service.body(turns_from(folder, place, turns), place)))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a tidy study whose turns are sent")
    parser.add_argument("--turns", type=int, default=150)
    parser.add_argument("--transcripts", type=int, default=20)
    parser.add_argument("--opened", type=int, default=2, help="transcripts by each of 20 coders")
    arguments = parser.parse_args()
    found = machine()
    with running() as service, service.client() as client:

        def body(number: int) -> dict[str, Any]:
            return service.body(
                turns_from(arguments.data, number, arguments.turns), 90_000 + number
            )

        first = ask(client, body(0))
        cold = [ask(client, body(number)) for number in range(1, arguments.transcripts + 1)]
        warm = [ask(client, body(1)) for _ in range(2 * arguments.transcripts)]
        with ThreadPoolExecutor(CODERS) as pool:
            calls = [
                pool.submit(
                    coder,
                    service,
                    arguments.data,
                    number,
                    arguments.turns,
                    arguments.opened,
                )
                for number in range(CODERS)
            ]
            errors, together = 0, []
            for call in calls:
                try:
                    together += call.result()
                except httpx.HTTPError:
                    errors += 1
        memory = service.memory()
    words = sum(
        len(turn["text"].split()) for turn in turns_from(arguments.data, 1, arguments.turns)
    )
    result = {
        "machine": found,
        "turns": arguments.turns,
        "words": words,
        "seconds_first_with_model_load": round(first, 2),
        "seconds_cold_cache": spread(cold),
        "seconds_warm_cache": spread(warm),
        "coders_at_once": CODERS,
        "seconds_coders_at_once_cold_cache": spread(together),
        "errors": errors,
        "memory_mib": round(memory / 2**20),
    }
    result["reached"] = (
        spread(cold)["median"] < 1.5 and spread(warm)["median"] < 0.1 and errors == 0
    )
    write_result("predicting", result)


if __name__ == "__main__":
    main()

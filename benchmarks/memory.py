"""Resident memory of the service with a model loaded, over 10,000 predictions.

    python benchmarks/memory.py [--predictions 10000]

Four coders at a time; one transcript in ten is new to the service, the others come again.
Results: benchmarks/results/memory.json.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

from machine import machine, turns_from, write_result
from predicting import ask
from running import Service, running

AT_ONCE, KNOWN, TURNS = 4, 40, 12


def predict(service: Service, start: int, count: int) -> None:
    """So many predictions, one after another."""
    with service.client() as client:
        for number in range(start, start + count):
            which = number if number % 10 == 0 else number % KNOWN
            ask(client, service.body(turns_from(None, which, TURNS), 90_000 + number))


def together(service: Service, start: int, count: int) -> None:
    share = count // AT_ONCE
    with ThreadPoolExecutor(AT_ONCE) as pool:
        calls = [pool.submit(predict, service, start + at * share, share) for at in range(AT_ONCE)]
        for call in calls:
            call.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=int, default=10_000)
    arguments = parser.parse_args()
    found = machine()
    steps = 10
    with running() as service:
        idle = service.memory()
        together(service, 0, 200)
        levels = [service.memory()]
        started = time.perf_counter()
        for step in range(steps):
            count = arguments.predictions // steps
            together(service, 1000 + step * count, count)
            levels.append(service.memory())
        seconds = time.perf_counter() - started
    mib = [round(level / 2**20) for level in levels]
    write_result(
        "memory",
        {
            "machine": found,
            "predictions": arguments.predictions,
            "turns_each": TURNS,
            "seconds": round(seconds, 1),
            "mib_before_a_model_is_loaded": round(idle / 2**20),
            "mib_start": mib[0],
            "mib_middle": mib[steps // 2],
            "mib_end": mib[-1],
            "mib_all": mib,
            # Flat: the second half adds less than a fiftieth.
            "reached": mib[-1] < 2048 and mib[-1] <= 1.02 * mib[steps // 2],
        },
    )


if __name__ == "__main__":
    main()

"""Coding a large study: ours beside sentence-transformers with scikit-learn, from a cold start.

    python benchmarks/bulk_coding.py [--share 0.1] [--pairs 3]

Both get the same transcripts (talkmoves: 41,372 turns; `--data` names another tidy study), the
same weights and a head for each code, learned before the clock starts, and give a vector for
each turn and a decision for each turn and code. Each run is a process of its own: imports, model
load and an empty cache are in its time. They take turns, and the ratio is taken pair by pair.
Then our fast path is compared with our float32 path, decision by decision, and the share of the
processor's measured matrix product is worked out. Results: benchmarks/results/bulk_coding.json.
"""

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import TALKMOVES, machine, part_of, read_study, write_result, write_transcripts

LEARNED_FROM = 6
"""Transcripts that the heads of both are learned from."""


def transcripts_in(path: Path) -> Any:
    from annotations.transcripts import Transcript, Turn

    return tuple(
        Transcript(
            name=name,
            turns=tuple(
                Turn(index=place, speaker=speaker, text=text)
                for place, (speaker, text) in enumerate(turns)
            ),
        )
        for name, turns in json.loads(gzip.decompress(path.read_bytes()))
    )


def ours(work: Path, *, exact: bool) -> None:
    """Code all transcripts with the published model; float32 throughout where `exact`."""
    from models.suggester import Suggester

    suggester = Suggester.load(
        next((work / "store").iterdir()), encoder_cache=Path(tempfile.mkdtemp(dir=work))
    )
    if exact:
        import torch

        from models.encoder import TransformersEncoder

        # There is no setting for this: nobody should want it but to compare.
        suggester._encoder = TransformersEncoder.load(precision=torch.float32)
    decisions = suggester.decisions(transcripts_in(work / "transcripts.json.gz"))
    place = {code: column for column, code in enumerate(suggester.codes)}
    found = np.zeros((len(decisions), len(place)), dtype=np.bool_)
    for row, one in enumerate(decisions):
        found[row, [place[code] for code in one.codes]] = True
    np.save(work / ("exact.npy" if exact else "ours.npy"), found)


def peer(work: Path) -> None:
    """SentenceTransformer.encode as it comes, and LogisticRegression.predict for each code."""
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    from models.weights import default_folder

    texts = [t.text for item in transcripts_in(work / "transcripts.json.gz") for t in item.turns]
    vectors = SentenceTransformer(str(default_folder())).encode(texts)
    learned = np.load(work / "peer.npz")
    decisions = []
    for weights, bias in zip(learned["weights"], learned["bias"], strict=True):
        head = LogisticRegression()
        head.classes_ = np.array([0, 1])
        head.coef_, head.intercept_ = weights[np.newaxis], bias[np.newaxis]
        decisions.append(head.predict(vectors))
    np.save(work / "peer.npy", np.stack(decisions, axis=1))


def prepare(work: Path, data: Path, share: float) -> dict[str, Any]:
    """Publish our model, learn the peer's heads, write the transcripts."""
    from sklearn.linear_model import LogisticRegression

    from models.encoder import TransformersEncoder
    from training.dataset import training_data
    from training.options import TrainOptions
    from training.train import train

    study = read_study(data)
    names = [item.name for item in study.transcripts]
    little = part_of(study, set(names[:: max(1, len(names) // LEARNED_FROM)]))
    train(little, options=TrainOptions(folds=2), store=work / "store", cache=work / "cache")
    learned = training_data(little)
    vectors = TransformersEncoder.load().encode([one.text for one in learned.segments])
    heads = [
        LogisticRegression(class_weight="balanced").fit(vectors, column >= 0.5)
        for column in learned.targets.T
        if 0 < (column >= 0.5).sum() < len(column)
    ]
    np.savez(
        work / "peer.npz",
        weights=np.concatenate([head.coef_ for head in heads]),
        bias=np.concatenate([head.intercept_ for head in heads]),
    )
    chosen = study.transcripts[: max(1, round(share * len(names)))]
    write_transcripts(work / "transcripts.json.gz", chosen)
    return {
        "transcripts": len(chosen),
        "turns": sum(len(item.turns) for item in chosen),
        "codes": len(learned.codes),
    }


def ceiling(work: Path) -> None:
    """How fast this machine multiplies, how near our encoder comes, and where the rest goes."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    from models.encoder import TransformersEncoder

    encoder = TransformersEncoder.load()
    precision = torch.bfloat16 if encoder.precision.startswith("bf16") else torch.float32
    left = torch.randn(8192, 384).to(precision)
    right = torch.randn(384, 1536).to(precision)
    texts = list(
        dict.fromkeys(
            t.text for item in transcripts_in(work / "transcripts.json.gz") for t in item.turns
        )
    )[:8000]
    encoder.encode(texts[:500])
    products, encodings = [], []
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(20):
            left @ right
        products.append(20 * 2 * 8192 * 384 * 1536 / (time.perf_counter() - started))
        started = time.perf_counter()
        encoder.encode(texts)
        encodings.append(time.perf_counter() - started)
    started = time.perf_counter()
    tokens = sum(len(piece.ids) for piece in encoder.open().pieces(texts))
    tokenising = time.perf_counter() - started
    # Six layers of width 384 with 12 * 384 ** 2 weights each, two operations a weight.
    operations = tokens * 6 * 2 * 12 * 384**2
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        encoder.encode(texts)
    kinds = {
        "linear": "matrix products with their GELU",
        "attention": "attention",
        "layer_norm": "layer norm",
        "copy": "copying",
        "cat": "copying",
        "clone": "copying",
    }
    spent: dict[str, float] = {}
    for event in profiled.key_averages():
        kind = next((kinds[word] for word in kinds if word in event.key), "other")
        spent[kind] = spent.get(kind, 0.0) + event.self_cpu_time_total
    total = sum(spent.values())
    seconds = statistics.median(encodings)
    best = max(products)
    found = {
        "precision": encoder.precision,
        "matrix_product_gflops": round(best / 1e9),
        "encoding_gflops": round(operations / seconds / 1e9),
        "share_of_ceiling": round(operations / seconds / best, 3),
        "texts": len(texts),
        "tokens": tokens,
        "padding_tokens": 0,
        "encode_seconds": round(seconds, 2),
        "tokenising_seconds": round(tokenising, 2),
        "share_of_time_in_torch": {
            name: round(value / total, 3)
            for name, value in sorted(spent.items(), key=lambda item: -item[1])
        },
    }
    (work / "ceiling.json").write_text(json.dumps(found))


def run(work: Path, role: str) -> float:
    """Seconds of a fresh process."""
    started = time.perf_counter()
    command = [sys.executable, __file__, "--role", role, "--work", str(work)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=TALKMOVES)
    parser.add_argument("--share", type=float, default=1.0, help="of the transcripts")
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        {
            "ours": lambda: ours(arguments.work, exact=False),
            "exact": lambda: ours(arguments.work, exact=True),
            "peer": lambda: peer(arguments.work),
            "ceiling": lambda: ceiling(arguments.work),
        }[arguments.role]()
        return
    result: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        result |= prepare(work, arguments.data, arguments.share)
        pairs = [(run(work, "ours"), run(work, "peer")) for _ in range(arguments.pairs)]
        run(work, "exact")
        run(work, "ceiling")
        same = float((np.load(work / "ours.npy") == np.load(work / "exact.npy")).mean())
        ratios = [theirs / mine for mine, theirs in pairs]
        result |= {
            "seconds_ours": [round(mine, 1) for mine, _ in pairs],
            "seconds_sentence_transformers": [round(theirs, 1) for _, theirs in pairs],
            "times_faster": [round(ratio, 2) for ratio in ratios],
            "times_faster_median": round(statistics.median(ratios), 2),
            "decisions_as_in_float32": round(same, 6),
            "encoder": json.loads((work / "ceiling.json").read_text()),
            "reached": statistics.median(ratios) >= 2.5 and same >= 0.995,
        }
    write_result("bulk_coding", result)


if __name__ == "__main__":
    main()

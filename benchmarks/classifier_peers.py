"""The classifier beside its peers on real studies, five folds grouped by transcript.

    python benchmarks/classifier_peers.py [--study leoka] [--method fast] [--fold 0] [--minutes 60]

Methods: fast and best (ours), tfidf-svc (TF-IDF 1-2-grams, LinearSVC), st-lr
(sentence-transformers' encode, LogisticRegression), setfit (contrastive fine-tuning of the same
encoder for as long as `best` may take, then its logistic heads). All see the same folds and are
scored on the same segments against the coders' majority. Ours decides by its own thresholds; a
peer decides both by its own default and by our calibration and thresholds fitted on its scores of
the other folds, and is given whichever has the higher kappa. What is done is kept in --work and
not done again; results: benchmarks/results/classifier_peers.json.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine, read_study, write_result
from numpy.typing import NDArray

from annotations.reliability.estimate import Estimate, Replicates, Scale, jackknife
from models.artifacts import HeldOut
from models.weights import default_folder
from training.crossfit import cross_fit
from training.dataset import TrainingData, training_data
from training.evaluate import Confusion, replicates_of
from training.folds import grouped_folds
from training.options import TrainOptions
from training.train import train

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ("leoka", "sight", "talkmoves")
OURS = ("fast", "best")
TARGETS = {"leoka": (0.70, 0.64), "talkmoves": (0.58, None), "sight": (None, 0.72)}
FOLDS = 5
_TIMED_STEPS = 10

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Fold = Callable[[list[str], Bools, list[str], float], Floats]


def tfidf_svc(train_texts: list[str], labels: Bools, test: list[str], _minutes: float) -> Floats:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    known, asked = terms.fit_transform(train_texts), terms.transform(test)
    return by_code(lambda: LinearSVC(class_weight="balanced"), known, labels, asked)


def st_lr(train_texts: list[str], labels: Bools, test: list[str], _minutes: float) -> Floats:
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    encoder = SentenceTransformer(str(default_folder()))
    known, asked = _encoded(encoder, train_texts), _encoded(encoder, test)
    make = partial(LogisticRegression, class_weight="balanced", max_iter=1000)
    return by_code(make, known, labels, asked)


_ENCODED: dict[str, Floats] = {}


def _encoded(encoder: Any, texts: list[str]) -> Floats:
    """Vectors; what an earlier fold encoded is not encoded again, so the seconds flatter."""
    new = [text for text in dict.fromkeys(texts) if text not in _ENCODED]
    if new:
        _ENCODED.update(zip(new, encoder.encode(new), strict=True))
    return np.stack([_ENCODED[text] for text in texts])


def setfit(train_texts: list[str], labels: Bools, test: list[str], minutes: float) -> Floats:
    """SetFit's published procedure by its own package, for as many steps as its time allows.

    A few steps are timed first, in processor time, so that its learning rate rises and falls
    over the steps that it will make.
    """
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    used = labels.any(axis=0) & ~labels.all(axis=0)
    content = {"text": train_texts, "label": labels[:, used].astype(int).tolist()}

    def trained(steps: int) -> Any:
        model = SetFitModel.from_pretrained(
            str(default_folder()), multi_target_strategy="one-vs-rest", local_files_only=True
        )
        arguments = TrainingArguments(
            batch_size=16,
            num_epochs=1,
            max_steps=steps,
            seed=0,
            report_to="none",
            save_strategy="no",
        )
        Trainer(model=model, args=arguments, train_dataset=Dataset.from_dict(content)).train()
        return model

    started = time.process_time()
    trained(_TIMED_STEPS)
    step = (time.process_time() - started) / _TIMED_STEPS
    model = trained(max(_TIMED_STEPS, int(60 * minutes / step)))
    chances = model.predict_proba(test, as_numpy=True)
    found = np.full((len(test), labels.shape[1]), -10.0)
    inside = np.clip(np.asarray(chances, dtype=np.float64), 1e-6, 1 - 1e-6)
    found[:, used] = np.log(inside / (1 - inside))
    return found


PEERS: dict[str, Fold] = {"tfidf-svc": tfidf_svc, "st-lr": st_lr, "setfit": setfit}


def by_code(make: Callable[[], Any], known: Any, labels: Bools, asked: Any) -> Floats:
    """A classifier a code, one after the other; *shape:* (asked, codes)."""
    found = np.full((asked.shape[0], labels.shape[1]), -10.0)
    for code, own in enumerate(labels.T):
        if 0 < own.sum() < len(own):
            found[:, code] = make().fit(known, own).decision_function(asked)
    return found


def texts_for(data: TrainingData) -> list[str]:
    """The segment with its speaker, as somebody without context would give it."""
    return [f"{one.speaker} {one.text}".strip() for one in data.segments]


def decisions(method: str, name: str, data: TrainingData, arguments: Any) -> dict[str, Any]:
    """Held-out decisions; *shape:* applied (segments, codes)."""
    place = arguments.work / name / method
    place.mkdir(parents=True, exist_ok=True)
    whole = place / "whole.npz"
    if whole.exists():
        return dict(np.load(whole))
    started = time.monotonic()
    if method in OURS:
        report = train(
            read_study(arguments.data / name),
            options=TrainOptions(tier=method, minutes=arguments.minutes),
            store=place / "store",
            cache=arguments.work / "cache",
            checkpoints=place / "checkpoints",
        )
        held = HeldOut.read(place / "store" / report.model_version)
        found = {"applied": held.applied, "seconds": np.array(time.monotonic() - started)}
        print(f"{name} {method}: tier {report.tier}, {report.tier_reason}", flush=True)
    else:
        fold_of = folds_of(data)
        wanted = range(FOLDS) if arguments.fold is None else [arguments.fold]
        texts, labels = texts_for(data), data.targets > 0.5
        for fold in wanted:
            part = place / f"fold-{fold}.npz"
            if part.exists():
                continue
            own, at = fold_of == fold, time.monotonic()
            scores = PEERS[method](
                [texts[row] for row in np.flatnonzero(~own)],
                labels[~own],
                [texts[row] for row in np.flatnonzero(own)],
                arguments.minutes / (FOLDS + 1),
            )
            np.savez(part, scores=scores, seconds=time.monotonic() - at)
            print(f"{name} {method} fold {fold}: {time.monotonic() - at:.0f} s", flush=True)
        parts = [place / f"fold-{fold}.npz" for fold in range(FOLDS)]
        if not all(part.exists() for part in parts):
            return {}
        scores = np.zeros(data.truth.shape)
        seconds = 0.0
        for fold, part in enumerate(parts):
            held_part = np.load(part)
            scores[fold_of == fold] = held_part["scores"]
            seconds += float(held_part["seconds"])
        fitted = cross_fit(scores[:, :, np.newaxis], data.truth, data.scored, fold_of).applied
        plain = scores > 0
        better = max((plain, fitted), key=lambda one: Overall.of_model(data, one).kappa)
        found = {"applied": better, "seconds": np.array(seconds)}
    np.savez(whole, **found)
    return found


def folds_of(data: TrainingData) -> NDArray[np.int64]:
    return grouped_folds(data.transcripts, data.clusters, data.scored, folds=FOLDS, seed=0)


class Overall:
    """Pooled kappa and macro-F1 of decisions, with what the jackknife needs."""

    @classmethod
    def of_model(cls, data: TrainingData, applied: Bools) -> "Overall":
        """Decisions beside the majority, on the codes that are common enough."""
        counts = Confusion.of(
            applied, data.truth, data.scored, data.clusters, len(data.transcripts)
        )
        return cls(counts, counts.evaluated())

    @classmethod
    def of_people(cls, data: TrainingData, codes: Bools) -> "Overall | None":
        """Each coder beside the majority of at least two others; *shape:* `codes` (codes,).

        None where three coders never read the same segment. A tie of the others is no majority.
        """
        readers, yes = data.read.sum(axis=0), data.applied.sum(axis=0, dtype=np.int64)
        own, others, clusters = [], [], []
        for read, applied in zip(data.read, data.applied, strict=True):
            beside = read & (readers > 2)
            own.append(applied[beside])
            rest = (yes - applied)[beside]
            others.append(2 * rest > (readers[beside] - 1)[:, np.newaxis])
            clusters.append(data.clusters[beside])
        if not any(map(len, own)):
            return None
        truth, where = np.vstack(others), np.concatenate(clusters)
        every = np.ones(len(truth), dtype=np.bool_)
        counts = Confusion.of(np.vstack(own), truth, every, where, len(data.transcripts))
        return cls(counts, codes)

    def __init__(self, counts: Confusion, codes: Bools) -> None:
        self.codes = codes
        chosen = Confusion(counts=counts.counts[:, codes], used=counts.used)
        pooled = Confusion(counts=chosen.counts.sum(axis=1, keepdims=True), used=counts.used)
        each = replicates_of(chosen, "f1")
        self.pooled = replicates_of(pooled, "kappa")
        self.averaged = Replicates(
            values=np.nan_to_num(each.values).mean(keepdims=True),
            deletions=np.nan_to_num(each.deletions).mean(axis=1, keepdims=True),
            used=each.used[:, :1],
        )
        self.kappa = float(self.pooled.values[0])
        self.macro_f1 = float(self.averaged.values[0])
        self.units = counts.units


def interval(replicates: Replicates, units: int, scale: Scale) -> dict[str, Any]:
    found: Estimate = jackknife(replicates, scale=scale, n=[units])[0]
    return {
        name: None if (one := getattr(found, name)) is None else round(float(one), 4)
        for name in ("value", "low", "high")
    }


def difference(one: Replicates, other: Replicates) -> Replicates:
    return Replicates(
        values=one.values - other.values,
        deletions=one.deletions - other.deletions,
        used=one.used,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    methods = [*OURS, *PEERS]
    parser.add_argument("--study", choices=STUDIES, action="append")
    parser.add_argument("--method", choices=methods, action="append")
    parser.add_argument("--fold", type=int, choices=range(FOLDS), help="of a peer")
    parser.add_argument("--minutes", type=float, default=60.0, help="of fine-tuning, a method")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=Path("/tmp/classifier_peers"))
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    result_file = ROOT / "benchmarks" / "results" / "classifier_peers.json"
    held = json.loads(result_file.read_text()) if result_file.exists() else {"studies": {}}
    held["machine"] = machine()
    for name in arguments.study or STUDIES:
        data = training_data(read_study(arguments.data / name))
        found = {}
        for method in arguments.method or methods:
            told = decisions(method, name, data, arguments)
            if told:
                found[method] = (Overall.of_model(data, told["applied"]), float(told["seconds"]))
        for method in methods:  # of earlier runs
            kept = arguments.work / name / method / "whole.npz"
            if method not in found and kept.exists():
                told = dict(np.load(kept))
                found[method] = (Overall.of_model(data, told["applied"]), float(told["seconds"]))
        if not found:
            continue
        rows: dict[str, Any] = {}
        for method, (figures, seconds) in found.items():
            rows[method] = {
                "kappa": interval(figures.pooled, figures.units, Scale.ATANH),
                "macro_f1": interval(figures.averaged, figures.units, Scale.LOGIT),
                "seconds": round(seconds, 1),
            }
            if method in OURS:
                rows[method]["minus"] = {
                    peer: {
                        "kappa": interval(
                            difference(figures.pooled, other.pooled), figures.units, Scale.RAW
                        ),
                        "macro_f1": interval(
                            difference(figures.averaged, other.averaged), figures.units, Scale.RAW
                        ),
                    }
                    for peer, (other, _) in found.items()
                    if peer in PEERS
                }
        kappa, macro = TARGETS[name]
        codes = next(iter(found.values()))[0].codes
        people = Overall.of_people(data, codes)
        held["studies"][name] = {
            "a_coder_beside_the_others": None
            if people is None
            else {
                "kappa": interval(people.pooled, people.units, Scale.ATANH),
                "macro_f1": interval(people.averaged, people.units, Scale.LOGIT),
            },
            "methods": rows,
            "minutes": arguments.minutes,
            "target_kappa": kappa,
            "target_macro_f1": macro,
            "reached": any(
                (kappa is None or rows[one]["kappa"]["value"] >= kappa)
                and (macro is None or rows[one]["macro_f1"]["value"] >= macro)
                for one in OURS
                if one in rows
            ),
        }
        for method, row in rows.items():
            print(name, method, row["kappa"], row["macro_f1"], f"{row['seconds']} s", flush=True)
        write_result("classifier_peers", held)


if __name__ == "__main__":
    main()

"""The classifier beside its peers on real studies, five folds grouped by transcript.

    python benchmarks/classifier_peers.py [--study leoka] [--method fast] [--fold 0] [--minutes 60]

Methods: fast and best (ours), tfidf-svc (TF-IDF 1-2-grams, LinearSVC), st-lr
(sentence-transformers' encode, LogisticRegression), setfit (contrastive fine-tuning of the same
encoder for as long as `best` may take, then its logistic heads). All see the same folds and are
scored on the same segments against the coders' majority. Ours decides by its own thresholds; a peer
decides both by its own default and by our calibration and thresholds fitted on its scores of the
other folds, and is given whichever has the higher kappa. `reached` is of the figures alone; those
of ours that are above every peer stand beside it. What is done is kept in --work and not done
again. A peer of which only some folds are done is compared on those: `folds` says which. Results:
benchmarks/results/classifier_peers.json, in which methods that were not run stay as they were.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
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

    A few steps are timed first, in processor time (whatever else runs takes none of it away), so
    that its learning rate rises and falls over the steps that it will make; minutes are those of
    all cores.
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
    allowed = 60 * minutes * len(os.sched_getaffinity(0))
    model = trained(max(_TIMED_STEPS, int(allowed / step)))
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """Held-out decisions; *shapes:* `applied` (segments, codes), `judged` (segments,)."""

    applied: Bools
    judged: Bools
    folds: tuple[int, ...]
    seconds: float


def decisions(method: str, name: str, data: TrainingData, arguments: Any) -> Decided | None:
    """Of all folds that are done after this; None where there are none."""
    place = arguments.work / name / method
    place.mkdir(parents=True, exist_ok=True)
    if method in OURS:
        return of_ours(method, name, place, arguments)
    fold_of = folds_of(data)
    texts, labels = texts_for(data), data.targets > 0.5
    for fold in range(FOLDS) if arguments.fold is None else arguments.fold:
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
        np.savez(part, scores=scores, seconds=time.monotonic() - at, minutes=arguments.minutes)
        print(f"{name} {method} fold {fold}: {time.monotonic() - at:.0f} s", flush=True)
    return of_folds(place, data)


def of_ours(method: str, name: str, place: Path, arguments: Any) -> Decided:
    whole = place / "whole.npz"
    if not whole.exists():
        started = time.monotonic()
        report = train(
            read_study(arguments.data / name),
            options=TrainOptions(tier=method, minutes=arguments.minutes),
            store=place / "store",
            cache=arguments.work / "cache",
            checkpoints=place / "checkpoints",
        )
        held = HeldOut.read(place / "store" / report.model_version)
        np.savez(whole, applied=held.applied, seconds=time.monotonic() - started)
        print(f"{name} {method}: tier {report.tier}, {report.tier_reason}", flush=True)
    kept = np.load(whole)
    return Decided(
        applied=kept["applied"],
        judged=np.ones(len(kept["applied"]), dtype=np.bool_),
        folds=tuple(range(FOLDS)),
        seconds=float(kept["seconds"]),
    )


def of_folds(place: Path, data: TrainingData) -> Decided | None:
    """A peer's, by its own default or by our thresholds, whichever is better for it."""
    parts = {fold: place / f"fold-{fold}.npz" for fold in range(FOLDS)}
    done = tuple(fold for fold, part in parts.items() if part.exists())
    if not done:
        return None
    allowed = {float(np.load(parts[fold])["minutes"]) for fold in done}
    if len(allowed) > 1:
        raise SystemExit(
            f"{place} has folds that were given {sorted(allowed)} minutes: remove some."
        )
    fold_of = folds_of(data)
    judged = np.isin(fold_of, done)
    scores, seconds = np.full(data.truth.shape, -1.0), 0.0
    for fold in done:
        held = np.load(parts[fold])
        scores[fold_of == fold] = held["scores"]
        seconds += float(held["seconds"])
    plain = scores > 0
    if len(done) > 1:
        fitted = np.zeros_like(plain)
        fitted[judged] = cross_fit(
            scores[judged][:, :, np.newaxis],
            data.truth[judged],
            data.scored[judged],
            fold_of[judged],
        ).applied
        plain = max((plain, fitted), key=lambda one: Overall.of_model(data, one, judged).kappa)
    return Decided(applied=plain, judged=judged, folds=done, seconds=seconds)


def folds_of(data: TrainingData) -> NDArray[np.int64]:
    return grouped_folds(data.transcripts, data.clusters, data.scored, folds=FOLDS, seed=0)


class Overall:
    """Pooled kappa and macro-F1 of decisions, with what the jackknife needs."""

    @classmethod
    def of_model(cls, data: TrainingData, applied: Bools, judged: Bools) -> "Overall":
        """Decisions beside the majority, on the codes that are common enough there."""
        counts = Confusion.of(
            applied[judged],
            data.truth[judged],
            data.scored[judged],
            data.clusters[judged],
            len(data.transcripts),
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


def row(data: TrainingData, told: Decided) -> dict[str, Any]:
    """Figures of one method, on the folds that are done."""
    figures = Overall.of_model(data, told.applied, told.judged)
    return {
        "kappa": interval(figures.pooled, figures.units, Scale.ATANH),
        "macro_f1": interval(figures.averaged, figures.units, Scale.LOGIT),
        "seconds": round(told.seconds, 1),
        **({} if len(told.folds) == FOLDS else {"folds": list(told.folds)}),
    }


def beside(data: TrainingData, ours: Decided, peer: Decided) -> dict[str, Any]:
    """How far ours is above a peer, on what both have decided about."""
    both = ours.judged & peer.judged
    one, other = (Overall.of_model(data, told.applied, both) for told in (ours, peer))
    folds = sorted(set(ours.folds) & set(peer.folds))
    return {
        "kappa": interval(difference(one.pooled, other.pooled), one.units, Scale.RAW),
        "macro_f1": interval(difference(one.averaged, other.averaged), one.units, Scale.RAW),
        **({} if len(folds) == FOLDS else {"folds": folds}),
    }


def above_every_peer(own: dict[str, Any], kappa: float | None, macro: float | None) -> bool:
    """On all folds and in what a target is set for, by the interval of each difference."""
    measures = [name for name, one in (("kappa", kappa), ("macro_f1", macro)) if one is not None]
    return all(
        peer in own["minus"]
        and "folds" not in own["minus"][peer]
        and all((own["minus"][peer][name]["low"] or 0) > 0 for name in measures)
        for peer in PEERS
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    methods = [*OURS, *PEERS]
    parser.add_argument("--study", choices=STUDIES, action="append")
    parser.add_argument("--method", choices=methods, action="append")
    parser.add_argument("--fold", type=int, choices=range(FOLDS), action="append", help="a peer's")
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
        found: dict[str, Decided] = {}
        for method in methods:
            earlier = arguments.work / name / method
            told = None
            if method in (arguments.method or methods):
                told = decisions(method, name, data, arguments)
            elif method in PEERS:
                told = of_folds(earlier, data)
            elif (earlier / "whole.npz").exists():
                told = of_ours(method, name, earlier, arguments)
            if told is not None:
                found[method] = told
        if not found:
            continue
        rows = dict(held["studies"].get(name, {}).get("methods", {}))
        for method, told in found.items():
            rows[method] = row(data, told)
            if method in OURS:
                rows[method]["minus"] = {
                    peer: beside(data, told, other)
                    for peer, other in found.items()
                    if peer in PEERS
                }
        kappa, macro = TARGETS[name]
        every = np.ones(len(data.truth), dtype=np.bool_)
        codes = Overall.of_model(data, data.truth, every).codes
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
            "above_every_peer": [
                one for one in OURS if one in rows and above_every_peer(rows[one], kappa, macro)
            ],
        }
        for method, one in rows.items():
            print(name, method, one["kappa"], one["macro_f1"], f"{one['seconds']} s", flush=True)
        write_result("classifier_peers", held)


if __name__ == "__main__":
    main()

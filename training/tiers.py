"""Fast or best: which tier suits the data and the machine, and the fine-tuned view of the best."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotations.numerals import form, many
from models.features import Setting
from models.finetuned import finetuned_texts, load_base
from models.heads import Heads
from models.packed import fastest_device
from training.checkpoints import Checkpoints
from training.choosing import RecipeChoice
from training.coders import targets_of
from training.dataset import TrainingData
from training.finetune import FinetuneOptions, fine_tune
from training.knowledge import Knowledge
from training.options import TrainOptions

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]

AUTO_MINUTES = 3.0
"""Fine-tuning that takes about so long at most is chosen unasked."""

AUTO_SEGMENTS = 300
_AUTO_TRANSCRIPTS = 5
_OPERATIONS = {"cpu": 80e9, "cuda": 10e12}
"""Operations a second in training, nominal: the budget must not depend on what else runs."""

_TOKENS_A_WORD = 1.4
_EPOCHS = 10
_HEAD_LENGTH = 1.0
_EDGE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    """The tier of a training and why it is that one."""

    name: str
    reason: str


def choose_tier(
    data: TrainingData, options: TrainOptions, *, folds: int, setting: Setting, parameters: int
) -> Tier:
    """What was asked for, or the best that the data bears and the machine does in time.

    `setting` says what is read beside each segment, `parameters` are those of the encoder's
    layers.
    """
    if options.tier != "auto":
        return Tier(name=options.tier, reason="asked for")
    segments, transcripts = len(data.segments), len(data.transcripts)
    if segments < AUTO_SEGMENTS or transcripts < _AUTO_TRANSCRIPTS:
        return Tier(
            name="fast",
            reason=f"{many(segments, 'coded segment')} in {many(transcripts, 'transcript')} "
            f"{form(segments, 'is', 'are')} few to fine-tune on; from {AUTO_SEGMENTS} in "
            f"{_AUTO_TRANSCRIPTS} it may be chosen",
        )
    device = fastest_device().type
    words = sum(len(text.split()) for text in finetuned_texts(data.segments, setting))
    minutes = words * _TOKENS_A_WORD * _EPOCHS * folds / tokens_a_minute(device, parameters)
    where = "a GPU" if device == "cuda" else "no GPU"
    if minutes > AUTO_MINUTES:
        return Tier(
            name="fast",
            reason=f"with {where}, fine-tuning on the {many(words, 'word')} to read would take "
            f"about {many(round(minutes), 'minute')}; --tier best does it within --minutes",
        )
    return Tier(
        name="best",
        reason=f"with {where}, fine-tuning on the {many(words, 'word')} to read takes about "
        f"{many(round(max(minutes, 1)), 'minute')}",
    )


def tokens_a_minute(device: str, parameters: int) -> float:
    """Tokens that training reads in a minute, nominally, with so many parameters in layers."""
    return 60 * _OPERATIONS[device] / (6 * parameters)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetunedView:
    """The fine-tuned encoder's part in a model.

    *Shape:* `scores` (segments, codes): log odds by the fold that left the transcript out.
    `arrays` are the published tensors in half precision, `rounds` how often the final one
    went over the data.
    """

    scores: Floats
    arrays: dict[str, NDArray[Any]]
    rounds: int


def finetuned_view(
    data: TrainingData,
    knowledge: Knowledge,
    vectors: dict[str, Floats32],
    fold_of: Rows,
    choice: RecipeChoice,
    options: TrainOptions,
    *,
    settings: tuple[Setting, ...],
    parameters: int,
    checkpoints: Checkpoints,
    step: Callable[[str, int, int], None],
) -> FinetunedView:
    """Fine-tune once for each fold without it, for honest scores, and once on everything.

    `settings` are those of the folds and, last, of the whole; `parameters` are those of the
    encoder's layers. The final one makes as many rounds as the folds' early stopping found best,
    and stops at nothing. The heads start as the codes' descriptions. What is finished is kept in
    `checkpoints` and not done again.
    """
    base = load_base(options.encoder)
    speed = tokens_a_minute(fastest_device().type, parameters)
    folds = int(fold_of.max()) + 1
    bounds = FinetuneOptions(
        epochs=_EPOCHS,
        tokens=int(speed * options.minutes / (folds + 1)),
        seed=options.seed,
    )
    scores = np.zeros(data.truth.shape)
    rounds: list[int] = []
    total = 100 * (folds + 1)

    def tell(fit: int, done: int, of: int) -> None:
        step("fine-tuning", 100 * fit + 100 * done // max(of, 1), total)

    for fold in range(folds):
        kept = checkpoints.read(f"fold-{fold}")
        test = np.flatnonzero(fold_of == fold)
        if kept is None:
            texts = finetuned_texts(data.segments, settings[fold])
            rows = np.flatnonzero(fold_of != fold)
            found = fine_tune(
                base,
                start_heads(data, knowledge, vectors, rows),
                [texts[row] for row in rows],
                targets_of(data, rows, choice.for_fold[fold].targets),
                data.clusters[rows],
                options=replace(bounds, seed=options.seed + fold),
                checkpoints=checkpoints,
                name=f"running-{fold}",
                step=partial(tell, fold),
            )
            kept = {
                "scores": found.model.log_odds([texts[row] for row in test]),
                "rounds": np.array([found.rounds], dtype=np.int64),
            }
            checkpoints.keep(f"fold-{fold}", kept)
            checkpoints.drop(f"running-{fold}")
        scores[test] = kept["scores"]
        rounds.append(int(kept["rounds"][0]))
        tell(fold, 1, 1)
    often = max(1, round(float(np.median(rounds))))
    arrays = checkpoints.read("final")
    if arrays is None:
        rows = np.arange(len(data.segments))
        found = fine_tune(
            base,
            start_heads(data, knowledge, vectors, rows),
            finetuned_texts(data.segments, settings[-1]),
            targets_of(data, rows, choice.final.targets),
            data.clusters,
            options=bounds,
            rounds=often,
            checkpoints=checkpoints,
            name="running-final",
            step=partial(tell, folds),
        )
        arrays = {
            name: one.detach().cpu().numpy().astype(np.float16)
            for name, one in found.model.trained().items()
        }
        checkpoints.keep("final", arrays)
        checkpoints.drop("running-final")
    tell(folds, 1, 1)
    return FinetunedView(scores=scores, arrays=arrays, rounds=often)


def start_heads(
    data: TrainingData, knowledge: Knowledge, vectors: dict[str, Floats32], rows: Rows
) -> Heads:
    """Heads that point to the codes' descriptions, biased to the codes' shares."""
    directions = knowledge.directions(vectors)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    weights = _HEAD_LENGTH * directions / np.where(lengths > 0, lengths, 1.0)
    targets = data.targets[rows]
    yes = targets.sum(axis=0)
    return Heads(
        weights=weights.astype(np.float32),
        bias=np.log((yes + _EDGE) / (len(targets) - yes + _EDGE)).astype(np.float32),
    )

"""Fine-tune the encoder on a study's codes, with early stopping and a bound on the work."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.finetuned import Base, CodeClassifier, Windows
from models.heads import Heads
from models.packed import fastest_device
from training.checkpoints import Checkpoints

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]

ENCODER_RATE = 1e-4
HEAD_RATE = 1e-3
_DECAY = 0.01
_WARM = 0.1
_LEAST_TRANSCRIPTS = 4
_HELD_SHARE = 0.15
_HELD_MOST = 1000
_KEEP_EVERY = 200
_LEAST_ROOM = 128
"""Tokens a step that are worth a step's cost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneOptions:
    """`epochs` at most; `tokens` at most to be read in training; `batch_tokens` at most a step.

    Few texts are read in smaller steps, so that a round has `steps` of them. `patience` rounds
    without a better held-out loss end it.
    """

    epochs: int = 10
    tokens: int = 4_000_000
    batch_tokens: int = 1024
    steps: int = 40
    patience: int = 2
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Finetuned:
    """A fine-tuned classifier; `rounds` was the best of those looked at, of so many planned."""

    model: CodeClassifier
    rounds: int
    losses: tuple[float, ...]


def half_is_faster(device: torch.device) -> bool:
    """Whether bfloat16 has instructions of its own here."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def fine_tune(
    base: Base,
    heads: Heads,
    texts: list[str],
    targets: Floats,
    clusters: Rows,
    *,
    options: FinetuneOptions,
    rounds: int | None = None,
    checkpoints: Checkpoints,
    name: str,
    step: Callable[[int, int], None],
) -> Finetuned:
    """Train all layers and the heads on texts with soft targets.

    *Shapes:* `targets` (texts, codes) from 0 to 1, `clusters` (texts,): the transcript of each.
    Some transcripts are held out to stop early; with `rounds` given, all teach and so many
    rounds are made. Where the budget is short of two rounds over everything, whole transcripts
    are sampled. `step` is told steps done and in all, and may raise: what was done is kept
    under `name`.
    """
    run = _Run(base, heads, texts, targets, clusters, options, rounds)
    return run.go(checkpoints, name, step)


class _Run:
    def __init__(
        self,
        base: Base,
        heads: Heads,
        texts: list[str],
        targets: Floats,
        clusters: Rows,
        options: FinetuneOptions,
        rounds: int | None,
    ) -> None:
        self._options, self._fixed = options, rounds
        self._device = fastest_device()
        self._half = half_is_faster(self._device)
        torch.manual_seed(options.seed)
        self.model = CodeClassifier(base.encoder, base.tokenizer, heads).to(self._device)
        self._windows = self.model.windows(texts)
        self._places = _by_text(self._windows, len(texts))
        self._targets = torch.tensor(targets, dtype=torch.float32)
        self._size = np.array([sum(len(self._windows.ids[w]) for w in own) for own in self._places])
        teach, self._held = self._divide(clusters, rounds is None)
        self._teach = self._within_budget(teach, clusters)
        tokens = max(int(self._size[self._teach].sum()), 1)
        self._room = min(options.batch_tokens, max(_LEAST_ROOM, tokens // options.steps))
        planned = min(options.epochs, max(1, options.tokens // tokens))
        self._planned = planned if rounds is None else min(rounds, planned)
        self._batches = [self._shuffled(number) for number in range(self._planned)]
        self.total = sum(map(len, self._batches))
        self._optimizer = torch.optim.AdamW(
            [
                {
                    "params": [p for n, p in self.model.trained().items() if "head." not in n],
                    "lr": ENCODER_RATE,
                },
                {"params": list(self.model.head.parameters()), "lr": HEAD_RATE},
            ],
            weight_decay=_DECAY,
        )
        self._best: dict[str, NDArray[Any]] | None = None
        self._best_round, self._done = 0, 0
        self._losses: list[float] = []

    def _divide(self, clusters: Rows, early: bool) -> tuple[Rows, Rows]:
        """Texts that teach, and those of transcripts held out to know when to stop."""
        worded = np.flatnonzero(self._size > 0)
        names = np.unique(clusters)
        if not early or len(names) < _LEAST_TRANSCRIPTS:
            return worded, worded[:0]
        drawn = np.random.default_rng(self._options.seed).permutation(names)
        count = max(1, round(_HELD_SHARE * len(names)))
        held = worded[np.isin(clusters[worded], drawn[:count])]
        return worded[~np.isin(clusters[worded], drawn[:count])], held[:_HELD_MOST]

    def _within_budget(self, teach: Rows, clusters: Rows) -> Rows:
        room = self._options.tokens / 2
        if self._size[teach].sum() <= room:
            return teach
        # Of those that teach alone: one that is held out has no size, and would teach nothing.
        own = np.unique(clusters[teach])
        drawn = np.random.default_rng(self._options.seed + 1).permutation(own)
        size = np.bincount(clusters[teach], weights=self._size[teach], minlength=drawn.max() + 1)
        taken = drawn[: max(1, int((np.cumsum(size[drawn]) <= room).sum()))]
        return teach[np.isin(clusters[teach], taken)]

    def _shuffled(self, number: int) -> list[Rows]:
        """Batches of texts of like length, up to the token budget, in an order of the round."""
        rng = np.random.default_rng([self._options.seed, number])
        order = rng.permutation(self._teach)
        longest = np.array([max(len(self._windows.ids[w]) for w in self._places[t]) for t in order])
        # Lengths are sorted with some noise, so that batches differ from round to round.
        order = order[np.argsort(longest * rng.uniform(0.9, 1.1, len(order)), kind="stable")]
        batches: list[Rows] = []
        own: list[int] = []
        held = 0
        for text in order:
            if own and held + self._size[text] > self._room:
                batches.append(np.array(own, dtype=np.int64))
                own, held = [], 0
            own.append(int(text))
            held += int(self._size[text])
        if own:
            batches.append(np.array(own, dtype=np.int64))
        return [batches[place] for place in rng.permutation(len(batches))]

    def go(
        self, checkpoints: Checkpoints, name: str, step: Callable[[int, int], None]
    ) -> Finetuned:
        self._resume(checkpoints.read(name))
        done = 0
        for number, batches in enumerate(self._batches):
            if done + len(batches) <= self._done:
                done += len(batches)
                continue
            if self._stopped():
                break
            for place, batch in enumerate(batches, start=1):
                done += 1
                if done <= self._done:
                    continue
                step(done - 1, self.total)
                # Each step has its own seed, so that one that is done again is the same.
                torch.manual_seed(self._options.seed * 1_000_003 + done)
                self._learn(batch)
                self._done = done
                if done % _KEEP_EVERY == 0 and place < len(batches):
                    checkpoints.keep(name, self._state())
            self._look(number + 1)
            checkpoints.keep(name, self._state())
        step(self.total, self.total)
        if self._best is not None:
            self.model.restore(self._best)
        self.model.eval()
        return Finetuned(
            model=self.model,
            rounds=self._best_round or self._planned,
            losses=tuple(self._losses),
        )

    def _learn(self, batch: Rows) -> None:
        self.model.train()
        loss = self._loss(batch)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(list(self.model.trained().values()), 1.0)
        for group, rate in zip(
            self._optimizer.param_groups, (ENCODER_RATE, HEAD_RATE), strict=True
        ):
            group["lr"] = rate * self._pace()
        self._optimizer.step()

    def _pace(self) -> float:
        """The share of the learning rates at this step: a linear rise, then a linear fall."""
        warm = max(1, int(_WARM * self.total))
        return min((self._done + 1) / warm, (self.total - self._done) / max(1, self.total - warm))

    def _loss(self, batch: Rows) -> torch.Tensor:
        """Binary cross-entropy, summed over codes, mean over texts."""
        rows = [window for text in batch for window in self._places[text]]
        of = torch.tensor(
            [place for place, text in enumerate(batch) for _ in self._places[text]],
            device=self._device,
        )
        ids, mask = self.model.padded([self._windows.ids[row] for row in rows], self._device)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._half):
            values = self.model(ids, mask).float()
        codes = values.shape[1]
        highest = torch.full((len(batch), codes), -math.inf, device=self._device)
        highest = highest.scatter_reduce(
            0, of.unsqueeze(1).expand(-1, codes), values, reduce="amax", include_self=False
        )
        wanted = self._targets[torch.tensor(batch)].to(self._device)
        found = torch.nn.functional.binary_cross_entropy_with_logits(
            highest, wanted, reduction="sum"
        )
        return found / len(batch)

    def _look(self, number: int) -> None:
        """The loss on what was held out, and the weights if it is the least so far."""
        if not len(self._held):
            return
        self.model.eval()
        total = 0.0
        with torch.inference_mode():
            for start in range(0, len(self._held), 16):
                part = self._held[start : start + 16]
                total += float(self._loss(part)) * len(part)
        self._losses.append(total / len(self._held))
        if self._losses[-1] <= min(self._losses):
            self._best_round = number
            self._best = _arrays(self.model.trained())

    def _stopped(self) -> bool:
        since = len(self._losses) - self._best_round
        return bool(self._losses) and since >= self._options.patience

    def _state(self) -> dict[str, NDArray[Any]]:
        state = {f"now.{key}": value for key, value in _arrays(self.model.trained()).items()}
        names = [
            name for group in self._optimizer.param_groups for name in self._names(group["params"])
        ]
        held = self._optimizer.state_dict()["state"]
        for place, name in enumerate(names):
            for kind, value in held.get(place, {}).items():
                state[f"optimizer.{name}.{kind}"] = value.detach().cpu().numpy()
        state |= {f"best.{key}": value for key, value in (self._best or {}).items()}
        state["done"] = np.array([self._done, self._best_round], dtype=np.int64)
        state["losses"] = np.array(self._losses, dtype=np.float64)
        return state

    def _names(self, parameters: list[torch.nn.Parameter]) -> list[str]:
        name_of = {id(one): name for name, one in self.model.trained().items()}
        return [name_of[id(one)] for one in parameters]

    def _resume(self, state: dict[str, NDArray[Any]] | None) -> None:
        if state is None:
            return
        self.model.restore(_under("now.", state))
        self._best = _under("best.", state) or None
        self._done, self._best_round = (int(value) for value in state["done"])
        self._losses = [float(value) for value in state["losses"]]
        names = [n for g in self._optimizer.param_groups for n in self._names(g["params"])]
        content = self._optimizer.state_dict()
        content["state"] = {
            place: {
                kind: torch.tensor(value)
                for kind, value in _under(f"optimizer.{name}.", state).items()
            }
            for place, name in enumerate(names)
            if f"optimizer.{name}.step" in state
        }
        self._optimizer.load_state_dict(content)


def _under(prefix: str, state: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _arrays(tensors: dict[str, torch.Tensor]) -> dict[str, NDArray[Any]]:
    return {name: one.detach().cpu().numpy().copy() for name, one in tensors.items()}


def _by_text(windows: Windows, texts: int) -> list[list[int]]:
    places: list[list[int]] = [[] for _ in range(texts)]
    for window, text in enumerate(windows.text_of):
        places[int(text)].append(window)
    return places

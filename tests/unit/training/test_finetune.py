"""Fine-tuning: what it learns, what it leaves alone, and that it goes on where it was killed."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from annotations.study import Study
from models.features import Setting
from models.finetuned import Base, CodeClassifier, FinetunedEncoder, finetuned_texts, load_base
from models.heads import Heads
from models.suggester import Suggester
from training.checkpoints import KEPT_DAYS, Checkpoints
from training.dataset import TrainingData, training_data
from training.finetune import FinetuneOptions, fine_tune
from training.options import TrainingStopped, TrainOptions
from training.tiers import Tier, choose_tier
from training.train import train

Make = Callable[..., Study]
SMALL = 10_616_832
SHORT = FinetuneOptions(epochs=2, batch_tokens=256)


@pytest.fixture(scope="module")
def base() -> Base:
    return load_base(None)


@pytest.fixture(scope="module")
def data(small_study: Make) -> TrainingData:
    return training_data(small_study(4))


def _heads(codes: int) -> Heads:
    return Heads(weights=np.zeros((codes, 384), np.float32), bias=np.zeros(codes, np.float32))


def _run(base: Base, data: TrainingData, kept: Checkpoints, step=lambda _done, _of: None):
    return fine_tune(
        base,
        _heads(3),
        [segment.text for segment in data.segments],
        data.targets,
        data.clusters,
        options=SHORT,
        checkpoints=kept,
        name="running",
        step=step,
    ).model


def test_a_killed_run_goes_on_to_the_same_weights(
    base: Base, data: TrainingData, tmp_path: Path
) -> None:
    whole = _run(base, data, Checkpoints(None, {}))

    def kill(done: int, of: int) -> None:
        if done > of // 2:
            raise KeyboardInterrupt

    kept = Checkpoints(tmp_path, {"data": "1"})
    with pytest.raises(KeyboardInterrupt):
        _run(base, data, kept, kill)
    assert Checkpoints(tmp_path, {"data": "2"}).read("running") is None
    steps: list[int] = []
    again = _run(base, data, kept, lambda done, _of: steps.append(done))
    assert steps[0] > 0
    for one, other in zip(whole.trained().values(), again.trained().values(), strict=True):
        assert torch.equal(one, other)
    # Something was learned at all.
    untrained = CodeClassifier(base.encoder, base.tokenizer, _heads(3)).trained()
    assert not torch.equal(untrained["head.weight"], whole.trained()["head.weight"])


def test_work_that_nobody_went_on_with_is_forgotten_after_a_month(tmp_path: Path) -> None:
    one, other = (Checkpoints(tmp_path, {"data": name}) for name in ("1", "2"))
    for kept in (one, other):
        kept.keep("fold-0", {"scores": np.ones(3)})
    old = time.time() - (KEPT_DAYS + 1) * 24 * 3600
    for place in (*tmp_path.rglob("*.safetensors"), *tmp_path.iterdir()):
        os.utime(place, (old, old))
    assert Checkpoints(tmp_path, {"data": "1"}).read("fold-0") is not None
    assert other.read("fold-0") is None


def test_few_texts_are_read_in_small_steps(base: Base, data: TrainingData) -> None:
    def steps(**options: int) -> int:
        seen: list[int] = []

        def stop(_done: int, of: int) -> None:
            seen.append(of)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fine_tune(
                base,
                _heads(3),
                [segment.text for segment in data.segments] * 4,
                np.tile(data.targets, (4, 1)),
                np.tile(data.clusters, 4),
                options=FinetuneOptions(epochs=1, **options),
                rounds=1,
                checkpoints=Checkpoints(None, {}),
                name="running",
                step=stop,
            )
        return seen[0]

    assert steps() > 4 * steps(steps=1)
    assert steps(batch_tokens=64) > steps()


def test_half_precision_and_company_keep_what_a_text_scores(base: Base) -> None:
    rng = np.random.default_rng(0)
    heads = Heads(weights=rng.normal(size=(2, 384)).astype(np.float32), bias=np.ones(2, np.float32))
    model = CodeClassifier(base.encoder, base.tokenizer, heads)
    texts = ["Yes.", "", "We never have enough nurses on the night shift. " * 30]
    alone = np.vstack([model.log_odds([text]) for text in texts])
    assert np.array_equal(alone, model.log_odds(texts))
    assert alone[1] == pytest.approx([1, 1])
    half = {k: v.detach().numpy().astype(np.float16) for k, v in model.trained().items()}
    assert FinetunedEncoder(base, half).encode(texts) == pytest.approx(alone, abs=0.05)


def test_what_came_before_is_read_as_the_setting_says(data: TrainingData) -> None:

    segment = data.segments[1]
    plain, asked = (
        finetuned_texts([segment], Setting(context=False, question=question, speakers=("Manager",)))
        for question in (False, True)
    )
    assert plain == [f"Manager: {segment.text}"]
    assert asked == [f"{segment.before[-1].text} [SEP] Manager: {segment.text}"]


def test_few_segments_are_told_why_they_are_trained_fast(data: TrainingData) -> None:
    tier = _tier(data)
    assert tier.name == "fast"
    assert "48 coded segments in 4 transcripts are few" in tier.reason
    assert _tier(data, tier="best").name == "best"


def test_a_large_encoder_and_what_was_said_before_take_their_time(small_study: Make) -> None:
    data = training_data(small_study(30))
    assert _tier(data).name == "best"
    assert _tier(data, parameters=10_000 * SMALL).name == "fast"
    words = [_words_of(_tier(data, context=context).reason) for context in (False, True)]
    assert words[1] > 1.5 * words[0]


def _words_of(reason: str) -> int:
    return int(reason.split("fine-tuning on the ")[1].split(" words")[0].replace(",", ""))


def _tier(
    data: TrainingData, *, tier: str = "auto", context: bool = False, parameters: int = SMALL
) -> Tier:
    setting = Setting(context=context, speakers=())
    options = TrainOptions(tier=tier)
    return choose_tier(data, options, folds=4, setting=setting, parameters=parameters)


def test_every_fold_learns_though_there_is_time_for_few_transcripts(
    base: Base, data: TrainingData
) -> None:
    for seed in range(6):
        steps: list[int] = []
        fine_tune(
            base,
            _heads(3),
            [segment.text for segment in data.segments],
            data.targets,
            data.clusters,
            options=FinetuneOptions(epochs=2, tokens=200, seed=seed),
            checkpoints=Checkpoints(None, {}),
            name="running",
            step=lambda _done, of, steps=steps: steps.append(of),
        )
        assert steps[-1] > 0


def test_the_best_tier_stops_resumes_and_publishes_what_it_says(
    small_study: Make, cache: Path, tmp_path: Path
) -> None:
    study = small_study(3)
    options = TrainOptions(tier="best", minutes=0.02, folds=2)
    seen: list[tuple[str, int]] = []

    def run(store: Path, stop_at: int) -> str:
        report = train(
            study,
            options=options,
            store=store,
            cache=cache,
            checkpoints=tmp_path / "checkpoints",
            progress=lambda stage, done, _total: seen.append((stage, done)),
            should_stop=lambda: ("fine-tuning", stop_at) in seen,
        )
        model = Suggester.load(store / report.model_version, encoder_cache=cache)
        assert model.suggest(study.transcripts).model_version == report.model_version
        assert report.tier == "best" or "did not lower the held-out loss" in report.tier_reason
        return report.model_version

    with pytest.raises(TrainingStopped, match="goes on where fine-tuning was"):
        run(tmp_path / "one", 100)
    assert list((tmp_path / "checkpoints").rglob("fold-0.safetensors"))
    seen.clear()
    run(tmp_path / "one", -1)
    assert seen.index(("fine-tuning", 100)) < seen.index(("fine-tuning", 200))
    assert not list((tmp_path / "checkpoints").iterdir())


def test_options_of_the_tier_are_checked() -> None:
    for wrong in ({"tier": "slow"}, {"minutes": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            replace(TrainOptions(), **wrong)

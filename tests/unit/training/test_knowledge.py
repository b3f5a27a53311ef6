"""What the codebook and the coders' disagreement add to the codings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from annotations.codebook import Code, Codebook
from annotations.study import Study
from models.suggester import Suggester
from training.coders import disagree, reliability, targets_of
from training.dataset import training_data
from training.knowledge import gather_knowledge
from training.options import TrainOptions
from training.train import train

Make = Callable[..., Study]
WEATHER = Code(
    path="Weather",
    definition="Rain, snow, sun and wind.",
    include="It was raining when I came in.",
    examples=("It was raining when I came in.", "The snow lay for a week."),
)


def _with_weather(study: Study) -> Study:
    return replace(study, codebook=Codebook.of([*study.codebook.codes, WEATHER], declared=True))


def test_an_example_that_quotes_a_coded_segment_is_left_out(small_study: Make) -> None:
    found = gather_knowledge(training_data(_with_weather(small_study(3))))
    own = [text for text, code in zip(found.texts, found.code_of, strict=True) if code == 3]
    assert len(own) == 2
    assert "Rain, snow" in own[0]
    assert own[1] == "The snow lay for a week."


def test_a_code_with_a_definition_alone_is_silent_and_scored_by_it(
    small_study: Make, cache: Path, tmp_path: Path
) -> None:
    study = _with_weather(small_study(6))
    report = train(study, options=TrainOptions(), store=tmp_path, cache=cache)
    weather = report.codes[3]
    assert (weather.gate, weather.reason) == ("closed", "no segment carries it")
    model = Suggester.load(tmp_path / report.model_version)
    batch = model.suggest(study.transcripts, all_codes=True)
    assert batch.scores is not None
    said = {t.name: [turn.text for turn in t.turns] for t in study.transcripts}
    rain = [s.scores["Weather"] for s in batch.scores if "raining" in said[s.transcript][s.turn]]
    rest = [
        s.scores["Weather"] for s in batch.scores if "raining" not in said[s.transcript][s.turn]
    ]
    assert np.median(rain) > np.quantile(rest, 0.9)


def test_trusting_definitions_opens_the_code_and_marks_its_suggestions(
    small_study: Make, cache: Path, tmp_path: Path
) -> None:
    study = _with_weather(small_study(6))
    options = TrainOptions(trust_definitions=True)
    report = train(study, options=options, store=tmp_path, cache=cache)
    weather = report.codes[3]
    assert (weather.gate, weather.by_definition) == ("open", True)
    assert "no held-out figure speaks for it" in str(weather.reason)
    found = Suggester.load(tmp_path / report.model_version).suggest(study.transcripts)
    own = [one for one in found.suggestions if one.code == "Weather"]
    assert any("raining" in one.text for one in own)
    assert all(one.from_definition for one in own)
    assert not any(one.from_definition for one in found.suggestions if one.code != "Weather")


def test_a_coder_who_goes_with_the_others_weighs_more(small_study: Make) -> None:
    study = small_study(6, coders=("asha", "ben", "cem"))
    kept = [one for n, one in enumerate(study.codings) if one.coder != "cem" or n % 4 == 0]
    data = training_data(replace(study, codings=tuple(kept)))
    rows = np.arange(len(data.segments))
    assert disagree(data)
    weights = dict(zip(data.coders, reliability(data, rows), strict=True))
    assert weights["asha"] > weights["cem"]
    share, weighted = (targets_of(data, rows, kind) for kind in ("share", "weighted"))
    assert set(np.unique(share.round(2))) <= {0.0, 0.33, 0.67, 1.0}
    # Where cem alone differs from the two, the weighted share is nearer to theirs.
    apart = np.isclose(share, 2 / 3) & (data.applied[2] == 0)
    assert (weighted[apart] > share[apart]).all()
    assert apart.any()

"""What the codebook and the coders' disagreement add to the codings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotations.codebook import Code, Codebook
from annotations.study import Study
from models.artifacts import HeldOut
from models.suggester import Suggester
from models.thresholds import KAPPA, Aim
from training.coders import disagree, reliability, targets_of
from training.dataset import training_data
from training.knowledge import gather_knowledge
from training.options import TrainOptions
from training.recipe import Recipe
from training.train import encoded, train
from training.views import Learner

Make = Callable[..., Study]
WEATHER = Code(
    path="Weather",
    definition="Rain, snow, sun and wind.",
    include="That it was raining outside when somebody came in.",
    examples=("It was raining when I came in.", "The snow lay for a week."),
)


SAID = (
    "It had rained (laughs) for days. Yes, and ... then the ... sun. Nobody had (coughs) an "
    "umbrella. 昨日は雨が降っていました。"
)


def _with_weather(study: Study) -> Study:
    return replace(study, codebook=Codebook.of([*study.codebook.codes, WEATHER], declared=True))


def test_an_example_that_quotes_a_coded_segment_is_left_out(small_study: Make) -> None:
    found = gather_knowledge(training_data(_with_weather(small_study(3))))
    own = [text for text, code in zip(found.texts, found.code_of, strict=True) if code == 3]
    assert len(own) == 2
    assert "Rain, snow" in own[0]
    assert own[1] == "The snow lay for a week."


@pytest.mark.parametrize(
    "example",
    [
        "P3: It was raining when I came in.",
        "It was ... raining when I came in",
        "[after the handover] it was raining when I came in (she laughs)",
        "It had rained (laughs) for days.",
        "Yes, and ... then the ... sun",
        "Mary Ann: Nobody [pause] had an umbrella",
        "昨日は雨が降っていました",
    ],
)
def test_a_quotation_is_known_though_it_is_shortened_or_named(
    small_study: Make, example: str
) -> None:
    study = _with_weather(small_study(3))
    code = replace(study.codebook.codes[-1], examples=(example, "Nobody ever said this at all."))
    book = Codebook.of([*study.codebook.codes[:-1], code], declared=True)
    one = study.transcripts[0]
    said = replace(one.turns[-1], text=f"{one.turns[-1].text} {SAID}")
    transcripts = (replace(one, turns=(*one.turns[:-1], said)), *study.transcripts[1:])
    found = gather_knowledge(training_data(replace(study, codebook=book, transcripts=transcripts)))
    own = [text for text, code in zip(found.texts, found.code_of, strict=True) if code == 3]
    assert own[1:] == ["Nobody ever said this at all."]


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


def test_the_first_coding_does_not_silence_the_description(small_study: Make, cache: Path) -> None:
    """One coding of a segment about something else, and the description still leads."""
    study = _with_weather(small_study(6))
    calm = next(
        one for one in study.codings if "raining" not in _text(study, one.transcript, one.turn)
    )
    more = [replace(calm, code="Weather", coder=coder) for coder in study.coders]
    study = replace(study, codings=(*study.codings, *more))
    data = training_data(study)
    vectors = encoded(data, TrainOptions(), cache, lambda *_: None)
    learner = Learner(data, vectors.by_text, vectors.knowledge, lambda: None)
    rows = np.arange(len(data.segments))
    assert data.support[3] == 1
    scores = learner.score(learner.fit(rows, Recipe()), rows)[:, 3].sum(axis=1)
    rain = np.array(["raining" in one.text for one in data.segments])
    others = ~rain & (data.targets[:, 3] == 0)
    assert np.median(scores[rain]) > np.quantile(scores[others], 0.75)


def _text(study: Study, transcript: str, turn: int) -> str:
    return next(one.turns[turn].text for one in study.transcripts if one.name == transcript)


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
    # What it says of coded transcripts, and of new ones, is the same model's.
    held = HeldOut.read(tmp_path / report.model_version)
    weather_at = held.codes.index("Weather")
    assert held.applied[:, weather_at].any()
    usual = np.median([held.applied[:, code].mean() for code in range(3)])
    assert held.scores[:, weather_at].mean() == pytest.approx(usual, abs=0.15)


@pytest.mark.parametrize("aim", [KAPPA, Aim(name="precision", precision=0.9)], ids=str)
def test_definitions_are_trusted_before_any_code_is_open(
    small_study: Make, cache: Path, tmp_path: Path, aim: Aim
) -> None:
    study = _with_weather(small_study(3))
    options = TrainOptions(trust_definitions=True, min_support=500, aim=aim)
    report = train(study, options=options, store=tmp_path, cache=cache)
    assert [code.gate for code in report.codes] == ["closed", "closed", "closed", "open"]
    found = Suggester.load(tmp_path / report.model_version).suggest(study.transcripts)
    assert found.suggestions
    assert all(one.code == "Weather" and one.from_definition for one in found.suggestions)


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

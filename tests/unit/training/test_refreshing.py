"""A refreshed model: what it learned anew, what it kept, and who scored what."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotations.codebook import Codebook
from annotations.study import Study
from models.artifacts import HeldOut, publish
from models.carried import PART, Carried
from models.finetuned import FinetunedEncoder, finetuned_texts, load_base
from models.parts import read_model
from models.report import Refreshed, TrainReport, read_report
from models.suggester import Suggester
from training.dataset import training_data
from training.options import TrainOptions
from training.refreshing import Base
from training.train import encoded, train
from training.views import Learner

Make = Callable[..., Study]
FAST = TrainOptions(tier="fast")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("refreshing")


@pytest.fixture(scope="module")
def first(small_study: Make, store: Path, cache: Path) -> TrainReport:
    return train(small_study(10), options=FAST, store=store, cache=cache)


@pytest.fixture(scope="module")
def again(store: Path, cache: Path) -> Callable[..., TrainReport]:
    def run(study: Study, base: TrainReport, options: TrainOptions = FAST) -> TrainReport:
        place = store / base.model_version
        return train(study, options=options, store=store, base=place, cache=cache)

    return run


@pytest.fixture(scope="module")
def second(small_study: Make, first: TrainReport, again: Callable[..., TrainReport]) -> TrainReport:
    return again(small_study(12), first)


def _raw(store: Path, report: TrainReport) -> dict[tuple[str, int, int, int], np.ndarray]:
    folder = store / report.model_version
    return dict(zip(HeldOut.read(folder).keys, Carried.read(folder).scores, strict=True))


def _without_coding(study: Study, name: str) -> Study:
    return replace(study, codings=tuple(one for one in study.codings if one.transcript != name))


def _why(report: TrainReport) -> str:
    assert report.refreshed is None
    (note,) = [note for note in report.notes if note.startswith("Trained in full")]
    return note


def test_its_heads_are_those_of_a_full_training_with_the_same_choices(
    small_study: Make, store: Path, cache: Path, first: TrainReport, second: TrainReport
) -> None:
    data = training_data(small_study(12))
    base = Base.read(store / first.model_version)
    vectors = encoded(data, FAST, cache, lambda *_: None)
    learner = Learner(data, vectors.by_text, vectors.knowledge, lambda: None)
    whole = learner.fit(np.arange(len(data.segments)), base.recipe)
    parts = read_model(store / second.model_version)
    assert np.array_equal(parts.words_heads.weights, whole.words_heads.weights)
    assert np.array_equal(parts.embedding_heads.weights, whole.embedding_heads.weights)
    assert second.segments == 144 > first.segments


def test_what_is_new_is_scored_by_the_model_that_had_not_seen_it(
    small_study: Make, store: Path, cache: Path, first: TrainReport, second: TrainReport
) -> None:
    before, now = _raw(store, first), _raw(store, second)
    assert all(np.array_equal(now[key], scores) for key, scores in before.items())
    study = small_study(12)
    new = [one for one in study.transcripts if one.name in ("interview 10", "interview 11")]
    suggester = Suggester.load(store / first.model_version, encoder_cache=cache)
    old = suggester._parts
    for transcript in new:
        segments = list(old.segmentation.segments(transcript))
        expected = old.words_heads.scores(old.words.transform(segments))
        found = np.stack([now[segment.key] for segment in segments])
        assert found[:, :, 1] == pytest.approx(expected, abs=1e-4)
        seen = read_model(store / second.model_version)
        assert (
            np.abs(found[:, :, 1] - seen.words_heads.scores(seen.words.transform(segments))).max()
            > 0.1
        )
    assert {key[0] for key in now.keys() - before.keys()} == {one.name for one in new}


def test_the_report_and_the_card_say_what_was_gone_on_from(
    store: Path, first: TrainReport, second: TrainReport
) -> None:
    version = first.model_version
    assert first.refreshed is None
    assert second.refreshed == Refreshed(base=version, whole=version, new=2, recoded=0)
    (note,) = [note for note in second.notes if note.startswith("Refreshed")]
    assert version in note
    assert "2 transcripts came and 0 were coded otherwise" in note
    assert (store / second.model_version / "card.md").read_text().count(note) == 1
    assert read_report(store / second.model_version).refreshed == second.refreshed
    assert (second.choices, second.folds) == (first.choices, first.folds)


def test_the_same_refresh_gives_the_same_version(
    small_study: Make, first: TrainReport, second: TrainReport, again: Callable[..., TrainReport]
) -> None:
    assert again(small_study(12), first).model_version == second.model_version


def test_where_nothing_was_coded_since_the_version_stays(
    small_study: Make, store: Path, second: TrainReport, again: Callable[..., TrainReport]
) -> None:
    versions = set(store.iterdir())
    same = again(small_study(12), second)
    assert replace(same, seconds=0.0) == read_report(store / second.model_version)
    assert set(store.iterdir()) == versions
    other = again(small_study(12), second, replace(FAST, min_support=5))
    assert other.model_version != second.model_version


def test_a_fine_tuned_encoder_stays_and_scores_what_is_new(
    small_study: Make, store: Path, cache: Path
) -> None:
    options = TrainOptions(tier="best", minutes=0.2, folds=2)
    base = train(small_study(6), options=options, store=store, cache=cache)
    assert base.tier == "best"
    found = train(
        small_study(7),
        options=options,
        store=store,
        base=store / base.model_version,
        cache=cache,
    )
    (note,) = [note for note in found.notes if note.startswith("Refreshed")]
    assert "the choices, the folds and the fine-tuned encoder" in note
    old, new = (read_model(store / one.model_version) for one in (base, found))
    assert old.finetuned is not None
    assert new.finetuned is not None
    assert all(np.array_equal(new.finetuned[name], one) for name, one in old.finetuned.items())
    scores = _raw(store, found)
    assert {one.shape for one in scores.values()} == {(3, 3)}
    fresh = [key for key in scores if key[0] == "interview 6"]
    encoder = FinetunedEncoder(load_base(old.encoder_source), old.finetuned)
    segments = old.segmentation.segments(small_study(7).transcripts[6])
    said = encoder.encode(finetuned_texts(list(segments), old.setting))
    assert np.stack([scores[key][:, 2] for key in fresh]) == pytest.approx(said, abs=1e-3)


def test_a_refresh_of_a_refresh_counts_from_the_last_full_training(
    small_study: Make, store: Path, first: TrainReport, second: TrainReport, again
) -> None:
    study = small_study(12)
    fewer = replace(
        study,
        transcripts=study.transcripts[1:],
        codings=tuple(one for one in study.codings if one.transcript != "interview 0"),
        readings=tuple(one for one in study.readings if one.transcript != "interview 0"),
    )
    # 2 came and 1 went, of 10: more than a fifth, though the version in use lacks only one.
    assert "more than a fifth of its 120" in _why(again(fewer, second))
    once = again(small_study(11), first)
    twice = again(small_study(12), once)
    assert twice.refreshed == Refreshed(
        base=once.model_version, whole=first.model_version, new=2, recoded=0
    )
    # The eleventh is scored by the first, the twelfth by the model that knew eleven.
    assert all(
        np.array_equal(_raw(store, twice)[key], scores) for key, scores in _raw(store, once).items()
    )


def test_what_was_coded_otherwise_is_learned_and_judged_by_the_same_scores(
    small_study: Make, store: Path, first: TrainReport, again: Callable[..., TrainReport]
) -> None:
    study = _without_coding(small_study(10), "interview 4")
    found = again(study, first)
    assert found.refreshed is not None
    assert (found.refreshed.new, found.refreshed.recoded) == (0, 1)
    before, now = _raw(store, first), _raw(store, found)
    assert before.keys() == now.keys()
    assert all(np.array_equal(now[key], scores) for key, scores in before.items())
    assert [code.support for code in found.codes] != [code.support for code in first.codes]
    assert found.kappa.value < first.kappa.value


def test_bars_and_aims_may_change(
    small_study: Make, first: TrainReport, again: Callable[..., TrainReport]
) -> None:
    found = again(small_study(11), first, replace(FAST, min_support=10_000))
    assert found.refreshed is not None
    assert {code.gate for code in found.codes} == {"closed"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda make: make(13), "more than a fifth"),
        (lambda make: make(10, codes=("Learning", "Work > Money")), "the codes are others"),
        (lambda make: _defined(make(10)), "the codebook says something else"),
        (lambda make: _reworded(make(10)), "interview 3"),
    ],
)
def test_where_too_much_is_different_everything_is_done_anew(
    small_study: Make, first: TrainReport, again, change: Callable[[Make], Study], why: str
) -> None:
    assert why in _why(again(change(small_study), first))


def _defined(study: Study) -> Study:
    codes = [
        replace(code, definition="What it costs.") if code.path == "Work > Money" else code
        for code in study.codebook.codes
    ]
    return replace(study, codebook=Codebook.of(codes, declared=study.codebook.declared))


def _reworded(study: Study) -> Study:
    third = study.transcripts[3]
    turns = (replace(third.turns[0], text="Good morning, all."), *third.turns[1:])
    others = (*study.transcripts[:3], replace(third, turns=turns), *study.transcripts[4:])
    return replace(study, transcripts=others)


@pytest.mark.parametrize("option", [{"folds": 3}, {"seed": 1}, {"tier": "auto"}, {"minutes": 1.0}])
def test_another_way_of_training_is_a_full_one(
    small_study: Make, first: TrainReport, again: Callable[..., TrainReport], option: dict
) -> None:
    (name,) = option
    assert f"another {name} is asked for" in _why(
        again(small_study(11), first, replace(FAST, **option))
    )


def test_a_transcript_that_was_taken_out_and_is_back_was_known_once(
    small_study: Make, first: TrainReport, again: Callable[..., TrainReport]
) -> None:
    study = small_study(10)
    gone = replace(
        study,
        transcripts=study.transcripts[1:],
        codings=tuple(one for one in study.codings if one.transcript != "interview 0"),
        readings=tuple(one for one in study.readings if one.transcript != "interview 0"),
    )
    without = again(gone, first)
    assert without.refreshed is not None
    assert "interview 0 had been taken out and is back" in _why(again(study, without))


def test_a_damaged_or_older_model_is_trained_in_full_and_said_so(
    small_study: Make, store: Path, tmp_path: Path, cache: Path, first: TrainReport
) -> None:
    older = {
        path.name: path.read_bytes()
        for path in (store / first.model_version).iterdir()
        if not path.name.startswith(PART)
    }
    version = publish(older, tmp_path)

    def refreshed(folder: Path) -> TrainReport:
        return train(small_study(10), options=FAST, store=tmp_path, base=folder, cache=cache)

    assert "kept too little" in _why(refreshed(tmp_path / version))
    shutil.copytree(store / first.model_version, tmp_path / first.model_version)
    (tmp_path / first.model_version / "model.json").write_text("{}")
    assert "is damaged" in _why(refreshed(tmp_path / first.model_version))
    assert "There is no model" in _why(refreshed(tmp_path / "nowhere"))

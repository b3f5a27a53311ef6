"""A refreshed model: what it learned anew, what it kept, and who scored what."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotations.codebook import Codebook
from annotations.codings import Coding, Reading
from annotations.study import Study
from annotations.transcripts import Transcript, Turn
from models.artifacts import HeldOut, publish
from models.carried import PART, Carried
from models.finetuned import CodeClassifier, FinetunedEncoder, finetuned_texts, load_base
from models.parts import read_model
from models.report import Refreshed, TrainReport, read_report
from models.sentences import reads_sentences
from models.suggester import Suggester
from training.base import Base
from training.dataset import training_data
from training.options import TrainOptions
from training.refreshing import Refresh
from training.tiers import start_heads
from training.train import encoded, train
from training.views import Learner

Make = Callable[..., Study]
FAST = TrainOptions(tier="fast")


@pytest.fixture(scope="module")
def talk(small_study: Make) -> Make:
    """The small study, no two of whose transcripts say the same."""

    def make(transcripts: int, **options: object) -> Study:
        return _told_apart(small_study(transcripts, **options))

    return make


def _told_apart(study: Study) -> Study:
    def apart(one: Transcript) -> Transcript:
        day = f" That was day {one.name.split()[-1]} of the audit."
        return replace(one, turns=tuple(replace(t, text=t.text + day) for t in one.turns))

    made = {one.name: apart(one) for one in study.transcripts}
    codings = tuple(
        replace(one, end=len(made[one.transcript].turns[one.turn].text)) for one in study.codings
    )
    return replace(study, transcripts=tuple(made.values()), codings=codings)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("refreshing")


@pytest.fixture(scope="module")
def first(talk: Make, store: Path, cache: Path) -> TrainReport:
    return train(talk(10), options=FAST, store=store, cache=cache)


@pytest.fixture(scope="module")
def again(store: Path, cache: Path) -> Callable[..., TrainReport]:
    def run(study: Study, base: TrainReport, options: TrainOptions = FAST) -> TrainReport:
        place = store / base.model_version
        return train(study, options=options, store=store, base=place, cache=cache)

    return run


@pytest.fixture(scope="module")
def second(talk: Make, first: TrainReport, again: Callable[..., TrainReport]) -> TrainReport:
    return again(talk(12), first)


def _raw(store: Path, report: TrainReport) -> dict[tuple[str, int, int, int], np.ndarray]:
    folder = store / report.model_version
    return dict(zip(HeldOut.read(folder).keys, Carried.read(folder).scores, strict=True))


def _without_coding(study: Study, name: str) -> Study:
    return replace(study, codings=tuple(one for one in study.codings if one.transcript != name))


def _without_the_first(study: Study) -> Study:
    first = study.transcripts[0].name
    return replace(
        study,
        transcripts=study.transcripts[1:],
        codings=tuple(one for one in study.codings if one.transcript != first),
        readings=tuple(one for one in study.readings if one.transcript != first),
    )


def _why(report: TrainReport) -> str:
    assert report.refreshed is None
    (note,) = [note for note in report.notes if note.startswith("Trained in full")]
    return note


def test_its_heads_are_those_of_a_full_training_with_the_same_choices(
    talk: Make, store: Path, cache: Path, first: TrainReport, second: TrainReport
) -> None:
    data = training_data(talk(12))
    base = Base.read(store / first.model_version)
    vectors = encoded(data, FAST, cache, lambda *_: None)
    learner = Learner(data, vectors.by_text, vectors.knowledge, lambda: None)
    whole = learner.fit(np.arange(len(data.segments)), base.recipe)
    parts = read_model(store / second.model_version)
    assert np.array_equal(parts.words_heads.weights, whole.words_heads.weights)
    assert np.array_equal(parts.embedding_heads.weights, whole.embedding_heads.weights)
    assert second.segments == 144 > first.segments


def test_what_is_new_is_scored_by_the_model_that_had_not_seen_it(
    talk: Make, store: Path, cache: Path, first: TrainReport, second: TrainReport
) -> None:
    before, now = _raw(store, first), _raw(store, second)
    assert all(np.array_equal(now[key], scores) for key, scores in before.items())
    study = talk(12)
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
    assert second.refreshed == Refreshed(base=version, whole=version, new=2, recoded=0, gone=0)
    (note,) = [note for note in second.notes if note.startswith("Refreshed")]
    assert version in note
    assert "2 transcripts came, 0 were coded otherwise and 0 went" in note
    assert (store / second.model_version / "card.md").read_text().count(note) == 1
    assert read_report(store / second.model_version).refreshed == second.refreshed
    assert (second.choices, second.folds) == (first.choices, first.folds)


def test_the_same_refresh_gives_the_same_version(
    talk: Make, first: TrainReport, second: TrainReport, again: Callable[..., TrainReport]
) -> None:
    assert again(talk(12), first).model_version == second.model_version


def test_where_nothing_was_coded_since_the_version_stays(
    talk: Make, store: Path, second: TrainReport, again: Callable[..., TrainReport]
) -> None:
    versions = set(store.iterdir())
    same = again(talk(12), second)
    kept = read_report(store / second.model_version)
    stays = f"Nothing was coded since version {second.model_version} was made; it stays."
    assert replace(same, seconds=0.0) == replace(kept, notes=(*kept.notes, stays))
    assert set(store.iterdir()) == versions
    other = again(talk(12), second, replace(FAST, min_support=5))
    assert other.model_version != second.model_version


def test_a_fine_tuned_encoder_stays_and_scores_what_is_new(
    talk: Make, store: Path, cache: Path, first: TrainReport
) -> None:
    fast = Base.read(store / first.model_version)
    data = training_data(talk(11))
    vectors = encoded(data, FAST, cache, lambda *_: None)
    heads = start_heads(data, vectors.knowledge, vectors.by_text, np.arange(len(data.segments)))
    encoder = load_base(None)
    arrays = {
        name: one.detach().cpu().numpy().astype(np.float16)
        for name, one in CodeClassifier(encoder.encoder, encoder.tokenizer, heads).trained().items()
    }
    said = np.full((*fast.carried.scores.shape[:2], 1), 0.25, dtype=np.float32)
    carried = replace(fast.carried, scores=np.concatenate([fast.carried.scores, said], axis=2))
    base = replace(fast, parts=replace(fast.parts, finetuned=arrays), carried=carried)
    refresh = Refresh.of(base, data, FAST, vectors)
    assert "the choices, the folds and the fine-tuned encoder" in refresh.notes[0]
    learned = refresh.learn(data, vectors, FAST, cache, lambda *_: None, lambda: None)
    assert learned.finetuned is not None
    assert all(np.array_equal(learned.finetuned.arrays[name], one) for name, one in arrays.items())
    new = np.array([one.transcript == "interview 10" for one in data.segments])
    texts = finetuned_texts(
        [one for one, is_new in zip(data.segments, new, strict=True) if is_new], base.parts.setting
    )
    expected = FinetunedEncoder(load_base(None), arrays).encode(texts)
    assert learned.scores[new][:, :, 2] == pytest.approx(expected, abs=1e-3)
    assert set(np.unique(learned.scores[~new][:, :, 2])) == {0.25}


def test_a_refresh_of_a_refresh_counts_from_the_last_full_training(
    talk: Make, store: Path, first: TrainReport, second: TrainReport, again
) -> None:
    study = talk(12)
    fewer = _without_the_first(study)
    # 2 came and 1 went, of 10: more than a fifth, though the version in use lacks only one.
    assert "more than a fifth of its 120" in _why(again(fewer, second))
    once = again(talk(11), first)
    twice = again(talk(12), once)
    assert twice.refreshed == Refreshed(
        base=once.model_version, whole=first.model_version, new=2, recoded=0, gone=0
    )
    # The eleventh is scored by the first, the twelfth by the model that knew eleven.
    assert all(
        np.array_equal(_raw(store, twice)[key], scores) for key, scores in _raw(store, once).items()
    )


def test_what_was_coded_otherwise_is_learned_and_judged_by_the_same_scores(
    talk: Make, store: Path, first: TrainReport, again: Callable[..., TrainReport]
) -> None:
    study = _without_coding(talk(10), "interview 4")
    found = again(study, first)
    assert found.refreshed is not None
    assert (found.refreshed.new, found.refreshed.recoded) == (0, 1)
    before, now = _raw(store, first), _raw(store, found)
    assert before.keys() == now.keys()
    assert all(np.array_equal(now[key], scores) for key, scores in before.items())
    assert [code.support for code in found.codes] != [code.support for code in first.codes]
    assert found.kappa.value < first.kappa.value


def test_bars_and_aims_may_change(
    talk: Make, first: TrainReport, again: Callable[..., TrainReport]
) -> None:
    found = again(talk(11), first, replace(FAST, min_support=10_000))
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
    talk: Make, first: TrainReport, again, change: Callable[[Make], Study], why: str
) -> None:
    assert why in _why(again(change(talk), first))


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
    talk: Make, first: TrainReport, again: Callable[..., TrainReport], option: dict
) -> None:
    (name,) = option
    assert f"another {name} is asked for" in _why(again(talk(11), first, replace(FAST, **option)))


def test_a_transcript_that_was_taken_out_and_is_back_was_known_once(
    talk: Make, first: TrainReport, again: Callable[..., TrainReport]
) -> None:
    study = talk(10)
    gone = _without_the_first(study)
    without = again(gone, first)
    assert without.refreshed is not None
    assert "interview 0 had been taken out and is back" in _why(again(study, without))


def test_a_damaged_or_older_model_is_trained_in_full_and_said_so(
    talk: Make, store: Path, tmp_path: Path, cache: Path, first: TrainReport
) -> None:
    older = {
        path.name: path.read_bytes()
        for path in (store / first.model_version).iterdir()
        if not path.name.startswith(PART)
    }
    version = publish(older, tmp_path)

    def refreshed(folder: Path) -> TrainReport:
        return train(talk(10), options=FAST, store=tmp_path, base=folder, cache=cache)

    assert "kept too little" in _why(refreshed(tmp_path / version))
    shutil.copytree(store / first.model_version, tmp_path / first.model_version)
    (tmp_path / first.model_version / "model.json").write_text("{}")
    assert "is damaged" in _why(refreshed(tmp_path / first.model_version))
    assert "There is no model" in _why(refreshed(tmp_path / "nowhere"))


def test_a_model_is_not_asked_about_what_its_codebook_quoted(
    talk: Make, store: Path, cache: Path, again: Callable[..., TrainReport]
) -> None:
    late = talk(12).transcripts[11].turns[1].text
    quoting = _with_examples(talk(11), late)
    base = train(quoting, options=FAST, store=store, cache=cache)
    assert "quotes a transcript that is new" in _why(again(_with_examples(talk(12), late), base))


def _with_examples(study: Study, text: str) -> Study:
    codes = [replace(one, examples=(text,)) for one in study.codebook.codes]
    return replace(study, codebook=Codebook.of(codes, declared=study.codebook.declared))


@pytest.mark.parametrize("turns", [slice(None), slice(0, 8)])
def test_a_transcript_under_another_name_or_a_part_of_one_is_not_new(
    talk: Make, first: TrainReport, again: Callable[..., TrainReport], turns: slice
) -> None:
    study = talk(10)
    known = study.transcripts[4]
    part = known.turns[turns]
    renamed = {known.name: "renamed"}

    def of_part(one: Coding | Reading) -> bool:
        return one.transcript != known.name or one.turn < len(part)

    moved = replace(
        study,
        transcripts=tuple(
            replace(one, name="renamed", turns=part) if one.name == known.name else one
            for one in study.transcripts
        ),
        codings=tuple(
            replace(one, transcript=renamed.get(one.transcript, one.transcript))
            for one in study.codings
            if of_part(one)
        ),
        readings=tuple(
            replace(one, transcript=renamed.get(one.transcript, one.transcript))
            for one in study.readings
            if of_part(one)
        ),
    )
    assert "renamed says what a transcript said that is gone" in _why(again(moved, first))


def test_a_vote_that_leaves_the_majority_as_it_was_is_something_new(
    talk: Make, first: TrainReport, again: Callable[..., TrainReport]
) -> None:
    study = talk(10)
    name = study.transcripts[2].name
    third = replace(
        study,
        codings=(
            *study.codings,
            *(
                replace(one, coder="cleo")
                for one in study.codings
                # The two differ on turn 3: with one who leaves it out it still has no majority.
                if one.transcript == name and one.coder == "asha" and one.turn != 3
            ),
        ),
        readings=(
            *study.readings,
            *(
                replace(one, coder="cleo")
                for one in study.readings
                if one.transcript == name and one.coder == "asha"
            ),
        ),
    )
    found = again(third, first)
    assert found.refreshed is not None
    assert (found.refreshed.new, found.refreshed.recoded) == (0, 1)


def test_a_fold_without_anything_to_judge_by_calls_for_a_full_training(
    talk: Make, store: Path, cache: Path, again: Callable[..., TrainReport]
) -> None:
    two = replace(FAST, folds=2)
    base = train(talk(10, assisted=range(3, 10)), options=two, store=store, cache=cache)
    folds = Carried.read(store / base.model_version).folds
    # Of the three that were coded blind, the one that has a fold for itself turns out not to be.
    blind = [f"interview {number}" for number in range(3)]
    (alone,) = [name for name in blind if [folds[one] for one in blind].count(folds[name]) == 1]
    assisted = {*range(3, 10), int(alone.split()[-1])}
    found = again(talk(10, assisted=sorted(assisted)), base, two)
    assert "coded without suggestions" in _why(found)
    assert found.kappa.value > 0.5


def test_long_segments_are_still_read_by_sentence_where_those_that_came_are_short(
    small_study: Make, store: Path, cache: Path, tmp_path: Path
) -> None:
    study = _padded(small_study(16))
    base = train(study, options=FAST, store=store, cache=cache)
    assert read_model(store / base.model_version).sentence_heads is not None
    more = _with_short_answers(study, 38)
    assert reads_sentences(training_data(study).segments)
    assert not reads_sentences(training_data(more).segments)
    found = train(more, options=FAST, store=store, base=store / base.model_version, cache=tmp_path)
    assert found.refreshed is not None
    assert read_model(store / found.model_version).sentence_heads is not None


def _padded(study: Study) -> Study:
    """Every other turn of four sentences, so that there are two and a half a turn."""
    padding = (
        "It was raining when I came in. My office is on the second floor. The lift is slow.",
        "Well, that is how it was. Let me think about that. My office faces the park.",
        "You may have seen the car park. It fills up early. That is how it goes.",
    )
    made = {
        one.name: replace(
            one,
            turns=tuple(
                replace(turn, text=f"{turn.text} {padding[(place + turn.index) % 3]}")
                if turn.index % 2
                else turn
                for turn in one.turns
            ),
        )
        for place, one in enumerate(study.transcripts)
    }
    codings = tuple(
        replace(one, end=len(made[one.transcript].turns[one.turn].text)) for one in study.codings
    )
    return replace(study, transcripts=tuple(made.values()), codings=codings)


def _with_short_answers(study: Study, count: int) -> Study:
    turns = tuple(Turn(index=at, speaker="Manager", text=f"Yes, {at}.") for at in range(count))
    readings = tuple(Reading(transcript="late", turn=at, coder="asha") for at in range(count))
    return replace(
        study,
        transcripts=(*study.transcripts, Transcript(name="late", turns=turns)),
        readings=(*study.readings, *readings),
    )

"""From a study to a published model."""

import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from annotations.codebook import Codebook
from annotations.codings import Coding
from annotations.errors import ArtifactError, StateError
from annotations.formats.reading import read_paths
from annotations.study import Study
from annotations.transcripts import Transcript, Turn
from models.artifacts import out_of_fold
from models.report import TrainReport, read_report
from models.suggester import Suggester
from models.thresholds import Aim
from models.weights import default_folder
from service.documents import document
from service.storage.records import ModelRecord
from service.workflows.training import options_after
from training.options import TrainingStopped, TrainOptions
from training.train import train

Make = Callable[..., Study]

_PADDING = (
    "It was raining when I came in. My office is on the second floor. The lift is slow today. "
    "Thank you for the coffee, it was good.",
    "Well, that is how it was. Let me think about that for a moment. My office faces the park. "
    "The weather has been odd this year.",
    "You may have seen the car park. It fills up early. That is how it goes. We can sit here "
    "for a while if you like.",
)


@pytest.fixture
def fit(tmp_path: Path, cache: Path) -> Callable[..., TrainReport]:
    def run(study: Study, **options: object) -> TrainReport:
        return train(study, options=TrainOptions(**options), store=tmp_path, cache=cache)

    return run


def test_codes_that_wording_gives_away_are_learned_and_opened(small_model) -> None:
    report = small_model.report
    assert [code.code for code in report.codes] == ["Work > Staffing", "Work > Money", "Learning"]
    assert {code.gate for code in report.codes[1:]} == {"open"}
    assert report.kappa.value > 0.5
    assert (report.transcripts, report.segments, report.scored, report.folds) == (6, 72, 72, 5)


def test_the_same_data_and_seed_give_the_same_version_whatever_was_cached(
    small_model, tmp_path: Path
) -> None:
    with threadpool_limits(1):
        again = train(small_model.study, options=TrainOptions(), store=tmp_path, cache=None)
    assert again.model_version == small_model.report.model_version
    assert replace(again, seconds=0) == replace(small_model.report, seconds=0)


def test_a_precision_aimed_at_is_reached_on_held_out_transcripts_or_the_code_is_silent(
    small_study: Make, fit: Callable[..., TrainReport]
) -> None:
    aim = Aim(name="precision", precision=0.8)
    report = fit(small_study(12, declared=["Mood"]), aim=aim, min_support=5)
    assert report.aim == "precision=0.8"
    for code in report.codes[:3]:
        assert code.gate == "open", code.reason
        assert code.aim_met
        high = code.precision.value if code.precision.high is None else code.precision.high
        assert high >= 0.8
    assert report.codes[3].reason == "no segment carries it"
    out_of_reach = fit(small_study(6), aim=Aim(name="precision", precision=0.999), min_support=5)
    for code in out_of_reach.codes:
        assert (code.gate, code.threshold) == ("closed", 1.0)
        assert code.reason == "no threshold reaches a precision of 0.999"


def test_the_report_says_how_far_probabilities_mean_what_they_say(small_model) -> None:
    calibration = small_model.report.calibration
    assert sum(one.n for one in calibration.bins) == 72 * 3 == calibration.error.n
    gaps = sum(one.n * abs(one.said - one.observed) for one in calibration.bins)
    assert calibration.error.value == pytest.approx(gaps / (72 * 3))
    assert all(0 <= code.calibration_error.value <= 1 for code in small_model.report.codes)
    card = (small_model.folder / "card.md").read_text()
    assert f"15 bins of equal mass: {calibration.error.value:.3f}" in card


def test_the_name_of_a_study_is_no_part_of_its_model(small_model, fit) -> None:
    renamed = replace(small_model.study, name="another name")
    assert fit(renamed).model_version == small_model.report.model_version


def test_another_seed_or_coding_gives_another_version(
    small_model, fit: Callable[..., TrainReport]
) -> None:
    study = small_model.study
    assert fit(study, seed=1).model_version != small_model.report.model_version
    fewer = replace(study, codings=study.codings[1:])
    assert fit(fewer).model_version != small_model.report.model_version


def test_the_artifact_holds_no_pickle_and_no_time(small_model) -> None:
    assert {path.name for path in small_model.folder.iterdir()} == {
        "card.md",
        "report.json",
        *(
            f"{part}.{kind}"
            for part in ("model", "exemplars", "out_of_fold", "carried")
            for kind in ("json", "safetensors")
        ),
    }
    assert json.loads((small_model.folder / "report.json").read_text())["seconds"] == 0


def test_the_report_can_be_read_back(small_model) -> None:
    assert read_report(small_model.folder) == replace(small_model.report, seconds=0)


def test_the_card_says_what_the_model_is_made_of(small_model) -> None:
    card = (small_model.folder / "card.md").read_text()
    report = small_model.report
    for words in (
        "6 transcripts, 72 segments, 2 coders, 3 codes",
        "5 folds, grouped by transcript, seed 0",
        f"| Cohen's kappa | {report.kappa.value:.3f}",
        "all-MiniLM-L6-v2",
    ):
        assert words in card
    assert "nurses" not in card


def test_the_held_out_codings_are_by_the_fold_that_left_the_transcript_out(small_model) -> None:
    study = small_model.study
    held = {(one.transcript, one.turn): one.codes for one in out_of_fold(small_model.folder)}
    assert len(held) == 72
    # What was applied agrees with the reported counts of the decisions.
    learning = small_model.report.codes[2]
    applied = sum("Learning" in codes for codes in held.values())
    assert applied == learning.precision.n
    majority = {
        (c.transcript, c.turn) for c in study.codings if c.code == "Learning" and c.coder == "ben"
    }
    hits = sum("Learning" in held[place] for place in majority)
    assert hits / applied == pytest.approx(learning.precision.value)


def test_a_code_without_codings_and_one_with_a_single_example_are_silent_with_a_reason(
    small_study: Make, fit: Callable[..., TrainReport]
) -> None:
    study = small_study(4, declared=["Mood > Hope", "Mood > Anger"])
    single = [
        Coding(transcript="interview 0", turn=0, start=0, end=15, code="Mood > Hope", coder=coder)
        for coder in ("asha", "ben")
    ]
    report = fit(replace(study, codings=(*study.codings, *single)))
    found = {code.code: code for code in report.codes}
    hope, anger = found["Mood > Hope"], found["Mood > Anger"]
    assert (hope.support, hope.gate) == (1, "closed")
    assert hope.reason == "1 segment carries it, 10 are needed"
    assert (anger.support, anger.gate) == (0, "closed")
    assert anger.reason == "no segment carries it"
    assert not anger.kappa.defined


def test_a_code_below_the_bar_is_silent_with_its_numbers(
    small_study: Make, fit: Callable[..., TrainReport]
) -> None:
    strict = fit(small_study(2), min_kappa=0.99, min_support=1)
    closed = [code for code in strict.codes if code.gate == "closed"]
    assert closed
    for code in closed:
        assert f"kappa is {code.kappa.value:.2f}, 0.99 is needed" in str(code.reason)
        assert code.kappa.value < 0.99


def test_the_bars_change_gates_and_no_figure(small_model, fit: Callable[..., TrainReport]) -> None:
    strict = fit(small_model.study, min_support=1000)
    assert {code.gate for code in strict.codes} == {"closed"}
    assert any("No code is open yet: nothing will be suggested" in note for note in strict.notes)
    assert not any("No code is open" in note for note in small_model.report.notes)
    assert strict.kappa == small_model.report.kappa


def test_two_transcripts_are_enough(small_study: Make, fit: Callable[..., TrainReport]) -> None:
    report = fit(small_study(2))
    assert report.folds == 2
    assert any("2 folds and not 5" in note for note in report.notes)
    assert report.kappa.low is None


def test_assisted_codings_teach_and_enter_no_figure(
    small_study: Make, fit: Callable[..., TrainReport]
) -> None:
    study = small_study(6, assisted=(4, 5))
    report = fit(study)
    assert (report.segments, report.scored) == (72, 48)
    assert report.kappa.clusters == 4
    assert report.codes[0].kappa.n == 48
    assert any("24 segments were coded with suggestions in sight" in n for n in report.notes)


def test_context_is_used_where_the_answer_alone_says_nothing(
    fit: Callable[..., TrainReport],
) -> None:
    questions = {
        "Money": ["Was the budget cut?", "Did you overspend?", "Is the funding gone?"],
        "Health": ["Were you ill last year?", "Do you sleep badly?", "Does your back hurt?"],
    }
    made, codings = [], []
    for number in range(10):
        turns: list[Turn] = []
        for step in range(8):
            code = ("Money", "Health")[(step + number) % 2]
            question = questions[code][(step // 2 + number) % 3]
            turns.append(Turn(index=len(turns), speaker="Interviewer", text=question))
            turns.append(Turn(index=len(turns), speaker="P", text=("Yes.", "No.")[step % 2]))
            codings.append((f"t{number}", len(turns) - 1, code))
        made.append(Transcript(name=f"t{number}", turns=tuple(turns)))
    study = _study(made, codings)
    report = fit(study, tier="fast")
    assert report.context
    assert report.kappa.value > 0.8
    assert report.baseline.kappa.value < 0.6


def _study(made: list[Transcript], codings: list[tuple[str, int, str]]) -> Study:
    from annotations.codebook import Code
    from annotations.codings import Reading

    return Study(
        name="answers",
        codebook=Codebook.of([Code(path=c) for c in ("Money", "Health")], declared=True),
        transcripts=tuple(made),
        codings=tuple(
            Coding(transcript=t, turn=n, start=0, end=100, code=c, coder="asha")
            for t, n, c in codings
        ),
        readings=tuple(
            Reading(transcript=item.name, turn=turn.index, coder="asha")
            for item in made
            for turn in item.turns
        ),
    )


def test_single_turn_documents_have_no_context(
    small_study: Make, fit: Callable[..., TrainReport]
) -> None:
    study = small_study(3)
    documents = tuple(
        Transcript(
            name=f"{item.name}/{turn.index}",
            turns=(replace(turn, index=0),),
        )
        for item in study.transcripts
        for turn in item.turns
    )
    single = replace(
        study,
        transcripts=documents,
        codings=tuple(replace(c, transcript=f"{c.transcript}/{c.turn}", turn=0)
                      for c in study.codings),
        readings=tuple(replace(r, transcript=f"{r.transcript}/{r.turn}", turn=0)
                       for r in study.readings),
    )  # fmt: skip
    report = fit(single)
    assert not report.context
    assert report.transcripts == 36


def test_progress_moves_forward_through_its_stages(
    small_model, tmp_path: Path, cache: Path
) -> None:
    seen: list[tuple[str, int, int]] = []
    train(
        small_model.study,
        options=TrainOptions(),
        store=tmp_path,
        cache=cache,
        progress=lambda *step: seen.append(step),
    )
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert stages == ["reading", "embedding", "choosing", "cross-validating", "publishing"]
    for stage in stages:
        steps = [(done, total) for name, done, total in seen if name == stage]
        assert steps == sorted(steps)
        assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize("stage", ["embedding", "cross-validating", "publishing"])
def test_a_stopped_training_publishes_nothing(small_model, tmp_path: Path, stage: str) -> None:
    reached: list[str] = []
    with pytest.raises(TrainingStopped, match="Nothing was published"):
        train(
            small_model.study,
            options=TrainOptions(),
            store=tmp_path,
            progress=lambda name, _done, _total: reached.append(name),
            should_stop=lambda: stage in reached,
        )
    assert not list(tmp_path.iterdir())


def test_a_study_without_codings_is_refused(
    small_study: Make, fit: Callable[..., TrainReport]
) -> None:
    with pytest.raises(StateError, match="nothing to learn from"):
        fit(replace(small_study(3), codings=()))


def test_options_outside_their_range_are_refused() -> None:
    for wrong in ({"folds": 1}, {"min_support": 0}, {"min_kappa": 1.5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            TrainOptions(**wrong)


def test_an_encoder_of_one_s_own_is_remembered_by_place_and_checksum(
    small_model, tmp_path: Path, cache: Path
) -> None:
    own = tmp_path / "encoder"
    shutil.copytree(default_folder(), own)
    store = tmp_path / "store"
    report = train(
        small_model.study, options=TrainOptions(encoder=str(own)), store=store, cache=cache
    )
    folder = store / report.model_version
    model = json.loads((folder / "model.json").read_text())
    assert model["encoder"]["source"] == str(own)
    settings = own / "tokenizer_config.json"
    settings.write_text(settings.read_text() + "\n")
    with pytest.raises(ArtifactError, match="not the one that the model was trained with"):
        Suggester.load(folder).suggest(small_model.study.transcripts[:1])


def test_a_retraining_is_asked_for_what_the_training_before_it_was(
    small_model,
    fit: Callable[..., TrainReport],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(default_folder(), tmp_path / "encoder")
    monkeypatch.chdir(tmp_path)
    chosen = {
        "encoder": "encoder",
        "min_support": 4,
        "min_kappa": 0.2,
        "folds": 3,
        "seed": 7,
        "aim": Aim(name="f1"),
        "tier": "fast",
        "minutes": 12.0,
        "trust_definitions": True,
    }
    report = fit(small_model.study, **chosen)
    record = ModelRecord(
        version=report.model_version, encoder="", size_bytes=1, figures=document(report)
    )
    again = options_after(record)
    # The worker that trains again was started elsewhere.
    kept = chosen | {"encoder": str(tmp_path / "encoder")}
    for field in fields(TrainOptions):
        assert kept[field.name] != field.default
        assert getattr(again, field.name) == kept[field.name], field.name


def test_sight_is_coded_above_the_floor(shared_data: Path, fit: Callable[..., TrainReport]) -> None:
    files = [path for path in sorted((shared_data / "sight").iterdir()) if path.is_file()]
    found = read_paths(files, known={}, codebook=Codebook(), coder=None)
    report = fit(
        Study(
            name="sight",
            codebook=found.codebook,
            transcripts=found.transcripts,
            codings=found.codings,
            readings=found.readings,
        ),
        tier="fast",
    )
    assert sum(code.evaluated for code in report.codes) == 4
    # The floor of the table beside the data: kappa .479, macro F1 .671 tuned.
    assert report.kappa.value > 0.55
    assert report.macro_f1.value > 0.68
    assert report.baseline.kappa.value == pytest.approx(0.479, abs=0.03)
    assert np.isfinite([report.kappa.low, report.kappa.high]).all()


def test_long_answers_are_read_sentence_by_sentence_where_that_helps(
    small_study: Make, fit: Callable[..., TrainReport], cache: Path, tmp_path: Path
) -> None:
    study = small_study(16)
    padded = tuple(
        replace(
            one,
            turns=tuple(
                replace(turn, text=f"{turn.text} {_PADDING[(place + turn.index) % 3]}")
                for turn in one.turns
            ),
        )
        for place, one in enumerate(study.transcripts)
    )
    long = {one.name: [turn.text for turn in one.turns] for one in padded}
    codings = tuple(replace(one, end=len(long[one.transcript][one.turn])) for one in study.codings)
    study = replace(study, transcripts=padded, codings=codings)
    report = fit(study, tier="fast")
    (choice,) = [one for one in report.choices if one.name == "sentences"]
    assert choice.taken
    assert choice.gain > choice.error
    suggester = Suggester.load(tmp_path / report.model_version, encoder_cache=cache)
    assert suggester._parts.sentence_heads is not None
    text = f"The budget was cut and there is no money. {_PADDING[0]}"
    fresh = Transcript(name="new", turns=(Turn(index=0, speaker="Manager", text=text),))
    (found,) = suggester.suggest([fresh]).suggestions
    assert found.code == "Work > Money"
    assert found.evidence is not None
    assert found.evidence.text == "The budget was cut and there is no money."


def test_short_answers_are_read_whole(small_model) -> None:
    assert "sentences" not in {one.name for one in small_model.report.choices}
    assert small_model.report.choices

"""What is learned from, and what a model may be tested on."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from annotations.codings import MODEL_PREFIX, Coding, Reading
from annotations.errors import StateError
from annotations.study import Study
from training.dataset import training_data

Make = Callable[..., Study]
ALL = "Work > Staffing"


def coding(turn: int, coder: str, transcript: str = "interview 0", code: str = ALL) -> Coding:
    return Coding(transcript=transcript, turn=turn, start=0, end=10_000, code=code, coder=coder)


def test_a_tie_is_half_of_each_label_and_no_majority(small_study: Make) -> None:
    data = training_data(small_study(1 + 1))
    # ben did not apply the code to turn 3, asha did.
    assert data.targets[3, 0] == 0.5
    assert not data.truth[3, 0]
    assert data.targets[1, 0] == 1
    assert data.truth[1, 0]


def test_the_dataset_has_a_row_for_each_segment_that_was_read(small_study: Make) -> None:
    study = small_study(3)
    unread = replace(
        study,
        readings=tuple(r for r in study.readings if (r.transcript, r.turn) != ("interview 1", 2)),
    )
    data = training_data(unread)
    assert len(data.dataset) == len(data.segments) == 3 * 12 - 1
    row = data.dataset[1]
    assert row["text"] == study.transcripts[0].turns[1].text
    assert row["before"] == [{"speaker": "Interviewer", "text": study.transcripts[0].turns[0].text}]
    assert row["target"] == [1.0, 0.0, 0.0]


def test_codings_made_with_suggestions_in_sight_teach_and_are_not_scored(
    small_study: Make,
) -> None:
    data = training_data(small_study(4, assisted=(0,)))
    first = data.clusters == 0
    assert not data.scored[first].any()
    assert data.scored[~first].all()
    assert not data.truth[first].any()
    assert (data.targets[first] == 1).any()


def test_the_truth_is_the_majority_of_those_who_coded_alone(small_study: Make) -> None:
    study = small_study(3)
    seen = tuple(replace(reading, assisted=reading.coder == "asha") for reading in study.readings)
    data = training_data(replace(study, readings=seen))
    # Of turn 3, asha's reading was assisted; alone, ben said no. Of turn 1, ben said yes.
    assert data.scored[3]
    assert not data.truth[3, 0]
    assert data.truth[1, 0]
    assert data.targets[3, 0] == 0.5


def test_a_model_s_codings_never_teach(small_study: Make) -> None:
    study = small_study(3)
    model = f"{MODEL_PREFIX}0123456789abcdef"
    with_model = replace(
        study,
        codings=(*study.codings, *(coding(0, name) for name in (model, "robot"))),
        readings=(
            *study.readings,
            *(Reading(transcript="interview 0", turn=0, coder=name) for name in (model, "robot")),
        ),
    )
    data = training_data(with_model, model_coders=["robot"])
    assert data.coders == ("asha", "ben")
    assert data.targets[0, 0] == 0
    assert data.digest == training_data(study).digest


def test_adjudicated_readings_decide_alone(small_study: Make) -> None:
    study = small_study(3)
    agreed = replace(
        study,
        codings=(*study.codings, coding(0, "adjudicated")),
        readings=(
            *study.readings,
            Reading(transcript="interview 0", turn=0, coder="adjudicated"),
        ),
    )
    data = training_data(agreed)
    assert data.targets[0, 0] == 1
    found = [one.exemplar for one in data.candidates[0] if one.segment == 0]
    assert [one.coder for one in found] == ["adjudicated"]


def test_an_excerpt_is_in_the_name_of_a_coder_who_coded_it_so(small_study: Make) -> None:
    study = small_study(3)
    kept = tuple(c for c in study.codings if not (c.coder == "asha" and c.turn == 1))
    more = replace(
        study,
        codings=(*kept, *(coding(1, "carys", f"interview {n}") for n in range(3))),
        readings=(
            *study.readings,
            *(Reading(transcript=f"interview {n}", turn=1, coder="carys") for n in range(3)),
        ),
    )
    found = {one.exemplar.turn: one for one in training_data(more).candidates[0]}
    assert found[1].exemplar.coder == "ben"
    assert found[1].share == pytest.approx(2 / 3)


def test_declared_codes_without_codings_are_kept_and_headings_are_not(small_study: Make) -> None:
    data = training_data(small_study(3, declared=["Mood > Hope", "Mood > Anger"]))
    assert data.codes == (
        "Work > Staffing",
        "Work > Money",
        "Learning",
        "Mood > Hope",
        "Mood > Anger",
    )
    assert data.support[3:].tolist() == [0, 0]


def test_a_study_without_codings_says_what_is_missing(small_study: Make) -> None:
    with pytest.raises(StateError, match=r"no codings by people\. Import codings"):
        training_data(replace(small_study(3), codings=()))


def test_one_transcript_cannot_be_tested_on(small_study: Make) -> None:
    with pytest.raises(StateError, match=r"codings in 1 transcript .* needs at least 2"):
        training_data(small_study(1))


def test_codings_that_were_all_assisted_cannot_be_tested_on(small_study: Make) -> None:
    with pytest.raises(StateError, match="only 1 coded without suggestions in sight"):
        training_data(small_study(4, assisted=(0, 1, 2)))


def test_the_digest_follows_the_content(small_study: Make) -> None:
    study = small_study(3)
    assert training_data(study).digest == training_data(small_study(3)).digest
    fewer = replace(study, codings=study.codings[1:])
    assert training_data(fewer).digest != training_data(study).digest


def test_the_order_of_import_changes_nothing(small_study: Make) -> None:
    study = small_study(4)
    turned = replace(
        study,
        transcripts=study.transcripts[::-1],
        codings=study.codings[::-1],
        readings=study.readings[::-1],
    )
    one, other = training_data(study), training_data(turned)
    assert other.segments == one.segments
    assert other.digest == one.digest
    assert other.candidates == one.candidates

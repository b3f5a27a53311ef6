"""What Label Studio is given for its tasks; the model is a stand-in that codes chosen words."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.drawing import Member
from annotations.errors import InputError, NotFound
from annotations.study import Material
from annotations.transcripts import Transcript, Turn
from models.suggestions import Suggestion, SuggestionBatch
from service.house import House
from service.storage.records import DrawRecord, ModelRecord, TaskLink
from service.workflows import predicting

PARAGRAPHS = """<View>
  <ParagraphLabels name="code" toName="transcript" choice="multiple">
    <Label value="Access &gt; Cost"/><Label value="Trust"/>
  </ParagraphLabels>
  <Paragraphs name="transcript" value="$turns" layout="dialogue" nameKey="speaker" textKey="text"/>
</View>"""
TEXT = """<View><Text name="text" value="$text"/>
  <Labels name="code" toName="text"><Label value="Access &gt; Cost"/><Label value="Trust"/></Labels>
</View>"""
TAXONOMY = """<View><Text name="text" value="$text"/>
  <Taxonomy name="code" toName="text">
    <Choice value="Access"><Choice value="Cost"/></Choice><Choice value="Trust"/>
  </Taxonomy></View>"""
CHOICES = """<View><Text name="text" value="$text"/>
  <Choices name="code" toName="text" choice="multiple">
    <Choice value="Cost"/><Choice value="Trust"/>
  </Choices></View>"""

WORDS = {"costs": "Access > Cost", "trust": "Trust", "luck": "Luck"}


class Words:
    """Suggests a code wherever one of a few words stands."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def suggest(self, version: str, transcripts: Sequence[Transcript]) -> SuggestionBatch:
        self.asked.append(tuple(item.name for item in transcripts))
        return SuggestionBatch(
            model_version=version,
            suggestions=tuple(
                Suggestion(
                    transcript=item.name,
                    turn=turn.index,
                    start=turn.text.index(word),
                    end=turn.text.index(word) + len(word),
                    text=word,
                    code=code,
                    score=0.75,
                    threshold=0.5,
                    model_version=version,
                )
                for item in transcripts
                for turn in item.turns
                for word, code in WORDS.items()
                if word in turn.text
            ),
            certainty={item.name: 0.25 for item in transcripts},
        )


@pytest.fixture
def study(house: House) -> str:
    """Three transcripts: one that a coder read, two that nobody did."""
    texts = {"read": "It costs too much", "new": "It costs and I trust", "blind": "I trust"}
    with house.database.unit_of_work() as work:
        work.studies.create("trust")
        work.studies.add(
            "trust",
            Material(
                transcripts=tuple(
                    Transcript(name=name, turns=(Turn(index=0, speaker="", text=text),))
                    for name, text in texts.items()
                ),
                codings=(
                    Coding(transcript="read", turn=0, start=0, end=8, code="Trust", coder="ana"),
                ),
                readings=(Reading(transcript="read", turn=0, coder="ana"),),
                codebook=Codebook.of(
                    [Code(path="Access > Cost"), Code(path="Trust")], declared=False
                ),
            ),
        )
        work.label_studio.save_tasks(
            "trust",
            [
                TaskLink(task_id=1, transcript="read", blind=False),
                TaskLink(task_id=2, transcript="new", blind=False),
                TaskLink(task_id=3, transcript="blind", blind=True),
            ],
        )
        work.commit()
    return "trust"


@pytest.fixture
def trained(house: House, study: str) -> str:
    """The version in use."""
    with house.database.unit_of_work() as work:
        record = ModelRecord(version="v1", encoder="e", size_bytes=1, figures={})
        work.models.add(study, record)
        work.commit()
    return record.version


@pytest.fixture
def predict(house: House, study: str) -> Callable[..., predicting.TaskPredictions]:
    """Predictions for tasks of the study."""

    def call(*tasks: dict[str, Any], config: str = TEXT) -> predicting.TaskPredictions:
        return predicting.predict_tasks(house, Words(), study, tasks=tasks, label_config=config)

    return call


def text_task(text: str, number: int | None = None) -> dict[str, Any]:
    return {"id": number, "data": {"text": text}}


def codes(prediction: predicting.TaskPrediction) -> list[str]:
    return [region["value"]["labels"][0] for region in prediction.result]


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("config", "data", "expected"),
    [
        (
            PARAGRAPHS,
            {"turns": [{"speaker": "A", "text": "Hm"}, {"speaker": "B", "text": "😀 It costs"}]},
            {
                "start": "1",
                "end": "1",
                "startOffset": 6,
                "endOffset": 11,
                "text": "costs",
                "paragraphlabels": ["Access > Cost"],
            },
        ),
        (
            TEXT,
            {"text": "😀 It costs"},
            {"start": 6, "end": 11, "text": "costs", "labels": ["Access > Cost"]},
        ),
        (TAXONOMY, {"text": "It costs, no trust"}, {"taxonomy": [["Access", "Cost"], ["Trust"]]}),
        (CHOICES, {"text": "It costs, no trust"}, {"choices": ["Cost", "Trust"]}),
    ],
    ids=["Paragraphs", "Text", "Taxonomy", "Choices"],
)
def test_all_four_label_configs_get_regions_in_their_own_form(
    predict: Callable[..., predicting.TaskPredictions],
    config: str,
    data: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    found = predict({"id": 99, "data": data}, config=config)
    ((region,),) = [one.result for one in found.predictions]
    assert region["value"] == expected
    assert region["from_name"] == "code"
    assert region["score"] == 0.75
    # The task's own score is what Label Studio's uncertainty sampling goes by.
    assert found.predictions[0].score == 0.25
    assert "0.75" in region["meta"]["text"][0]


@pytest.mark.usefixtures("trained")
def test_there_is_one_prediction_a_task_in_order_even_where_a_task_cannot_be_read(
    predict: Callable[..., predicting.TaskPredictions],
) -> None:
    found = predict(
        text_task("It costs"),
        {"id": 50},
        {"id": 51, "data": {"text": None}},
        {"id": 52, "data": {"text": ["a", "list"]}},
        {"id": 53, "data": "nonsense"},
        {"id": "54", "data": {}},
        text_task(""),
        text_task("I trust"),
    )
    assert [codes(one) for one in found.predictions] == [
        ["Access > Cost"],
        *([[]] * 6),
        ["Trust"],
    ]
    assert found.model_version == "v1"


@pytest.mark.usefixtures("trained")
def test_the_blind_sample_gets_empty_predictions(
    predict: Callable[..., predicting.TaskPredictions], house: House, study: str
) -> None:
    by_task, by_name, other = predict(
        text_task("I trust", 3),
        {"id": 700, "data": {"text": "I trust", "transcript": "blind"}},
        text_task("I trust", 701),
    ).predictions
    assert (codes(by_task), codes(by_name), codes(other)) == ([], [], ["Trust"])
    with house.database.reading() as work:
        assert work.suggestions.shown_transcripts(study) == frozenset()


@pytest.mark.usefixtures("trained")
def test_what_was_drawn_for_people_gets_empty_predictions_before_it_is_pushed(
    predict: Callable[..., predicting.TaskPredictions], house: House, study: str
) -> None:
    asked = {"id": 700, "data": {"text": "It costs and I trust", "transcript": "new"}}
    assert codes(predict(asked).predictions[0]) != []
    drawn = Member(transcript="new", stratum=(), probability=0.5, drawn=True)
    with house.database.unit_of_work() as work:
        work.draws.add(
            study,
            DrawRecord(size=1, by=(), allocation="equal", seed=0, version=None, members=(drawn,)),
        )
        work.commit()
    assert codes(predict(asked).predictions[0]) == []


@pytest.mark.usefixtures("trained")
def test_what_people_coded_before_stays_without_suggestions_unless_some_were_shown(
    predict: Callable[..., predicting.TaskPredictions], house: House, study: str
) -> None:
    task = text_task("It costs too much", 1)
    assert codes(predict(task).predictions[0]) == []
    with house.database.unit_of_work() as work:
        link = TaskLink(task_id=1, transcript="read", blind=False, pushed_version="v0")
        work.label_studio.save_tasks(study, [link])
        work.commit()
    assert codes(predict(task).predictions[0]) == ["Access > Cost"]


@pytest.mark.usefixtures("trained")
def test_what_a_coder_is_about_to_see_is_noted_as_shown_once(
    predict: Callable[..., predicting.TaskPredictions], house: House, study: str
) -> None:
    (first,) = predict(text_task("It costs and I trust", 2)).predictions
    with house.database.reading() as work:
        stored = work.suggestions.of(study, version="v1", transcript="new")
        assert work.suggestions.shown_transcripts(study) == {"new"}
    assert [one.region_id for one in stored] == [region["id"] for region in first.result]
    assert all(one.shown for one in stored)
    (again,) = predict(text_task("It costs and I trust", 2)).predictions
    assert again == first
    with house.database.reading() as work:
        assert work.suggestions.of(study, version="v1", transcript="new") == stored


@pytest.mark.usefixtures("trained")
def test_many_tasks_cost_a_waiting_coder_no_more_statements_than_one(
    predict: Callable[..., predicting.TaskPredictions],
    house: House,
    study: str,
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    with house.database.unit_of_work() as work:
        link = TaskLink(task_id=1, transcript="read", blind=False, pushed_version="v0")
        work.label_studio.save_tasks(study, [link])
        work.commit()
    tasks = text_task("It costs too much", 1), text_task("It costs and I trust", 2)
    predict(*tasks)
    with statements() as of_one:
        predict(tasks[1])
    with statements() as of_both:
        found = predict(*tasks)
    assert [codes(one) for one in found.predictions] == [
        ["Access > Cost"],
        ["Access > Cost", "Trust"],
    ]
    assert len(of_both) == len(of_one)


@pytest.mark.usefixtures("trained")
def test_a_task_whose_words_were_changed_is_answered_and_not_noted(
    predict: Callable[..., predicting.TaskPredictions], house: House, study: str
) -> None:
    assert codes(predict(text_task("Now it costs", 2)).predictions[0]) == ["Access > Cost"]
    with house.database.reading() as work:
        assert work.suggestions.shown_transcripts(study) == frozenset()


@pytest.mark.usefixtures("trained")
def test_the_same_task_twice_is_looked_at_once_and_answered_twice(house: House, study: str) -> None:
    model = Words()
    found = predicting.predict_tasks(
        house,
        model,
        study,
        tasks=[text_task("I trust", 2), text_task("I trust", 2), text_task("It costs", 2)],
        label_config=TEXT,
    )
    assert [codes(one) for one in found.predictions] == [["Trust"], ["Trust"], ["Access > Cost"]]
    assert [len(names) for names in model.asked] == [2]


@pytest.mark.usefixtures("trained")
def test_a_code_that_the_project_has_no_label_for_is_left_out(
    predict: Callable[..., predicting.TaskPredictions],
) -> None:
    assert codes(predict(text_task("luck and trust")).predictions[0]) == ["Trust"]


def test_a_study_without_a_model_suggests_nothing_under_the_version_of_setup(
    predict: Callable[..., predicting.TaskPredictions], house: House, study: str
) -> None:
    found = predict(text_task("It costs"), text_task("I trust", 3))
    assert [one.result for one in found.predictions] == [[], []]
    assert found.model_version == predicting.version_in_use(house, study) == "untrained"


def test_no_tasks_get_no_predictions(
    predict: Callable[..., predicting.TaskPredictions],
) -> None:
    assert predict().predictions == ()


@pytest.mark.usefixtures("trained")
def test_the_version_of_setup_is_that_of_the_predictions(
    predict: Callable[..., predicting.TaskPredictions], house: House, study: str
) -> None:
    assert predict(text_task("x")).model_version == predicting.version_in_use(house, study)
    assert predicting.versions(house, study) == ("v1",)


@pytest.mark.parametrize("config", ["", "<View>", "<View><Rating name='r' toName='t'/></View>"])
def test_a_label_config_without_a_place_for_codes_is_refused(
    predict: Callable[..., predicting.TaskPredictions], config: str
) -> None:
    with pytest.raises(InputError, match="label config"):
        predict(text_task("x"), config=config)


def test_an_unknown_study_is_not_found(house: House, study: str) -> None:
    with pytest.raises(NotFound, match=study):
        predicting.predict_tasks(house, Words(), "other", tasks=[], label_config=TEXT)


@pytest.mark.usefixtures("trained")
def test_an_interviewers_turn_keeps_its_mark_on_the_way_back_from_a_task(
    house: House, study: str
) -> None:
    turns = (
        Turn(index=0, speaker="I", text="Do you trust them?", interviewer=True),
        Turn(index=1, speaker="P", text="I trust them"),
    )
    asked: list[Transcript] = []

    class Asked(Words):
        def suggest(self, version: str, transcripts: Sequence[Transcript]) -> SuggestionBatch:
            asked.extend(transcripts)
            return super().suggest(version, transcripts)

    with house.database.unit_of_work() as work:
        talk = Transcript(name="talk", turns=turns)
        work.studies.add(study, Material(transcripts=(talk,), interviewers=("I",)))
        work.label_studio.save_tasks(study, [TaskLink(task_id=4, transcript="talk", blind=False)])
        work.commit()
    shown = [{"speaker": turn.speaker, "text": turn.text} for turn in turns]
    task = {"id": 4, "data": {"turns": shown}}
    predicting.predict_tasks(house, Asked(), study, tasks=[task], label_config=PARAGRAPHS)
    assert asked == [talk]

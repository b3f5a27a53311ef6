"""Regions: spans to Label Studio and back, whatever the text and the config."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.codebook import Code, Codebook
from annotations.errors import InputError
from annotations.formats.label_config import LabelConfig, label_config_for
from annotations.formats.regions import (
    PredictedSpan,
    decode,
    result_of,
    task_data_of,
    transcript_of,
)
from annotations.formats.utf16 import code_point_offset, utf16_offset
from annotations.transcripts import Transcript, Turn

Make = Callable[..., Transcript]

CODES = ("Trust", "Trust > Lost", "Cost")
OURS = LabelConfig.parse(
    label_config_for(Codebook.of([Code(path=path) for path in CODES], declared=True)), CODES
)
TEXT_LABELS = LabelConfig.parse(
    '<View><Labels name="l" toName="t"><Label value="Trust"/><Label value="Lost"/>'
    '<Label value="Cost"/></Labels><Text name="t" value="$text"/></View>',
    CODES,
)
TREE = '<Choice value="Trust"><Choice value="Lost"/></Choice><Choice value="Cost"/>'
TAXONOMY = LabelConfig.parse(
    f'<View><Taxonomy name="x" toName="t">{TREE}</Taxonomy><Text name="t" value="$text"/></View>',
    CODES,
)
CHOICES = LabelConfig.parse(
    f'<View><Choices name="c" toName="t">{TREE}</Choices>'
    '<Paragraphs name="t" value="$turns"/></View>',
    CODES,
)
WORDS = st.lists(
    st.sampled_from([*"ab \n.é", "😀", "𝔸", "👩\u200d👧", "e\u0301", "日"]), min_size=1, max_size=12
).map("".join)


@st.composite
def predictions(draw: st.DrawFn, turns: int) -> tuple[Transcript, list[PredictedSpan]]:
    texts = draw(st.lists(WORDS, min_size=turns, max_size=turns))
    transcript = Transcript(
        name="T",
        turns=tuple(Turn(index=at, speaker="A", text=text) for at, text in enumerate(texts)),
    )
    spans = []
    for _ in range(draw(st.integers(0, 4))):
        turn = draw(st.sampled_from(transcript.turns))
        start = draw(st.integers(0, len(turn.text) - 1))
        end = draw(st.integers(start + 1, len(turn.text)))
        spans.append(
            PredictedSpan(
                turn=turn.index,
                start=start,
                end=end,
                code=draw(st.sampled_from(CODES)),
                score=draw(st.floats(0, 1)),
                reason=draw(st.sampled_from(["", "like what Ann coded"])),
            )
        )
    return transcript, spans


@given(predictions(3))
def test_spans_of_turns_survive_label_studio(made: tuple[Transcript, list[PredictedSpan]]) -> None:
    transcript, spans = made
    found = decode(result_of(spans, transcript, OURS), transcript, OURS).regions
    assert [(item.turn, item.start, item.end, item.codes) for item in found] == [
        (span.turn, span.start, span.end, (span.code,)) for span in spans
    ]
    assert all(
        item.text == transcript.turns[item.turn].text[item.start : item.end] for item in found
    )


@given(predictions(1))
def test_spans_of_a_text_survive_label_studio(
    made: tuple[Transcript, list[PredictedSpan]],
) -> None:
    transcript, spans = made
    found = decode(result_of(spans, transcript, TEXT_LABELS), transcript, TEXT_LABELS).regions
    assert [(item.start, item.end, item.codes) for item in found] == [
        (span.start, span.end, (span.code,)) for span in spans
    ]


@pytest.mark.parametrize(("config", "turns"), [(TAXONOMY, 1), (CHOICES, 3)])
@given(data=st.data())
def test_codes_of_a_whole_text_survive_label_studio(
    config: LabelConfig, turns: int, data: st.DataObject
) -> None:
    transcript, spans = data.draw(predictions(turns))
    result = result_of(spans, transcript, config)
    assert len(result) == bool(spans)
    found = decode(result, transcript, config).regions
    codes = tuple(dict.fromkeys(span.code for span in spans))
    assert [(item.turn, item.start, item.end, item.codes) for item in found] == [
        (turn.index, 0, len(turn.text), codes) for turn in transcript.turns if spans
    ]


@given(WORDS, st.data())
def test_offsets_are_those_of_utf16(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    units = utf16_offset(text, at)
    assert units == len(text[:at].encode("utf-16-le")) // 2
    assert code_point_offset(text, units) == at


def test_an_offset_inside_a_character_takes_the_whole_of_it() -> None:
    assert (code_point_offset("a😀b", 2), code_point_offset("a😀b", 2, up=True)) == (1, 2)
    with pytest.raises(ValueError, match="9"):
        code_point_offset("a😀b", 9)


def test_a_prediction_has_the_shape_that_label_studio_shows(transcript: Make) -> None:
    made = transcript("T", "Well.", "😀 They lost it.", speakers=["I", "P"])
    span = PredictedSpan(turn=1, start=2, end=11, code="Trust > Lost", score=0.75, reason="near X")
    (result,) = result_of([span], made, OURS)
    assert {key: value for key, value in result.items() if key != "id"} == {
        "from_name": "code",
        "to_name": "transcript",
        "type": "paragraphlabels",
        "value": {
            "start": "1",
            "end": "1",
            "startOffset": 3,
            "endOffset": 12,
            "text": "They lost",
            "paragraphlabels": ["Trust > Lost"],
        },
        "score": 0.75,
        "meta": {"text": ["near X"]},
    }


def test_a_taxonomy_prediction_has_paths_as_levels(transcript: Make) -> None:
    spans = [
        PredictedSpan(turn=0, start=0, end=4, code=code, score=score, reason=reason)
        for code, score, reason in [("Trust > Lost", 0.4, "near X"), ("Cost", 0.9, "near Y")]
    ]
    (result,) = result_of(spans, transcript("T", "Well"), TAXONOMY)
    assert result["value"] == {"taxonomy": [["Trust", "Lost"], ["Cost"]]}
    assert result["score"] == 0.9
    assert result["meta"] == {"text": ["Trust > Lost: near X\nCost: near Y"]}


def test_plain_choices_are_predicted_by_name(transcript: Make) -> None:
    span = PredictedSpan(turn=0, start=0, end=4, code="Trust > Lost", score=1, reason="")
    (result,) = result_of([span], transcript("T", "Well"), CHOICES)
    assert result["value"] == {"choices": ["Lost"]}
    assert "meta" not in result


def test_ids_depend_on_content_alone(transcript: Make) -> None:
    made = transcript("T", "They lost it.")

    def identity(text: Transcript = made, **changes: Any) -> str:
        span = {"turn": 0, "start": 0, "end": 4, "code": "Cost", "score": 0.5, "reason": ""}
        (result,) = result_of([PredictedSpan(**(span | changes))], text, OURS)
        return str(result["id"])

    assert identity() == identity(score=0.9, reason="other")
    others = [identity(end=5), identity(code="Trust"), identity(transcript("U", "They lost it."))]
    assert len({identity(), *others}) == 4


def test_a_code_that_the_config_cannot_show_is_not_predicted(transcript: Make) -> None:
    span = PredictedSpan(turn=0, start=0, end=4, code="Beds", score=1, reason="")
    assert result_of([span], transcript("T", "They lost it."), OURS) == []


def region(**value: Any) -> dict[str, Any]:
    labels = {"paragraphlabels": ["Cost"]}
    return {"id": "r", "from_name": "code", "type": "paragraphlabels", "value": labels | value}


def test_a_region_over_several_turns_is_one_of_each(transcript: Make) -> None:
    made = transcript("T", "abc", "def", "", "ghi")
    value = {"start": "0", "end": "3", "startOffset": 1, "endOffset": 2, "text": "bc\nA\ndef\ngh"}
    found = decode([region(**value)], made, OURS).regions
    assert [(item.id, item.turn, item.start, item.end, item.text) for item in found] == [
        ("r", 0, 1, 3, "bc"),
        ("r", 1, 0, 3, "def"),
        ("r", 3, 0, 2, "gh"),
    ]


def test_a_region_may_carry_several_codes_also_unlisted_ones(transcript: Make) -> None:
    value = {"start": "0", "end": "0", "startOffset": 0, "endOffset": 3}
    chosen = {"paragraphlabels": ["Cost", "Trust > Lost", "Cost", "My own"]}
    (found,) = decode([region(**value, **chosen)], transcript("T", "abc"), OURS).regions
    assert found.codes == ("Cost", "Trust > Lost", "My own")


def test_the_origin_is_kept_and_manual_where_absent(transcript: Make) -> None:
    value = {"start": "0", "end": "0", "startOffset": 0, "endOffset": 3}
    moved = region(**value) | {"origin": "prediction-changed"}
    found = decode([moved, region(**value)], transcript("T", "abc"), OURS).regions
    assert [item.origin for item in found] == ["prediction-changed", "manual"]


def test_memos_and_other_controls_are_no_regions(transcript: Make) -> None:
    value = {"start": "0", "end": "0", "startOffset": 0, "endOffset": 3, "text": ["a memo"]}
    memo = {"id": "r", "from_name": "memo", "type": "textarea", "value": value}
    other = region(**value) | {"from_name": "quality"}
    found = decode([memo, other], transcript("T", "abc"), OURS)
    assert (found.regions, found.refused) == ((), ())


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"start": "0", "end": "7", "startOffset": 0, "endOffset": 1}, "does not have"),
        ({"start": "1", "end": "0", "startOffset": 0, "endOffset": 1}, "does not have"),
        ({"start": "0", "end": "0", "startOffset": 0, "endOffset": 4}, "beyond the end"),
        ({"start": "0", "end": "0", "startOffset": 2, "endOffset": 2}, "without a character"),
        ({"start": "0", "end": "0", "startOffset": -1, "endOffset": 2}, "offset -1"),
        ({"start": "0", "end": "0", "startOffset": 0}, "offset None"),
        ({"start": "/p[1]", "end": "/p[1]", "startOffset": 0, "endOffset": 1}, "'/p[1]'"),
        ({"start": 0, "end": 2}, "transcript of several turns"),
        (
            {"start": "0", "end": "0", "startOffset": 0, "endOffset": 2, "text": "xy"},
            "other words than were recorded",
        ),
    ],
)
def test_a_region_that_does_not_fit_is_refused(
    transcript: Make, value: dict[str, Any], says: str
) -> None:
    found = decode([region(**value)], transcript("T", "abc", "def"), OURS)
    assert found.regions == ()
    assert says in found.refused[0]


def test_recorded_words_may_differ_in_white_space(transcript: Make) -> None:
    value = {"start": "0", "end": "0", "startOffset": 0, "endOffset": 4, "text": " a\\nb"}
    assert len(decode([region(**value)], transcript("T", "a\nb c"), OURS).regions) == 1


def test_a_task_shows_the_transcript_that_it_was_made_of(transcript: Make) -> None:
    made = transcript("T", "Well.", "", "😀 yes", speakers=["I", "P", "I"])
    assert transcript_of(task_data_of(made), OURS, "T") == made


def test_a_text_task_is_a_transcript_of_one_turn(transcript: Make) -> None:
    assert transcript_of({"text": "Well."}, TEXT_LABELS, "T") == transcript("T", "Well.")


@pytest.mark.parametrize(
    ("data", "config", "says"),
    [
        ({}, OURS, "has nothing under 'turns', expected a list of turns"),
        ({"turns": "https://x"}, OURS, "has a text under 'turns', expected a list of turns"),
        ({"turns": [{"speaker": "A"}]}, OURS, "turns that each have 'text'"),
        ({"text": ["a"]}, TEXT_LABELS, "has a list under 'text', expected a text"),
    ],
)
def test_task_data_that_does_not_fit_the_config_is_refused(
    data: dict[str, Any], config: LabelConfig, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        transcript_of(data, config, "T")

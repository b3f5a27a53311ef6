"""Native exports of Label Studio: who read what, what they applied, what is left out."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from annotations.codebook import Code, Codebook
from annotations.study import Material
from annotations.transcripts import Transcript

Read = Callable[..., Material]
Make = Callable[..., Transcript]
Json = dict[str, Any]

LONG = "n" * 204
TEXT = "😀 It costs too much. I trust her."


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    def write(*tasks: Json, name: str = "export.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(tasks), encoding="utf-8")
        return path

    return write


def task(*annotations: Json, number: int = 5, **data: Any) -> Json:
    return {"id": number, "data": data or {"text": TEXT}, "annotations": list(annotations)}


def annotation(*result: Json, by: Any = 7, **more: Any) -> Json:
    return {"completed_by": by, "result": list(result), "was_cancelled": False, **more}


def label(start: int, end: int, *labels: str, text: str | None = None) -> Json:
    value: Json = {"start": start, "end": end, "labels": list(labels)}
    return {
        "type": "labels",
        "from_name": "label",
        "value": value | ({"text": text} if text else {}),
    }


def tree(*paths: list[str]) -> Json:
    return {"type": "taxonomy", "from_name": "codes", "value": {"taxonomy": list(paths)}}


def test_offsets_are_converted_to_code_points(export: Callable[..., Path], read: Read) -> None:
    (coding,) = read(export(task(annotation(label(6, 21, "Cost", text="costs too much."))))).codings
    assert (coding.start, coding.end, coding.code) == (5, 20, "Cost")
    assert TEXT[coding.start : coding.end] == "costs too much."


def test_a_span_that_ends_inside_a_character_takes_the_whole_of_it(
    export: Callable[..., Path], read: Read
) -> None:
    (coding,) = read(export(task(annotation(label(0, 1, "Smile"))))).codings
    assert (coding.start, coding.end) == (0, 1)


def test_a_choice_for_the_whole_text_codes_all_of_it(
    export: Callable[..., Path], read: Read
) -> None:
    (coding,) = read(export(task(annotation(tree(["Access", "Cost"]))))).codings
    assert (coding.start, coding.end, coding.code) == (0, len(TEXT), "Access > Cost")


def test_a_parent_alone_is_a_code_of_its_own(export: Callable[..., Path], read: Read) -> None:
    material = read(export(task(annotation(tree(["Access"], ["Access", "Cost"])))))
    assert [item.code for item in material.codings] == ["Access", "Access > Cost"]


def test_all_controls_are_read(export: Callable[..., Path], read: Read) -> None:
    choice = {"type": "choices", "from_name": "c", "value": {"choices": ["Angry"]}}
    part = {
        "type": "choices",
        "from_name": "d",
        "value": {"start": 6, "end": 11, "choices": ["Sad", "Shy"]},
    }
    result = (tree(["Access"]), label(6, 11, "Verb"), choice, part)
    material = read(export(task(annotation(*result))))
    assert [(item.code, item.end - item.start) for item in material.codings] == [
        ("Access", len(TEXT)),
        ("Verb", 5),
        ("Angry", len(TEXT)),
        ("Sad", 5),
        ("Shy", 5),
    ]


def test_paragraphs_become_turns(export: Callable[..., Path], read: Read) -> None:
    turns = [{"speaker": "I", "text": "Well?"}, {"speaker": "P", "text": "😀 No."}]
    value = {
        "start": "1",
        "end": "1",
        "startOffset": 3,
        "endOffset": 6,
        "text": "No.",
        "paragraphlabels": ["Trust > Lost"],
    }
    region = {"type": "paragraphlabels", "from_name": "code", "value": value}
    material = read(export(task(annotation(region), transcript="A1", turns=turns)))
    (found,) = material.transcripts
    assert found.name == "A1"
    assert [(turn.speaker, turn.text) for turn in found.turns] == [("I", "Well?"), ("P", "😀 No.")]
    (coding,) = material.codings
    assert (coding.turn, coding.start, coding.end) == (1, 2, 5)
    assert [item.turn for item in material.readings] == [0, 1]


def test_an_empty_annotation_is_a_reading_that_applied_nothing(
    export: Callable[..., Path], read: Read
) -> None:
    material = read(export(task(annotation())))
    assert material.codings == ()
    assert [(item.coder, item.assisted) for item in material.readings] == [("7", False)]


def test_drafts_and_a_coders_second_annotation_are_told_once_a_file(
    export: Callable[..., Path], read: Read
) -> None:
    tasks = [
        {**task(annotation(), number=number, text=f"{TEXT} {number}"), "drafts": [{}, {}]}
        for number in range(12)
    ]
    tasks[3]["annotations"] = [annotation(label(5, 9, "Cost")), annotation(label(5, 9, "Trust"))]
    found = read(export(*tasks))
    (drafts,) = found.refused
    assert drafts.message.startswith("24 drafts, which nobody submitted (transcripts 'task 0', ")
    assert drafts.message.endswith("'task 9' and 2 more)")
    number, again = found.notes
    assert number.message.startswith("names coders by number (")
    assert "more than one annotation of transcript 'task 3'" in again.message
    assert {one.code for one in found.codings} == {"Cost", "Trust"}


def test_a_cancelled_annotation_is_not_a_reading(export: Callable[..., Path], read: Read) -> None:
    skipped = annotation(tree(["Access"]), was_cancelled=True, by=8)
    material = read(export(task(annotation(), skipped)))
    assert {item.coder for item in material.readings} == {"7"}
    assert material.codings == ()
    (refused,) = material.refused
    assert refused.message == "task 5: the annotation by 8 was cancelled (skipped)"


@pytest.mark.parametrize(
    ("completed_by", "coder"),
    [
        (7, "7"),
        ({"id": 7, "email": "ann@example.org", "first_name": "Ann"}, "ann@example.org"),
        ({"id": 7}, "7"),
        (None, "given"),
    ],
)
def test_the_coder_has_a_name(
    export: Callable[..., Path], read: Read, completed_by: Any, coder: str
) -> None:
    material = read(export(task(annotation(by=completed_by))), coder="given")
    assert [item.coder for item in material.readings] == [coder]


def test_an_annotation_by_nobody_asks_for_a_coder(
    export: Callable[..., Path], refusal: Callable[..., str]
) -> None:
    assert "task 5: an annotation names no coder; say --coder" in refusal(
        export(task(annotation(by=None)))
    )


def test_two_annotations_of_one_coder_are_united(export: Callable[..., Path], read: Read) -> None:
    once, again = annotation(tree(["A"], ["B"])), annotation(tree(["B"], ["C"]))
    material = read(export(task(once, again)))
    assert sorted(item.code for item in material.codings) == ["A", "B", "C"]
    assert len(material.readings) == 1


def test_what_is_no_coding_is_counted_by_kind(export: Callable[..., Path], read: Read) -> None:
    result = [
        {"type": "rating", "value": {"rating": 3}},
        {"type": "rating", "value": {"rating": 4}},
        {"type": "relation", "from_id": "a", "to_id": "b"},
        label(0, 999, "Cost"),
        label(6, 11, "Cost", text="trust"),
        label(6, 11),
    ]
    material = read(export(task(annotation(*result)), task(annotation(result[0]), number=6)))
    assert material.codings == ()
    assert [item.message for item in material.refused] == [
        "3 results of kind 'rating', which is no coding",
        "1 result of kind 'relation', which is no coding",
        "1 result of kind 'labels' beyond the end of the text",
        "1 result of kind 'labels' where the text has other words than were recorded",
        "1 result of kind 'labels' without a label",
    ]


def test_the_time_is_that_of_the_last_change(export: Callable[..., Path], read: Read) -> None:
    times = {"created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-02T10:00:00Z"}
    (coding,) = read(export(task(annotation(tree(["A"]), **times)))).codings
    assert coding.coded_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "predictions", "assisted"),
    [
        ({}, [], False),
        ({"parent_prediction": 3}, [], True),
        ({"result": [tree(["A"]) | {"origin": "prediction-changed"}]}, [], True),
        ({"created_at": "2026-03-02T10:00:00Z"}, [{"created_at": "2026-03-01T10:00:00Z"}], True),
        ({"created_at": "2026-03-02T10:00:00Z"}, [{"created_at": "2026-03-03T10:00:00Z"}], False),
        ({}, [{"id": 1}], True),
    ],
)
def test_codings_made_beside_suggestions_are_assisted(
    export: Callable[..., Path],
    read: Read,
    more: Json,
    predictions: list[Json],
    assisted: bool,
) -> None:
    entry = task(annotation(tree(["A"])) | more) | {"predictions": predictions}
    assert [item.assisted for item in read(export(entry)).readings] == [assisted]


def test_a_reading_that_was_once_assisted_stays_so(export: Callable[..., Path], read: Read) -> None:
    entry = task(annotation(), annotation(parent_prediction=3))
    assert [item.assisted for item in read(export(entry)).readings] == [True]


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ([{"text": "a", "id.num": 12}, {"text": "b", "id.num": 13}], ["12", "13"]),
        ([{"text": "a", "title": "One", "id": 1}, {"text": "b", "title": "Two"}], ["One", "Two"]),
        ([{"text": "a", "name": "Same"}, {"text": "b", "name": "Same"}], ["task 0", "task 1"]),
        (
            [{"text": "a", "respondent_id": "R1"}, {"text": "b", "respondent_id": "R2"}],
            ["R1", "R2"],
        ),
        ([{"text": "a", "name": ""}, {"text": "b", "name": "B"}], ["task 0", "task 1"]),
        ([{"name": "T", "transcript": "the long words of it"}], ["T"]),
        ([{"text": "a"}], ["task 0"]),
        (
            [{"text": "a", "transcript": LONG}, {"text": "b", "transcript": "B"}],
            [LONG, "B"],
        ),
        ([{"text": "a", "title": LONG}, {"text": "b", "title": "B"}], ["task 0", "task 1"]),
    ],
)
def test_a_transcript_has_a_name_that_tells_it_apart(
    export: Callable[..., Path], read: Read, data: list[Json], names: list[str]
) -> None:
    tasks = [task(annotation(), number=at, **item) for at, item in enumerate(data)]
    assert [item.name for item in read(export(*tasks)).transcripts] == names


def test_an_export_may_refer_to_a_transcript_of_the_study(
    export: Callable[..., Path], read: Read, refusal: Callable[..., str], transcript: Make
) -> None:
    path = export(task(annotation(tree(["A"])), text=TEXT, name="A1"))
    known = transcript("A1", TEXT, speakers=["Nurse"])
    material = read(path, known={"A1": known})
    assert material.transcripts == (known,)
    assert [item.transcript for item in material.codings] == ["A1"]
    message = refusal(path, known={"A1": transcript("A1", "Other words.")})
    assert "'A1' has other words than in the study" in message


def test_labels_meet_the_declared_codebook(
    export: Callable[..., Path], read: Read, refusal: Callable[..., str]
) -> None:
    declared = Codebook.of([Code(path="Access > Cost")], declared=True)
    by_name = export(task(annotation(label(6, 11, "Cost"))))
    assert read(by_name, codebook=declared).codings[0].code == "Access > Cost"
    other = export(task(annotation(label(6, 11, "Beds"))))
    assert "code 'Beds' is not in the codebook" in refusal(other, codebook=declared)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (task(annotation(), image="x.png", number=9) | {"data": {"n": 3}}, "task 9: no words"),
        (task(text="https://example.org/a.txt"), "holds the address of the text"),
        (task(text="half \ud83d"), "half a character"),
        (task({"completed_by": 7, "result": "none"}), "without a list of results"),
        (task() | {"annotations": ["annotation"]}, "without a list of results"),
    ],
)
def test_a_task_that_cannot_be_read_is_a_problem(
    export: Callable[..., Path], refusal: Callable[..., str], entry: Json, says: str
) -> None:
    assert says in refusal(export(entry))


@pytest.mark.parametrize("team", ["team_1", "team_6", "team_10"])
def test_real_exports_agree_with_the_tidy_study_made_from_them(
    read: Read, shared_data: Path, team: str
) -> None:
    """The tidy study holds the taxonomy alone, one transcript a text, spaces put right."""
    path = shared_data / "leoka" / "label_studio_exports" / f"{team}.json.gz"
    material = read(path)
    tidy = read(*(shared_data / "leoka" / f"{kind}.csv" for kind in ("transcripts", "codings")))

    def bare(transcript: Transcript) -> str:
        return "".join(transcript.turns[0].text.split())

    of_text = {bare(item): item.name for item in tidy.transcripts}
    name_of = {item.name: of_text[bare(item)] for item in material.transcripts}
    assert len(name_of) == 130

    def codes_by_reader(whole: Material, names: dict[str, str]) -> dict[tuple[str, str], set[str]]:
        codes: dict[tuple[str, str], set[str]] = {
            (names[item.transcript], item.coder): set() for item in whole.readings
        }
        for item in whole.codings:
            if item.code in tidy.codebook.paths:
                codes[names[item.transcript], item.coder].add(item.code)
        return codes

    ours = codes_by_reader(material, name_of)
    theirs = codes_by_reader(tidy, {item.name: item.name for item in tidy.transcripts})
    # A coder met some texts twice, as two tasks; the tidy study kept the later annotation.
    names = list(name_of.values())
    once = {key for key in ours if names.count(key[0]) == 1}
    assert len(once) > 300
    assert {key: ours[key] for key in once} == {key: theirs[key] for key in once}
    assert all(theirs[key] <= ours[key] for key in ours)


def test_real_exports_of_several_teams_share_their_transcripts(
    read: Read, shared_data: Path
) -> None:
    material = read(shared_data / "leoka" / "label_studio_exports")
    assert len(material.transcripts) == 330
    assert {item.name for item in material.transcripts} >= {"169", "612"}
    assert {item.code for item in material.codings} >= {"Suspect > Injured", "Firearm", "Person"}


def test_every_result_of_a_real_export_is_read_or_counted(read: Read, shared_data: Path) -> None:
    path = shared_data / "leoka" / "label_studio_exports" / "team_6.json.gz"
    material = read(path)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        tasks = json.load(file)
    spans = {
        (entry["data"]["id.num"], str(made["completed_by"]), value["start"], value["end"], name)
        for entry in tasks
        for made in entry["annotations"]
        for item in made["result"]
        if item["type"] == "labels"
        for value in [item["value"]]
        for name in value["labels"]
    }
    found = {
        (int(item.transcript), item.coder, item.start, item.end, item.code)
        for item in material.codings
    }
    assert spans <= found
    assert all("draft" in problem.message for problem in material.refused)

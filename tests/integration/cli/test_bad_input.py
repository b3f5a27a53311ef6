"""Wrong, partial and empty input: a message that says what to do, and nothing half-imported."""

from collections.abc import Callable
from pathlib import Path

import pytest

TRANSCRIPTS = "transcript,turn,speaker,text\nA,0,I,How is it?\nA,1,P,It is hard. I am tired.\n"
CODINGS = "transcript,turn,start,end,code,coder,coded_at\n"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"transcripts": TRANSCRIPTS.replace("speaker,", "").replace(",I,", ",")},
            ["transcripts.csv", "speaker"],
        ),
        ({"transcripts": TRANSCRIPTS, "codings": CODINGS + "A,1,5,99,Strain,ann,\n"}, ["line 2"]),
        (
            {
                "transcripts": TRANSCRIPTS,
                "codings": CODINGS + "A,1,,,Nope,ann,\n",
                "codebook": "code,definition,include,exclude,examples\nStrain,Being tired,,,\n",
            },
            ["line 2", "Nope"],
        ),
        ({"transcripts": TRANSCRIPTS, "codings": CODINGS + "B,1,,,Strain,ann,\n"}, ["line 2", "B"]),
        ({"transcripts": TRANSCRIPTS.encode() + b"A,2,P,\xff\xfe\n"}, ["UTF-8"]),
        ({"transcripts": ""}, ["empty"]),
    ],
    ids=["missing column", "offsets", "unknown code", "unknown transcript", "utf-8", "empty"],
)
def test_a_wrong_file_is_refused_with_its_place_and_leaves_nothing(
    run: Callable, folder: Callable, files: dict, words: list[str]
) -> None:
    outcome = run("import", "study", folder(**files))
    assert outcome.code == 1
    assert outcome.out == ""
    for word in words:
        assert word in outcome.err
    assert run("studies", "--json").document == {"studies": []}


def test_one_wrong_file_keeps_the_right_ones_out_of_an_existing_study(
    run: Callable, folder: Callable
) -> None:
    assert run("import", "study", folder(transcripts=TRANSCRIPTS)).code == 0
    before = run("show", "study", "--json").document
    more = folder(
        transcripts=TRANSCRIPTS + "B,0,P,Another.\n",
        codings=CODINGS + "A,1,,,Strain,ann,\nA,7,,,Strain,ann,\n",
    )
    outcome = run("import", "study", more)
    assert outcome.code == 1
    assert "line 3" in outcome.err
    assert run("show", "study", "--json").document == before


def test_a_json_of_no_bytes_is_refused(run: Callable, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(b"")
    outcome = run("import", "study", path)
    assert outcome.code == 1
    assert "export.json" in outcome.err
    assert "empty" in outcome.err


def test_a_path_that_is_not_there_is_named(run: Callable, tmp_path: Path) -> None:
    outcome = run("import", "study", tmp_path / "nowhere")
    assert outcome.code == 1
    assert "nowhere" in outcome.err


def test_training_without_codings_says_what_is_missing(run: Callable, folder: Callable) -> None:
    run("import", "study", folder(transcripts=TRANSCRIPTS))
    outcome = run("train", "study", "--json")
    assert outcome.code == 1
    assert outcome.out == ""
    assert "codings" in outcome.err


def test_training_on_one_transcript_says_that_two_are_needed(
    run: Callable, folder: Callable
) -> None:
    run("import", "study", folder(transcripts=TRANSCRIPTS, codings=CODINGS + "A,1,,,S,ann,\n"))
    outcome = run("train", "study")
    assert outcome.code == 1
    assert "at least 2" in outcome.err


def test_a_code_with_one_example_trains_and_stays_silent(run: Callable, folder: Callable) -> None:
    words = ["hard", "tired", "late", "quiet", "busy", "short"]
    transcripts = "transcript,turn,speaker,text\n" + "".join(
        f"{name},{turn},P,The day was {word} in {name}.\n"
        for name in "ABC"
        for turn, word in enumerate(words)
    )
    codings = CODINGS + "".join(
        f"{name},{turn},,,{'Rare' if name == 'A' and turn == 0 else ''},ann,\n"
        for name in "ABC"
        for turn in range(6)
    )
    run("import", "study", folder(transcripts=transcripts, codings=codings))
    outcome = run("train", "study", "--json")
    assert outcome.code == 0, outcome.err
    (rare,) = outcome.document["codes"]
    assert rare["support"] == 1
    assert rare["gate"] == "closed"
    assert "1" in rare["reason"]
    assert run("suggest", "study", "--json").code == 0


def test_an_unknown_study_lists_those_there_are(run: Callable, folder: Callable) -> None:
    run("import", "nurses", folder(transcripts=TRANSCRIPTS))
    for command in (["show"], ["train"], ["agreement"], ["suggest"], ["codebook", "show"]):
        outcome = run(*command, "doctors")
        assert outcome.code == 1
        assert "doctors" in outcome.err
        assert "nurses" in outcome.err


def test_suggesting_without_a_model_says_to_train(run: Callable, folder: Callable) -> None:
    run("import", "study", folder(transcripts=TRANSCRIPTS))
    outcome = run("suggest", "study", "--json")
    assert outcome.code == 1
    assert "second-coder train study" in outcome.err


def test_an_unknown_option_is_a_usage_error(run: Callable) -> None:
    assert run("train", "study", "--no-such-option").code == 2


def test_an_unknown_version_lists_those_there_are(run: Callable, folder: Callable) -> None:
    run("import", "study", folder(transcripts=TRANSCRIPTS))
    outcome = run("models", "study", "--use", "abc")
    assert outcome.code == 1
    assert "abc" in outcome.err


def test_edits_for_a_study_that_is_not_there_name_the_way_to_begin_one(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    for name in ("cb.yaml", "cb.csv", "cb.qdc"):
        run("codebook", "export", "managers", "--to", tmp_path / name)
    for options in ([], ["--yes"]):
        refused = run("codebook", "apply", "next", tmp_path / "cb.yaml", *options)
        assert refused.code == 1
        assert "second-coder import next codebook.csv" in refused.err
    codes = run("codebook", "show", "managers", "--json").document["codes"]
    for end in ("csv", "qdc"):
        assert run("import", f"next {end}", tmp_path / f"cb.{end}").code == 0
        new = run("codebook", "show", f"next {end}", "--json").document["codes"]
        assert [one["code"] for one in new] == [one["code"] for one in codes]

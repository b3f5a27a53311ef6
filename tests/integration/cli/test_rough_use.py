"""What goes wrong around the program: full disks, damaged files, pipes, narrow places."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.house import open_house
from service.settings import read_settings
from service.workflows.suggesting import suggest_transcripts

TRANSCRIPTS = "transcript,turn,speaker,text\nA,0,I,How is it?\nA,1,P,It is hard. I am tired.\n"
COMMAND = Path(sys.executable).parent / "second-coder"


def test_a_full_disk_is_told_without_a_trace(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("w") as nowhere:
        done = subprocess.run(
            [COMMAND, "--home", tmp_path / "home", "--help"],
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "free space" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.sqlite("its file is damaged")
def test_a_damaged_page_of_the_database_is_told_with_the_remedy(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    # In a process of its own, which leaves everything in the file when it ends.
    subprocess.run([COMMAND, "--home", home, "import", "managers", sample], check=True)
    database = home / "second-coder.sqlite"
    content = bytearray(database.read_bytes())
    content[60 * 4096 : 120 * 4096] = os.urandom(60 * 4096)
    database.write_bytes(content)
    outcome = run("agreement", "managers")
    assert outcome.code == 1
    assert "is damaged" in outcome.err
    assert "backup" in outcome.err


def test_suggestions_that_cannot_be_written_are_told_with_the_file(
    run_trained: Callable, tmp_path: Path
) -> None:
    outcome = run_trained("suggest", "managers", "--csv", tmp_path)
    assert outcome.code == 1
    assert f"{tmp_path}: cannot be written" in outcome.err
    assert [entry.name for entry in tmp_path.iterdir()] == ["home"]


def test_tables_that_go_to_a_file_are_not_folded(
    run: Callable, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("import", "managers", sample)
    monkeypatch.delenv("COLUMNS")
    outcome = run("codebook", "show", "managers")
    lines = outcome.out.splitlines()
    assert len(lines) == 2 + len(run("codebook", "show", "managers", "--json").document["codes"])
    assert "\x1b" not in outcome.out


@pytest.mark.once("its time goes into training")
def test_long_work_that_no_terminal_shows_says_what_it_does(run: Callable, sample: Path) -> None:
    run("import", "managers", sample)
    outcome = run("train", "managers", "--folds", "2", "--json")
    assert outcome.code == 0
    assert outcome.document["folds"] == 2
    assert "cross-validating: 0 of" in outcome.err
    assert "\x1b" not in outcome.err


def test_a_models_codings_are_nobodys(run_trained: Callable, tmp_path: Path) -> None:
    run_trained("suggest", "managers", "--csv", tmp_path / "codings.csv")
    before = run_trained("show", "managers", "--json").document
    listed = run_trained("studies", "--json").document
    codes = run_trained("codebook", "show", "managers", "--json").document
    came = run_trained("import", "managers", tmp_path / "codings.csv", "--json").document
    after = run_trained("show", "managers", "--json").document
    assert before["model_codings"] == 0
    assert after.pop("model_codings") == came["added"]["codings"] > 0
    assert {**after, "model_codings": 0} == before
    assert run_trained("studies", "--json").document == listed
    assert run_trained("codebook", "show", "managers", "--json").document == codes


@pytest.mark.parametrize("study", ["my study", "o'neill", "a;b"])
def test_a_command_in_a_message_can_be_typed_as_it_stands(
    run: Callable, folder: Callable, study: str
) -> None:
    run("import", study, folder(transcripts=TRANSCRIPTS))
    message = run("models", study).err
    words = shlex.split(message[message.index("second-coder") :])
    assert words == ["second-coder", "train", study]


def test_a_study_is_not_named_like_an_option(run: Callable, folder: Callable) -> None:
    outcome = run("import", "--", "-study", folder(transcripts=TRANSCRIPTS))
    assert outcome.code == 1
    assert "dash" in outcome.err


def test_a_coder_has_a_name(run: Callable, folder: Callable) -> None:
    coded = folder(
        transcripts=TRANSCRIPTS, codings="transcript,turn,start,end,code\nA,1,,,Strain\n"
    )
    outcome = run("import", "study", coded, "--coder", "  ")
    assert outcome.code == 1
    assert "--coder" in outcome.err
    assert run("studies", "--json").document == {"studies": []}
    run("import", "study", coded, "--coder", " ann ")
    (coder,) = run("show", "study", "--json").document["coders"]
    assert coder["coder"] == "ann"


def test_an_import_tells_of_definitions_and_attributes_that_changed(
    run: Callable, folder: Callable
) -> None:
    book = "code,definition\nStrain,"
    run("import", "study", folder(transcripts=TRANSCRIPTS, codebook=f"{book}Old\n"))
    attributes = "transcript,trust\nA,North\n"
    outcome = run("import", "study", folder(codebook=f"{book}New\n", attributes=attributes))
    assert "1 attribute changed; 1 definition changed" in outcome.out
    assert "already" not in outcome.err


@pytest.mark.once("its time goes into suggesting")
def test_suggesting_for_many_turns_tells_how_far_it_is(run_trained: Callable) -> None:
    house = open_house(read_settings())
    with house.database.reading() as work:
        transcripts = work.studies.transcripts("managers")
    told: list[int] = []
    suggest_transcripts(
        house, "managers", transcripts, progress=lambda _stage, done, _total: told.append(done)
    )
    house.database.close()
    assert told[0] == 0
    assert told[-1] == len(transcripts)
    assert told == sorted(set(told))
    assert len(told) > 2


@pytest.mark.once("its time goes into suggesting")
def test_portions_change_no_suggestion(run_trained: Callable, sample: Path) -> None:
    whole = run_trained("suggest", "managers", sample / "transcripts.csv", "--json").document
    house = open_house(read_settings())
    with house.database.reading() as work:
        one = work.studies.transcripts("managers")[-1]
    alone = suggest_transcripts(house, "managers", [one])
    house.database.close()
    assert len(alone.suggestions) > 0
    for mine, theirs in zip(
        alone.suggestions,
        [item for item in whole["suggestions"] if item["transcript"] == one.name],
        strict=True,
    ):
        assert (mine.turn, mine.start, mine.code) == (
            theirs["turn"],
            theirs["start"],
            theirs["code"],
        )
        assert mine.score == pytest.approx(theirs["score"], abs=1e-4)


@pytest.mark.parametrize(
    "words",
    [("serve", "--port", 99999), ("serve", "--port", 0), ("train", "managers", "--seed", -1)],
    ids=["port", "no port", "seed"],
)
def test_a_number_that_cannot_be_is_a_mistake_of_use(run: Callable, words: tuple) -> None:
    outcome = run(*words)
    assert outcome.code == 2
    assert str(words[-2]) in outcome.err

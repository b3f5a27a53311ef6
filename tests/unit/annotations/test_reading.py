"""Files and folders of any mix: all of it or nothing, every problem named."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from annotations.codebook import Codebook
from annotations.formats.intake import MOST_PROBLEMS
from annotations.study import Material
from annotations.transcripts import Transcript

Put = Callable[[str, str | bytes], Path]
Read = Callable[..., Material]
Refusal = Callable[..., str]
Make = Callable[..., Transcript]

EXPORT = json.dumps(
    [
        {
            "id": 5,
            "data": {"text": "It costs too much."},
            "annotations": [
                {
                    "id": 1,
                    "completed_by": 7,
                    "result": [
                        {"type": "choices", "from_name": "c", "value": {"choices": ["Cost"]}}
                    ],
                }
            ],
        }
    ]
)


def test_a_folder_may_mix_formats(put: Put, read: Read, transcripts_csv: Path) -> None:
    put("codings.csv", "transcript,turn,start,end,code,coder\nB2,0,,,Beds,ann\n")
    put("export.json", EXPORT)
    put("interview 3.txt", "Interviewer: And you?\nPorter: Tired.\n")
    material = read(transcripts_csv.parent)
    assert {item.name for item in material.transcripts} == {"A1", "B2", "task 5", "interview 3"}
    assert {(item.code, item.coder) for item in material.codings} == {
        ("Beds", "ann"),
        ("Cost", "7"),
    }


def test_a_file_given_twice_is_read_once(put: Put, read: Read) -> None:
    path = put("codebook.csv", "code\nTrust\n")
    assert read(path.parent, path).codebook.paths == ("Trust",)


def test_a_folder_of_folders_is_searched_and_others_are_not(
    put: Put, read: Read, tmp_path: Path, transcripts_csv: Path
) -> None:
    put("inner/later.txt", "A: Hello.\n")
    beside = read(tmp_path)
    assert {item.name for item in beside.transcripts} == {"A1", "B2"}
    assert [Path(item.file).name for item in beside.refused] == ["inner"]
    transcripts_csv.unlink()
    assert [item.name for item in read(tmp_path).transcripts] == ["later"]


def test_other_files_in_a_folder_are_left_out_and_told(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    put("README.txt", "What: this is.\n")
    put("photo.png", b"\x89PNG")
    material = read(transcripts_csv.parent)
    assert {Path(item.file).name for item in material.refused} == {"README.txt", "photo.png"}
    assert len(material.transcripts) == 2


def test_the_lock_of_a_document_that_is_open_in_word_is_no_transcript(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    put("~$interview.docx", b"\x04Ana Lead")
    material = read(transcripts_csv.parent)
    assert len(material.transcripts) == 2
    assert material.refused == ()


def test_importing_the_same_again_adds_nothing(read: Read, transcripts_csv: Path) -> None:
    first = read(transcripts_csv)
    again = read(transcripts_csv, known={item.name: item for item in first.transcripts})
    assert again.transcripts == first.transcripts


def test_other_words_under_a_known_name_are_refused(
    refusal: Refusal, transcripts_csv: Path, transcript: Make
) -> None:
    known = {"A1": transcript("A1", "How did it go?", "We ran out of bread.")}
    message = refusal(transcripts_csv, known=known)
    assert "'A1' has other words than in the study (turn 1 differs)" in message
    assert "beds" not in message


def test_two_files_may_not_tell_one_transcript_differently(put: Put, refusal: Refusal) -> None:
    one, two = put("one/T.txt", "A: hello\n"), put("two/T.txt", "A: hello\nB: hello\n")
    message = refusal(one, two)
    assert f"{two}: transcript 'T' has other words than in {one} (1 turn there, 2 here)" in message


def test_invalid_utf8_is_refused_with_byte_and_line(put: Put, refusal: Refusal) -> None:
    path = put("codes.csv", b"A: one\nB: caf\xe9\n")
    assert refusal(path) == (
        f"{path}, line 2: byte 13 (0xE9) is not UTF-8; save the file again as UTF-8 "
        "(in a spreadsheet: 'CSV UTF-8')"
    )


def test_the_byte_counts_from_the_start_of_the_file_also_after_a_mark(
    put: Put, refusal: Refusal
) -> None:
    assert "byte 16 (0xE9)" in refusal(put("codes.csv", b"\xef\xbb\xbfA: one\nB: caf\xe9\n"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("transcripts.csv", b"", "the file is empty"),
        ("export.json", b"", "the file is empty"),
        ("T.txt", b" \n\n", "the file is empty"),
        ("codes.csv", "code\nA".encode("utf-16"), "UTF-16, expected UTF-8"),
        ("T.txt", b"A: one\nB: t\0wo", "line 2: holds a NUL"),
        ("T.txt", b"A:\nB:\n", "no words"),
        ("export.json.gz", b"not gzip", "gzip file is damaged"),
        ("export.json.gz", gzip.compress(b"[]" * 99, mtime=0)[:-12], "gzip file is damaged"),
        ("export.json.gz", b"", "the file is empty"),
        ("export.json", b"[{]", "line 1: not valid JSON"),
        ("export.json", b'{"a": 1}', "not a Label Studio export"),
        ("export.json", b"[1, 2]", "not a Label Studio export"),
        ("export.json", b'"text"', "not a Label Studio export"),
        ("export.json", b'[{"text": "x", "label": "y"}]', "not JSON-MIN"),
        ("export.json", b"[]", "an export without tasks"),
        ("export.json", b"[" * 100_000, "nested too deeply"),
        ("photo.png", b"PNG", "expected .csv, .csv.gz, .json, .json.gz, .txt"),
        ("old.doc", b"x", "save it as .docx"),
        ("codings.parquet", b"PAR1", "the same tables come in as CSV"),
        (
            "edits.yaml",
            b"- add: A",
            "for `codebook apply`; a codebook comes in as `.csv` or `.qdc`",
        ),
    ],
)
def test_a_bad_file_is_refused(
    put: Put, refusal: Refusal, name: str, content: bytes, says: str
) -> None:
    path = put(name, content)
    message = refusal(path)
    assert message.startswith(str(path))
    assert says in message


def test_a_path_that_is_not_there_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    assert "there is no such file or folder" in refusal(tmp_path / "nowhere")


def test_a_folder_with_nothing_to_read_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    assert "no file in this folder can be read" in refusal(tmp_path)
    assert "CSV" not in refusal(tmp_path)
    (tmp_path / "codings.parquet").write_bytes(b"PAR1")
    assert "the same tables come in as CSV (`export --format csv`)" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["a.csv", "a.qdc", "a.qdpx", "a.pdf", "a.sqlite3", "a.docx"])
def test_a_file_that_goes_while_it_is_read_is_told_as_gone(
    refusal: Refusal, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).symlink_to(tmp_path / "gone")
    told = refusal(tmp_path)
    assert "there is no such file" in told
    assert "permissions" not in told


def test_all_problems_of_all_files_come_at_once(put: Put, refusal: Refusal) -> None:
    bad_bytes = put("codings.csv", b"A: caf\xe9\n")
    empty = put("export.json", b"")
    codebook = put("codebook.csv", "code\nA\nA\n\nB\nB\n")
    lines = refusal(bad_bytes, empty, codebook).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{bad_bytes}, line 1",
        str(empty),
        f"{codebook}, line 3",
        f"{codebook}, line 6",
    ]


def test_a_long_list_of_problems_is_cut_and_counted(put: Put, refusal: Refusal) -> None:
    rows = "".join(f"A,{number}\n" for number in range(50))
    lines = refusal(put("codebook.csv", "code,definition\n" + rows)).splitlines()
    assert len(lines) == MOST_PROBLEMS + 1
    assert "and 29 more problems" in lines[-1]


def test_a_real_study_of_41_372_turns_is_read_whole(read: Read, shared_data: Path) -> None:
    material = read(shared_data / "talkmoves")
    assert sum(len(item.turns) for item in material.transcripts) == 41_372
    assert len(material.readings) == 41_372
    assert {item.coder for item in material.readings} == {"consensus"}
    assert sum(code.level == 2 for code in material.codebook.codes) == 12


def test_a_real_study_of_many_coders_is_read_whole(read: Read, shared_data: Path) -> None:
    material = read(shared_data / "leoka")
    assert len(material.transcripts) == 742
    assert len({item.coder for item in material.readings}) == 29
    assert material.codebook != Codebook()

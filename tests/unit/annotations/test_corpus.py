"""Transcripts one after the other, and what could not be read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotations.formats.corpus import Found, read_corpus


def _rows(name: str, *texts: str | None, **more: object) -> list[dict[str, object]]:
    return [
        {"transcript": name, "turn": turn, "speaker": "P", "text": text, **more}
        for turn, text in enumerate(texts)
    ]


def _parquet(path: Path, rows: list[dict[str, object]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    return path


def _read(*paths: Path, **options: tuple[str, ...]) -> tuple[list[str], list[str]]:
    found = list(read_corpus(paths, **options))
    assert all((one.transcript is None) is not (one.problem is None) for one in found)
    return (
        [one.transcript.name for one in found if one.transcript],
        [str(one.problem) for one in found if one.problem],
    )


def test_parquet_comes_turn_by_turn_with_its_other_columns_as_attributes(tmp_path: Path) -> None:
    rows = [
        *_rows("one", "Hello.", "Yes 😀", "No.", trust="Acute", wave=2),
        *_rows("two", "Well.", trust=None, wave=1),
    ]
    found = list(read_corpus([_parquet(tmp_path / "all.parquet", rows)]))
    one, two = (item.transcript for item in found)
    assert one is not None
    assert two is not None
    assert [turn.text for turn in one.turns] == ["Hello.", "Yes 😀", "No."]
    assert [turn.index for turn in one.turns] == [0, 1, 2]
    assert one.attributes == {"trust": "Acute", "wave": "2"}
    assert two.attributes == {"wave": "1"}
    assert sum(item.share for item in found) == pytest.approx(1)


def test_what_cannot_be_read_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    rows = [
        *_rows("good", "Hello."),
        *_rows("without words", "Hello.", None),
        *_rows("jumps", "a", "b")[1:],
        *_rows("", "a"),
        *_rows("last", "Bye."),
        *_rows("good", "Again."),
    ]
    folder = tmp_path / "in"
    inner = folder / "wave 2"
    inner.mkdir(parents=True)
    _parquet(folder / "all.parquet", rows)
    (folder / "broken.docx").write_bytes(b"PK nothing")
    (folder / "empty.txt").write_text("")
    (folder / "picture.png").write_bytes(b"png")
    (folder / "cut.parquet").write_bytes(b"PAR1")
    (inner / "second.txt").write_text("P: Deeper down.\n")
    (inner / "last.txt").write_text("P: The same name again.\n")
    (folder / ".hidden").write_text("P: Not looked at.\n")
    names, problems = _read(folder, tmp_path / "absent")
    assert names == ["good", "last", "second"]
    told = "\n".join(problems)
    for what in (
        "'without words' was left out: turn 1 has no text",
        "'jumps' was left out: turn 1 stands where turn 0 is expected",
        "'' was left out: it has no name",
        "'good' was left out: one of this name came before",
        "'last' was left out: one of this name came before",
        "cannot be read as Parquet",
        "broken.docx",
        "empty.txt",
        "picture.png",
        "there is no such file or folder",
    ):
        assert what in told
    assert len(problems) == 10


def test_tables_of_a_folder_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "transcripts.csv").write_text(
        "transcript,turn,speaker,text\nA,0,I,How?\nA,1,P,So.\nB,0,P,Yes.\n"
    )
    (tmp_path / "attributes.csv").write_text("transcript,trust\nA,Acute\nB,Care\n")
    found = list(read_corpus([tmp_path], interviewing=("i:",)))
    transcripts = [item.transcript for item in found if item.transcript]
    assert [dict(one.attributes) for one in transcripts] == [{"trust": "Acute"}, {"trust": "Care"}]
    assert [turn.interviewer for turn in transcripts[0].turns] == [True, False]


def test_other_parquet_says_what_is_expected(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "x.parquet", [{"a": 1}])
    (found,) = read_corpus([path])
    assert isinstance(found, Found)
    assert "has the columns a; expected a row a turn" in str(found.problem)

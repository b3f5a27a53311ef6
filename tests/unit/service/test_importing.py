"""Files into a study, while others work on it."""

from pathlib import Path

import pytest

from annotations.errors import InputError
from annotations.study import Material
from service.house import House
from service.workflows import importing
from service.workflows.importing import import_paths, preview_paths

HEADER = "transcript,turn,speaker,text\n"


def test_files_are_read_while_others_may_write(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "transcripts.csv").write_text(f"{HEADER}A,0,I,How is it?\n")
    read = importing.read_paths

    def read_while_another_writes(*given: object, **options: object) -> Material:
        with house.database.unit_of_work() as work:
            work.studies.create("another")
            work.commit()
        return read(*given, **options)

    monkeypatch.setattr(importing, "read_paths", read_while_another_writes)
    import_paths(house, "mine", [tmp_path])
    with house.database.reading() as work:
        assert set(work.studies.names()) >= {"another", "mine"}


def test_other_words_that_came_meanwhile_are_refused(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text(f"{HEADER}A,0,I,How is it?\n")
    theirs.write_text(f"{HEADER}A,0,I,How was it?\n")
    read = importing.read_paths

    def read_while_another_imports(*given: object, **options: object) -> Material:
        monkeypatch.setattr(importing, "read_paths", read)
        import_paths(house, "mine", [theirs])
        return read(*given, **options)

    monkeypatch.setattr(importing, "read_paths", read_while_another_imports)
    with pytest.raises(InputError, match="other words"):
        import_paths(house, "mine", [ours])
    with house.database.reading() as work:
        (only,) = work.studies.transcripts("mine")
    assert only.turns[0].text == "How was it?"


def test_a_dry_run_shows_speakers_and_stores_nothing(house: House, tmp_path: Path) -> None:
    path = tmp_path / "T.txt"
    path.write_text("INT: How is it?\nNurse: Busy.\nINT: And?\n")
    seen = preview_paths(house, "dry", [path], interviewers=["int:"])
    (found,) = seen.transcripts
    assert (found.transcript, found.format, found.is_new, found.turns) == ("T", ".txt", True, 3)
    assert [(one.speaker, one.turns, one.interviewer) for one in found.speakers] == [
        ("INT", 2, True),
        ("Nurse", 1, False),
    ]
    assert [(turn.speaker, turn.text) for turn in found.first[:2]] == [
        ("INT", "How is it?"),
        ("Nurse", "Busy."),
    ]
    with house.database.reading() as work:
        assert not work.studies.exists("dry")
    import_paths(house, "dry", [path])
    assert not preview_paths(house, "dry", [path]).transcripts[0].is_new
    path.write_text("INT: How was it?\nNurse: Busy.\nINT: And?\n")
    with pytest.raises(InputError, match="other words"):
        preview_paths(house, "dry", [path])

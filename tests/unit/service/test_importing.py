"""Files into a study, while others work on it."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from annotations.codings import Coding, Reading
from annotations.errors import InputError
from annotations.study import Material
from service.house import House
from service.storage.records import AnnotationRecord, Connection
from service.workflows import importing, syncing
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


LONG = "We wait for the van again and again. Nobody can say when it comes. " * 4


def _long_turns(folder: Path, name: str, spans: list[str]) -> Path:
    """A transcript of a long turn for each span coded (`0,36`, or `,` for a whole turn)."""
    folder.mkdir(exist_ok=True)
    rows = "".join(f"{name},{turn},Ann,{LONG}\n" for turn in range(len(spans)))
    (folder / "transcripts.csv").write_text(HEADER + rows)
    codings = "".join(f"{name},{turn},{span},Van,ana\n" for turn, span in enumerate(spans))
    (folder / "codings.csv").write_text(f"transcript,turn,start,end,code,coder\n{codings}")
    return folder


def test_an_import_that_makes_units_others_says_so(house: House, tmp_path: Path) -> None:
    first = import_paths(house, "mine", [_long_turns(tmp_path / "1", "A", ["0,36"] * 2)])
    more = import_paths(house, "mine", [_long_turns(tmp_path / "2", "B", ["0,36"])])
    assert (first.units_changed, more.units_changed) == (None, None)
    tried = preview_paths(house, "mine", [_long_turns(tmp_path / "3", "C", [","] * 5)])
    whole = import_paths(house, "mine", [tmp_path / "3"])
    assert tried.units_changed == whole.units_changed
    assert "units are whole turns instead of sentences of turns" in (whole.units_changed or "")
    again = import_paths(house, "mine", [_long_turns(tmp_path / "3", "C", [","] * 5)])
    assert again.units_changed is None
    parts = import_paths(house, "mine", [_long_turns(tmp_path / "4", "D", ["0,36"] * 4)])
    assert "units are sentences of turns instead of whole turns" in (parts.units_changed or "")


def test_a_synchronisation_that_makes_units_others_says_so(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_paths(house, "mine", [_long_turns(tmp_path / "1", "A", [",", ","])])
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    secret = SecretStr("hush")
    connection = Connection(
        study="mine",
        url="http://localhost:8080",
        token=secret,
        project_id=1,
        ml_url=None,
        webhook_id=1,
        webhook_secret=secret,
        blind_share=0.1,
        seed=0,
    )
    record = AnnotationRecord(
        annotation_id=11,
        task_id=5,
        transcript="A",
        coder="bo",
        created_at=noon,
        updated_at=noon,
        cancelled=False,
        assisted=False,
        parent_prediction=None,
        shown_version=None,
        result=[],
        lead_time=None,
    )
    spans = [
        Coding(transcript="A", turn=0, start=at, end=at + 9, code="Van", coder="bo")
        for at in range(3)
    ]
    with house.database.unit_of_work() as work:
        work.label_studio.save_connection(connection)
        read = Reading(transcript="A", turn=0, coder="bo")
        work.label_studio.replace_annotation(
            "mine", record, codings=spans, readings=[read], decisions=[]
        )
        work.commit()
    # The annotation is gone there.
    client = SimpleNamespace(annotation=lambda _number: None)
    monkeypatch.setattr(syncing, "client_of", lambda _connection: client)
    monkeypatch.setattr(syncing, "config_of", lambda *_given: None)
    notes = syncing.sync(house, "mine", annotation_ids=[11]).notes
    assert any("units are whole turns instead of sentences of turns" in note for note in notes)
    assert syncing.sync(house, "mine", annotation_ids=[11]).notes == ()

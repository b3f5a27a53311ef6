"""Backups: a study in one file, and back."""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.orm import Session

from service.backup_file import BackupWriter, Manifest
from service.storage.records import now
from service.storage.schema import migrate
from service.storage.session import Database
from service.storage.snapshots import Snapshots


def _shown(run: Callable, study: str) -> Any:
    document = run("show", study, "--json").document
    text_ = json.dumps(document)
    return json.loads(text_.replace(json.dumps(study), json.dumps("STUDY")))


def test_a_trained_study_comes_back_from_a_file_and_still_suggests(
    run_trained: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    on_database: Callable[..., AbstractContextManager[str | None]],
) -> None:
    run = run_trained
    file = tmp_path / "managers.zip"
    made = run("backup", "managers", file, "--json")
    assert made.code == 0, made.err
    assert file.stat().st_mode & 0o077 == 0
    again = run("backup", "managers", file)
    assert again.code == 1
    assert "is there already" in again.err
    assert "choose another name with --as" in run("restore", file).err
    before, models = _shown(run, "managers"), run("models", "managers", "--json").document
    copy = run("restore", file, "--as", "copy", "--json")
    assert copy.code == 0, copy.err
    assert copy.document["rows"] == made.document["rows"]
    assert _shown(run, "copy") == before
    # Another machine: nothing of the first home is there.
    monkeypatch.setenv("SECOND_CODER_HOME", str(tmp_path / "elsewhere"))
    with on_database(tmp_path / "elsewhere"):
        restored = run("restore", file)
        assert restored.code == 0, restored.err
        assert _shown(run, "managers") == before
        assert run("models", "managers", "--json").document == models
        suggested = run("suggest", "managers", "--json")
        assert suggested.code == 0, suggested.err


def test_a_damaged_backup_is_refused_whole(
    run: Callable, sample: Path, home: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    file = tmp_path / "managers.zip"
    run("backup", "managers", file)
    raw = file.read_bytes()
    with zipfile.ZipFile(file) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}

    def refused(**changed: bytes | None) -> str:
        bad = tmp_path / "bad.zip"
        with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as out:
            for name, data in {**entries, **changed}.items():
                if data is not None:
                    out.writestr(name, data)
        outcome = run("restore", bad, "--as", "copy")
        assert outcome.code == 1
        return outcome.err

    turns = "tables/turns.jsonl"
    assert "does not have its checksum" in refused(**{turns: entries[turns][:-2] + b"!\n"})
    assert "is missing from it" in refused(**{turns: None})
    assert "does not belong to it" in refused(**{"tables/more.jsonl": b"{}\n"})
    assert "no backup of a study" in refused(**{"checksums.sha256": None})

    def checked(name: str, content: bytes) -> str:
        """What is said of a file whose checksums are right, whoever wrote it."""
        lines = entries["checksums.sha256"].decode().splitlines()
        own = [line for line in lines if not line.endswith(f"  {name}")]
        own.append(f"{hashlib.sha256(content).hexdigest()}  {name}")
        return refused(**{name: content, "checksums.sha256": "\n".join(own).encode()})

    manifest = json.loads(entries["manifest.json"])
    assert "its manifest cannot be read" in checked("manifest.json", b"{")
    assert "its manifest cannot be read" in checked("manifest.json", b"[" * 20_000)
    for lacking in ("study", "revision", "created_at", "rows", "models"):
        rest = {name: value for name, value in manifest.items() if name != lacking}
        assert "lacks something" in checked("manifest.json", json.dumps(rest).encode())
    first, *rows = entries[turns].splitlines(keepends=True)
    assert f"{len(rows)} rows of turns" in checked(turns, b"".join(rows))
    assert "row 1 of turns cannot be read" in checked(turns, b"[1]\n" + b"".join(rows))
    assert "do not belong together" in checked("tables/connections.jsonl", b'{"id": 1}\n')
    for wrong in ({"transcript_id": 10**6}, {"text": None}, {"number": 10**30}):
        line = json.dumps({**json.loads(first), **wrong}).encode() + b"\n"
        assert "do not belong together" in checked(turns, b"".join([line, *rows]))
    entries["models/0123456789abcdef/heads.bin"] = b"heads"
    listed = json.dumps({**manifest, "models": ["0123456789abcdef"]}).encode()
    lines = [
        f"{hashlib.sha256(data).hexdigest()}  {name}"
        for name, data in {**entries, "manifest.json": listed}.items()
        if name != "checksums.sha256"
    ]
    told = {"manifest.json": listed, "checksums.sha256": "\n".join(lines).encode()}
    assert "that are another's" in refused(**told)
    assert not [*(home / "models").iterdir()]
    for cut in (0, 10, len(raw) // 2, len(raw) - 10):
        bad = tmp_path / "cut.zip"
        bad.write_bytes(raw[:cut])
        outcome = run("restore", bad, "--as", "copy")
        assert outcome.code == 1, cut
    bad.write_bytes(raw[: len(raw) // 2] + b"\0\0\0\0" + raw[len(raw) // 2 + 4 :])
    assert run("restore", bad, "--as", "copy").code == 1
    assert "The studies are: managers." in run("show", "copy").err


@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_a_backup_of_another_version_is_migrated_or_refused(
    run: Callable, tmp_path: Path, revision: str
) -> None:
    old = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    migrate(old, "0001")
    with old.engine.begin() as connection:
        for statement in (
            "INSERT INTO studies (id, name, declared, created_at) "
            "VALUES (7, 's', false, '2026-01-01 00:00:00')",
            "INSERT INTO transcripts (id, study_id, name, words, attributes) "
            "VALUES (9, 7, 'T', 1, '{\"trust\": \"Acute\"}')",
            "INSERT INTO turns (transcript_id, number, speaker, text) VALUES (9, 0, 'I', 'How?')",
        ):
            connection.execute(text(statement))
    metadata = MetaData()
    metadata.reflect(old.engine)
    file = tmp_path / "old.zip"
    with BackupWriter(file) as writer, Session(old.engine) as session:
        snapshots = Snapshots(session, metadata)
        rows = {
            table: writer.add_table(table, snapshots.records("s", table))
            for table in snapshots.tables
        }
        writer.finish(
            Manifest(
                study="s", revision=revision, created_at=now(), secrets=False, rows=rows, models=()
            )
        )
    old.close()
    outcome = run("restore", file, "--json")
    if revision == "9999":
        assert outcome.code == 1
        assert "The backup was made by a newer version" in outcome.err
        return
    assert outcome.code == 0, outcome.err
    assert outcome.document["rows"]["turns"] == 1
    exported = run("export", "s", "--out", tmp_path / "out", "--format", "csv")
    assert exported.code == 0, exported.err
    assert "How?" in (tmp_path / "out" / "transcripts.csv").read_text(encoding="utf-8")


FULL_DISK = """
import resource, sys
from pathlib import Path
from service.backup_file import BackupWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with BackupWriter(Path(sys.argv[1])) as writer:
    writer.add_table("turns", ({"text": f"{at * at} {at}"} for at in range(100_000)))
"""


def test_a_backup_that_the_disk_has_no_room_for_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "b.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "File too large" in done.stderr
    assert not [*tmp_path.iterdir()]

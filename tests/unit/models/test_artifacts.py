"""Published models: named by content, whole or not there, proved before use."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from annotations.errors import ArtifactError
from models.artifacts import HeldOut, Part, out_of_fold, part_files, publish, read_part, verify

FILES = {"model.json": b'{"format": 1}', "card.md": b"# A card"}
HELD = HeldOut(
    keys=(("one", 0, 0, 12), ("one", 1, 3, 9), ("zwei", 0, 0, 5)),
    codes=("Work", "Work > Hours"),
    scores=np.array([[0.9, 0.1], [0.2, 0.3], [0.6, 0.7]], dtype=np.float32),
    applied=np.array([[True, False], [False, False], [True, True]]),
)


def test_the_same_content_is_the_same_version(tmp_path: Path) -> None:
    version = publish(FILES, tmp_path / "store")
    assert publish(dict(reversed(FILES.items())), tmp_path / "store") == version
    assert publish(FILES, tmp_path / "other") == version
    assert publish({**FILES, "card.md": b"# Another"}, tmp_path / "store") != version
    assert verify(tmp_path / "store" / version) == version


def test_publishing_leaves_nothing_beside_the_version(tmp_path: Path) -> None:
    version = publish(FILES, tmp_path)
    publish(FILES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [version]
    assert {path.name for path in (tmp_path / version).iterdir()} == set(FILES)


def test_a_failed_publication_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("models.artifacts.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        publish(FILES, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "renamed"])
def test_a_damaged_model_is_not_loaded(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / publish(FILES, tmp_path)
    if damage == "changed":
        (folder / "card.md").write_bytes(b"# A cart")
    elif damage == "missing":
        (folder / "card.md").unlink()
    elif damage == "added":
        (folder / "more.json").write_bytes(b"{}")
    else:
        folder = folder.rename(tmp_path / ("0" * 16))
    with pytest.raises(ArtifactError, match="is damaged"):
        verify(folder)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="There is no model at"):
        verify(tmp_path / "0123456789abcdef")


def test_publishing_again_mends_a_damaged_version(tmp_path: Path) -> None:
    version = publish(FILES, tmp_path)
    (tmp_path / version / "card.md").write_bytes(b"")
    assert publish(FILES, tmp_path) == version
    assert verify(tmp_path / version) == version
    assert [path.name for path in tmp_path.iterdir()] == [version]


def test_processes_may_publish_the_same_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        versions = pool.starmap(publish, [(FILES, tmp_path)] * 6)
    assert len(set(versions)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [versions[0]]


def test_a_part_comes_back_as_it_was_written(tmp_path: Path) -> None:
    part = Part(
        document={"format": 1, "names": ["größe", "😀"], "share": 0.1},
        arrays={"a": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::2]},
    )
    folder = tmp_path / publish(part_files("thing", part), tmp_path)
    found = read_part(folder, "thing")
    assert found.document == part.document
    assert np.array_equal(found.arrays["a"], part.arrays["a"])


def test_another_format_is_not_read(tmp_path: Path) -> None:
    part = Part(document={"format": 99}, arrays={})
    folder = tmp_path / publish(part_files("thing", part), tmp_path)
    with pytest.raises(ArtifactError, match="has format 99"):
        read_part(folder, "thing")


def test_held_out_codings_come_back_with_their_places(tmp_path: Path) -> None:
    folder = tmp_path / publish(part_files("out_of_fold", HELD.part), tmp_path)
    found = HeldOut.read(folder)
    assert (found.keys, found.codes) == (HELD.keys, HELD.codes)
    assert np.array_equal(found.scores, HELD.scores)
    codings = out_of_fold(folder)
    assert [(one.transcript, one.turn, one.start, one.end) for one in codings] == list(HELD.keys)
    assert [one.codes for one in codings] == [("Work",), (), ("Work", "Work > Hours")]


def test_a_model_that_may_not_be_read_is_told_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish({"model.json": b"{}"}, tmp_path)

    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("models.artifacts.file_sha256", refuse)
    with pytest.raises(ArtifactError, match=r"model.json: Permission denied"):
        verify(tmp_path / version)

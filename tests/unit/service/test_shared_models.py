"""Models that several machines share."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from annotations.errors import ArtifactError, ExternalError
from models.artifacts import publish, verify
from service.house import House, open_house
from service.settings import read_settings
from service.shared_models import fetch, share
from service.workflows.modelling import folder_of

FILES = {"model.json": b"{}", "heads.safetensors": b"\0\1\2"}


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder, and a URL as an object store has one."""
    return str(tmp_path / "shared") if request.param == "folder" else f"memory://{uuid4().hex}"


@pytest.fixture
def elsewhere(place: str, home: Path) -> Iterator[House]:
    """The house of another machine with the same shared place."""
    house = open_house(read_settings(home=home, artifacts=place))
    yield house
    house.database.close()


def test_another_machine_fetches_a_version_once(
    place: str, elsewhere: House, tmp_path: Path
) -> None:
    version = publish(FILES, tmp_path / "here")
    share(place, tmp_path / "here" / version)
    share(place, tmp_path / "here" / version)
    folder = folder_of(elsewhere, version)
    assert verify(folder) == version
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == FILES
    settled = folder.stat().st_mtime_ns
    assert folder_of(elsewhere, version).stat().st_mtime_ns == settled


def test_what_is_not_there_or_not_whole_never_enters_the_store(
    place: str, elsewhere: House, tmp_path: Path
) -> None:
    version = publish(FILES, tmp_path / "here")
    with pytest.raises(ArtifactError, match="missing or incomplete"):
        folder_of(elsewhere, version)
    half = tmp_path / "half" / version
    half.mkdir(parents=True)
    (half / "model.json").write_bytes(FILES["model.json"])
    share(place, half)
    with pytest.raises(ArtifactError, match="missing or incomplete"):
        folder_of(elsewhere, version)
    assert list(elsewhere.artifacts.iterdir()) == []


@pytest.mark.parametrize("mode", [0o755, 0o2750, 0o700, 0o2770])
def test_models_in_a_shared_folder_are_readable_to_whom_the_folder_is(
    tmp_path: Path, mode: int
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    version = publish(FILES, tmp_path / "here")
    # As commands run: what they write is their owner's alone.
    before = os.umask(0o077)
    try:
        share(str(shared), tmp_path / "here" / version)
        share(f"file://{shared}", tmp_path / "here" / version)
    finally:
        os.umask(before)
    assert stat.S_IMODE((shared / version).stat().st_mode) == mode
    assert {stat.S_IMODE(file.stat().st_mode) for file in (shared / version).iterdir()} == {
        mode & 0o666
    }


def test_an_unknown_place_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ExternalError, match="SECOND_CODER_ARTIFACTS") as caught:
        fetch("nonsense://user:secret@host/models", "0" * 16, tmp_path)
    assert "secret" not in str(caught.value)


def test_what_another_account_shared_is_not_written_again(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    version = publish(FILES, tmp_path / "here")
    share(str(shared), tmp_path / "here" / version)
    # Root may write anything, so that it is seen by the time.
    there = [shared / version, *(shared / version).iterdir()]
    for place in there:
        os.utime(place, ns=(1, 1))
    share(str(shared), tmp_path / "here" / version)
    assert {place.stat().st_mtime_ns for place in there} == {1}
    (shared / version / "model.json").write_bytes(b"damaged")
    share(str(shared), tmp_path / "here" / version)
    assert (shared / version / "model.json").read_bytes() == FILES["model.json"]

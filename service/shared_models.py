"""Models in a place that all machines of a team reach: a folder, or any URL that fsspec knows.

A version is named by the hash of its files, so what was fetched is checked by its name, and a
version that is half there, or was put there twice, does no harm.
"""

import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotations.errors import ArtifactError, ExternalError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


def share(place: str, folder: Path) -> None:
    """Put a published version there, in a folder with its modes, unless it is there already.

    Raises ExternalError where that is refused.
    """
    from fsspec.implementations.local import LocalFileSystem

    from models.artifacts import version_of_files

    files, root = _open(place)
    try:
        # Another account may have put it there, whose files are not ours to write.
        if version_of_files(_there(files, f"{root}/{folder.name}")) == folder.name:
            return
        files.makedirs(f"{root}/{folder.name}", exist_ok=True)
        for file in sorted(folder.iterdir()):
            files.pipe_file(f"{root}/{folder.name}/{file.name}", file.read_bytes())
        if isinstance(files, LocalFileSystem):
            _open_as(Path(root), Path(root) / folder.name)
    except Exception as error:
        raise _refused(place, error) from error


def fetch(place: str, version: str, store: Path) -> Path:
    """Bring a version into the local store, checked by its hash; its folder.

    Raises ArtifactError where it is not there or damaged, ExternalError where the place
    cannot be reached.
    """
    from models.artifacts import publish, version_of_files

    files, root = _open(place)
    try:
        held = _there(files, f"{root}/{version}")
    except Exception as error:
        raise _refused(place, error) from error
    # Nothing enters the store under another name than was asked for.
    if version_of_files(held) != version:
        raise ArtifactError(
            f"Model {version} is missing or incomplete in the shared place (SECOND_CODER_ARTIFACTS"
            "). Choose another version (second-coder models STUDY --use VERSION), restore a "
            "backup, or train (second-coder train STUDY)."
        )
    publish(held, store)
    return store / version


def _there(files: "AbstractFileSystem", folder: str) -> dict[str, bytes]:
    """Names and contents of the files in a folder, none where it is not there."""
    try:
        names = files.ls(folder, detail=False, refresh=True)
        return {str(name).rsplit("/", 1)[-1]: files.cat_file(name) for name in names}
    except FileNotFoundError:
        return {}


def _open(place: str) -> tuple["AbstractFileSystem", str]:
    from fsspec.core import url_to_fs

    try:
        files, root = url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise _refused(place, error) from error
    return files, str(root).rstrip("/")


def _open_as(root: Path, made: Path) -> None:
    """Give what was made there the modes of the shared folder: commands make all their own's."""
    mode = stat.S_IMODE(root.stat().st_mode)
    # The folder comes last: who may look into it finds files that may be read.
    for place, wanted in (*((file, mode & 0o666) for file in made.iterdir()), (made, mode)):
        # Another account's, which put the same version there, or a disk without modes.
        with suppress(PermissionError):
            place.chmod(wanted)


def _refused(place: str, error: Exception) -> ExternalError:
    # An address may have a password in it, and so may what others say of it.
    kind: Any = type(error).__name__
    scheme = place.split("://", 1)[0] if "://" in place else place
    return ExternalError(
        f"The shared place of models ({scheme}) cannot be used: {kind}. Check "
        "SECOND_CODER_ARTIFACTS, its permissions, and that fsspec's package for it is installed."
    )

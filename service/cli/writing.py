"""Files that commands write, and what is said where they cannot."""

from pathlib import Path

from annotations.errors import StateError


def write_file(path: Path, content: str | bytes) -> None:
    """Write a result; StateError says where it cannot be written."""
    data = content.encode() if isinstance(content, str) else content
    try:
        path.write_bytes(data)
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder that you may "
            "write to."
        ) from error

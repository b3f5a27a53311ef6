"""The bytes of a file, unpacked and decoded, or a Problem that says what to do."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from annotations.errors import Problem

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a file holds: its text without a byte order mark, or why it could not be read."""

    text: str = ""
    problem: Problem | None = None


def read_text(path: Path) -> Content:
    """Read a UTF-8 file, unpacking it when its name ends in `.gz`. Line ends stay as they are."""
    file = str(path)
    try:
        raw = path.read_bytes()
        if path.suffix.lower() == ".gz" and raw:
            raw = gzip.decompress(raw)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        return _refused(file, f"the gzip file is damaged ({error}); copy or compress it again")
    except OSError as error:
        return _refused(file, f"cannot be read ({error.strerror or error}); check its permissions")
    if not raw.strip():
        return _refused(file, "the file is empty; remove it or export it again")
    if raw.startswith(_UTF16_MARKS):
        return _refused(file, "the file is UTF-16, expected UTF-8; save it again as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark the decoder counts from after it.
        position = error.start + len(raw) - len(error.object)
        return _refused(
            file,
            f"byte {position} (0x{raw[position]:02X}) is not UTF-8; save the file again as UTF-8 "
            "(in a spreadsheet: 'CSV UTF-8')",
            line=_line_of(raw, position),
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return _refused(
            file,
            "holds a NUL character, so it is not plain text; save it again as UTF-8",
            line=line,
        )
    return Content(text=text)


def _line_of(raw: bytes, position: int) -> int:
    before = raw[:position]
    return before.count(b"\n") + before.replace(b"\r\n", b"").count(b"\r") + 1


def _refused(file: str, message: str, *, line: int | None = None) -> Content:
    return Content(problem=Problem(file=file, line=line, message=message))

"""The bytes of a file, unpacked and decoded, or a Problem that says what to do."""

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

from annotations.errors import Problem
from annotations.formats.encodings import decode

MOST_BYTES = 64 * 2**20
"""The most that a table or an export may hold, unpacked: some ten million words.

What is made of them takes several times as much, and all of it stays below 500 MB.
"""

_LOOKED_AT = 2**16
_NUL = "holds a NUL character, so it is not plain text; save it again as UTF-8"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a file holds: its text without a byte order mark, or why it could not be read.

    `encoding` is what a text that is not UTF-8 was found to be in.
    """

    text: str = ""
    encoding: str = ""
    problem: Problem | None = None


def read_text(path: Path, *, any_encoding: bool = False, most: int = MOST_BYTES) -> Content:
    """Read a UTF-8 file, unpacking it when its name ends in `.gz`. Line ends stay as they are.

    With `any_encoding`, a text in another encoding is read too, by its mark or as the likeliest.
    `most` is the bytes that it may hold, unpacked.
    """
    file = str(path)
    try:
        with path.open("rb") as file_:
            raw = file_.read(most + 1)
        if path.suffix.lower() == ".gz" and raw:
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
                raw = packed.read(most + 1)
        if b"\0" in raw[:_LOOKED_AT] and not any_encoding and not raw.startswith(_UTF16_MARKS):
            # Told at once, before all of it is decoded.
            return _refused(file, _NUL, line=_line_of(raw, raw.index(b"\0")))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        return _refused(file, f"the gzip file is damaged ({error}); copy or compress it again")
    except OSError as error:
        return _refused(file, unreadable(error))
    if not raw.strip():
        return _refused(file, "the file is empty; remove it or export it again")
    if len(raw) > most:
        return _refused(
            file,
            f"holds more than {most // 2**20} MiB, the most that is read; cut it in parts",
        )
    if any_encoding:
        found = decode(raw)
        if found is not None:
            encoding = "" if found.encoding == "utf-8" else found.encoding
            return Content(text=found.text, encoding=encoding)
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
            _NUL,
            line=line,
        )
    return Content(text=text)


def _line_of(raw: bytes, position: int) -> int:
    before = raw[:position]
    return before.count(b"\n") + before.replace(b"\r\n", b"").count(b"\r") + 1


def unreadable(error: OSError) -> str:
    """Why a file could not be opened, as a problem tells it."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file; check its name and folder"
    if isinstance(error, IsADirectoryError):
        return "is a folder; name a file in it"
    return f"cannot be read ({error.strerror or error}); check its permissions"


def _refused(file: str, message: str, *, line: int | None = None) -> Content:
    return Content(problem=Problem(file=file, line=line, message=message))

"""Zip files and their XML from anywhere, read within limits.

Word, LibreOffice, Excel and REFI-QDA files are zip files. What one of them says of itself (sizes,
paths) is not believed: an entry is unpacked piece by piece and refused where it grows past its
limit, and XML that declares entities is refused before any of them is expanded.
"""

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from annotations.errors import InputError, Problem
from annotations.formats.files import unreadable

MEBIBYTE = 2**20

MOST_LEVELS = 200
"""XML elements inside each other."""

MOST_ELEMENTS = 1_000_000
"""XML elements of one entry: each becomes an object in memory."""

_PIECE = 2**16
_TAIL = 2**16 + 200
"""Bytes at the end of a zip file that hold where its list of entries is."""

_LONGEST_ENTRY = 1024
"""Bytes of the list that an entry takes at the most, its name included."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # also names that are not UTF-8
    KeyError,
    IndexError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
_OUTSIDE = re.compile(r"/|\\|[A-Za-z]:|(?:.*[/\\])?\.\.(?:[/\\]|$)", re.DOTALL)
_OLE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How large an archive may be. Sizes are bytes, unpacked.

    `entry_bytes` is the most that one entry may hold when it is read; `total_bytes` the most
    that all entries together may say they hold. An entry of more than `ratio_from` bytes may
    be at most `ratio` times as large as its packed form.
    """

    entries: int = 10_000
    entry_bytes: int = 24 * MEBIBYTE
    total_bytes: int = 2**30
    ratio: int = 200
    ratio_from: int = MEBIBYTE


class Archive:
    """A zip file whose entries are read within limits; close it, or use it in a `with`.

    InputError, naming the file, where it is no zip file, is protected by a password, names a
    path outside itself, or is larger than the limits say.
    """

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.file = str(path)
        self.limits = limits or Limits()
        try:
            with path.open("rb") as raw:
                start = raw.read(len(_OLE))
            if not start:
                raise self._refusal("the file is empty; remove it or export it again")
            if start == _OLE:
                raise self._refusal(
                    "is an old binary file or protected by a password; open it in the program "
                    "that wrote it, remove the password, and save it in the newer format"
                )
            self._check_directory(path)
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise self._refusal(unreadable(error)) from error
        except _BROKEN as error:
            raise self._damaged(error) from error
        try:
            self._entries = self._checked()
        except BaseException:
            self._zip.close()
            raise

    @property
    def names(self) -> tuple[str, ...]:
        """The paths of the files in the archive, as written, without folders."""
        return tuple(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """What one entry holds. KeyError where there is no such entry; see `in`."""
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """What one entry holds, piece by piece, for what is copied or hashed."""
        entry = self._entries[name]
        held = 0
        try:
            with self._zip.open(entry) as stream:
                for piece in _pieces(stream):
                    held += len(piece)
                    if held > self.limits.entry_bytes:
                        raise self._too_large(name, self.limits.entry_bytes)
                    yield piece
        except (OSError, *_BROKEN) as error:
            raise self._damaged(error, name) from error

    def xml(self, name: str) -> Element:
        """The root of an XML entry. KeyError where there is no such entry; see `in`."""
        return parse_xml(self.file, self.read(name), name)

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _checked(self) -> Mapping[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        if len(entries) > self.limits.entries:
            raise self._refusal(
                f"holds {len(entries)} files, at most {self.limits.entries} are read; "
                "export it again, in parts"
            )
        total = sum(entry.file_size for entry in entries)
        if total > self.limits.total_bytes:
            raise self._refusal(
                f"would unpack to {total // MEBIBYTE} MiB, at most "
                f"{self.limits.total_bytes // MEBIBYTE} are read; export it again without media"
            )
        found: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            if _OUTSIDE.match(entry.filename):
                raise self._refusal(
                    f"names a path outside itself ({entry.filename[:80]!r}), which no program "
                    "that exports studies does; do not trust this file"
                )
            if not entry.filename:
                raise self._refusal("holds a file without a name; export it again")
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise self._refusal(
                    f"holds a link ({entry.filename[:80]!r}) in place of a file; export it again"
                )
            if entry.is_dir():
                continue
            if entry.filename in found:
                raise self._refusal(
                    f"holds {entry.filename[:80]!r} twice, so it cannot be told which counts; "
                    "export it again"
                )
            if entry.flag_bits & 1:
                raise self._refusal("is protected by a password; save it without one")
            if entry.compress_type not in _METHODS:
                raise self._refusal(
                    f"{entry.filename[:80]!r} in it is packed in a way that is not read; "
                    "export it again as an ordinary zip file"
                )
            most = self.limits.ratio * max(entry.compress_size, 1)
            if entry.file_size > max(self.limits.ratio_from, most):
                raise self._refusal(
                    f"{entry.filename[:80]!r} in it would unpack to more than "
                    f"{self.limits.ratio} times its size, as only files made to do harm do"
                )
            found[entry.filename] = entry
        return found

    def _check_directory(self, path: Path) -> None:
        """Count the entries before their list is read: it may itself be too large to hold."""
        with path.open("rb") as raw:
            size = raw.seek(0, 2)
            raw.seek(max(0, size - _TAIL))
            tail = raw.read()
        place = tail.rfind(b"PK\x05\x06")
        wide = tail.rfind(b"PK\x06\x06", 0, max(place, 0))
        if place < 0:
            raise zipfile.BadZipFile("it has no end")
        entries, directory = struct.unpack_from("<HL", tail, place + 10)
        if wide >= 0:
            entries, directory = struct.unpack_from("<QQ", tail, wide + 32)
        if max(entries, directory // _LONGEST_ENTRY) > self.limits.entries:
            raise self._refusal(
                f"holds {entries} files, at most {self.limits.entries} are read; "
                "export it again, in parts"
            )

    def _too_large(self, name: str, most: int) -> InputError:
        return self._refusal(
            f"{name!r} in it unpacks to more than {most // MEBIBYTE} MiB, which is more than is "
            "read; export it again in parts"
        )

    def _damaged(self, error: Exception, name: str | None = None) -> InputError:
        where = "" if name is None else f" at {name[:80]!r}"
        return self._refusal(
            f"the file is damaged{where} or not of the kind that its name says "
            f"({type(error).__name__}); copy or export it again"
        )

    def _refusal(self, message: str) -> InputError:
        return InputError(Problem(file=self.file, line=None, message=message))


class TooMuch(Exception):
    """XML beyond a limit; the message says which, and what to do."""


class LimitedBuilder(TreeBuilder):
    """Builds the tree of an XML document, counting as it goes; TooMuch where it is too much."""

    def __init__(self, most: int = MOST_ELEMENTS) -> None:
        super().__init__()
        self._most = most
        self._elements = 0
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        """Begin an element."""
        self._elements += 1
        self._depth += 1
        if self._elements > self._most:
            raise TooMuch(f"more than {self._most:,} elements; export it in parts")
        if self._depth > MOST_LEVELS:
            raise TooMuch(f"more than {MOST_LEVELS} elements inside each other; export it again")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        """End an element."""
        self._depth -= 1
        return super().end(tag)


def parse_xml(file: str, data: bytes, part: str = "") -> Element:
    """The root of an XML document.

    InputError where it is not well-formed, declares entities, or is larger or deeper than is read.
    """
    where = f"{part!r} in it " if part else ""
    parser = DefusedXMLParser(target=LimitedBuilder(), forbid_dtd=True)
    try:
        parser.feed(data)
        root: Element = parser.close()
    except TooMuch as error:
        message = f"{where}has {error}"
        raise InputError(Problem(file=file, line=None, message=message)) from error
    except DefusedXmlException as error:
        message = (
            f"{where}declares a document type or entities, which no program that exports studies "
            "does; do not trust this file"
        )
        raise InputError(Problem(file=file, line=None, message=message)) from error
    except (ParseError, ValueError, LookupError, AssertionError) as error:
        message = f"{where}is not well-formed XML ({error}); copy or export it again"
        raise InputError(Problem(file=file, line=None, message=message)) from error
    return root


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece

"""A backup file: a zip of JSON lines and model files, each with its checksum, and a manifest.

    manifest.json              what it holds, made when and from which version of the tables
    tables/<table>.jsonl       one row a line
    models/<version>/<file>    the files of a model
    checksums.sha256           a line for each of the above, as `sha256sum --check` reads it

It is written beside its place and renamed, so it is there whole or not at all.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from annotations.errors import InputError, Problem
from annotations.formats.archive import Archive, Limits
from annotations.numerals import many

FORMAT = 1
_MANIFEST = "manifest.json"
_CHECKSUMS = "checksums.sha256"
_PIECE = 2**20

# What is larger was not made by us on any machine of today; contents go through in pieces.
_LIMITS = Limits(entries=1_000_000, entry_bytes=2**38, total_bytes=2**40, ratio=1100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a backup holds. `revision` is the version of the tables that its rows are from.

    `rows` counts them by table; `models` are the versions whose files are in it.
    """

    study: str
    revision: str
    created_at: datetime
    secrets: bool
    rows: Mapping[str, int]
    models: tuple[str, ...]


class BackupWriter:
    """Writes a backup; call `finish` in the `with` block, else nothing of it stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(handle)
        # mkstemp makes it readable by its owner alone, as interviews must be.
        self._draft = Path(name)
        self._zip = zipfile.ZipFile(self._draft, "w", zipfile.ZIP_DEFLATED)
        self._checksums: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._zip.close()
        finally:
            # Also on a full disk, where closing fails: else the draft would keep it full.
            self._draft.unlink(missing_ok=True)

    def add_table(self, table: str, records: Iterable[Mapping[str, Any]]) -> int:
        """Write the rows of a table; their number."""
        count = 0

        def lines() -> Iterator[bytes]:
            nonlocal count
            for record in records:
                count += 1
                yield json.dumps(record, ensure_ascii=False).encode() + b"\n"

        self._add(f"tables/{table}.jsonl", lines())
        return count

    def add_model(self, folder: Path) -> None:
        """Write the files of a model."""
        for file in sorted(folder.iterdir()):
            self._add(f"models/{folder.name}/{file.name}", _pieces(file))

    def finish(self, manifest: Manifest) -> None:
        """Write what the backup holds, and put it in its place."""
        document = {"format": FORMAT, **asdict(manifest)}
        document["created_at"] = manifest.created_at.isoformat()
        self._add(_MANIFEST, [json.dumps(document, ensure_ascii=False, indent=1).encode()])
        lines = "".join(f"{digest}  {name}\n" for name, digest in self._checksums.items())
        self._zip.writestr(_CHECKSUMS, lines)
        self._zip.close()
        with self._draft.open("rb") as file:
            os.fsync(file.fileno())
        self._draft.rename(self._path)

    def _add(self, name: str, pieces: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        with self._zip.open(name, "w", force_zip64=True) as stream:
            for piece in pieces:
                digest.update(piece)
                stream.write(piece)
        self._checksums[name] = digest.hexdigest()


class BackupReader:
    """A backup whose every byte was checked when it was opened; use it in a `with`.

    Raises InputError where it is damaged, incomplete, holds more than it says, or is no backup.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive = Archive(path, _LIMITS)
        try:
            self._check()
            self.manifest = self._manifest()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._archive.close()

    def records(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of a table, as many as the manifest says; none where it is younger than that."""
        name = f"tables/{table}.jsonl"
        if name not in self._archive:
            return
        rest, number = b"", 0
        for piece in self._archive.pieces(name):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                number += 1
                yield self._record(line, f"row {number} of {table}")
        told = self.manifest.rows.get(table)
        if rest or number != told:
            raise self._refusal(
                f"is damaged: it holds {many(number, 'row')} of {table}, and its manifest tells of "
                f"{told}"
            )

    def model(self, version: str) -> dict[str, bytes]:
        """The files of a model by name."""
        start = f"models/{version}/"
        names = [name for name in self._archive.names if name.startswith(start)]
        if odd := next((name for name in names if "/" in name.removeprefix(start)), None):
            raise self._refusal(f"is damaged: {odd!r} is no file of a model")
        return {name.removeprefix(start): self._archive.read(name) for name in names}

    def _check(self) -> None:
        if _MANIFEST not in self._archive or _CHECKSUMS not in self._archive:
            raise self._refusal(
                "is a zip file and no backup of a study; name a file that second-coder backup wrote"
            )
        lines = self._archive.read(_CHECKSUMS).decode("utf-8", "replace").splitlines()
        told = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        there = {name for name in self._archive.names if name != _CHECKSUMS}
        if told.keys() != there:
            odd = sorted(told.keys() ^ there)[0]
            raise self._refusal(f"is damaged: {odd!r} is missing from it or does not belong to it")
        for name, digest in told.items():
            found = hashlib.sha256()
            for piece in self._archive.pieces(name):
                found.update(piece)
            if found.hexdigest() != digest:
                raise self._refusal(f"is damaged: {name!r} in it does not have its checksum")

    def _record(self, line: bytes, place: str) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._refusal(f"is damaged: {place} cannot be read")
        return found

    def _manifest(self) -> Manifest:
        document = self._record(self._archive.read(_MANIFEST), "its manifest")
        if document.get("format") != FORMAT:
            raise self._refusal(
                f"has format {document.get('format')!r}, and this version of Second Coder reads "
                f"format {FORMAT}; update Second Coder"
            )
        try:
            return Manifest(
                study=str(document["study"]),
                revision=str(document["revision"]),
                created_at=datetime.fromisoformat(document["created_at"]),
                secrets=bool(document["secrets"]),
                rows={str(table): int(rows) for table, rows in document["rows"].items()},
                models=tuple(map(str, document["models"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._refusal("is damaged: its manifest lacks something") from error

    def _refusal(self, message: str) -> InputError:
        hint = "" if "damaged" not in message else "; nothing was restored: use another copy"
        return InputError(Problem(file=str(self._path), line=None, message=message + hint))


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece

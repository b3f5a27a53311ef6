"""Zip files from anywhere: read within limits, or refused with a reason."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from annotations.errors import InputError
from annotations.formats.archive import MEBIBYTE, Archive, Limits, parse_xml

Put = Callable[[str, str | bytes], Path]


def packed(entries: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in entries.items():
            out.writestr(name, content)
    return raw.getvalue()


def test_entries_are_named_and_read(put: Put) -> None:
    path = put("a.zip", packed({"project.qde": b"<a/>", "sources/1.txt": b"words"}))
    with Archive(path) as archive:
        assert archive.names == ("project.qde", "sources/1.txt")
        assert "project.qde" in archive
        assert archive.read("sources/1.txt") == b"words"
        assert archive.xml("project.qde").tag == "a"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"only words", "damaged"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "remove the password"),
        (packed({"../../etc/cron.d/x": b"x"}), "a path outside itself"),
        (packed({"a/../../x": b"x"}), "a path outside itself"),
        (packed({"/etc/passwd": b"x"}), "a path outside itself"),
        (packed({"C:\\x": b"x"}), "a path outside itself"),
        (packed({str(number): b"" for number in range(11)}), "holds 11 files, at most 10"),
        (packed({"bomb": bytes(8 * MEBIBYTE)}), "more than 200 times its size"),
    ],
)
def test_what_only_a_harmful_or_a_broken_file_does_is_refused(
    put: Put, content: bytes, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        Archive(put("a.zip", content), Limits(entries=10))


def test_an_entry_that_lies_about_its_size_is_not_unpacked_further(put: Put) -> None:
    honest = packed({"bomb": bytes(4 * MEBIBYTE)})
    lying = honest.replace(struct.pack("<I", 4 * MEBIBYTE), struct.pack("<I", 100))
    assert lying != honest
    with Archive(put("a.zip", lying)) as archive, pytest.raises(InputError, match="damaged"):
        archive.read("bomb")


def test_an_entry_larger_than_is_read_is_refused(put: Put) -> None:
    path = put("a.zip", packed({"x": b"0123456789" * 10}))
    with (
        Archive(path, Limits(entry_bytes=99)) as archive,
        pytest.raises(InputError, match="more than is read"),
    ):
        archive.read("x")


def test_an_archive_that_holds_more_than_is_read_is_refused(put: Put) -> None:
    path = put("a.zip", packed({"x": b"0" * 60, "y": b"0" * 60}))
    with pytest.raises(InputError, match="would unpack to"):
        Archive(path, Limits(total_bytes=100))


@pytest.mark.parametrize(
    "bomb",
    [
        b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY x "ha">]><a>&x;</a>'.encode(
            "utf-16"
        ),
    ],
)
def test_xml_that_declares_entities_is_refused(bomb: bytes) -> None:
    with pytest.raises(InputError, match="do not trust this file"):
        parse_xml("a.xml", bomb)


def test_xml_that_is_not_xml_is_refused() -> None:
    with pytest.raises(InputError, match="not well-formed"):
        parse_xml("a.xml", b"<a><b></a>")


def test_xml_that_is_too_deep_or_too_much_is_refused() -> None:
    with pytest.raises(InputError, match=r"'b.xml' in it has more than 200 elements inside"):
        parse_xml("a.docx", b"<a>" * 201, "b.xml")
    assert parse_xml("a.docx", b"<a>" * 200 + b"</a>" * 200).tag == "a"
    with pytest.raises(InputError, match="more than 1,000,000 elements; export it in parts"):
        parse_xml("a.docx", b"<a>" + b"<b/>" * 1_000_000)

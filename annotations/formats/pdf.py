"""PDF with text; a scan is refused, since nobody here reads pictures."""

import io
import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pypdf import PdfReader

from annotations.errors import InputError, Problem
from annotations.formats.documents import Document, text_note
from annotations.formats.files import unreadable
from annotations.formats.speech import Paragraph, turns_of
from annotations.numerals import many

MOST_BYTES = 100 * 2**20
MOST_PAGES = 2_000
MOST_PAGE_BYTES = 4 * 2**20
"""The most drawing instructions of one page, unpacked; a page of text has some ten thousand."""

_LEAST_PAGES = 3
_SHARE = 0.6


def read(path: Path) -> Document:
    """The turns of a PDF; lines that head or foot most pages are left out and told."""
    file = str(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refused(file, f"is larger than {MOST_BYTES // 2**20} MiB; export it in parts")
        raw = path.read_bytes()
    except OSError as error:
        raise _refused(file, unreadable(error)) from error
    if not raw.strip():
        raise _refused(file, "the file is empty; remove it or export it again")
    pages = _pages(file, raw)
    if not any(line.strip() for page in pages for line in page):
        raise _refused(
            file,
            f"{many(len(pages), 'page')} without text, so it is a scan or pictures; let a program "
            "that recognises text make it searchable, or import the transcript as a document",
        )
    repeated = _repeated(pages)
    paragraphs: list[Paragraph] = []
    dropped: list[str] = []
    for page in pages:
        apart = not paragraphs
        for at, line in enumerate(page):
            if _folded(line) in repeated and at in (0, 1, len(page) - 2, len(page) - 1):
                dropped.append(line)
                continue
            if line.strip():
                paragraphs.append(Paragraph(text=line, apart=apart))
            apart = not line.strip()
    return Document(
        spoken=turns_of(paragraphs),
        left_out=tuple(
            text_note(
                dropped, "line repeated at the edge of pages", "lines repeated at the edge of pages"
            )
        ),
    )


def _pages(file: str, raw: bytes) -> list[list[str]]:
    """The lines of each page."""
    log = logging.getLogger("pypdf")
    level = log.level
    # It logs what it stumbles over, which says nothing to a researcher and may quote the text.
    log.setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise _refused(file, "is protected by a password; save it without one")
        if len(reader.pages) > MOST_PAGES:
            raise _refused(file, f"has more than {MOST_PAGES} pages; export it in parts")
        found: list[list[str]] = []
        for page in reader.pages:
            contents = page.get_contents()
            if contents is not None and len(contents.get_data()) > MOST_PAGE_BYTES:
                raise _refused(file, f"page {len(found) + 1} is a drawing too large to be read")
            # Without this, NUL bytes of a damaged font table would end up as words.
            found.append(page.extract_text().replace("\0", "").split("\n"))
        return found
    except InputError:
        raise
    # A parser of a format this loose fails in every way there is; each means the same here.
    except Exception as error:
        raise _refused(
            file,
            f"the file is damaged or no PDF ({type(error).__name__}); export it again",
        ) from error
    finally:
        log.setLevel(level)


def _repeated(pages: Sequence[Sequence[str]]) -> frozenset[str]:
    """The lines, numbers aside, that stand at the top or bottom of most pages."""
    if len(pages) < _LEAST_PAGES:
        return frozenset()
    at_edges = Counter(
        line for page in pages for line in {_folded(one) for one in [*page[:2], *page[-2:]]} if line
    )
    return frozenset(line for line, times in at_edges.items() if times >= _SHARE * len(pages))


def _folded(line: str) -> str:
    return re.sub(r"\d+", "#", line.strip())


def _refused(file: str, message: str) -> InputError:
    return InputError(Problem(file=file, line=None, message=message))

"""Fixtures for reading files: a folder to write into, and a reader that says what it refused."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pytest

from annotations.codebook import Codebook
from annotations.errors import InputError
from annotations.formats.reading import read_paths
from annotations.study import Material
from annotations.transcripts import Transcript, Turn

TRANSCRIPTS = (
    "transcript,turn,speaker,text\n"
    "A1,0,Interviewer,How did it go?\n"
    "A1,1,Nurse,We ran out of beds.\n"
    "B2,0,Interviewer,And then?\n"
)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def transcripts_csv(put: Callable[[str, str | bytes], Path]) -> Path:
    return put("transcripts.csv", TRANSCRIPTS)


@pytest.fixture
def read() -> Callable[..., Material]:
    def reader(
        *paths: Path,
        known: Mapping[str, Transcript] | None = None,
        codebook: Codebook | None = None,
        coder: str | None = None,
    ) -> Material:
        return read_paths(paths, known=known or {}, codebook=codebook or Codebook(), coder=coder)

    return reader


@pytest.fixture
def refusal(read: Callable[..., Material]) -> Callable[..., str]:
    """The message with which paths are refused; the test fails where they are not."""

    def reader(*paths: Path, **options: object) -> str:
        with pytest.raises(InputError) as caught:
            read(*paths, **options)
        return str(caught.value)

    return reader


@pytest.fixture
def transcript() -> Callable[..., Transcript]:
    def make(name: str, *texts: str, speakers: Sequence[str] = ()) -> Transcript:
        return Transcript(
            name=name,
            turns=tuple(
                Turn(index=index, speaker=speakers[index] if speakers else "", text=text)
                for index, text in enumerate(texts)
            ),
        )

    return make


def pdf_bytes(pages: Sequence[Sequence[str]]) -> bytes:
    """A PDF by hand: each page's lines below each other."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    kids = []
    for lines in pages:
        drawn = " ".join(f"({line}) Tj 0 -20 Td" for line in lines)
        stream = f"BT /F1 12 Tf 50 750 Td {drawn} ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        kids.append(len(objects) + 1)
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R"
            f" >> >> /Contents {len(objects)} 0 R >>"
        )
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<< /Type /Pages /Kids [{listed}] /Count {len(kids)} >>"
    out, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    return (
        f"{out}xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n"
        f"<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    ).encode()


@pytest.fixture
def make_pdf() -> Callable[[Sequence[Sequence[str]]], bytes]:
    return pdf_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """How a program writes a REFI-QDA project: its name, its counting, its line ends."""

    origin: str
    utf16: bool
    crlf_file: bool
    crlf_counted: bool
    bom: bool = False
    excerpts: bool = False
    braces: bool = False


NVIVO = Tool(origin="NVivo 14", utf16=True, crlf_file=True, crlf_counted=True, bom=True)
MAXQDA = Tool(origin="MAXQDA 24", utf16=True, crlf_file=True, crlf_counted=False, excerpts=True)
ATLAS = Tool(origin="ATLAS.ti 23", utf16=False, crlf_file=True, crlf_counted=False, braces=True)
QUALCODER = Tool(origin="QualCoder", utf16=False, crlf_file=False, crlf_counted=False)
TOOLS = {"nvivo": NVIVO, "maxqda": MAXQDA, "atlas": ATLAS, "qualcoder": QUALCODER}


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def pack(project: str, sources: Mapping[str, bytes] | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("project.qde", project)
        for name, content in (sources or {}).items():
            file.writestr(f"Sources/{name}", content)
    return packed.getvalue()


def project_of(inside: str, origin: str = "QualCoder") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<Project xmlns="urn:QDA-XML:project:1.0" name="Wards" origin="{origin}">'
        f"{inside}</Project>"
    )


@pytest.fixture(params=list(TOOLS))
def tool(request: pytest.FixtureRequest) -> Tool:
    """Each of the programs in turn."""
    return TOOLS[request.param]


@pytest.fixture
def qualcoder() -> Tool:
    return QUALCODER


@pytest.fixture
def qualcoder_tool() -> Tool:
    return QUALCODER


@pytest.fixture
def maxqda() -> Tool:
    return MAXQDA


@pytest.fixture
def packed() -> Callable[..., bytes]:
    """A project file with these elements inside, and these sources."""

    def make(inside: str, sources: Mapping[str, bytes] | None = None) -> bytes:
        return pack(project_of(inside), sources)

    return make


@pytest.fixture
def refi() -> Callable[..., bytes]:
    """A project of one source, whose passages are given by their words, as a tool writes it."""

    def make(
        tool: Tool,
        text: str,
        passages: Sequence[tuple[str, int, int]],
        *,
        inside: str = "",
        shift: int = 0,
        source: str = "ward",
    ) -> bytes:
        """A passage is its words, the number of its code (1, 2, 3) and of its user (1, 2)."""

        def count(words: str) -> int:
            words = words.replace("\n", "\r\n") if tool.crlf_counted else words
            return len(words.encode("utf-16-le")) // 2 if tool.utf16 else len(words)

        def one(number: int, words: str, code: int, user: int) -> str:
            at = text.index(words)
            start, end = count(text[:at]) + shift, count(text[: at + len(words)]) + shift
            name = words[:12] if tool.excerpts else ""
            return (
                f'<PlainTextSelection guid="{guid(100 + number)}" name="{escape(name)}" '
                f'startPosition="{start}" endPosition="{end}">'
                f'<Coding guid="{guid(500 + number)}" creatingUser="{user_guid(user)}" '
                'creationDateTime="2026-03-01T10:00:00Z">'
                f'<CodeRef targetGUID="{guid(10 + code)}"/></Coding></PlainTextSelection>'
            )

        def user_guid(number: int) -> str:
            return f"{{{guid(number).upper()}}}" if tool.braces else guid(number)

        selections = "".join(one(number, *passage) for number, passage in enumerate(passages))
        project = project_of(
            f'<Users><User guid="{guid(1)}" name="Ana"/><User guid="{guid(2)}" name="Bo"/></Users>'
            f'<CodeBook><Codes><Code guid="{guid(11)}" name="Support" isCodable="true" '
            'color="#33cc33"><Description>Help that is given</Description>'
            f'<Code guid="{guid(12)}" name="Family" isCodable="true"/></Code>'
            f'<Code guid="{guid(13)}" name="Strain" isCodable="true"/></Codes></CodeBook>'
            f'<Sources><TextSource guid="{guid(50)}" name="{source}" '
            f'plainTextPath="internal://a.txt">{selections}</TextSource></Sources>{inside}',
            tool.origin,
        )
        content = (text.replace("\n", "\r\n") if tool.crlf_file else text).encode()
        return pack(project, {"a.txt": (b"\xef\xbb\xbf" if tool.bom else b"") + content})

    return make

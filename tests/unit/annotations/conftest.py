"""Fixtures for reading files: a folder to write into, and a reader that says what it refused."""

from collections.abc import Callable, Mapping, Sequence
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

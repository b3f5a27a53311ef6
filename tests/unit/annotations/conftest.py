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

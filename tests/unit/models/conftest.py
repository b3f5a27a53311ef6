"""The real encoder, off the network, and segments to feed it."""

import os
from collections.abc import Callable, Iterator

import pytest

from annotations.transcripts import Segment, Turn
from models.encoder import TransformersEncoder


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield
    if before is None:
        del os.environ["HF_HUB_OFFLINE"]
    else:
        os.environ["HF_HUB_OFFLINE"] = before


@pytest.fixture(scope="session")
def encoder() -> TransformersEncoder:
    return TransformersEncoder.load()


@pytest.fixture
def segment() -> Callable[..., Segment]:
    def make(
        text: str,
        *,
        transcript: str = "one",
        turn: int = 0,
        speaker: str = "P",
        before: tuple[Turn, ...] = (),
    ) -> Segment:
        return Segment(
            transcript=transcript,
            turn=turn,
            start=0,
            end=len(text),
            speaker=speaker,
            text=text,
            before=before,
        )

    return make

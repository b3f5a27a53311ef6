"""What a training knew, as hashes: whether a transcript is new to it, or was coded otherwise."""

import hashlib
import json
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from annotations.transcripts import Segment
from models.carried import Mark
from training.dataset import TrainingData
from training.knowledge import Knowledge
from training.views import DESCRIPTION

Hashes = NDArray[np.uint64]

_LONG_WORDS = 8
"""A text of so many words is hardly said twice by chance."""

_MOST_KNOWN = 0.5
_SHORT = 16


def marks_of(data: TrainingData) -> dict[str, Mark]:
    """The mark of each transcript."""
    found = {}
    for place, name in enumerate(data.transcripts):
        rows = np.flatnonzero(data.clusters == place)
        found[name] = Mark(
            said=_said([data.segments[row] for row in rows]),
            coded=_coded(data, rows),
            segments=len(rows),
        )
    return found


def _said(segments: list[Segment]) -> str:
    """Of the segments and what was said before them, by whatever name the transcript goes."""
    written = [
        [one.turn, one.start, one.end, one.speaker, one.text]
        + [[turn.speaker, turn.text] for turn in one.before]
        for one in segments
    ]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()[:_SHORT]


def _coded(data: TrainingData, rows: NDArray[np.int64]) -> str:
    """Of every vote, by name: a majority may stay the same while coders come to agree."""
    digest = hashlib.sha256(data.scored[rows].tobytes() + data.truth[rows].tobytes())
    for place in np.argsort(data.coders):
        if data.read[place, rows].any():
            digest.update(data.coders[place].encode("utf-8", "replace"))
            digest.update(data.read[place, rows].tobytes())
            digest.update(data.applied[place, rows].tobytes())
    return digest.hexdigest()[:_SHORT]


def book_of(data: TrainingData, knowledge: Knowledge) -> str:
    """A hash of what the codebook taught: it quotes nothing of the segments themselves."""
    taught = [data.book_digest, knowledge.texts, knowledge.code_of.tolist(), DESCRIPTION]
    return hashlib.sha256(json.dumps(taught).encode()).hexdigest()[:_SHORT]


def hashes_of(segments: Iterable[Segment]) -> Hashes:
    """Of the texts of long segments, one each; *shape:* (long segments,)."""
    texts = (" ".join(one.text.split()) for one in segments)
    long = (text for text in texts if text.count(" ") + 1 >= _LONG_WORDS)
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in long)
    return np.array([int.from_bytes(one[:8], "big") for one in digests], dtype=np.uint64)


def well_known(data: TrainingData, transcript: int, known: Hashes) -> bool:
    """Whether most of a transcript's long segments are among these: it is a copy, or a part."""
    rows = np.flatnonzero(data.clusters == transcript)
    own = hashes_of(data.segments[row] for row in rows)
    return bool(len(own)) and bool(np.isin(own, known).mean() > _MOST_KNOWN)

"""What a later training takes over from a published model: held-out scores, view by view."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations.errors import ArtifactError
from models.artifacts import FORMAT, Part, read_part

PART = "carried"

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A transcript as a training found it.

    `said` is a hash of its segments, whatever the transcript is called, `coded` one of what each
    coder made of them; `segments` says how many there are.
    """

    said: str
    coded: str
    segments: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """Held-out scores as they were before calibration, and of what.

    *Shapes:* `scores` (segments, codes, views) and `floor` (segments, codes), the baseline's, in
    the order of the model's held-out codings; `texts` (texts,) are hashes of the long segments
    that this or an earlier training learned. `folds` has each transcript's. `book` is a hash of
    what the codebook taught. `whole` is the version that was cross-validated in full, None
    where that is this one, and `whole_marks` are the transcripts of that training.
    """

    scores: Floats32
    floor: Floats32
    texts: NDArray[np.uint64]
    folds: Mapping[str, int]
    marks: Mapping[str, Mark]
    book: str
    whole: str | None
    whole_marks: Mapping[str, Mark]

    @property
    def cross_validated(self) -> frozenset[str]:
        """Transcripts whose scores and codings are of one and the same cross-validation.

        The scores of the others are of models that had learned less, or other codings.
        """
        marks = self.whole_marks
        return frozenset(name for name, mark in self.marks.items() if marks.get(name) == mark)

    @property
    def part(self) -> Part:
        """For writing."""
        return Part(
            document={
                "format": FORMAT,
                "folds": dict(self.folds),
                "marks": {name: asdict(mark) for name, mark in self.marks.items()},
                "book": self.book,
                "whole": self.whole,
                "whole_marks": {name: asdict(mark) for name, mark in self.whole_marks.items()},
            },
            arrays={"scores": self.scores, "floor": self.floor, "texts": self.texts},
        )

    @classmethod
    def read(cls, folder: Path) -> "Carried":
        """Of a verified model; ArtifactError where it has none or one that cannot be read."""
        if not (folder / f"{PART}.json").exists():
            raise ArtifactError("it was made by a version of second-coder that kept too little")
        part = read_part(folder, PART)
        held = part.document
        try:
            return cls(
                scores=part.arrays["scores"],
                floor=part.arrays["floor"],
                texts=part.arrays["texts"],
                folds={name: int(fold) for name, fold in held["folds"].items()},
                marks={name: Mark(**mark) for name, mark in held["marks"].items()},
                book=held["book"],
                whole=held["whole"],
                whole_marks={name: Mark(**mark) for name, mark in held["whole_marks"].items()},
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise ArtifactError(f"{PART} of the model in {folder} lacks {problem!r}") from problem

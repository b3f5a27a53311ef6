"""What a share is computed from: sums over each transcript, and how it came to be coded."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from annotations.numerals import many
from annotations.reliability.estimate import Bools, Floats


class Population(Enum):
    """What is estimated: the very interviews, or what they are a sample of."""

    THESE = "these-interviews"
    LIKE = "people-like-these"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Transcripts as sums over their units (segments, words, or the transcript as a whole).

    *Shapes:* `sizes` (transcripts,) units; `people` (transcripts, codes) units that carry the
    code, NaN where they did not code; `said` (transcripts, codes, ways) how many do by the model:
    first by its decisions, then, where there are any, by its probabilities, which are summed up
    (by transcript: the highest); `segments` (transcripts,) how many
    there are (or, by transcript, 1), and `found` (transcripts, codes) in how many of them people
    found it, a tie being a half; `counted` says what these two count; `probability`
    (transcripts,) of being sampled, 1 where that was certain; `strata` (transcripts,) numbers of
    the strata.
    """

    codes: tuple[str, ...]
    sizes: Floats
    said: Floats
    people: Floats
    segments: Floats
    found: Floats
    probability: Floats
    strata: NDArray[np.int64]
    counted: str = "segment"

    def number(self, count: float) -> str:
        """So many of what is counted, in words."""
        return many(count, self.counted)

    @property
    def model(self) -> Floats:
        """Units that carry the code by the model's decisions; *shape:* (transcripts, codes)."""
        return self.said[..., 0]

    @property
    def coded(self) -> Bools:
        """Which transcripts people coded; *shape:* (transcripts,)."""
        return np.asarray(~np.isnan(self.people).any(axis=1))

    @property
    def certain(self) -> Bools:
        """Which were coded for certain; *shape:* (transcripts,)."""
        return self.coded & (self.probability >= 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A cell's parts; *shapes:* (transcripts,).

    It has transcripts coded for `certain` and a `rest`, of which the `sample` was coded. `strata`
    are those of the variance: the ones with a single sampled transcript are merged.
    """

    cell: Bools
    certain: Bools
    rest: Bools
    sample: Bools
    strata: NDArray[np.int64]

    @classmethod
    def of(cls, sums: Sums, cell: Bools) -> "Fit":
        """The parts of the cell that `cell` (transcripts,) marks."""
        certain = cell & sums.certain
        rest = cell & ~certain
        sample = rest & sums.coded
        return cls(
            cell=cell,
            certain=certain,
            rest=rest,
            sample=sample,
            strata=_merged(sums.strata, sample),
        )

    @property
    def complete(self) -> bool:
        """Whether people coded the whole cell."""
        return not self.rest.any()

    def clusters(self, of: Population) -> int:
        """How many transcripts an interval comes from: of people like these, all that are coded."""
        return int((self.sample | self.certain if of is Population.LIKE else self.sample).sum())


def _merged(strata: NDArray[np.int64], sample: Bools) -> NDArray[np.int64]:
    """Strata with a single sampled transcript become one, with the smallest other if need be."""
    numbers, counts = np.unique(strata[sample], return_counts=True)
    lone = set(numbers[counts == 1].tolist())
    if len(lone) == 1 and len(numbers) > 1:
        others = [(int(n), int(one)) for one, n in zip(numbers, counts, strict=True) if n > 1]
        lone.add(min(others)[1])
    if len(lone) < 2:
        return strata
    return np.where(np.isin(strata, list(lone)), -1, strata)

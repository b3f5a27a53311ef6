"""What people read of a study, beside what a published model makes of the same segments."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations.study import Study
from annotations.transcripts import Segment
from models.artifacts import HeldOut
from models.suggester import Suggester

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadSegments:
    """The segments that people read, with what they and a model made of them.

    *Shapes:* `vectors` (segments, dimension), rows of length 1; `clusters` (segments,), the
    number of each one's transcript; `carried` (segments, codes): whether anybody applied the
    code; `reach` (segments,): the highest calibrated score as a share of its code's threshold.
    """

    segments: tuple[Segment, ...]
    vectors: Floats32
    clusters: NDArray[np.int64]
    codes: tuple[str, ...]
    carried: Bools
    reach: Floats

    @property
    def coded(self) -> Bools:
        """Which segments carry any code; *shape:* (segments,)."""
        return np.asarray(self.carried.any(axis=1))


def read_segments(
    study: Study, folder: Path, *, cache: Path | None = None, silent: Collection[str] = ()
) -> ReadSegments:
    """The segments that people read, in the order of the transcripts.

    `folder` is the published model's: segments that it learned from have the score of the fold
    that left them out, others are scored now. Scores of the `silent` codes, which the codebook
    does not have any more, do not count. Raises ArtifactError.
    """
    suggester = Suggester.load(folder, encoder_cache=cache)
    table = study.table()
    rows = np.flatnonzero(table.read.any(axis=0))
    segments = tuple(table.units[row] for row in rows)
    return ReadSegments(
        segments=segments,
        vectors=suggester.vectors(segments),
        clusters=table.clusters[rows],
        codes=table.codes,
        carried=np.asarray(table.applied.any(axis=0))[rows],
        reach=_reach(segments, suggester, HeldOut.read(folder), silent),
    )


def _reach(
    segments: tuple[Segment, ...], suggester: Suggester, held: HeldOut, silent: Collection[str]
) -> Floats:
    place = {key: row for row, key in enumerate(held.keys)}
    new = [at for at, one in enumerate(segments) if one.key not in place]
    scores = np.zeros((len(segments), len(suggester.codes)))
    for at, one in enumerate(segments):
        if one.key in place:
            scores[at] = held.scores[place[one.key]]
    if new:
        scores[new] = suggester.score([segments[at] for at in new])
    live = [at for at, code in enumerate(suggester.codes) if code not in silent]
    if not live:
        return np.zeros(len(segments))
    shares: Floats = scores[:, live] / np.maximum(np.array(suggester.thresholds)[live], 1e-9)
    return np.asarray(shares.max(axis=1))

"""Folds that never part a transcript."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def grouped_folds(
    transcripts: Sequence[str],
    clusters: NDArray[np.int64],
    scored: NDArray[np.bool_],
    *,
    folds: int,
    seed: int,
) -> NDArray[np.int64]:
    """The fold of each segment: all segments of a transcript share one.

    *Shapes:* `clusters` (segments,) index into `transcripts`, `scored` (segments,); result
    (segments,), values below min(`folds`, transcripts). The largest transcripts are dealt
    first, each to the fold that holds fewest scored segments, then fewest segments, so that
    folds are of even size and no two scored transcripts share one while another has none.
    Transcripts of equal size are dealt in the order of a hash of seed and name. The same
    input gives the same folds.
    """
    count = min(folds, len(transcripts))
    size = np.bincount(clusters, minlength=len(transcripts))
    counted = np.bincount(clusters[scored], minlength=len(transcripts))

    def turn(transcript: int) -> tuple[int, int, str]:
        drawn = hashlib.sha256(f"{seed}\0{transcripts[transcript]}".encode("utf-8", "replace"))
        return (-int(counted[transcript]), -int(size[transcript]), drawn.hexdigest())

    held = np.zeros((count, 2), dtype=np.int64)
    fold_of = np.zeros(len(transcripts), dtype=np.int64)
    for transcript in sorted(range(len(transcripts)), key=turn):
        fold = min(range(count), key=lambda at: (held[at, 0], held[at, 1], at))
        fold_of[transcript] = fold
        held[fold] += (counted[transcript], size[transcript])
    return fold_of[clusters]

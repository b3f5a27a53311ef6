"""How much a code is used: the sums that are compared between waves."""

import numpy as np

from annotations.codings import CodingTable
from annotations.reliability.estimate import Bools, Floats
from annotations.reliability.tallies import grouping


def use_sums(table: CodingTable, *, by_words: bool = False) -> Floats:
    """Segments (or words of segments) with each code, and those read, by transcript.

    *Shape:* (transcripts, codes, 1, 2). What most readers of a segment said counts, a tie half.
    """
    label = table.majority()
    size: Floats = np.ones(len(table.units))
    if by_words:
        size = np.array([len(unit.text.split()) for unit in table.units], dtype=np.float64)
    known: Bools = np.asarray(~np.isnan(label))
    by_transcript = grouping(table.clusters, len(table.transcripts), size)
    parts = np.stack([np.where(known, label, 0.0), known], axis=-1)
    sums: Floats = (by_transcript @ parts.reshape(len(label), -1)).reshape(-1, *parts.shape[1:])
    return sums[:, :, np.newaxis]

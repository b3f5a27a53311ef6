"""Candidates for new codes: segments that no code fits, grouped by likeness."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering

from annotations.transcripts import Segment
from models.read_segments import Floats, Floats32, ReadSegments
from models.unfitting import Unfitting, uncommon_words

SMALLEST = 3
"""Segments that a group needs; they must be of two transcripts or more."""

EXCERPTS = 3
WORDS = 6
NEIGHBOURS = 4
MOST = 4000
"""Segments grouped at most: memory grows with the square."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NearestCode:
    """The code whose excerpts a group is nearest to.

    `distance` is the mean cosine distance of the group's segments to the middle of the code's
    excerpts; half of these lie no farther from the middle of the others than `usual`, None where
    it has one excerpt alone. `within`: the group is no farther off than they are.
    """

    code: str
    distance: float
    usual: float | None

    @property
    def within(self) -> bool:
        """Whether the group could be of the code, broadened."""
        return self.usual is not None and self.distance <= self.usual


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateCode:
    """A group of like segments. `excerpts` are the most central; `rows` places in what was read.

    `words` are those by which the group differs from everything else, `nearest` is None where
    nothing was coded.
    """

    rows: tuple[int, ...]
    transcripts: int
    words: tuple[str, ...]
    excerpts: tuple[Segment, ...]
    nearest: NearestCode | None

    @property
    def size(self) -> int:
        """Number of segments."""
        return len(self.rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouping:
    """The groups, the largest first. `distance` is how far apart segments of one may be on average.

    `alone` segments are in no group; `left_out` were too many to be compared.
    """

    groups: tuple[CandidateCode, ...]
    distance: float
    alone: int
    left_out: int


def group(read: ReadSegments, found: Unfitting) -> Grouping:
    """Group what no code fits: agglomerative, average linkage, cosine distance.

    Two groups are joined while their segments are on average no farther apart than the distance
    within which a segment has four others on average, as fine for a hundred as for thousands,
    nor than two excerpts of one code are.
    The same segments give the same groups, whatever their order was.
    """
    # In an order of their own, since ties are broken by place.
    rows = np.array(sorted(found.rows.tolist(), key=lambda row: read.segments[row].key), np.int64)
    left_out = max(0, len(rows) - MOST)
    rows = rows[_evenly(len(rows))]
    if len(rows) < SMALLEST:
        return Grouping(groups=(), distance=float("nan"), alone=len(rows), left_out=left_out)
    vectors = read.vectors[rows]
    distances = np.clip(1.0 - vectors @ vectors.T, 0.0, 2.0).astype(np.float64)
    apart = distances[np.triu_indices(len(rows), 1)]
    limit = float(np.quantile(apart, min(1.0, NEIGHBOURS / (len(rows) - 1))))
    limit = min(limit, found.apart)
    labels = AgglomerativeClustering(
        n_clusters=None,
        metric="precomputed",
        linkage="average",
        # Joined below the threshold, and equal texts lie at no distance at all.
        distance_threshold=max(limit, 1e-6),
    ).fit_predict(distances)
    members = [rows[labels == label] for label in range(int(labels.max()) + 1)]
    whole = [
        own
        for own in members
        if len(own) >= SMALLEST and len(set(read.clusters[own].tolist())) >= 2
    ]
    whole.sort(key=lambda own: (-len(own), read.segments[own[0]].key))
    words = _telling_words(read.segments, whole)
    return Grouping(
        groups=tuple(
            _candidate(read, own, telling) for own, telling in zip(whole, words, strict=True)
        ),
        distance=limit,
        alone=len(rows) - sum(len(own) for own in whole),
        left_out=left_out,
    )


def _evenly(number: int) -> NDArray[np.int64]:
    """At most `MOST` places, evenly spread."""
    places: NDArray[np.int64] = np.linspace(0, number - 1, min(number, MOST)).astype(np.int64)
    return places


def _candidate(
    read: ReadSegments, rows: NDArray[np.int64], words: tuple[str, ...]
) -> CandidateCode:
    vectors = read.vectors[rows]
    central = rows[np.argsort(-(vectors @ _middle(vectors)), kind="stable")]
    return CandidateCode(
        rows=tuple(int(row) for row in rows),
        transcripts=len(set(read.clusters[rows].tolist())),
        words=words,
        excerpts=tuple(read.segments[row] for row in _various(read, central)),
        nearest=_nearest(read, vectors),
    )


def _various(read: ReadSegments, central: NDArray[np.int64]) -> list[int]:
    """The most central of each transcript first, so that one speaker does not fill the list."""
    first: dict[int, int] = {}
    for row in central.tolist():
        first.setdefault(int(read.clusters[row]), row)
    leading = list(first.values())
    return [*leading, *(row for row in central.tolist() if row not in set(leading))][:EXCERPTS]


def _nearest(read: ReadSegments, vectors: Floats32) -> NearestCode | None:
    best: NearestCode | None = None
    for place, code in enumerate(read.codes):
        own = read.vectors[read.carried[:, place]]
        if not len(own):
            continue
        distance = float(np.mean(1.0 - vectors @ _middle(own)))
        if best is None or distance < best.distance:
            best = NearestCode(code=code, distance=distance, usual=_usual(own))
    return best


def _usual(own: Floats32) -> float | None:
    """How far half of a code's excerpts lie at most from the middle of the others."""
    if len(own) < 2:
        return None
    others: Floats = own.sum(axis=0, dtype=np.float64) - own
    lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-9)
    return float(np.median(1.0 - (own * others).sum(axis=1) / lengths))


def _middle(vectors: Floats32) -> Floats32:
    total = vectors.sum(axis=0, dtype=np.float64)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), dtype=np.float32)


def _telling_words(
    segments: Sequence[Segment], groups: Sequence[NDArray[np.int64]]
) -> list[tuple[str, ...]]:
    """Class-based TF-IDF (Grootendorst 2022): the groups are classes, all other segments are one.

    share of the group · ln(1 + mean words of a class / times the word is said), counting a word
    once a segment; only words that two segments of the group have.
    """
    words = uncommon_words(segments)
    total = Counter(word for own in words for word in own)
    mean = sum(total.values()) / (len(groups) + 1)
    found = []
    for rows in groups:
        own = Counter(word for row in rows for word in words[row])
        said = sum(own.values())
        weight = {
            word: count / said * np.log1p(mean / total[word])
            for word, count in own.items()
            if count > 1
        }
        found.append(tuple(sorted(weight, key=lambda word: (-weight[word], word))[:WORDS]))
    return found

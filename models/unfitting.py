"""Which segments no code fits: said at some length, of no code today, claimed by no score, far off.

What "at some length" and "far" mean is taken from what people coded in the same study, so it
holds for long answers and for short comments, and in any language that parts words.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.numerals import many
from annotations.transcripts import Segment
from models.read_segments import Floats, ReadSegments

COMMON = 0.05
"""A word in more than this share of the segments is a common one, in a study of a hundred up."""

_FEW = 5

LEAST_WORDS = 2
_SHORTEST = 0.1
_NEAREST = 0.75
_WORD = re.compile(r"[^\W\d_](?:['’]?[^\W\d_])+")
_PART = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What was asked, and how many segments were left after it."""

    asked: str
    left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfitting:
    """The segments that no code fits.

    *Shape:* `rows` (segments,), their places among those read. `least_words` uncommon words are
    asked of each; `near` is the cosine to an excerpt from which a code counts as fitting.
    `apart` is the mean cosine distance between excerpts of one code in two transcripts, infinite
    where there are none: what is less alike than that is no group.
    """

    rows: NDArray[np.int64]
    steps: tuple[Step, ...]
    least_words: int
    near: float
    apart: float


def unfitting(read: ReadSegments, *, coded_too: bool = False) -> Unfitting:
    """Sift what people read.

    Kept is a segment that (1) nobody coded, (2) has as many different uncommon words as nine in
    ten of the coded ones, and two at least: "yeah" and "mm" have none; (3) no score claims: one
    that reaches its threshold tells of a coding that was missed; and (4) is far from every
    coded excerpt: less like any in another transcript than the likest quarter of coded segments
    is to one with its own code. `coded_too` adds coded segments whose scores are all below half
    of their thresholds.
    """
    coded = read.coded
    words = uncommon_words(read.segments)
    count = np.array([len(own) for own in words], dtype=np.int64)
    least = LEAST_WORDS
    if coded.any():
        least = max(least, int(np.quantile(count[coded], _SHORTEST)))
    low = np.where(coded, read.reach < 0.5, read.reach < 1.0)
    kept = np.ones_like(coded) if coded_too else ~coded
    steps = [
        Step(asked="read by people", left=len(coded)),
        Step(asked="of these with no code of today", left=int((~coded).sum())),
    ]
    if coded_too:
        kept = ~coded | low
        steps.append(Step(asked="with those coded but low in every score", left=int(kept.sum())))
    kept &= count >= least
    steps.append(Step(asked=f"with at least {many(least, 'uncommon word')}", left=int(kept.sum())))
    kept &= low
    steps.append(Step(asked="with no score that reaches its threshold", left=int(kept.sum())))
    likeness = _likeness(read)
    near = _near(likeness.own[coded])
    kept &= likeness.nearest < near
    steps.append(Step(asked="far from every coded excerpt", left=int(kept.sum())))
    return Unfitting(
        rows=np.flatnonzero(kept),
        steps=tuple(steps),
        least_words=least,
        near=near,
        apart=likeness.apart,
    )


def uncommon_words(segments: Sequence[Segment]) -> list[frozenset[str]]:
    """The different words of each segment, without those that are common in them all."""
    words = [frozenset(_WORD.findall(segment.text.lower())) for segment in segments]
    number = Counter(word for own in words for word in own)
    most = max(_FEW, COMMON * len(words))
    return [frozenset(word for word in own if number[word] <= most) for own in words]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Likeness:
    """*Shapes:* (segments,): the highest cosine to a coded excerpt of another transcript.

    `nearest` with whatever code, `own` with a code of the segment's; -1 where there is none.
    `apart` is the mean distance between two such with a code in common, infinity without any.
    """

    nearest: Floats
    own: Floats
    apart: float


def _likeness(read: ReadSegments) -> _Likeness:
    rows = np.flatnonzero(read.coded)
    number = len(read.segments)
    nearest, own = np.full(number, -1.0), np.full(number, -1.0)
    if not rows.size:
        return _Likeness(nearest=nearest, own=own, apart=float("inf"))
    total, pairs = 0.0, 0
    carried = read.carried.astype(np.float32)
    for start in range(0, number, _PART):
        part = slice(start, start + _PART)
        elsewhere = read.clusters[part, np.newaxis] != read.clusters[rows]
        cosine = np.where(elsewhere, read.vectors[part] @ read.vectors[rows].T, -1.0)
        nearest[part] = cosine.max(axis=1)
        shared = carried[part] @ carried[rows].T > 0
        own[part] = np.where(shared, cosine, -1.0).max(axis=1)
        alike = cosine[shared & elsewhere]
        total, pairs = total + float((1.0 - alike).sum()), pairs + alike.size
    apart = total / pairs if pairs else float("inf")
    return _Likeness(nearest=nearest, own=own, apart=apart)


def _near(own: Floats) -> float:
    """Where no code was applied in two transcripts, nothing tells what near is: infinity."""
    known = own[own > -1.0]
    return float(np.quantile(known, _NEAREST)) if known.size else float("inf")

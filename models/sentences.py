"""A segment read sentence by sentence, so that what one sentence says does not drown in the rest.

A head gives each sentence odds of a code; a segment's are the mean of its sentences' odds, so one
clear sentence among twenty counts for much. What is learned from are segments: which sentence
carries the code nobody said (multiple-instance learning; Ray and Craven 2005).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from annotations.transcripts import Segment
from models.heads import Heads
from models.runs import sentences_of

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]

_SEVERAL = 2.5
"""Sentences a segment, on average, from which they are read one by one: it takes time."""

_STEPS = 100
_SETTLED = 1e-6
"""The loss falls by less than this share of itself: the heads are good enough."""


def reads_sentences(segments: Sequence[Segment]) -> bool:
    """Whether reading these sentence by sentence may find more than reading them whole."""
    return sum(len(sentence_texts(one)) for one in segments) >= _SEVERAL * max(len(segments), 1)


def texts_by_sentence(segments: Iterable[Segment]) -> list[str]:
    """The distinct texts whose vectors the sentence view needs."""
    return list(dict.fromkeys(text for one in segments for text in sentence_texts(one)))


def sentence_texts(segment: Segment) -> tuple[str, ...]:
    """The texts of a segment's sentences; at least one, its own where no sentence has a word."""
    return tuple(one.text for one in sentences_of(segment)) or (segment.text,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentences:
    """The sentences of segments, one after the other.

    *Shapes:* `vectors` (sentences, dimension); `starts` (segments,), the row of each one's first.
    """

    vectors: Floats32
    starts: Rows

    @classmethod
    def of(cls, segments: Sequence[Segment], vectors: Mapping[str, Floats32]) -> "Sentences":
        """Look up the vector of each sentence; `segments` are one or more."""
        texts = [sentence_texts(segment) for segment in segments]
        starts = [0, *accumulate(map(len, texts))][:-1]
        return cls(
            vectors=np.stack([vectors[text] for own in texts for text in own]),
            starts=np.array(starts, dtype=np.int64),
        )

    @property
    def counts(self) -> Rows:
        """Sentences of each segment; *shape:* (segments,)."""
        return np.diff(self.starts, append=len(self.vectors))

    def take(self, rows: Rows) -> "Sentences":
        """The sentences of some segments."""
        counts = self.counts[rows]
        starts = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(self.starts[rows] - starts, counts)
        return Sentences(vectors=self.vectors[places], starts=starts)

    def scores(self, heads: Heads) -> Floats:
        """Log of the mean odds of each segment's sentences; *shape:* (segments, codes)."""
        return self._pooled(heads.scores(self.vectors))[0]

    def _pooled(self, each: Floats) -> tuple[Floats, Floats]:
        """The segments' scores, and each sentence's share in them."""
        counts = self.counts
        highest = np.maximum.reduceat(each, self.starts, axis=0)
        odds = np.exp(each - np.repeat(highest, counts, axis=0))
        total = np.add.reduceat(odds, self.starts, axis=0)
        shares = odds / np.repeat(total, counts, axis=0)
        return highest + np.log(total / counts[:, np.newaxis]), shares


def fit_sentence_heads(
    sentences: Sentences,
    targets: Floats,
    *,
    strength: float,
    centre: Floats32,
    check: Callable[[], None] = lambda: None,
) -> Heads:
    """Fit a head for each code on sentences of segments that carry it or not.

    *Shapes:* `targets` (segments, codes) from 0 to 1, `centre` (codes, dimension). The force
    towards the centre is 1 / `strength`; a code without two labels gets its centre as its head,
    biased to the log odds of its share, half a segment added to each side. `check` is called
    between steps and may raise. L-BFGS on one thread, from the centre.
    """
    codes, width = targets.shape[1], sentences.vectors.shape[1]
    yes = targets.sum(axis=0)
    no = len(targets) - yes
    with threadpool_limits(1):
        heads = Heads(weights=centre, bias=np.zeros(codes, dtype=np.float32))
        bias = np.log((yes + 0.5) / (no + 0.5)) - sentences.scores(heads).mean(axis=0)
        weights = centre.astype(np.float64)
        taught = np.minimum(yes, no) > 0
        if taught.any():
            own = targets[:, taught]
            middle = weights[taught]

            def loss(at: Floats) -> tuple[float, Floats]:
                check()
                held = at.reshape(-1, width + 1)
                head = Heads(
                    weights=held[:, :-1].astype(np.float32), bias=held[:, -1].astype(np.float32)
                )
                score, shares = sentences._pooled(head.scores(sentences.vectors))
                wrong = own * np.logaddexp(0, -score) + (1 - own) * np.logaddexp(0, score)
                apart = held[:, :-1] - middle
                slope = 0.5 * (1 + np.tanh(0.5 * score)) - own
                each = (np.repeat(slope, sentences.counts, axis=0) * shares).astype(np.float32)
                gradient = np.column_stack(
                    [each.T @ sentences.vectors + apart / strength, slope.sum(axis=0)]
                )
                value = wrong.sum() + 0.5 / strength * np.square(apart).sum()
                return float(value), gradient.ravel()

            start = np.column_stack([middle, bias[taught]]).ravel()
            found = minimize(
                loss,
                start,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": _STEPS, "ftol": _SETTLED},
            ).x.reshape(-1, width + 1)
            weights[taught], bias[taught] = found[:, :-1], found[:, -1]
    return Heads(weights=weights.astype(np.float32), bias=bias.astype(np.float32))

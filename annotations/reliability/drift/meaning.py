"""Whether a code is applied to different text than before.

A classifier that learned a code from other transcripts finds the code's new passages less
likely, or passages without it more so; and people apply the code to passages that look, to the
classifier, like another's, or no longer to those like its own. Embeddings of the passages are not
compared: what people talk about differs so much between interviews that it hides what a code means.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotations.reliability.drift.lookalikes import Lookalikes
from annotations.reliability.drift.permuting import DRAWS, permuted_p
from annotations.reliability.drift.ratios import Change, Sides, compare_ratios, ratio_departures
from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.reliability.estimate import (
    MIN_POSITIVES,
    Bools,
    Estimate,
    Floats,
    Replicates,
    Scale,
    jackknife,
)
from annotations.reliability.tallies import Ints, grouping

_FLOOR = 1e-4
"""A probability is never taken as surer than this: one segment must not decide a wave."""

TOO_FEW = f"a code needs {MIN_POSITIVES} segments in each wave, to tell whether its meaning moved"


@dataclass(frozen=True, kw_only=True, slots=True)
class MeaningChange:
    """A code's mean log loss in two waves, and how well the classifier ranks in each (AUC).

    `like` is the code whose look-alikes show the change most, `beyond` how much more often than
    expected people gave them the code (points, -1 to 1). The p of `loss` is that of both
    together: the log loss and the look-alikes of every code.
    """

    loss: Change
    auc_before: Estimate
    auc_after: Estimate
    like: str
    beyond: Change

    @property
    def subject(self) -> str:
        """The code."""
        return self.loss.subject


def meaning_changes(
    codes: Sequence[str],
    probabilities: Floats,
    truth: Floats,
    clusters: Ints,
    sides: Sides,
    *,
    seed: int,
    draws: int = DRAWS,
) -> tuple[MeaningChange, ...]:
    """Compare waves by how well out-of-fold probabilities fit what people coded.

    *Shapes:* `probabilities` and `truth` (segments, codes), truth 1, 0, and 0.5 or NaN where it
    is not known; `clusters` (segments,); `sides` in one stratum. Each probability must come from
    a model that left the segment's transcript out. The log loss is the mean of that of segments
    with the code and that of segments without it: where more text is about the code, and what is
    about it reads the same, it stays; where people give the code more freely to all text, they
    give it to less likely text, and it rises. p is that of the largest of the studentised
    differences, of the log loss and of every sort of look-alikes (Westfall & Young 1993).
    """
    inside = _inside(probabilities)
    groups = len(sides.before)
    sums = loss_sums(inside, truth, clusters, groups)
    positives = sums[:, :, 0, 1]
    rich = np.flatnonzero(
        np.minimum(positives[sides.before].sum(axis=0), positives[sides.after].sum(axis=0))
        >= MIN_POSITIVES
    )
    if not len(rich):
        return ()
    names, own = [codes[at] for at in rich], sums[:, rich]
    alike = [Lookalikes.of(inside, truth, int(at), clusters, sides) for at in rich]
    losses, sorts = ratio_departures(own, sides), [one.departures(sides) for one in alike]
    p = permuted_p(
        lambda lots: np.maximum(
            losses(lots), np.stack([sort(lots).max(axis=1) for sort in sorts], axis=1)
        ),
        sides.after,
        [np.flatnonzero(sides.before | sides.after)],
        seed=seed,
        draws=draws,
    )
    as_is = sides.after[np.newaxis].astype(np.float64)
    most = [int(sort(as_is)[0].argmax()) for sort in sorts]
    beyond = compare_ratios(
        names,
        np.stack([one.points(sides)[:, at] for one, at in zip(alike, most, strict=True)], axis=1)[
            :, :, np.newaxis
        ],
        sides,
        seed=seed,
        scale=Scale.RAW,
        draws=0,
    )
    changes = compare_ratios(names, own, sides, seed=seed, scale=Scale.RAW, draws=0)
    return tuple(
        MeaningChange(
            # Their p alone is nobody's question, and not drawn.
            loss=change if change.p is None else replace(change, p=float(p[place])),
            auc_before=_auc(inside[:, at], truth[:, at], clusters, sides.before),
            auc_after=_auc(inside[:, at], truth[:, at], clusters, sides.after),
            like=codes[alike[place].likes[most[place]]],
            beyond=beyond[place],
        )
        for place, (at, change) in enumerate(zip(rich, changes, strict=True))
    )


def loss_sums(probabilities: Floats, truth: Floats, clusters: Ints, groups: int) -> Floats:
    """Log loss and segments by transcript, with the code and without it.

    *Shape:* (transcripts, codes, 2, 2).
    """
    inside = _inside(probabilities)
    by_transcript = grouping(clusters, groups)
    parts = []
    for value, loss in ((1.0, -np.log(inside)), (0.0, -np.log(1 - inside))):
        own = truth == value
        parts.append(
            np.stack(
                [by_transcript @ np.where(own, loss, 0.0), by_transcript @ own.astype(np.float64)],
                axis=-1,
            )
        )
    return np.stack(parts, axis=2)


def _inside(probabilities: Floats) -> Floats:
    return np.clip(probabilities, _FLOOR, 1 - _FLOOR)


def _auc(scores: Floats, truth: Floats, clusters: Ints, wave: Bools) -> Estimate:
    """How often a segment with the code has the higher score; the transcript jackknife."""
    inside = wave[clusters]
    yes, no = np.flatnonzero(inside & (truth == 1)), np.flatnonzero(inside & (truth == 0))
    n = len(yes) + len(no)
    places = np.unique(clusters[inside])
    if not len(yes) or not len(no):
        return Estimate.undefined("all segments or none carry the code", n=n, clusters=len(places))
    order = np.argsort(scores[no], kind="stable")
    ranked, number = scores[no][order], np.searchsorted(places, clusters[no][order])
    won = np.zeros((len(places), len(places)))
    below = np.zeros((len(places), len(no) + 1))
    for at in range(len(places)):
        np.cumsum(number == at, out=below[at, 1:])
    left, right = (np.searchsorted(ranked, scores[yes], side=side) for side in ("left", "right"))
    shares = (below[:, left] + below[:, right]).T / 2
    np.add.at(won, np.searchsorted(places, clusters[yes]), shares)
    have = np.bincount(np.searchsorted(places, clusters[yes]), minlength=len(places))
    lack = np.bincount(number, minlength=len(places))
    left_won = won.sum() - won.sum(axis=1) - won.sum(axis=0) + np.diag(won)
    with np.errstate(divide="ignore", invalid="ignore"):
        deletions = left_won / ((len(yes) - have) * (len(no) - lack))
    (estimate,) = jackknife(
        Replicates(
            values=np.array([won.sum() / (len(yes) * len(no))]),
            deletions=deletions[:, np.newaxis],
            used=np.ones((len(places), 1), dtype=np.bool_),
        ),
        scale=Scale.LOGIT,
        n=[n],
        min_clusters=MIN_A_WAVE,
    )
    return estimate

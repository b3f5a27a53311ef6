"""What to code next: the transcripts that teach the model most and that the sample lacks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import PRIOR_POSITIVES
from models.certainty import entropy

Floats = NDArray[np.float64]

USE_WEIGHT, DIVERSITY_WEIGHT, COVERAGE_WEIGHT = 0.5, 0.25, 0.25
_MOST_VALUES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A transcript that nobody has coded.

    *Shapes:* `uncertainty` (codes,): entropy of the model's decisions, mean over segments,
    in bits; `vector` (dimension,): what it is about. Both None without a model. `cell`: its
    values of the attributes that make up the sample.
    """

    name: str
    uncertainty: Floats | None
    vector: Floats | None
    cell: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A transcript's place and why.

    `value` is the weighted mean of what follows, each 0 to 1 over the candidates: `use`, how
    unsure the model is, most of codes that lack support; `diversity`, how unlike it is to what
    is coded or ranked before it; `coverage`, 1 / (1 + transcripts of its cell coded or ranked
    before it). None where they could not be had. `unsure_of` are the codes that add most to
    its use. `cell_coded` of `cell_size` transcripts of its cell are coded.
    """

    transcript: str
    rank: int
    value: float
    use: float | None
    diversity: float | None
    coverage: float
    unsure_of: tuple[str, ...]
    cell: tuple[str, ...]
    cell_coded: int
    cell_size: int


def uncertainty_of(probabilities: Floats) -> Floats:
    """Mean entropy of each code's decisions; *shapes:* (segments, codes), result (codes,)."""
    if not len(probabilities):
        return np.zeros(probabilities.shape[1])
    return np.asarray(entropy(probabilities).mean(axis=0))


def sample_attributes(attributes: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The attributes whose cells make up the sample, such as trust and group.

    Those with two to eight values, the fewest first, for as long as there are no more cells
    than half the transcripts: a date or a name makes every transcript a cell of its own.
    """
    values: dict[str, set[str]] = {}
    for one in attributes:
        for name, value in one.items():
            values.setdefault(name, set()).add(value)
    chosen: list[str] = []
    cells = 1
    for name in sorted(values, key=lambda name: (len(values[name]), name)):
        count = len(values[name])
        if 2 <= count <= _MOST_VALUES and 2 * cells * count <= len(attributes):
            chosen.append(name)
            cells *= count
    order = list(values)
    return tuple(sorted(chosen, key=order.index))


def rank(
    candidates: Sequence[Candidate],
    *,
    codes: Sequence[str] = (),
    support: Sequence[int] = (),
    coded_vectors: Sequence[Floats] = (),
    coded_cells: Sequence[tuple[str, ...]] = (),
    top: int | None = None,
) -> tuple[Ranked, ...]:
    """The `top` candidates in the order in which to code them, all where it is None.

    One after the other is chosen, since the second of two that are alike is worth less once
    the first is coded. `support` are the segments that carry each of `codes`. Equal values are
    ranked by name.
    """
    left = sorted(candidates, key=lambda one: one.name)
    wanted = len(left) if top is None else min(top, len(left))
    gains = _gains(left, np.asarray(support, dtype=np.float64))
    totals = np.zeros(0) if gains is None else gains.sum(axis=1)
    use = None if gains is None else _between(totals, totals)
    units = None if any(one.vector is None for one in left) else _units(left)
    likeness = None if units is None else _likeness(units, coded_vectors)
    at_first = np.zeros(0) if likeness is None else 1.0 - likeness
    coded = Counter(coded_cells)
    held = coded.copy()
    size = coded + Counter(one.cell for one in left)
    ranked: list[Ranked] = []
    open_ = np.ones(len(left), dtype=np.bool_)
    while len(ranked) < wanted:
        coverage = np.array([1.0 / (1 + held[one.cell]) for one in left])
        diversity = None if likeness is None else _between(1.0 - likeness, at_first)
        value = _value(use, diversity, coverage)
        at = int(np.argmax(np.where(open_, value, -np.inf)))
        one = left[at]
        ranked.append(
            Ranked(
                transcript=one.name,
                rank=len(ranked) + 1,
                value=float(value[at]),
                use=None if use is None else float(use[at]),
                diversity=None if diversity is None else float(diversity[at]),
                coverage=float(coverage[at]),
                unsure_of=() if gains is None else _most(gains[at], codes),
                cell=one.cell,
                cell_coded=coded[one.cell],
                cell_size=size[one.cell],
            )
        )
        open_[at] = False
        held[one.cell] += 1
        if likeness is not None and units is not None:
            likeness = np.maximum(likeness, units @ units[at])
    return tuple(ranked)


def _gains(candidates: Sequence[Candidate], support: Floats) -> Floats | None:
    """What each code adds to each candidate's use; *shape:* (candidates, codes).

    A code's entropy relative to its mean over candidates, since that of a rare code is small
    everywhere, times its lack of support, `PRIOR_POSITIVES` / (`PRIOR_POSITIVES` + support).
    """
    rows = [one.uncertainty for one in candidates if one.uncertainty is not None]
    if not rows or len(rows) < len(candidates):
        return None
    entropies = np.stack(rows)
    mean = entropies.mean(axis=0)
    relative = np.divide(entropies, mean, out=np.zeros_like(entropies), where=mean > 0)
    return np.asarray(relative * (PRIOR_POSITIVES / (PRIOR_POSITIVES + support)))


def _units(candidates: Sequence[Candidate]) -> Floats:
    """Vectors of length 1; *shape:* (candidates, dimension)."""
    rows = [_unit(one.vector) for one in candidates if one.vector is not None]
    return np.stack(rows) if rows else np.zeros((0, 1))


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def _likeness(units: Floats, coded: Sequence[Floats]) -> Floats:
    """The highest cosine of each candidate with what is coded; *shape:* (candidates,)."""
    if not coded or not len(units):
        return np.zeros(len(units))
    return np.asarray((units @ np.stack([_unit(one) for one in coded]).T).max(axis=1))


def _between(values: Floats, ends: Floats) -> Floats:
    """To 0 at the least of `ends` or below and 1 at the most; as they are where those are equal.

    What is measured by the same ends throughout only falls as transcripts are chosen, so that
    values never rise with the rank.
    """
    if not ends.size or np.ptp(ends) == 0:
        return np.asarray(np.clip(values, 0.0, 1.0))
    return np.asarray(np.clip((values - ends.min()) / np.ptp(ends), 0.0, 1.0))


def _value(use: Floats | None, diversity: Floats | None, coverage: Floats) -> Floats:
    parts = ((use, USE_WEIGHT), (diversity, DIVERSITY_WEIGHT), (coverage, COVERAGE_WEIGHT))
    there = [(part, weight) for part, weight in parts if part is not None]
    total = sum(weight for _, weight in there)
    return np.asarray(
        sum((part * weight for part, weight in there), np.zeros_like(coverage)) / total
    )


def _most(gains: Floats, codes: Sequence[str], count: int = 3) -> tuple[str, ...]:
    order = np.argsort(-gains, kind="stable")[:count]
    return tuple(codes[code] for code in order if gains[code] > 0)

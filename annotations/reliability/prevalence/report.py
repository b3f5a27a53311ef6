"""What is said of a study that was extended: every code in every cell, and what differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from annotations.numerals import many
from annotations.reliability.estimate import Bools, Estimate
from annotations.reliability.methods import Versions
from annotations.reliability.prevalence.differences import Compared, Difference, differences_of
from annotations.reliability.prevalence.extent import Frame, check_attributes, stratum_of
from annotations.reliability.prevalence.lacking import Lacking
from annotations.reliability.prevalence.methods import methods_of
from annotations.reliability.prevalence.shares import Shares, shares_of
from annotations.reliability.prevalence.sums import Population
from annotations.reliability.prevalence.tuning import Tuning

EVERYTHING: tuple[str, ...] = ()
"""The cell of all transcripts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Transcripts that share their values of the attributes; all transcripts have no `values`.

    Of its `transcripts`, people had coded `certain` before anything was drawn; `drawn` were drawn
    of the rest, and `coded` of them are coded. `units` are what the shares are of.
    """

    values: tuple[str, ...]
    transcripts: int
    certain: int
    drawn: int
    coded: int
    units: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeShare:
    """How common a code is in one cell.

    `corrected` is the estimate: the model's coding of everything, corrected by people's of the
    sample, of which `tuning` (lambda) says how far the model was leaned on, `tuning_probabilities`
    how far of this on its probabilities and not on its decisions. Beside it `people`,
    by their sample alone, and `model`, the naive count of what the model found. `effective` is
    the size of the sample that would have done as well without a model, None where that cannot be
    told.
    """

    code: str
    cell: tuple[str, ...]
    corrected: Estimate
    people: Estimate
    model: float
    tuning: float
    tuning_probabilities: float
    effective: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PrevalenceReport:
    """The shares by `unit` and by the attributes `by`, the cell of all transcripts first."""

    study: str
    unit: str
    of: str
    by: tuple[str, ...]
    codes: tuple[str, ...]
    cells: tuple[Cell, ...]
    shares: tuple[CodeShare, ...]
    differences: tuple[Difference, ...]
    versions: Versions
    seed: int
    notes: tuple[str, ...]
    methods: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where the figures come from: the draw's `seed`, `allocation` and attributes; `notes`.

    `unsure_of` are the codes whose doubtful transcripts were likelier to be drawn, empty for all
    codes, None for even chances.
    """

    seed: int
    drawn_by: tuple[str, ...]
    allocation: str
    versions: Versions
    unsure_of: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def prevalence_of(
    study: str, frame: Frame, *, by: Sequence[str], unit: str, of: Population, origin: Origin
) -> PrevalenceReport:
    """The report on a frame. A cell in which drawn transcripts are not coded has no estimate.

    Raises StateError where no transcript has one of the attributes.
    """
    check_attributes(frame.transcripts, by)
    placed = [stratum_of(item, by) for item in frame.transcripts]
    marks = {EVERYTHING: np.ones(len(placed), dtype=np.bool_)} | {
        values: np.array([one == values for one in placed], dtype=np.bool_)
        for values in sorted(set(placed))
        if by
    }
    cells = {values: _cell(frame, values, mark) for values, mark in marks.items()}
    whole = [cells[EVERYTHING]] if not by else [one for v, one in cells.items() if v]
    ready = [marks[one.values] for one in whole if one.drawn == one.coded]
    tuning = Tuning.of(frame.sums, ready) if ready else Tuning.fixed(frame.sums, 0.0)
    shares = {
        values: _refused(
            shares_of(frame.sums, mark, tuning=tuning, of=of),
            Lacking.of(frame, mark),
            study,
            cells[values],
        )
        for values, mark in marks.items()
    }
    pairs = [
        Compared(first=one, second=two, shares=(shares[one], shares[two]))
        for one, two in combinations([values for values in marks if values], 2)
        if sum(a != b for a, b in zip(one, two, strict=True)) == 1
    ]
    codes = frame.sums.codes
    return PrevalenceReport(
        study=study,
        unit=unit,
        of=of.value,
        by=tuple(by),
        codes=codes,
        cells=tuple(cells.values()),
        shares=tuple(
            CodeShare(
                code=code,
                cell=values,
                corrected=found.corrected[at],
                people=found.people[at],
                model=float(found.model[at]),
                tuning=float(found.lam[at].sum()),
                tuning_probabilities=float(found.lam[at, 1:].sum()),
                effective=_or_none(found, at),
            )
            for at, code in enumerate(codes)
            for values, found in shares.items()
        ),
        differences=differences_of(codes, pairs),
        versions=origin.versions,
        seed=origin.seed,
        notes=(
            *_notes(study, Lacking.of(frame), cells[EVERYTHING]),
            *_alike(codes, shares),
            *origin.notes,
        ),
        methods=methods_of(
            whole=cells[EVERYTHING].transcripts,
            certain=cells[EVERYTHING].certain,
            drawn=cells[EVERYTHING].drawn,
            drawn_by=origin.drawn_by,
            by=tuple(by),
            allocation=origin.allocation,
            unsure_of=origin.unsure_of,
            seed=origin.seed,
            unit=unit,
            of=of,
            compared=len(pairs) * len(codes),
            ties=frame.ties,
            versions=origin.versions,
        ),
    )


def _cell(frame: Frame, values: tuple[str, ...], mark: Bools) -> Cell:
    certain = np.array([one.probability >= 1 for one in frame.members]) & frame.sums.coded & mark
    drawn = np.array([one.drawn for one in frame.members]) & mark & ~certain
    return Cell(
        values=values,
        transcripts=int(mark.sum()),
        certain=int(certain.sum()),
        drawn=int(drawn.sum()),
        coded=int((drawn & frame.complete).sum()),
        units=int(frame.sums.sizes[mark].sum()),
    )


def _refused(shares: Shares, lacking: Lacking, study: str, cell: Cell) -> Shares:
    """No estimate where the sample is not there: what is coded of it is not random."""
    if not lacking.number:
        return shares
    of = f"of the {many(cell.drawn, 'transcript')} drawn in this cell"
    reason = f"refused: {lacking.words(study, of)}, and {lacking.why}"
    nothing = tuple(
        Estimate.undefined(reason, n=one.n, clusters=one.clusters) for one in shares.corrected
    )
    return replace(
        shares,
        corrected=nothing,
        people=nothing,
        effective=np.full_like(shares.effective, np.nan),
    )


def _or_none(shares: Shares, at: int) -> float | None:
    if shares.corrected[at].low is None or shares.people[at].low is None:
        return None
    value = float(shares.effective[at])
    return None if np.isnan(value) else value


def _alike(codes: Sequence[str], shares: Mapping[tuple[str, ...], Shares]) -> Iterator[str]:
    """Where the model was not leaned on for want of a difference to measure."""
    found = {
        values: sum(
            bool(alike) and estimate.low is not None
            for alike, estimate in zip(one.alike, one.corrected, strict=True)
        )
        for values, one in shares.items()
    }
    if count := sum(found.values()):
        yield (
            f"in {many(count, 'share')} of {len(codes) * len(shares):,} people and model agree on "
            "all that was sampled, so how far the two differ elsewhere cannot be told: there the "
            "estimate is that of people's sample alone"
        )


def _notes(study: str, lacking: Lacking, whole: Cell) -> Iterator[str]:
    if lacking.number:
        of = f"of {many(whole.drawn, 'drawn transcript')}"
        yield f"{lacking.words(study, of)}: cells that hold one have no estimate"

"""Each coder's agreement with themself: old excerpts coded again, blind, beside the old coding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

import numpy as np
from scipy.stats import false_discovery_control

from annotations.codings import Coding, CodingTable, Reading
from annotations.numerals import decimals, form, many
from annotations.reliability.drift.coders import SelfAgreement, self_agreement
from annotations.reliability.drift.ratios import LEVEL
from annotations.reliability.drift.waves import MIN_A_WAVE
from annotations.study import Study

SOON = 14
"""Days below which a coder may remember what they coded."""

_SECONDS_A_DAY = 86400
_BEFORE, _AFTER = "before", "after"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecodedExcerpt:
    """A turn coded twice by one coder: what they applied `before` and `after`.

    `probability` is that with which it was drawn from all that they had coded. `younger` codes
    were not in the codebook the first time.
    """

    transcript: str
    turn: int
    probability: float
    coded_at: datetime | None
    recoded_at: datetime
    before: tuple[Coding, ...]
    after: tuple[Coding, ...]
    younger: frozenset[str] = frozenset()

    @property
    def days(self) -> float | None:
        """The time between the two codings, None where that of the first is not known."""
        if self.coded_at is None:
            return None
        return (self.recoded_at - self.coded_at).total_seconds() / _SECONDS_A_DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class DaysBetween:
    """How long lay between the two codings, of the excerpts of which that is known."""

    shortest: float
    median: float
    longest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RecodedRound:
    """One coder's re-coding of one draw.

    Of `drawn` excerpts, `excerpts` came back and count; `undecided` came back and wait for a
    choice after a split. `younger` codes were left out where the first coding is older than they
    are, `redefined` ones got another definition since. `agreement` has all codes pooled first
    (code None), then each that the coder applied before or after. `annotators` are the accounts
    that it was coded with.
    """

    coder: str
    drawn_at: datetime
    drawn: int
    excerpts: int
    undecided: int
    transcripts: int
    days: DaysBetween | None
    annotators: tuple[str, ...]
    younger: tuple[str, ...]
    redefined: tuple[str, ...]
    agreement: tuple[SelfAgreement, ...]
    words: tuple[str, ...] = ()


def compared(
    study: Study, coder: str, excerpts: Sequence[RecodedExcerpt], *, seed: int
) -> tuple[SelfAgreement, ...]:
    """Old and new on the segments of these turns, each weighing 1 / its probability.

    So the figures speak for everything that the coder had coded, not for the rare codes that
    the draw favours. A code that is younger than a first coding is not compared there. Nothing
    without excerpts.
    """
    used = {
        one.code
        for item in excerpts
        for one in (*item.before, *item.after)
        if one.code not in item.younger
    }
    codes = [path for path in study.codebook.paths if path in used]
    if not excerpts or not codes:
        return ()
    inside = {item.transcript for item in excerpts}
    table = CodingTable.of(
        transcripts=[item for item in study.transcripts if item.name in inside],
        codings=[
            replace(one, coder=name)
            for item in excerpts
            for name, codings in ((_BEFORE, item.before), (_AFTER, item.after))
            for one in codings
        ],
        readings=[
            Reading(transcript=item.transcript, turn=item.turn, coder=name)
            for item in excerpts
            for name in (_BEFORE, _AFTER)
        ],
        codes=codes,
        coders=(_BEFORE, _AFTER),
        segmentation=study.segmentation,
    )
    units = np.flatnonzero(table.read.all(axis=0))
    by_turn = {(item.transcript, item.turn): item for item in excerpts}
    items = [by_turn[table.units[at].transcript, table.units[at].turn] for at in units]
    weights = np.array([1 / item.probability for item in items])
    old, new = table.applied[:, units]
    return self_agreement(
        coder,
        codes,
        old,
        new,
        table.clusters[units],
        groups=len(table.transcripts),
        seed=seed,
        # Of mean 1, so that alpha's correction for few units sees as many as there are.
        weights=weights / weights.mean(),
        both=np.array([[code not in item.younger for code in codes] for item in items]),
    )


def settled(rounds: Sequence[RecodedRound]) -> tuple[RecodedRound, ...]:
    """The rounds with p corrected for all coders and codes together, and said in words."""
    tested = [one.p for item in rounds for one in item.agreement if one.p is not None]
    corrected = iter(false_discovery_control(tested) if tested else ())
    found = []
    for item in rounds:
        agreement = []
        for one in item.agreement:
            if one.p is None:
                agreement.append(one)
                continue
            adjusted = float(next(corrected))
            agreement.append(replace(one, adjusted=adjusted, moved=adjusted <= LEVEL))
        whole = replace(item, agreement=tuple(agreement))
        found.append(replace(whole, words=_words(whole)))
    return tuple(found)


def days_between(excerpts: Sequence[RecodedExcerpt]) -> DaysBetween | None:
    """The shortest, the middle and the longest time between two codings; None: none is known."""
    days = [one.days for one in excerpts if one.days is not None]
    if not days:
        return None
    return DaysBetween(shortest=min(days), median=median(days), longest=max(days))


def _words(one: RecodedRound) -> tuple[str, ...]:
    came = f"{one.excerpts} of {many(one.drawn, 'excerpt')}"
    if not one.excerpts:
        return (f"{one.coder}: {came} came back so far, so there is nothing to compare.",)
    where = f"on {came}, from {many(one.transcripts, 'transcript')}{_time(one.days)}"
    if not one.agreement:
        return (f"{one.coder} gave no code, neither time, {where}.",)
    pooled = one.agreement[0].alpha
    if not pooled.defined:
        said = [f"{one.coder} beside their earlier coding, {where}: alpha says nothing, since "]
        said[0] += f"{pooled.reason}."
    elif pooled.low is None:
        said = [
            f"{one.coder} beside their earlier coding, {where}: alpha {_figure(pooled.value)}. "
            f"Too few to say how surely ({pooled.reason})."
        ]
    else:
        said = [
            f"{one.coder} agrees with their earlier coding with alpha {_figure(pooled.value)} "
            f"(95% interval {_figure(pooled.low)} to {_figure(pooled.high)}), {where}."
        ]
    said += [_moved(item) for item in one.agreement if item.moved and item.code is not None]
    tested = [item for item in one.agreement if item.p is not None]
    if tested and not any(item.moved for item in tested):
        said.append("No code is applied more, or less, than before, as far as these data can show.")
    elif tested and all(item.code is None for item in tested if item.moved):
        more = one.agreement[0].shift.value > 0
        said.append(f"All codes together are applied {'more' if more else 'less'} than before.")
    elif not tested:
        said.append(
            "Too few to say whether a code is applied more than before: that needs "
            f"{MIN_A_WAVE} transcripts."
        )
    if one.undecided:
        said.append(
            f"{many(one.undecided, 'excerpt waits', 'excerpts wait')} for a choice after a split "
            f"of a code, and {form(one.undecided, 'is', 'are')} left out."
        )
    if one.younger:
        said.append(
            f"Left out where they came into the codebook after the first coding: "
            f"{', '.join(one.younger)}."
        )
    if one.redefined:
        said.append(
            f"Redefined since the first coding, so that a change is no drift: "
            f"{', '.join(one.redefined)}."
        )
    if one.days is not None and one.days.shortest < SOON:
        said.append(
            f"Some were coded again less than {SOON} days after the first time: what a coder "
            "remembers makes the agreement look better."
        )
    return tuple(said)


def _moved(one: SelfAgreement) -> str:
    more = one.shift.value > 0
    interval = (
        ""
        if one.shift.low is None or one.shift.high is None
        else f", 95% interval {_points(one.shift.low)} to {_points(one.shift.high)}"
    )
    return (
        f"{one.code} is applied {'more' if more else 'less'} than before: "
        f"{_points(one.shift.value)} points of segments{interval}; {many(one.before, 'segment')} "
        f"then, {one.after} now. Read these with the definition; recode what was coded since if "
        "the coder strayed."
    )


def _time(days: DaysBetween | None) -> str:
    if days is None:
        return ""
    return (
        f", coded {_days(days.median)} apart ({_days(days.shortest)} to {_days(days.longest)})"
        if round(days.shortest) != round(days.longest)
        else f", coded {_days(days.median)} apart"
    )


def _days(number: float) -> str:
    return many(round(number), "day")


def _points(value: float) -> str:
    return decimals(100 * value, 1, signed=True)


def _figure(value: float | None) -> str:
    return "–" if value is None else decimals(value)

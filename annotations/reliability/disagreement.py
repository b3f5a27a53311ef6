"""Where coders differ, and how agreement stands before and after they settle it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from annotations.codings import ADJUDICATED, CodingTable, is_model
from annotations.reliability.agreement import PairAgreement, PooledAgreement, agreement_of

AGREED = "the agreed coding"


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputedCode:
    """A code on which a unit's readers differ; `agreed` is what was settled, None if nothing."""

    code: str
    applied: tuple[str, ...]
    not_applied: tuple[str, ...]
    agreed: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputedUnit:
    """Characters `start` to `end` of a turn on which coders differ; `text` only on request."""

    transcript: str
    turn: int
    start: int
    end: int
    codes: tuple[DisputedCode, ...]
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """Agreement between coders as they coded, and with the agreed coding in place of theirs.

    `after` says what disagreement is left and is no measure of reliability, which is `before`.
    `coders` holds each coder against the agreed coding; `units` counts those agreed on.
    """

    units: int
    transcripts: int
    before: PooledAgreement
    after: PooledAgreement
    coders: tuple[PairAgreement, ...]


def disagreements_of(
    table: CodingTable, *, codes: Collection[str] | None = None, text: bool = False
) -> tuple[DisputedUnit, ...]:
    """The units on which people differ, in the order of the text; assisted readings count too.

    `codes` None takes all.
    """
    people = [
        at for at, name in enumerate(table.coders) if name != ADJUDICATED and not is_model(name)
    ]
    read = table.read[people]
    wanted = np.array([codes is None or code in codes for code in table.codes], dtype=np.bool_)
    yes = table.applied[people].sum(axis=0)
    disputed = (yes > 0) & (yes < read.sum(axis=0)[:, np.newaxis]) & wanted
    agreed = table.coders.index(ADJUDICATED) if ADJUDICATED in table.coders else None
    found = []
    for place in np.flatnonzero(disputed.any(axis=1)).tolist():
        unit = table.units[place]
        readers = [at for at in people if table.read[at, place]]
        found.append(
            DisputedUnit(
                transcript=unit.transcript,
                turn=unit.turn,
                start=unit.start,
                end=unit.end,
                text=unit.text if text else None,
                codes=tuple(
                    DisputedCode(
                        code=table.codes[code],
                        applied=tuple(
                            table.coders[at] for at in readers if table.applied[at, place, code]
                        ),
                        not_applied=tuple(
                            table.coders[at] for at in readers if not table.applied[at, place, code]
                        ),
                        agreed=bool(table.applied[agreed, place, code])
                        if agreed is not None and table.read[agreed, place]
                        else None,
                    )
                    for code in np.flatnonzero(disputed[place]).tolist()
                ),
            )
        )
    return tuple(found)


def settled_of(table: CodingTable) -> Settled | None:
    """Before and after the adjudicated coding, from unassisted readings; None without one."""
    if ADJUDICATED not in table.coders:
        return None
    agreed = table.coders.index(ADJUDICATED)
    settled = table.read[agreed]
    if not settled.any():
        return None
    put = table.applied.copy()
    put[:, settled] = table.applied[agreed, settled]
    after = replace(table, applied=put & table.read[..., np.newaxis])
    # The adjudicated coding is no coder to `agreement_of`; by another name it is.
    named = replace(
        table, coders=tuple(AGREED if name == ADJUDICATED else name for name in table.coders)
    )
    before = agreement_of(table)
    return Settled(
        units=int(settled.sum()),
        transcripts=len(np.unique(table.clusters[settled])),
        before=before.pooled,
        after=agreement_of(after).pooled,
        coders=tuple(
            pair
            for coder in before.coders
            for pair in agreement_of(named.of_coders([coder, AGREED])).pairs
        ),
    )

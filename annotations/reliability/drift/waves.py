"""Which transcript belongs to which wave, and to which stratum of who was interviewed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from annotations.reliability.estimate import Bools
from annotations.reliability.tallies import Ints
from annotations.transcripts import Transcript

MIN_A_WAVE = 8
"""Transcripts a wave below which a change is described and not tested."""

_NOWHERE = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Waves:
    """Transcripts by wave, the waves in their order.

    *Shapes:* `wave` and `stratum` (transcripts,), -1 for a transcript without a wave. Strata are
    the combinations of attributes that a comparison holds constant; one where none are.
    """

    names: tuple[str, ...]
    wave: Ints
    stratum: Ints

    def members(self, name: str) -> Bools:
        """Which transcripts belong to a wave; *shape:* (transcripts,)."""
        found: Bools = self.wave == self.names.index(name)
        return found

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Each wave after the one before it, and the last after the first."""
        steps = list(zip(self.names, self.names[1:], strict=False))
        if len(self.names) > 2:
            steps.append((self.names[0], self.names[-1]))
        return tuple(steps)


def waves_by_attribute(
    transcripts: Sequence[Transcript], attribute: str, *, adjust: Collection[str] = ()
) -> Waves:
    """The values of an attribute as waves, numbers in order of size, anything else by name."""
    values = [item.attributes.get(attribute, "").strip() for item in transcripts]
    names = tuple(sorted({value for value in values if value}, key=_in_order))
    return Waves(
        names=names,
        wave=np.array(
            [names.index(value) if value else _NOWHERE for value in values], dtype=np.int64
        ),
        stratum=_strata(transcripts, adjust),
    )


def waves_by_halves(
    transcripts: Sequence[Transcript], attribute: str, *, adjust: Collection[str] = ()
) -> Waves:
    """The earlier and the later half of the transcripts by an attribute that holds ISO dates.

    Transcripts of one day stay together. No waves where there are fewer than two days.
    """
    days = [item.attributes.get(attribute, "").strip() for item in transcripts]
    known = sorted(day for day in days if day)
    cuts = sorted(set(known))[1:]
    if not cuts:
        return Waves(
            names=(),
            wave=np.full(len(days), _NOWHERE, dtype=np.int64),
            stratum=_strata(transcripts, adjust),
        )
    middle = len(known) / 2
    cut = min(cuts, key=lambda day: (abs(known.index(day) - middle), day))
    return Waves(
        names=(f"before {cut}", f"from {cut}"),
        wave=np.array([_NOWHERE if not day else int(day >= cut) for day in days], dtype=np.int64),
        stratum=_strata(transcripts, adjust),
    )


def _strata(transcripts: Sequence[Transcript], adjust: Collection[str]) -> Ints:
    keys = [tuple(item.attributes.get(name, "") for name in adjust) for item in transcripts]
    number = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    return np.array([number[key] for key in keys], dtype=np.int64)


def _in_order(value: str) -> tuple[int, float, str]:
    try:
        return (0, float(value), "")
    except ValueError:
        return (1, 0.0, value)

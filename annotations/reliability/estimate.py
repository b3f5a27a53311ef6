"""A number that will be read, with how surely it is known."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A statistic with its 95% interval.

    `value` is NaN where the statistic is undefined and `low`, `high` are None where no
    interval can be given; `reason` then says why. `n` counts the units that entered, `clusters`
    the transcripts they come from, `method` names the interval, `seed` any random part.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str
    seed: int | None = None
    reason: str | None = None

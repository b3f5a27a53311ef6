"""What a training run can be asked. Needs no torch."""

from dataclasses import dataclass

from annotations.errors import SecondCoderError
from models.thresholds import KAPPA, Aim

TIERS = ("auto", "fast", "best")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions:
    """How to train.

    `encoder`: None for the default weights, a local folder or a hub name. A code's gate opens
    from `min_support` segments that carry it and a held-out kappa of `min_kappa`; where a
    precision is aimed at, the precision takes kappa's place. `folds` is the most there are;
    fewer transcripts make fewer. The same data and `seed` give the same model version. `tier`:
    "fast" for the frozen encoder, "best" to fine-tune it, "auto" to choose by the data and the
    machine; `minutes` is about what fine-tuning may take. `trust_definitions` opens codes that
    have a definition and too few codings.
    """

    encoder: str | None = None
    min_support: int = 10
    min_kappa: float = 0.3
    folds: int = 5
    seed: int = 0
    aim: Aim = KAPPA
    tier: str = "auto"
    minutes: float = 60.0
    trust_definitions: bool = False

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError(f"folds is {self.folds}; cross-validation needs at least 2")
        if self.min_support < 1:
            raise ValueError(f"min_support is {self.min_support}; it must be at least 1")
        if not -1 <= self.min_kappa <= 1:
            raise ValueError(f"min_kappa is {self.min_kappa}; it must lie between -1 and 1")
        if self.tier not in TIERS:
            raise ValueError(f"tier is {self.tier!r}; it must be one of {', '.join(TIERS)}")
        if not self.minutes > 0:
            raise ValueError(f"minutes is {self.minutes}; it must be above 0")


class TrainingStopped(SecondCoderError):
    """Training was asked to stop and did; nothing was published."""

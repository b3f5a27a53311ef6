"""What a draw was asked for, and the command that asks for it again."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotations.codebook import normal_path
from annotations.drawing import ALLOCATIONS
from annotations.study import Study
from service.storage.records import DrawRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawRequest:
    """The same request on the same transcripts is the same draw.

    `unsure_of` are the codes whose doubtful transcripts shall be likelier, none named for all
    codes; None for even chances.
    """

    size: int
    by: tuple[str, ...]
    allocation: str
    seed: int
    unsure_of: tuple[str, ...] | None

    @classmethod
    def for_codes(
        cls,
        codes: Sequence[str] | None,
        *,
        size: int,
        by: tuple[str, ...],
        allocation: str,
        seed: int,
    ) -> "DrawRequest":
        """With codes as people write them, in any order and perhaps twice."""
        paths = None if codes is None else tuple(sorted({normal_path(code) for code in codes}))
        return cls(size=size, by=by, allocation=allocation, seed=seed, unsure_of=paths)

    @classmethod
    def of(cls, draw: DrawRecord) -> "DrawRequest":
        """What led to a draw."""
        return cls(
            size=draw.size,
            by=draw.by,
            allocation=draw.allocation,
            seed=draw.seed,
            unsure_of=draw.unsure_of,
        )

    def answered_by(self, draw: DrawRecord, study: Study, left_out: frozenset[str]) -> bool:
        """Whether this very draw was asked for, of the transcripts that there still are."""
        members = {one.transcript for one in draw.members}
        there = {item.name for item in study.transcripts} - left_out
        return self == DrawRequest.of(draw) and there <= members


def as_asked(study: str, draw: DrawRecord) -> tuple[str, ...]:
    """The words of the command that drew, and that lists what it drew."""
    by = ("--by", ",".join(draw.by)) if draw.by else ()
    how = () if draw.allocation == ALLOCATIONS[0] else ("--allocation", draw.allocation)
    seed = ("--seed", str(draw.seed)) if draw.seed else ()
    unsure = () if draw.unsure_of is None else ("--unsure-first",)
    codes = [word for code in draw.unsure_of or () for word in ("--code", code)]
    return ("sample", study, "--size", str(draw.size), *by, *seed, *how, *unsure, *codes)

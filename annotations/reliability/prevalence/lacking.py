"""The drawn transcripts without which nothing is estimated, and what each of them lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotations.errors import command
from annotations.numerals import form, some_of
from annotations.reliability.estimate import Bools
from annotations.reliability.prevalence.extent import Frame


@dataclass(frozen=True, kw_only=True, slots=True)
class Lacking:
    """Drawn transcripts that do not count yet: `uncoded`, or lacking a choice after a split."""

    uncoded: tuple[str, ...]
    undecided: tuple[str, ...]

    @classmethod
    def of(cls, frame: Frame, mark: Bools | None = None) -> "Lacking":
        """Those among all of the frame, or among those marked; *shape:* `mark` (transcripts,)."""
        drawn = np.array([one.drawn for one in frame.members], dtype=np.bool_)
        open_ = drawn & ~frame.complete & (True if mark is None else mark)
        names = [one.transcript for one in frame.members]
        return cls(
            uncoded=_picked(names, open_ & ~frame.undecided),
            undecided=_picked(names, open_ & frame.undecided),
        )

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.uncoded) + len(self.undecided)

    def words(self, study: str, of: str) -> str:
        """What is lacking: `2 OF are not coded (A, B)`, and where a choice waits."""
        said = []
        coded, chosen = len(self.uncoded), len(self.undecided)
        if coded:
            verb = form(coded, "is", "are")
            said.append(f"{coded} {of} {verb} not coded ({some_of(self.uncoded)})")
        if chosen:
            said.append(
                f"{chosen}{'' if coded else f' {of}'} {form(chosen, 'waits', 'wait')} for a "
                f"choice, because a code was split ({some_of(self.undecided)}; "
                f"{command('codebook', 'worklist', study)} lists the excerpts)"
            )
        return " and ".join(said)

    @property
    def why(self) -> str:
        """Why the others alone would mislead."""
        which = "that were coded first" if self.uncoded else "without a choice to make"
        return f"those {which} are no random sample"


def _picked(names: Sequence[str], mark: Bools) -> tuple[str, ...]:
    return tuple(name for name, there in zip(names, mark, strict=True) if there)

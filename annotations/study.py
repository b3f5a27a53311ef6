"""A study as a value: what the layers above the formats pass around."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from annotations.codebook import Codebook
from annotations.codings import Coding, CodingTable, Reading, is_model, natural_segmentation
from annotations.errors import Problem
from annotations.memos import Memo, NamedSet
from annotations.transcripts import Segmentation, Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What was found in files: the parts of a study that they hold, checked and complete.

    `refused` lists what was read and deliberately left out (a cancelled annotation, a
    region of a kind that cannot be coded); an error raises InputError instead.
    `notes` say how something was understood that could be meant otherwise (an encoding, a
    document without speakers); `files` tells the file that each transcript was in. Where
    `interviewers` is not None, it was said who they are: their turns are marked, and the turns
    of all others in these transcripts are not.
    """

    transcripts: tuple[Transcript, ...] = ()
    codings: tuple[Coding, ...] = ()
    readings: tuple[Reading, ...] = ()
    codebook: Codebook = field(default_factory=Codebook)
    refused: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    interviewers: tuple[str, ...] | None = None
    memos: tuple[Memo, ...] = ()
    sets: tuple[NamedSet, ...] = ()


UNITS_ARE = {True: "whole turns", False: "sentences of turns"}
"""What segments are, by whether turns are whole in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """One codebook, its transcripts and its coders' work. Names are unique within each.

    `codebook_version` is the number of the version under which the codings are read, None
    where there are no versions. `undecided` are readings that `readings` lacks until somebody
    has chosen a part of a split code: nobody has said yet that the parts do not apply.
    """

    name: str
    codebook: Codebook
    transcripts: tuple[Transcript, ...]
    codings: tuple[Coding, ...]
    readings: tuple[Reading, ...]
    memos: tuple[Memo, ...] = ()
    sets: tuple[NamedSet, ...] = ()
    codebook_version: int | None = None
    undecided: tuple[Reading, ...] = ()

    @property
    def human_readings(self) -> tuple[Reading, ...]:
        """What people read."""
        return tuple(reading for reading in self.readings if not is_model(reading.coder))

    @property
    def coders(self) -> tuple[str, ...]:
        """The people who read at least one turn, in alphabetical order."""
        return tuple(sorted({reading.coder for reading in self.human_readings}))

    @property
    def begun(self) -> frozenset[str]:
        """The transcripts of which a person read a turn, with a choice to make there or without."""
        readings = (*self.readings, *self.undecided)
        return frozenset(one.transcript for one in readings if not is_model(one.coder))

    @property
    def human_codings(self) -> tuple[Coding, ...]:
        """What people applied; a model's codings that came in with a file are left out."""
        return tuple(coding for coding in self.codings if not is_model(coding.coder))

    @property
    def codes_used(self) -> tuple[str, ...]:
        """The codes that a person applied, in the order of the tree."""
        used = {coding.code for coding in self.human_codings}
        return tuple(path for path in self.codebook.paths if path in used)

    @property
    def segmentation(self) -> Segmentation:
        """How this study's turns become segments."""
        by_name = {item.name: item for item in self.transcripts}
        return natural_segmentation(by_name, self.human_codings)

    def table(
        self, *, coders: Sequence[str] | None = None, segmentation: Segmentation | None = None
    ) -> CodingTable:
        """Units x codes x people, of the transcripts that a person read, for the codes used."""
        read = {reading.transcript for reading in self.human_readings}
        return CodingTable.of(
            transcripts=[item for item in self.transcripts if item.name in read],
            codings=self.codings,
            readings=self.readings,
            codes=self.codes_used,
            coders=self.coders if coders is None else coders,
            segmentation=segmentation or self.segmentation,
        )


def units_changed(before: Study | None, after: Study) -> str | None:
    """That other codings made the segments others, of all transcripts; None where they did not."""
    if before is None or not before.human_codings or before.segmentation == after.segmentation:
        return None
    whole = after.segmentation.max_words is None
    covered = "cover turns whole" if whole else "cover parts of turns"
    return (
        f"Most codings of long turns now {covered}, so units are {UNITS_ARE[whole]} instead of "
        f"{UNITS_ARE[not whole]}, in all transcripts: agreement, drift and the model count anew, "
        "and figures from before are not comparable."
    )

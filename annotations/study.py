"""A study as a value: what the layers above the formats pass around."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from annotations.codebook import Codebook
from annotations.codings import Coding, CodingTable, Reading, natural_segmentation
from annotations.errors import Problem
from annotations.transcripts import Segmentation, Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What was found in files: the parts of a study that they hold, checked and complete.

    `refused` lists what was read and deliberately left out (a cancelled annotation, a
    region of a kind that cannot be coded); an error raises InputError instead.
    """

    transcripts: tuple[Transcript, ...] = ()
    codings: tuple[Coding, ...] = ()
    readings: tuple[Reading, ...] = ()
    codebook: Codebook = field(default_factory=Codebook)
    refused: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """One codebook, its transcripts and its coders' work. Names are unique within each."""

    name: str
    codebook: Codebook
    transcripts: tuple[Transcript, ...]
    codings: tuple[Coding, ...]
    readings: tuple[Reading, ...]

    @property
    def coders(self) -> tuple[str, ...]:
        """Everybody who read at least one turn, in alphabetical order."""
        return tuple(sorted({reading.coder for reading in self.readings}))

    @property
    def segmentation(self) -> Segmentation:
        """How this study's turns become segments."""
        return natural_segmentation({item.name: item for item in self.transcripts}, self.codings)

    @property
    def codes_used(self) -> tuple[str, ...]:
        """The codes that somebody applied, in the order of the tree."""
        used = {coding.code for coding in self.codings}
        return tuple(path for path in self.codebook.paths if path in used)

    def table(
        self, *, coders: Sequence[str] | None = None, segmentation: Segmentation | None = None
    ) -> CodingTable:
        """Units x codes x coders of the transcripts that somebody read, for the codes used."""
        read = {reading.transcript for reading in self.readings}
        return CodingTable.of(
            transcripts=[item for item in self.transcripts if item.name in read],
            codings=self.codings,
            readings=self.readings,
            codes=self.codes_used,
            coders=self.coders if coders is None else coders,
            segmentation=segmentation or self.segmentation,
        )

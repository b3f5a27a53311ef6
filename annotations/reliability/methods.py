"""The methods paragraph of a reliability report, ready to paste."""

from dataclasses import dataclass

from annotations.numerals import many
from annotations.reliability.estimate import MIN_CLUSTERS, MIN_POSITIVES
from annotations.study import UNITS_ARE

UNITS = ("segment", "turn", "transcript", "character")
"""What may be compared."""

_UNIT = {
    "segment": "segments, which here are {segments}",
    "turn": "whole turns",
    "transcript": "whole transcripts (a transcript carries each code that any part of it carries)",
    "character": "characters",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Versions:
    """What a report was computed with and from; `codebook` and `data` are content hashes."""

    software: str
    model: str | None
    codebook: str
    data: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """How much was compared. `twice` counts units that two or more coders read.

    `max_words` is the length beyond which turns were cut, None where a turn is a segment.
    """

    unit: str
    level: int | None
    coders: int
    codes: int
    transcripts: int
    units: int
    twice: int
    max_words: int | None


def pieces_of(unit: str, max_words: int | None) -> str | None:
    """What segments are in this study, where they are the unit; None where another is."""
    return UNITS_ARE[max_words is None] if unit == "segment" else None


def methods_of(extent: Extent, versions: Versions, *, seed: int, gamma: int | None = None) -> str:
    """Units, measures, intervals, seed and versions, in words.

    `gamma`: with how many random rearrangements a transcript it was computed, if it was.
    """
    segments = (
        f"{UNITS_ARE[True]}, since most codings of long turns covered them whole"
        if extent.max_words is None
        else f"turns, those of more than {extent.max_words} words cut between sentences"
    )
    unit = _UNIT[extent.unit].format(segments=segments)
    level = (
        ""
        if extent.level is None
        else f" Codes below level {extent.level} of the codebook were taken for their ancestor "
        "there."
    )
    carries = (
        " A unit carried a code for a coder where a coding covered at least half of it or had at "
        "least half of its own length in it."
        if extent.unit in ("segment", "turn")
        else ""
    )
    model = (
        ""
        if versions.model is None
        else f" The model, version {versions.model}, was compared on transcripts coded without "
        "its suggestions in sight; for transcripts in its training data its coding is that of "
        "the cross-validation fold that left the transcript out."
    )
    spans = (
        ""
        if gamma is None
        else " Agreement on where codings begin and end is gamma, and on the codes of aligned "
        "codings gamma-cat (Mathet, Widlöcher & Métivier, 2015; Mathet, 2017), over transcripts, "
        f"chance from {many(gamma, 'random rearrangement')} of each."
    )
    return (
        f"Reliability was assessed on {many(extent.units, 'unit')} ({unit}) of "
        f"{many(extent.transcripts, 'transcript')}, read by {many(extent.coders, 'coder')}; "
        f"{many(extent.twice, 'unit')} had been read by two coders or more. Each of "
        f"{many(extent.codes, 'code')} in each unit was one decision, yes or no.{level}{carries} "
        "Only readings made without a model's suggestions in sight entered. We report percent "
        "agreement; positive and negative agreement (Cicchetti & Feinstein, 1990); for pairs of "
        "coders Cohen's kappa (1960); for all coders Fleiss' (1971) and Conger's (1980) kappa, "
        "Krippendorff's alpha (2011), nominal for each code and pooled, and over sets of codes "
        "with Jaccard and MASI distances (Passonneau, 2006), Gwet's AC1 (2008) and Brennan and "
        "Prediger's coefficient (1981), each with the code's prevalence and the coders' bias."
        f"{spans} "
        "Units of one transcript are not independent, so 95% intervals are delete-one-transcript "
        "jackknives with Student's t on one degree of freedom fewer than transcripts, on the "
        "atanh scale for coefficients and the logit scale for shares; the bias is a size, "
        "without an interval. No interval is given below "
        f"{MIN_CLUSTERS} transcripts or {MIN_POSITIVES} codings a coder (for a prevalence, units "
        "with the code or without it), and a coefficient that is "
        f"undefined is reported as undefined.{model} Random parts used the seed {seed}. "
        f"Computed with Second Coder {versions.software} (codebook {versions.codebook}, data "
        f"{versions.data})."
    )

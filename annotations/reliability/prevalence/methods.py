"""The methods paragraph of a report on prevalence, ready to paste."""

from collections.abc import Sequence

from annotations.numerals import form, many
from annotations.reliability.methods import Versions
from annotations.reliability.prevalence.shares import MIN_FOUND, MIN_SAMPLE
from annotations.reliability.prevalence.sums import Population

_UNIT = {
    "segments": "the share of segments",
    "words": "the share of words, those of the segments that carry it,",
    "transcripts": "the share of transcripts with at least one segment",
}
_COUNTED = {"segments": "segments", "words": "segments", "transcripts": "transcripts"}
_OF = {
    Population.THESE: "They describe these very transcripts: only the sample of them varies, with "
    "the finite-population correction.",
    Population.LIKE: "They describe the population that the transcripts are a sample of: all "
    "transcripts vary.",
}
_WHOLE = {
    Population.THESE: "",
    Population.LIKE: " (coded ones in a cell that people coded whole)",
}


def methods_of(
    *,
    whole: int,
    certain: int,
    drawn: int,
    drawn_by: Sequence[str],
    by: Sequence[str],
    allocation: str,
    unsure_of: Sequence[str] | None,
    seed: int,
    unit: str,
    of: Population,
    compared: int,
    ties: int,
    versions: Versions,
) -> str:
    """Who coded what, how the sample came about, the estimator and its interval, in words."""
    known = (
        f" {many(certain, 'transcript')} had been coded by people for certain and entered as "
        "counted."
        if certain
        else ""
    )
    more = ", and so does a transcript with ties and nothing more" if unit == "transcripts" else ""
    halves = (
        f" Ties between the readers of a segment ({many(ties, 'decision')} on a segment and a "
        f"code) count half{more}."
        if ties
        else ""
    )
    strata = (
        f"stratified by {' and '.join(drawn_by)} ({allocation} allocation)"
        if drawn_by
        else "without strata"
    )
    rising = (
        ""
        if unsure_of is None
        else " that rise with the model's doubt about how often they carry "
        f"{' and '.join(unsure_of) or 'each code'} (active statistical inference, Zrnic and "
        "Candès, 2024; a draw of fixed size by the pivotal method, Deville and Tillé, 1998; "
        "variances by Hájek, 1964)"
    )
    cells = f", by {' and '.join(by)}" if by else ""
    differences = (
        " Differences are between cells that differ in one attribute, each with a t-test; p values "
        f"are corrected for all {compared} of them by Holm (1979) and by Benjamini and Hochberg "
        "(1995)."
        if compared
        else ""
    )
    return (
        f"A model (version {versions.model}) coded {many(whole, 'transcript')}. Of those, "
        f"{drawn} {form(drawn, 'was', 'were')} drawn at random, {strata}, with known probabilities "
        f"(seed {seed}){rising}, and coded by people without the model's suggestions in sight."
        f"{known}{halves} We report {_UNIT[unit]} that carries each code{cells}: the share in the "
        "model's coding plus the mean difference between people's and the model's in the sample, "
        "weighted by inverse probabilities (the difference estimator; prediction-powered "
        "inference, Angelopoulos et al., 2023). The model's part is what it decides and what its "
        "probabilities add up to, each multiplied by a factor; the two factors, which are not "
        "negative and together at most 1, make the estimated variance least and are the same for "
        "a code in all cells. Errors of the model were estimated in each cell "
        "by its own sample, and where the two agree on all of that, the estimate is people's "
        f"alone. {_OF[of]} Transcripts are the units: 95% intervals are stratified "
        "delete-one-transcript jackknives with Student's t, on the logit scale. No interval is "
        f"given below {MIN_SAMPLE} sampled transcripts in a cell{_WHOLE[of]}, or where people "
        f"found the code in fewer than {MIN_FOUND} {_COUNTED[unit]} there, or in all but so many."
        f"{differences} Computed with Second Coder {versions.software} (codebook "
        f"{versions.codebook}, data {versions.data})."
    )

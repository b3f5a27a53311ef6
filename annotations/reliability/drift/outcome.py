"""What a look at drift found, as values."""

from collections.abc import Mapping
from dataclasses import dataclass

from annotations.reliability.drift.control_chart import ControlChart
from annotations.reliability.drift.ratios import Change
from annotations.reliability.drift.recoded import RecodedRound
from annotations.reliability.drift.texts import TextShift
from annotations.reliability.drift.trend import Trend
from annotations.reliability.estimate import Estimate
from annotations.reliability.saturation import Saturation

USE = "use"
MEANING = "meaning"
CODERS = "coders"
LEANING = "leaning"
AGREEMENT = "agreement"
MODEL = "model"
CALIBRATION = "calibration"

TITLES: Mapping[str, str] = {
    USE: "Use of codes, share of segments",
    MEANING: "Meaning of codes, mean log loss (p: with look-alikes)",
    CODERS: "Coders, share of segments on which they differ from the others",
    LEANING: "Coders by code, applied beyond the others",
    AGREEMENT: "Agreement of coders, alpha",
    MODEL: "Agreement of the model with people, alpha",
    CALIBRATION: "Calibration, mean probability beyond what was coded",
}
"""What each question is about, and in which unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaveSize:
    """How much of a wave people read without suggestions in sight."""

    name: str
    transcripts: int
    segments: int
    coders: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two waves, a change for each subject (a code, a coder, or both)."""

    before: str
    after: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question put to all pairs of waves, its p-values corrected together."""

    name: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """How well the model tells a code's segments from others in a wave (AUC).

    `like` is the code whose look-alikes show a change of meaning most; `beyond` how much oftener
    than the model expects people gave them the code (-1 to 1), use as a whole set aside.
    """

    code: str
    before: str
    after: str
    auc_before: Estimate
    auc_after: Estimate
    like: str
    beyond_before: Estimate
    beyond_after: Estimate
    beyond_difference: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """A segment that people gave the code; `score` is the model's where there is one."""

    transcript: str
    turn: int
    start: int
    end: int
    text: str
    coders: tuple[str, ...]
    score: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something that moved: `words` say what, `advice` what to do about it."""

    question: str
    subject: str
    before: str
    after: str
    words: str
    advice: str
    excerpts_before: tuple[Excerpt, ...] = ()
    excerpts_after: tuple[Excerpt, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """What coders did with one model version's suggestions; not a measure of reliability."""

    version: str
    transcripts: int
    accepted: int
    changed: int
    rejected: int
    share: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftReport:
    """Everything that was asked. `by` is wave, date or coder, `attribute` what tells waves.

    `recoded` is each coder beside their own earlier coding, where they coded old excerpts again.
    `notes` say what was left out and what could not have been seen.
    """

    study: str
    by: str
    attribute: str
    adjusted: tuple[str, ...]
    model: str | None
    waves: tuple[WaveSize, ...]
    summary: tuple[str, ...]
    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    trends: tuple[Trend, ...]
    rankings: tuple[Ranking, ...]
    charts: tuple[ControlChart, ...]
    recoded: tuple[RecodedRound, ...]
    texts: tuple[TextShift, ...]
    acceptance: tuple[Acceptance, ...]
    saturation: Saturation | None
    notes: tuple[str, ...]

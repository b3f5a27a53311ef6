"""The questions that are put to pairs of waves, and their answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from annotations.codings import CodingTable
from annotations.reliability.drift.alphas import (
    ALL_CODES,
    alphas_of_model,
    alphas_of_people,
    compare_alphas,
)
from annotations.reliability.drift.coders import (
    AgainstOthers,
    against_others,
    bias_sums,
    disagreement_sums,
)
from annotations.reliability.drift.control_chart import ControlChart, control_chart
from annotations.reliability.drift.meaning import meaning_changes
from annotations.reliability.drift.outcome import (
    AGREEMENT,
    CALIBRATION,
    CODERS,
    LEANING,
    MEANING,
    MODEL,
    USE,
    Comparison,
    Question,
    Ranking,
)
from annotations.reliability.drift.ratios import Change, Sides, compare_ratios, corrected
from annotations.reliability.drift.texts import TextShift, text_shift
from annotations.reliability.drift.trend import Trend, trends
from annotations.reliability.drift.use import use_sums
from annotations.reliability.drift.waves import Waves
from annotations.reliability.estimate import Bools, Floats, Scale


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldScores:
    """What a model said of segments in folds that left their transcript out.

    *Shapes:* `scores` and `applied` (segments, codes); `keys` are (transcript, turn, start, end).
    """

    version: str
    keys: Sequence[tuple[str, int, int, int]]
    codes: tuple[str, ...]
    scores: Floats
    applied: Bools


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The figures, before they are put into words."""

    questions: tuple[Question, ...]
    trends: tuple[Trend, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    texts: tuple[TextShift, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A blind table, the waves and strata of its transcripts, and the seed of all draws."""

    table: CodingTable
    waves: Waves
    seed: int

    def sides(self, before: str, after: str, *, adjusted: bool = False) -> Sides:
        """Two waves; in strata where the comparison is to be adjusted."""
        stratum = self.waves.stratum
        return Sides(
            before=self.waves.members(before),
            after=self.waves.members(after),
            stratum=stratum if adjusted else np.zeros_like(stratum),
        )


def use_of(asked: Asked) -> Answers:
    """Prevalence of each code by wave, adjusted where there are strata, and its trend."""
    sums = use_sums(asked.table)
    codes = asked.table.codes
    question = _question(
        USE,
        asked,
        lambda before, after: compare_ratios(
            codes, sums, asked.sides(before, after, adjusted=True), seed=asked.seed
        ),
    )
    return Answers(
        questions=(question,),
        trends=trends(codes, sums[:, :, 0], asked.waves.wave, seed=asked.seed),
    )


def coders_of(asked: Asked) -> Answers:
    """Each coder against the others, and the coders' agreement, by wave."""
    groups = len(asked.table.transcripts)
    people = [one for one in against_others(asked.table) if len(one.clusters)]
    names = [one.coder for one in people]
    found = []
    if people:
        rates = np.concatenate([disagreement_sums(one, groups) for one in people], axis=1)
        leanings = np.concatenate([bias_sums(one, groups) for one in people], axis=1)
        subjects = [f"{name}: {code}" for name in names for code in asked.table.codes]
        found = [
            _question(name, asked, partial(_beside_others, asked, who, sums, scale))
            for name, who, sums, scale in (
                (CODERS, names, rates, Scale.LOGIT),
                (LEANING, subjects, leanings, Scale.RAW),
            )
        ]
    table = asked.table
    read = table.read.sum(axis=0) > 1

    def alphas(before: str, after: str) -> tuple[Change, ...]:
        arms = [asked.waves.members(name) for name in (before, after)]
        one, two = (alphas_of_people(table, arm) for arm in arms)
        sizes = [int((read & arm[table.clusters]).sum()) for arm in arms]
        return compare_alphas((ALL_CODES, *table.codes), one, two, (sizes[0], sizes[1]))

    return Answers(questions=(*found, _question(AGREEMENT, asked, alphas)))


def model_of(asked: Asked, held: HeldScores) -> Answers:
    """Meaning of codes, agreement with the model and its calibration, by wave."""
    table = asked.table
    place = {unit.key: at for at, unit in enumerate(table.units)}
    both = [(row, place[key]) for row, key in enumerate(held.keys) if key in place]
    shared = [code for code in held.codes if code in table.codes]
    if not both or not shared:
        return Answers(questions=())
    rows, units = (np.array(side) for side in zip(*both, strict=True))
    theirs = [held.codes.index(code) for code in shared]
    truth = table.majority()[units][:, [table.codes.index(code) for code in shared]]
    scores = held.scores[rows][:, theirs].astype(np.float64)
    applied = held.applied[rows][:, theirs]
    clusters = table.clusters[units]
    groups = len(table.transcripts)
    rankings: list[Ranking] = []

    def meaning(before: str, after: str) -> tuple[Change, ...]:
        changes = meaning_changes(
            shared, scores, truth, clusters, asked.sides(before, after), seed=asked.seed
        )
        rankings.extend(
            Ranking(
                code=one.subject,
                before=before,
                after=after,
                auc_before=one.auc_before,
                auc_after=one.auc_after,
                like=one.like,
                beyond_before=one.beyond.before,
                beyond_after=one.beyond.after,
                beyond_difference=one.beyond.difference,
            )
            for one in changes
        )
        return tuple(one.loss for one in changes)

    def agreement(before: str, after: str) -> tuple[Change, ...]:
        arms = [asked.waves.members(name) for name in (before, after)]
        one, two = (
            alphas_of_model(truth, applied, clusters, groups=groups, wave=arm) for arm in arms
        )
        sizes = [int(arm[clusters].sum()) for arm in arms]
        return compare_alphas((ALL_CODES, *shared), one, two, (sizes[0], sizes[1]))

    known = (truth == 0) | (truth == 1)
    off = np.zeros((groups, 1, 1, 2))
    np.add.at(off[:, 0, 0, 0], clusters, np.where(known, scores - truth, 0.0).sum(axis=1))
    np.add.at(off[:, 0, 0, 1], clusters, known.sum(axis=1))

    def calibration(before: str, after: str) -> tuple[Change, ...]:
        return compare_ratios(
            [ALL_CODES], off, asked.sides(before, after), seed=asked.seed, scale=Scale.RAW
        )

    return Answers(
        questions=(
            _question(MEANING, asked, meaning),
            _question(MODEL, asked, agreement),
            _question(CALIBRATION, asked, calibration),
        ),
        rankings=tuple(rankings),
    )


def texts_of(
    vectors: Mapping[str, Floats], waves: Mapping[str, str], trained: frozenset[str], *, seed: int
) -> tuple[TextShift, ...]:
    """Transcripts by wave, the last against the first, and new ones against those learned from.

    `vectors` stand for transcripts; `waves` names the wave of each, first waves first.
    """
    names = list(vectors)
    rows = np.stack([vectors[name] for name in names])
    labels = [waves.get(name, "") for name in names]
    found = []
    order = [label for label in dict.fromkeys(waves.values()) if label]
    if len(order) > 1:
        found.append((order[0], order[-1], labels))
    if trained:
        sorts = ["transcripts learned from", "other transcripts"]
        found.append((sorts[0], sorts[1], [sorts[name not in trained] for name in names]))
    return tuple(
        text_shift(
            rows,
            np.array([label == before for label in marks]),
            np.array([label == after for label in marks]),
            names=(before, after),
            seed=seed,
        )
        for before, after, marks in found
    )


def chart_of(
    one: AgainstOthers, names: Sequence[str], order: Sequence[str], *, seed: int
) -> ControlChart | None:
    """A coder's control chart; `order` names transcripts in the order that they coded them."""
    number = {name: at for at, name in enumerate(order)}
    places = np.array([number.get(names[cluster], -1) for cluster in one.clusters], dtype=np.int64)
    kept = places >= 0
    return control_chart(one.coder, tuple(order), one.disagreed[kept], places[kept], seed=seed)


def _beside_others(
    asked: Asked, subjects: Sequence[str], sums: Floats, scale: Scale, before: str, after: str
) -> tuple[Change, ...]:
    return compare_ratios(
        subjects,
        sums,
        asked.sides(before, after),
        seed=asked.seed,
        scale=scale,
        what="segments that another coder read",
    )


def _question(
    name: str, asked: Asked, compare: Callable[[str, str], tuple[Change, ...]]
) -> Question:
    pairs = asked.waves.pairs
    changes = corrected([compare(before, after) for before, after in pairs])
    return Question(
        name=name,
        comparisons=tuple(
            Comparison(before=before, after=after, changes=group)
            for (before, after), group in zip(pairs, changes, strict=True)
        ),
    )

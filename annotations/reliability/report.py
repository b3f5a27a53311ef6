"""The reliability report of a study: every figure on one kind of unit, and what cannot be said."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from annotations.codebook import ancestors
from annotations.codings import MODEL_PREFIX, Coding, CodingTable, Reading
from annotations.reliability.agreement import (
    Agreement,
    CodeAgreement,
    ModelAgreement,
    ModelCoding,
    PairAgreement,
    PooledAgreement,
    agreement_of,
    people_of,
)
from annotations.reliability.anchoring import Anchoring, anchoring_of
from annotations.reliability.calibration import CalibrationFigures
from annotations.reliability.ceiling import Ceiling, ceiling_of
from annotations.reliability.coders import (
    CoderFigures,
    Confusion,
    coder_figures_of,
    confusions_of,
)
from annotations.reliability.comparison import compare_pairs
from annotations.reliability.gamma import Gamma, gamma_of
from annotations.reliability.measures import MeasuresReport, measures_of
from annotations.reliability.methods import Extent, Versions, methods_of
from annotations.reliability.notes import notes_of
from annotations.reliability.sampling import Plan, plan_of
from annotations.reliability.sets import SetAgreement, set_agreement_of
from annotations.reliability.spans import CharacterComparison
from annotations.reliability.substitution import Expertise, Substitution, substitution_of
from annotations.reliability.units import Level, Runs, Whole, depth_of, weighted_by_length
from annotations.study import Study
from annotations.transcripts import Segmentation


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelWork:
    """What a model version applied, as codings, and the `transcripts` it read for that."""

    version: str
    codings: tuple[Coding, ...]
    transcripts: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelAgreement:
    """Agreement once codes are taken for their ancestors at one level of the tree."""

    level: int
    codes: tuple[CodeAgreement, ...]
    pooled: PooledAgreement


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupSubstitution:
    """The alternative annotator test on the codes of one branch of the tree."""

    group: str
    test: Substitution


@dataclass(frozen=True, kw_only=True, slots=True)
class SubstitutionReport:
    """The test on all codes, and on each branch where there are several."""

    expertise: str
    overall: Substitution
    groups: tuple[GroupSubstitution, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityReport:
    """Everything on one kind of unit; `level` None: codes as they were applied.

    `ceiling` begins with all codes together; `calibration` is of the model's held-out
    probabilities by segment, whatever the unit. What could not be computed is None or empty, and
    `notes` say why. `methods` is a paragraph for the paper.
    """

    study: str
    unit: str
    level: int | None
    coders: tuple[str, ...]
    pairs: tuple[PairAgreement, ...]
    codes: tuple[CodeAgreement, ...]
    pooled: PooledAgreement
    model: ModelAgreement | None
    measures: MeasuresReport
    sets: SetAgreement
    by_level: tuple[LevelAgreement, ...]
    characters: tuple[CharacterComparison, ...]
    gamma: Gamma | None
    by_coder: tuple[CoderFigures, ...]
    confusion: tuple[Confusion, ...]
    ceiling: tuple[Ceiling, ...]
    substitution: SubstitutionReport | None
    anchoring: Anchoring | None
    calibration: CalibrationFigures | None
    planning: tuple[Plan, ...]
    extent: Extent
    versions: Versions
    seed: int
    methods: str
    notes: tuple[str, ...]


def report_of(
    study: Study,
    *,
    unit: str,
    versions: Versions,
    level: int | None = None,
    expertise: Expertise = Expertise.SKILLED,
    model: ModelWork | None = None,
    suggested: ModelWork | None = None,
    calibration: CalibrationFigures | None = None,
    gamma: bool = False,
    seed: int = 0,
) -> ReliabilityReport:
    """The report on one kind of `UNITS`.

    `model` is the model's own coding of transcripts that coders read without suggestions (by
    the fold that left out what it was trained on); `suggested` what was suggested to coders,
    or in blind transcripts withheld from them; `calibration` was found when it was trained.
    `gamma` takes seconds to minutes.
    """
    laid = _Laid.of(study, unit, level, [item for item in (model, suggested) if item])
    table = laid.table
    coding = None if model is None else laid.model(model)
    found: Agreement = agreement_of(table, model=coding)
    by_unit = unit != "character"
    substitution = None
    if coding is not None and by_unit:
        substitution = _substitution(table, coding, expertise)
    anchoring = None
    if suggested is not None and by_unit and table.assisted.any():
        anchoring = anchoring_of(table, laid.model(suggested), seed=seed)
    extent = _extent(table, unit, level, laid.segmentation)
    spans = _gamma(study, laid.level, seed) if gamma else None
    ceiling = () if coding is None or not by_unit else ceiling_of(table, coding)
    characters = () if by_unit else compare_pairs(study, found.coders, table.codes, laid.level)
    return ReliabilityReport(
        study=study.name,
        unit=unit,
        level=level,
        coders=found.coders,
        pairs=found.pairs,
        codes=found.codes,
        pooled=found.pooled,
        model=found.model,
        measures=measures_of(table),
        sets=set_agreement_of(table),
        by_level=_by_level(table, found, level),
        characters=characters,
        gamma=spans,
        by_coder=coder_figures_of(table),
        confusion=confusions_of(table),
        ceiling=ceiling,
        substitution=substitution,
        anchoring=anchoring,
        calibration=calibration,
        planning=plan_of(table) if unit in ("segment", "turn") else (),
        extent=extent,
        versions=versions,
        seed=seed,
        methods=methods_of(
            extent, versions, seed=seed, gamma=None if spans is None else spans.samples
        ),
        notes=notes_of(study, table, found, extent, ceiling, anchored=anchoring is not None),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Laid:
    """A study laid out in units, and how to lay out a model's work in the same."""

    study: Study
    table: CodingTable
    segmentation: Segmentation
    whole: Whole | None
    level: Level | None

    @classmethod
    def of(
        cls, study: Study, unit: str, level: int | None, works: Collection[ModelWork]
    ) -> "_Laid":
        segmentation = study.segmentation if unit == "segment" else Segmentation()
        if unit == "character":
            everything = [*study.human_codings, *(one for work in works for one in work.codings)]
            segmentation = Runs.of(everything)
        table = study.table(segmentation=segmentation)
        whole = Whole.of(table) if unit == "transcript" else None
        upward = None if level is None else Level.of(table.codes, level)
        if unit == "character":
            table = weighted_by_length(table)
        if whole is not None:
            table = whole.table(table)
        if upward is not None:
            table = upward.table(table)
        return cls(study=study, table=table, segmentation=segmentation, whole=whole, level=upward)

    def model(self, work: ModelWork) -> ModelCoding:
        """What a model applied to the table's units; it read whole transcripts."""
        coder = f"{MODEL_PREFIX}{work.version}"
        names = set(self.table.transcripts)
        transcripts = [item for item in self.study.transcripts if item.name in names]
        laid = CodingTable.of(
            transcripts=transcripts,
            codings=work.codings,
            readings=[
                Reading(transcript=item.name, turn=turn.index, coder=coder)
                for item in transcripts
                if item.name in work.transcripts
                for turn in item.turns
            ],
            codes=self.study.codes_used,
            coders=[coder],
            segmentation=self.segmentation,
        )
        found = ModelCoding(version=work.version, read=laid.read[0], applied=laid.applied[0])
        if self.whole is not None:
            found = self.whole.model(found)
        return found if self.level is None else self.level.model(found)


def _extent(table: CodingTable, unit: str, level: int | None, segmentation: Segmentation) -> Extent:
    people = people_of(table)
    readers = people.read.sum(axis=0)
    times = np.ones(len(people.units)) if people.weights is None else people.weights
    return Extent(
        unit=unit,
        level=level,
        coders=len(people.coders),
        codes=len(people.codes),
        transcripts=len(np.unique(people.clusters[readers > 0])),
        units=int(times[readers > 0].sum()),
        twice=int(times[readers > 1].sum()),
        max_words=segmentation.max_words,
    )


def _by_level(
    table: CodingTable, found: Agreement, level: int | None
) -> tuple[LevelAgreement, ...]:
    """Every level of the tree, the last being the codes as they are in the report."""
    depth = depth_of(table.codes)
    if depth < 2 or level is not None:
        return ()
    above = [
        (number, agreement_of(Level.of(table.codes, number).table(table)))
        for number in range(1, depth)
    ]
    return tuple(
        LevelAgreement(level=number, codes=one.codes, pooled=one.pooled)
        for number, one in [*above, (depth, found)]
    )


def _gamma(study: Study, level: Level | None, seed: int) -> Gamma:
    up = (lambda coding: coding) if level is None else level.coding
    return gamma_of(
        transcripts=study.transcripts,
        codings=[up(coding) for coding in study.human_codings],
        readings=study.human_readings,
        coders=study.coders,
        seed=seed,
    )


def _substitution(
    table: CodingTable, model: ModelCoding, expertise: Expertise
) -> SubstitutionReport:
    branches: dict[str, list[str]] = {}
    for code in table.codes:
        branches.setdefault((ancestors(code) or [code])[0], []).append(code)
    several = [(name, codes) for name, codes in branches.items() if len(branches) > 1]
    return SubstitutionReport(
        expertise=expertise.name.lower(),
        overall=substitution_of(table, model, expertise=expertise),
        groups=tuple(
            GroupSubstitution(
                group=name, test=substitution_of(table, model, codes=codes, expertise=expertise)
            )
            for name, codes in several
        ),
    )

"""The reliability report: coders with each other, the model with them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from annotations.codings import MODEL_PREFIX, Coding
from annotations.errors import NothingCoded, StateError, command
from annotations.numerals import any_of
from annotations.reliability.calibration import CalibrationFigures
from annotations.reliability.methods import UNITS
from annotations.reliability.report import ModelWork, ReliabilityReport, report_of
from annotations.reliability.substitution import Expertise
from annotations.reliability.units import check_level
from annotations.study import Study
from annotations.transcripts import Transcript
from models.suggestions import SegmentCodes
from service.house import House
from service.storage.records import ModelRecord
from service.storage.session import UnitOfWork
from service.workflows.codebook_notes import codebook_notes
from service.workflows.digests import digest_of, lines_of, versions_of
from service.workflows.model_codes import ModelCodes, codes_of_model
from service.workflows.model_coding import codings_of
from service.workflows.modelling import folder_of

EXPERTISE = tuple(one.name.lower() for one in Expertise)
SEED = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportMaterial:
    """What a report is computed from, as it was at one moment.

    `suggested` is what coders saw suggested, or in blind transcripts would have seen; `shown`
    are the transcripts that had suggestions in sight. `codes` are the model's in the codebook
    version read under, and `notes` what that version leaves out. `digest` changes with any.
    """

    study: Study
    record: ModelRecord | None
    suggested: ModelWork | None
    shown: frozenset[str]
    codes: ModelCodes | None
    notes: tuple[str, ...]
    digest: str


def agreement(
    house: House,
    study: str,
    *,
    unit: str = "segment",
    level: int | None = None,
    expertise: str = "skilled",
    gamma: bool = False,
    codebook: int | None = None,
) -> ReliabilityReport:
    """Agreement of the study's coders and of the model in use with them.

    Codings are read under a version of the codebook, the newest unless one is named. The model
    counts only on transcripts that were never shown with suggestions. Its coding
    of a transcript in its training data is that of the fold which left it out.
    """
    check_choices(unit, expertise)
    return report_on(
        house,
        gather(house, study, codebook),
        unit=unit,
        level=level,
        expertise=expertise,
        gamma=gamma,
    )


def check_choices(unit: str, expertise: str) -> None:
    """StateError where a unit or an expertise is named that there is not."""
    if unit not in UNITS:
        raise StateError(f"{unit!r} is no unit of agreement; choose {any_of(UNITS)}")
    if expertise not in EXPERTISE:
        raise StateError(f"{expertise!r} is no expertise of coders; choose {any_of(EXPERTISE)}")


def gather(house: House, study: str, codebook: int | None = None) -> ReportMaterial:
    """Read the study with what was suggested in it; NothingCoded where nobody coded.

    All of it under a version of the codebook, the newest unless one is named.
    """
    with house.database.reading() as work:
        whole = work.studies.load(study, codebook)
        record = work.models.active(study)
        codes = codes_of_model(work, study, record, codebook) if record else None
        notes = codebook_notes(work, study, codebook)
        shown = work.suggestions.shown_transcripts(study)
        suggested = _suggested(work, whole, record)
    if not whole.human_readings:
        raise NothingCoded(
            f"{study} has no codings, so there is no agreement to report. "
            f"Import some: {command('import', study)} PATH..."
        )
    return ReportMaterial(
        study=whole,
        record=record,
        suggested=suggested,
        shown=shown,
        codes=codes,
        notes=notes,
        digest=digest_of(
            lines_of(whole),
            [record.version if record else "", *sorted(shown), *notes],
            [] if suggested is None else sorted(map(repr, suggested.codings)),
        ),
    )


def report_on(
    house: House,
    material: ReportMaterial,
    *,
    unit: str = "segment",
    level: int | None = None,
    expertise: str = "skilled",
    gamma: bool = False,
) -> ReliabilityReport:
    """The report on what was gathered."""
    study, record = material.study, material.record
    check_level(study.name, study.codes_used, level)
    report = report_of(
        study,
        unit=unit,
        level=level,
        expertise=Expertise[expertise.upper()],
        versions=versions_of(study, record.version if record else None),
        model=None if record is None else _model_work(house, record, material),
        suggested=material.suggested,
        calibration=None if record is None else _calibration(house, record),
        gamma=gamma,
        seed=SEED,
    )
    return replace(report, notes=(*report.notes, *material.notes))


def _model_work(house: House, record: ModelRecord, material: ReportMaterial) -> ModelWork:
    """The model's own coding of every transcript that a person read without it."""
    from models.artifacts import out_of_fold

    study, shown = material.study, material.shown
    read = {reading.transcript for reading in study.human_readings}
    eligible = [item for item in study.transcripts if item.name in read - shown]
    held_out = out_of_fold(folder_of(house, record.version))
    trained = {one.transcript for one in held_out}
    fresh = [item for item in eligible if item.name not in trained]
    decisions = [*held_out, *_decisions(house, record, fresh)]
    if material.codes is not None:
        decisions = [material.codes.decided(one) for one in decisions]
    return ModelWork(
        version=record.version,
        codings=tuple(codings_of(decisions, record.version)),
        transcripts=frozenset(item.name for item in eligible),
    )


def _calibration(house: House, record: ModelRecord) -> CalibrationFigures:
    from models.report import read_report

    return read_report(folder_of(house, record.version)).calibration


def _decisions(
    house: House, record: ModelRecord, transcripts: list[Transcript]
) -> Iterable[SegmentCodes]:
    """The model's decisions on transcripts that it did not learn from."""
    if not transcripts:
        return ()
    from models.suggester import Suggester

    suggester = Suggester.load(folder_of(house, record.version), encoder_cache=house.cache)
    return suggester.decisions(transcripts)


def _suggested(work: UnitOfWork, study: Study, record: ModelRecord | None) -> ModelWork | None:
    """What was suggested in the transcripts that went to Label Studio, seen or withheld."""
    used: dict[str, str] = {}
    if record is not None:
        looked = work.suggestions.looked_at(study.name, version=record.version)
        blind = {one.transcript for one in work.label_studio.tasks(study.name) if one.blind}
        used = dict.fromkeys(sorted(blind & looked), record.version)
    used |= work.suggestions.shown_versions(study.name)
    if not used:
        return None
    label = ", ".join(sorted(set(used.values())))
    found = work.suggestions.of_many(study.name, used, codebook=study.codebook_version)
    return ModelWork(
        version=label,
        codings=tuple(
            Coding(
                transcript=name,
                turn=one.suggestion.turn,
                start=one.suggestion.start,
                end=one.suggestion.end,
                code=one.suggestion.code,
                coder=f"{MODEL_PREFIX}{label}",
            )
            for name, suggestions in found.items()
            for one in suggestions
        ),
        transcripts=frozenset(used),
    )

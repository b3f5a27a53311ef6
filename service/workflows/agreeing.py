"""The agreement report: coders with each other, the model with them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from annotations.codings import MODEL_PREFIX, Coding, CodingTable, Reading
from annotations.errors import StateError
from annotations.reliability.agreement import (
    Agreement,
    CodeAgreement,
    ModelAgreement,
    ModelCoding,
    PairAgreement,
    PooledAgreement,
    agreement_of,
)
from annotations.study import Study
from annotations.transcripts import Segmentation, Transcript
from service.house import House
from service.storage.records import ModelRecord
from service.workflows.modelling import folder_of

UNITS = ("segment", "turn")


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreementReport:
    """Agreement on one kind of unit; `notes` say what was left out and why."""

    study: str
    unit: str
    coders: tuple[str, ...]
    pairs: tuple[PairAgreement, ...]
    codes: tuple[CodeAgreement, ...]
    pooled: PooledAgreement
    model: ModelAgreement | None
    notes: tuple[str, ...]


def agreement(house: House, study: str, *, unit: str = "segment") -> AgreementReport:
    """Agreement of the study's coders and of the model in use with them.

    The model counts only on transcripts that were never shown with suggestions. Its coding
    of a transcript in its training data is that of the fold which left it out.
    """
    if unit not in UNITS:
        raise StateError(f"{unit!r} is no unit of agreement; choose {' or '.join(UNITS)}")
    with house.database.reading() as work:
        whole = work.studies.load(study)
        record = work.models.active(study)
        shown = work.suggestions.shown_transcripts(study)
    if not whole.human_readings:
        raise StateError(
            f"{study} has no codings, so there is no agreement to report. "
            f"Import some: second-coder import {study} PATH..."
        )
    table = whole.table(segmentation=Segmentation() if unit == "turn" else None)
    model = None if record is None else _model_coding(house, record, whole, table, set(shown))
    found: Agreement = agreement_of(table, model=model)
    return AgreementReport(
        study=study,
        unit=unit,
        coders=found.coders,
        pairs=found.pairs,
        codes=found.codes,
        pooled=found.pooled,
        model=found.model,
        notes=_notes(table),
    )


def _model_coding(
    house: House, record: ModelRecord, whole: Study, table: CodingTable, shown: set[str]
) -> ModelCoding:
    """Lay the model's codings over the units, as any coder's."""
    from models.artifacts import out_of_fold

    coder = f"{MODEL_PREFIX}{record.version}"
    eligible = {name: None for name in table.transcripts if name not in shown}
    codings: list[Coding] = []
    held_out = out_of_fold(folder_of(house, record.version))
    trained = {one.transcript for one in held_out}
    for one in held_out:
        codings.extend(
            Coding(
                transcript=one.transcript,
                turn=one.turn,
                start=one.start,
                end=one.end,
                code=code,
                coder=coder,
            )
            for code in one.codes
        )
    fresh = [item for item in whole.transcripts if item.name in eligible.keys() - trained]
    codings.extend(_fresh_codings(house, record, fresh, coder))
    laid = CodingTable.of(
        transcripts=[item for item in whole.transcripts if item.name in set(table.transcripts)],
        codings=codings,
        readings=_readings(whole.transcripts, eligible, coder),
        codes=table.codes,
        coders=[coder],
        segmentation=Segmentation()
        if all(unit.start == 0 for unit in table.units)
        else whole.segmentation,
    )
    return ModelCoding(version=record.version, read=laid.read[0], applied=laid.applied[0])


def _fresh_codings(
    house: House, record: ModelRecord, transcripts: list[Transcript], coder: str
) -> list[Coding]:
    """The model's decisions on transcripts that it did not learn from."""
    if not transcripts:
        return []
    from models.suggester import Suggester

    suggester = Suggester.load(folder_of(house, record.version), encoder_cache=house.cache)
    return [
        Coding(
            transcript=one.transcript,
            turn=one.turn,
            start=one.start,
            end=one.end,
            code=code,
            coder=coder,
        )
        for one in suggester.decisions(transcripts)
        for code in one.codes
    ]


def _readings(transcripts: Iterable[Transcript], names: Iterable[str], coder: str) -> list[Reading]:
    wanted = set(names)
    return [
        Reading(transcript=item.name, turn=turn.index, coder=coder)
        for item in transcripts
        if item.name in wanted
        for turn in item.turns
    ]


def _notes(table: CodingTable) -> tuple[str, ...]:
    notes = []
    if assisted := int(np.unique(table.clusters[table.assisted.any(axis=0)]).size):
        notes.append(
            f"{assisted} transcripts were coded with suggestions in sight; those readings are "
            "left out of every figure here."
        )
    return tuple(notes)

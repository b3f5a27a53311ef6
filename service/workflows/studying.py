"""Look at studies: what is in them, by whom, and what became of the suggestions."""

from dataclasses import dataclass
from datetime import datetime

from annotations.codebook_versions.history import State
from service.house import House
from service.storage.records import CoderSummary, DecisionCounts, DecisionRecord, Unread
from service.workflows.modelling import ModelLine, list_models


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyLine:
    """A study in one line; `coded` counts transcripts that a person read. People alone count."""

    study: str
    transcripts: int
    coded: int
    coders: int
    codes: int
    codings: int
    model: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyView:
    """A study in full; `blind` are the transcripts whose suggestions are withheld.

    The turns of `interviewers` are context and no segments, unless `code_interviewer`.
    `codings` and `coders` are people's; `model_codings` came in with files, by models.
    `unread` counts codings that the codebook's newest version leaves out.
    """

    study: str
    created_at: datetime
    transcripts: int
    coded: int
    turns: int
    words: int
    interviewers: tuple[str, ...]
    code_interviewer: bool
    codes: int
    codings: int
    model_codings: int
    coders: tuple[CoderSummary, ...]
    models: tuple[ModelLine, ...]
    decisions: tuple[DecisionCounts, ...]
    blind: tuple[str, ...]
    codebook_version: int
    unread: Unread


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeLine:
    """A code of the codebook with its number of codings and of transcripts they are in."""

    code: str
    name: str
    parent: str | None
    level: int
    definition: str
    include: str
    exclude: str
    examples: tuple[str, ...]
    codings: int
    transcripts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebookView:
    """The codebook in the order of the tree; `retired` are paths of codes applied no more."""

    study: str
    declared: bool
    codes: tuple[CodeLine, ...]
    version: int
    retired: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionsView:
    """What coders did with suggestions, per code and one by one."""

    study: str
    codes: tuple[DecisionCounts, ...]
    decisions: tuple[DecisionRecord, ...]


def list_studies(house: House) -> tuple[StudyLine, ...]:
    """Every study, in alphabetical order."""
    with house.database.reading() as work:
        found = [work.studies.summary(name) for name in work.studies.names()]
    return tuple(
        StudyLine(
            study=one.name,
            transcripts=one.transcripts,
            coded=one.coded,
            coders=len(one.coders),
            codes=one.codes,
            codings=one.codings,
            model=one.active_model,
        )
        for one in found
    )


def show_study(house: House, study: str) -> StudyView:
    """One study with its coders, models and decisions; NotFound lists the studies there are."""
    with house.database.reading() as work:
        found = work.studies.summary(study)
        decisions = work.label_studio.decision_counts(study)
        blind = tuple(link.transcript for link in work.label_studio.tasks(study) if link.blind)
    return StudyView(
        study=found.name,
        created_at=found.created_at,
        transcripts=found.transcripts,
        coded=found.coded,
        turns=found.turns,
        words=found.words,
        interviewers=found.interviewers,
        code_interviewer=found.code_interviewer,
        codes=found.codes,
        codings=found.codings,
        model_codings=found.model_codings,
        coders=found.coders,
        models=list_models(house, study),
        decisions=decisions,
        blind=blind,
        codebook_version=found.codebook_version,
        unread=found.unread,
    )


def show_codebook(house: House, study: str) -> CodebookView:
    """The codes with their definitions and how often people applied them."""
    with house.database.reading() as work:
        declared = work.studies.codebook(study).declared
        found = work.studies.codes(study)
        version = work.codebooks.current(study)
    return CodebookView(
        study=study,
        declared=declared,
        codes=tuple(
            CodeLine(
                code=one.code.path,
                name=one.code.name,
                parent=one.code.parent,
                level=one.code.level,
                definition=one.code.definition,
                include=one.code.include,
                exclude=one.code.exclude,
                examples=one.code.examples,
                codings=one.codings,
                transcripts=one.transcripts,
            )
            for one in found
        ),
        version=version.number,
        retired=tuple(one.path for one in version.codes if one.state is State.RETIRED),
    )


def list_decisions(house: House, study: str) -> DecisionsView:
    """Every decision on a suggestion, and their counts by code."""
    with house.database.reading() as work:
        return DecisionsView(
            study=study,
            codes=work.label_studio.decision_counts(study),
            decisions=work.label_studio.decisions(study),
        )

"""Which transcripts to code next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotations.blind import in_blind_sample
from annotations.errors import command
from annotations.numerals import form, many
from annotations.study import Study
from annotations.transcripts import Transcript
from service.house import House
from service.storage.records import ModelRecord
from service.workflows.model_codes import ModelCodes, codes_of_model
from service.workflows.modelling import folder_of
from service.workflows.training import Progress

if TYPE_CHECKING:
    from models.suggester import TranscriptLook
    from training.select import Candidate, Ranked


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommended:
    """Uncoded transcripts in the order in which to code them, and those left out of it.

    `uncoded` were ranked, `blind` are the uncoded transcripts of the blind sample and those that
    were drawn: they are never chosen. `attributes` make up the cells of the sample.
    """

    study: str
    model_version: str | None
    attributes: tuple[str, ...]
    uncoded: int
    transcripts: "tuple[Ranked, ...]"
    blind: tuple[str, ...]
    notes: tuple[str, ...]


def recommend(
    house: House,
    study: str,
    *,
    top: int | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Recommended:
    """Rank what nobody has coded by use to the model in use and by what the sample lacks.

    Without a model, by what the sample lacks alone. What is returned is noted as recommended:
    coded for its use, it is no part of a probability sample.
    """
    from training.select import rank, sample_attributes

    with house.database.reading() as work:
        whole = work.studies.load(study)
        record = work.models.active(study)
        known = codes_of_model(work, study, record) if record else None
        connection = work.label_studio.connection(study)
        blind = {link.transcript for link in work.label_studio.tasks(study) if link.blind}
        tasks = {link.transcript for link in work.label_studio.tasks(study)}
        blind |= work.draws.drawn(study)
    read = whole.begun
    uncoded = [item for item in whole.transcripts if item.name not in read]
    if connection is not None:
        # What is not pushed yet is drawn when it is.
        blind |= {
            item.name
            for item in uncoded
            if item.name not in tasks
            and in_blind_sample(item.name, share=connection.blind_share, seed=connection.seed)
        }
    open_ = [item for item in uncoded if item.name not in blind]
    coded = [item for item in whole.transcripts if item.name in read]
    attributes = sample_attributes([item.attributes for item in whole.transcripts])
    looks = looks_at(house, record, [*open_, *coded], progress) if open_ and record else {}
    learned = learned_codes(record, known)
    ranked = rank(
        [_candidate(item, looks.get(item.name), attributes, learned) for item in open_],
        codes=[one.code for one in learned],
        support=[one.support for one in learned],
        coded_vectors=[looks[item.name].vector for item in coded if item.name in looks],
        coded_cells=[_cell(item, attributes) for item in coded],
        top=top,
    )
    if ranked:
        with house.database.unit_of_work() as work:
            work.recommendations.add(study, [one.transcript for one in ranked])
            work.commit()
    withheld = tuple(item.name for item in uncoded if item.name in blind)
    return Recommended(
        study=study,
        model_version=record.version if record else None,
        attributes=attributes,
        uncoded=len(open_),
        transcripts=ranked,
        blind=withheld,
        notes=_notes(whole, record, len(open_), len(withheld)),
    )


def looks_at(
    house: House, record: ModelRecord, transcripts: Sequence[Transcript], progress: Progress
) -> "Mapping[str, TranscriptLook]":
    """What a model makes of each transcript, by name."""
    from models.suggester import Suggester

    suggester = Suggester.load(folder_of(house, record.version), encoder_cache=house.cache)
    found = {}
    for done, item in enumerate(transcripts):
        progress("reading", done, len(transcripts))
        found[item.name] = suggester.look(item)
    progress("reading", len(transcripts), len(transcripts))
    return found


def _candidate(
    item: Transcript,
    look: "TranscriptLook | None",
    attributes: Sequence[str],
    learned: "Sequence[LearnedCode]",
) -> "Candidate":
    from training.select import Candidate, uncertainty_of

    return Candidate(
        name=item.name,
        uncertainty=None
        if look is None
        else uncertainty_of(look.probabilities[:, [one.column for one in learned]]),
        vector=None if look is None else look.vector,
        cell=_cell(item, attributes),
    )


def _cell(item: Transcript, attributes: Sequence[str]) -> tuple[str, ...]:
    return tuple(item.attributes.get(name, "") for name in attributes)


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedCode:
    """A code as it is called now, its column in the model, the segments that taught it."""

    code: str
    column: int
    support: int


def learned_codes(record: ModelRecord | None, known: ModelCodes | None) -> tuple[LearnedCode, ...]:
    """What the model may be unsure of; of a code that is retired nobody wants to know more."""
    if record is None or known is None:
        return ()
    named = [
        (known.called(str(one["code"])), column, int(one["support"]))
        for column, one in enumerate(record.figures["codes"])
    ]
    return tuple(
        LearnedCode(code=code, column=column, support=support)
        for code, column, support in named
        if code is not None
    )


def _notes(whole: Study, record: ModelRecord | None, uncoded: int, blind: int) -> tuple[str, ...]:
    notes = []
    if record is None and uncoded:
        notes.append(
            f"{whole.name} has no model yet, so what the sample lacks decides alone: "
            f"{command('train', whole.name)}"
        )
    if uncoded:
        notes.append(
            "Chosen for their use, these are no random sample: they are noted as recommended, and "
            "estimates of how common a code is should leave them out."
        )
    if blind:
        notes.append(
            f"{many(blind, 'transcript')} of the blind sample {form(blind, 'is', 'are')} uncoded "
            "and not ranked: chosen by use, it would no longer be a "
            "random sample. Code all of it, in any order."
        )
    if not uncoded and not blind:
        notes.append(f"Every transcript of {whole.name} is coded.")
    return tuple(notes)

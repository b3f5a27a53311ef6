"""From the coded part of a study to all of it: how common each code is, and what that takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotations.drawing import Member
from annotations.errors import StateError, command
from annotations.numerals import any_of, form, many
from annotations.reliability.prevalence.extent import (
    UNITS,
    Frame,
    check_attributes,
    frame_of,
    stratum_of,
)
from annotations.reliability.prevalence.lacking import Lacking
from annotations.reliability.prevalence.odds import OddsReport, design_of, odds_of
from annotations.reliability.prevalence.report import Origin, PrevalenceReport, prevalence_of
from annotations.reliability.prevalence.sums import Population
from annotations.reliability.prevalence.tuning import Tuning
from annotations.reliability.units import Level, check_level
from annotations.study import Study
from service.house import House
from service.storage.records import DrawRecord, ModelRecord
from service.workflows.codebook_notes import codebook_notes
from service.workflows.digests import digest_of, lines_of, versions_of
from service.workflows.draw_requests import as_asked
from service.workflows.model_coding import code_all
from service.workflows.modelling import folder_of
from service.workflows.training import Progress

POPULATIONS = tuple(one.value for one in Population)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtensionMaterial:
    """What a report on prevalence is computed from; `digest` changes with any of it."""

    study: Study
    draw: DrawRecord
    model: ModelRecord
    left_out: int
    about_codebook: tuple[str, ...]
    digest: str


def prevalence(
    house: House,
    study: str,
    *,
    by: Sequence[str] = (),
    unit: str = "segments",
    of: str = Population.THESE.value,
    model: str | None = None,
    level: int | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> PrevalenceReport:
    """How common each code is, by attributes, from the model's coding and the drawn sample.

    Of `segments`, `words` or `transcripts`; `of` says whether these interviews are meant or the
    people that they are a sample of. The model is `model`, else the one that was in use when the
    sample was drawn, else the one in use. With a `level` of the tree, a segment carries a code of
    that level where it carries any below it. Raises StateError where no sample was drawn.
    """
    check_choices(unit, of)
    found = gather(house, study, model=model)
    return report_on(house, found, by=by, unit=unit, of=of, level=level, progress=progress)


def odds(
    house: House,
    study: str,
    *,
    on: Sequence[str],
    unit: str = "segments",
    of: str = Population.THESE.value,
    model: str | None = None,
    level: int | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> OddsReport:
    """Odds ratios of each code by attributes, from the same material as `prevalence`.

    Raises StateError also where a drawn transcript is not coded: the ratios need all of them.
    """
    check_choices(unit, of)
    if unit == "words":
        raise StateError("odds are of segments or transcripts; words of a segment go together")
    if not on:
        raise StateError("name the attributes to compare, such as --on trust,group")
    found = gather(house, study, model=model)
    check_attributes(found.study.transcripts, on)
    frame = frame_for(
        house, found.study, found.draw.members, found.model, unit, progress, level=level
    )
    lacking = Lacking.of(frame)
    if lacking.number:
        all_of = f"of the transcripts drawn of {study}"
        listed = f" This lists them: {command(*as_asked(study, found.draw))}"
        raise StateError(
            f"{lacking.words(study, all_of)}, and {lacking.why}.{listed if lacking.uncoded else ''}"
        )
    placed = [stratum_of(item, on) for item in frame.transcripts]
    cells = [np.array([one == values for one in placed]) for values in sorted(set(placed))]
    population = Population(of)
    design = design_of(placed, on)
    follows = design.follows(np.ones(len(placed), dtype=np.bool_))
    if follows is not None:
        raise StateError(
            f"The other attributes of {', '.join(on)} decide who has {follows.attribute} "
            f"{follows.value or 'not given'}, so that what each says of a code cannot be told "
            "apart. Leave one of them out of --on, or import the values that are not given."
        )
    return OddsReport(
        study=study,
        unit=unit,
        of=of,
        on=tuple(on),
        transcripts=len(frame.members),
        coded=int(frame.sums.coded.sum()),
        ratios=odds_of(
            frame.sums,
            design,
            tuning=Tuning.of(frame.sums, cells),
            of=population,
        ),
        versions=versions_of(found.study, found.model.version),
        seed=found.draw.seed,
        notes=tuple(_notes(house, found, frame, level)),
    )


def check_choices(unit: str, of: str) -> None:
    """StateError where a unit or a population is named that there is not."""
    if unit not in UNITS:
        raise StateError(f"{unit!r} is no unit of prevalence; choose {any_of(UNITS)}")
    if of not in POPULATIONS:
        raise StateError(f"{of!r} is nothing to estimate for; choose {any_of(POPULATIONS)}")


def gather(house: House, study: str, *, model: str | None = None) -> ExtensionMaterial:
    """Read the study with its newest draw."""
    with house.database.reading() as work:
        whole = work.studies.load(study)
        draws = work.draws.list(study)
        models = {one.version: one for one in work.models.list(study)}
        active = work.models.active(study)
        about_codebook = codebook_notes(work, study)
    if not draws:
        raise StateError(
            f"{study} has no probability sample: transcripts that somebody chose to code do not "
            "speak for the others. Draw some, and have people code them: "
            f"{command('sample', study, '--size')} N"
        )
    if model is not None and model not in models:
        raise StateError(
            f"{study} has no model {model!r}. List its models: {command('models', study)}"
        )
    record = models.get(model or draws[-1].version or "", active)
    if record is None:
        raise StateError(f"{study} has no model yet. Make one: {command('train', study)}")
    members = {one.transcript for one in draws[-1].members}
    return ExtensionMaterial(
        study=whole,
        draw=draws[-1],
        model=record,
        left_out=sum(item.name not in members for item in whole.transcripts),
        about_codebook=about_codebook,
        digest=digest_of(
            lines_of(whole),
            about_codebook,
            [record.version, draws[-1].created_at.isoformat()],
            sorted([item.name, sorted(item.attributes.items())] for item in whole.transcripts),
        ),
    )


def report_on(
    house: House,
    material: ExtensionMaterial,
    *,
    by: Sequence[str],
    unit: str,
    of: str,
    level: int | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> PrevalenceReport:
    """The report on what was gathered."""
    study, draw = material.study, material.draw
    check_attributes(study.transcripts, by)
    frame = frame_for(house, study, draw.members, material.model, unit, progress, level=level)
    return prevalence_of(
        study.name,
        frame,
        by=by,
        unit=unit,
        of=Population(of),
        origin=Origin(
            seed=draw.seed,
            drawn_by=draw.by,
            allocation=draw.allocation,
            unsure_of=draw.unsure_of,
            versions=versions_of(study, material.model.version),
            notes=tuple(_notes(house, material, frame, level)),
        ),
    )


def frame_for(
    house: House,
    study: Study,
    members: Sequence[Member],
    record: ModelRecord,
    unit: str,
    progress: Progress,
    *,
    level: int | None = None,
) -> Frame:
    """What people and a model coded in transcripts, and how those were drawn."""
    names = {one.transcript for one in members}
    transcripts = [item for item in study.transcripts if item.name in names]
    check_level(study.name, study.codes_used, level)
    model = code_all(house, study.name, record, transcripts, progress=progress)
    if level is not None:
        upward = Level.of(study.codes_used, level)
        study = replace(study, codings=tuple(map(upward.coding, study.codings)))
        model = model.renamed(upward.code)
    return frame_of(
        study,
        members,
        codes=study.codes_used,
        model=model,
        unit=unit,
    )


def _notes(house: House, material: ExtensionMaterial, frame: Frame, level: int | None) -> list[str]:
    from models.artifacts import out_of_fold

    notes = []
    if level is not None:
        notes.append(
            f"codes are those of level {level} of the tree: a segment carries one where it carries "
            "any below it"
        )
    if material.left_out:
        notes.append(
            f"{many(material.left_out, 'transcript')} could not be drawn, having come in later or "
            "been shown with suggestions: the figures do not speak for "
            f"{form(material.left_out, 'it', 'them')}"
        )
    learned = {one.transcript for one in out_of_fold(folder_of(house, material.model.version))}
    taught = sum(
        one.drawn and one.probability < 1 and one.transcript in learned for one in frame.members
    )
    if taught:
        notes.append(
            f"model {material.model.version} has learned from {many(taught, 'transcript')} of the "
            f"sample; its coding of {form(taught, 'it', 'those')} is by the fold that left "
            f"{form(taught, 'it', 'them')} out, of the others by all. The "
            "model that was in use at the draw has no such difference"
        )
    return [*notes, *material.about_codebook]

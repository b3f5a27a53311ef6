"""Drift: what changed between waves without anybody deciding it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from annotations.codings import CodingTable
from annotations.errors import StateError, command
from annotations.reliability.agreement import people_of
from annotations.reliability.drift.answers import (
    Answers,
    Asked,
    chart_of,
    coders_of,
    model_of,
    use_of,
)
from annotations.reliability.drift.coders import against_others
from annotations.reliability.drift.control_chart import ControlChart
from annotations.reliability.drift.findings import findings_of
from annotations.reliability.drift.notes import notes_of, summary_of
from annotations.reliability.drift.outcome import Acceptance, DriftReport, WaveSize
from annotations.reliability.drift.recoded import RecodedRound
from annotations.reliability.drift.texts import TextShift
from annotations.reliability.drift.waves import (
    MIN_A_WAVE,
    Waves,
    waves_by_attribute,
    waves_by_halves,
)
from annotations.reliability.estimate import Scale, jackknife, leave_one_out
from annotations.reliability.saturation import saturation_of_people
from annotations.study import Study
from annotations.transcripts import Transcript
from service.house import House
from service.storage.records import DecisionRecord, ModelRecord, RecodeDraw
from service.workflows.codebook_notes import codebook_notes
from service.workflows.digests import digest_of, lines_of
from service.workflows.drift_model import (
    DriftModel,
    model_notes,
    open_model,
    scores_by_segment,
    text_shifts,
)
from service.workflows.model_codes import ModelCodes, codes_of_model
from service.workflows.recoded import draws_back, rounds_of

WAVE, DATE, CODER, CODEBOOK = "wave", "date", "coder", "codebook"
WAYS = (WAVE, DATE, CODER, CODEBOOK)
SEED = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftMaterial:
    """What a report on drift is computed from, as it was at one moment.

    `study` is read under version `codebook`, the newest where that is None; `today` is read
    under the newest, in whose names `draws`, what was coded again, are kept. `versions`: those
    that transcripts were read under. `digest` changes with any.
    """

    study: Study
    today: Study
    codebook: int | None
    record: ModelRecord | None
    codes: ModelCodes | None
    decisions: tuple[DecisionRecord, ...]
    versions: Mapping[str, int]
    draws: tuple[RecodeDraw, ...]
    about_codebook: tuple[str, ...]
    digest: str


def drift(
    house: House,
    study: str,
    *,
    by: str = WAVE,
    attribute: str | None = None,
    adjust: Sequence[str] = (),
    codebook: int | None = None,
) -> DriftReport:
    """Compare waves of a study, on what people read without suggestions in sight.

    `by` wave: the values of the attribute (`wave` unless named) are waves; date: the earlier
    and the later half by an attribute with ISO dates (`date`); coder: waves again, of which
    only the coders are asked about; codebook: the version of the codebook under which most of a
    transcript was read. Codings are read under version `codebook`, the newest unless one is
    named. `adjust` names attributes that comparisons of use hold constant. Raises NotFound for
    an unknown study or version, StateError where there are no two waves or an attribute is not
    there.
    """
    check_choices(by, attribute)
    return report_on(
        house, gather(house, study, codebook), by=by, attribute=attribute, adjust=adjust
    )


def check_choices(by: str, attribute: str | None) -> None:
    """StateError where a way to tell waves is named that there is not."""
    if by not in WAYS:
        raise StateError(f"--by {by}: there is no such way; choose {', '.join(WAYS)}")
    if by == CODEBOOK and attribute is not None:
        raise StateError(
            "--by codebook takes no --attribute: versions of the codebook are the waves"
        )


def gather(house: House, study: str, codebook: int | None = None) -> DriftMaterial:
    """Read the study with all that its report needs; StateError where nobody coded."""
    with house.database.reading() as work:
        whole = work.studies.load(study, codebook)
        today = whole if codebook is None else work.studies.load(study)
        record = work.models.active(study)
        decisions = work.label_studio.decisions(study)
        versions = work.codebooks.versions_read(study)
        codes = None if record is None else codes_of_model(work, study, record, codebook)
        about_codebook = codebook_notes(work, study, codebook)
        draws = draws_back(work, study)
    if not whole.human_readings:
        raise StateError(
            f"nobody has coded {study} yet, so there is nothing to compare. "
            f"Import some: {command('import', study)} PATH..."
        )
    return DriftMaterial(
        study=whole,
        today=today,
        codebook=codebook,
        record=record,
        codes=codes,
        decisions=decisions,
        versions=versions,
        draws=draws,
        about_codebook=about_codebook,
        digest=digest_of(
            lines_of(whole),
            # Waves are told by attributes, and the order of coding by times.
            sorted([item.name, sorted(item.attributes.items())] for item in whole.transcripts),
            sorted(map(repr, whole.human_codings)),
            [] if today is whole else lines_of(today),
            [record.version if record else "", repr(codes), *whole.codebook.paths],
            map(repr, decisions),
            sorted(versions.items()),
            map(repr, draws),
            about_codebook,
        ),
    )


def report_on(
    house: House,
    material: DriftMaterial,
    *,
    by: str,
    attribute: str | None,
    adjust: Sequence[str],
) -> DriftReport:
    """The report on what was gathered."""
    name = CODEBOOK if by == CODEBOOK else attribute or (DATE if by == DATE else WAVE)
    whole, record = material.study, material.record
    if by == CODEBOOK:
        whole = _with_versions(whole, material.versions)
    people = people_of(whole.table())
    there = set(people.transcripts)
    read = [item for item in whole.transcripts if item.name in there]
    waves = _waves(whole, read, by, name, adjust)
    sizes = _sizes(people, waves)
    model = None
    if record is not None and by != CODER:
        model = open_model(house, record, whole, material.codes)
    answers = _answers(Asked(table=people, waves=waves, seed=SEED), by, model)
    questions = tuple(one for part in answers for one in part.questions)
    rankings = tuple(one for part in answers for one in part.rankings)
    scores = {} if model is None else scores_by_segment(model.held)
    findings = findings_of(whole.name, questions, rankings, people, waves, scores)
    texts = _texts(whole, model, by, name)
    charts = _charts(people, whole)
    recoded = rounds_of(material.today, material.draws)
    return DriftReport(
        study=whole.name,
        by=by,
        attribute=name,
        adjusted=tuple(adjust),
        model=None if record is None else record.version,
        waves=sizes,
        summary=summary_of(whole.name, questions, findings, texts, charts, sizes, recoded),
        findings=findings,
        questions=questions,
        trends=tuple(one for part in answers for one in part.trends),
        rankings=rankings,
        charts=charts,
        recoded=recoded,
        texts=texts,
        acceptance=_acceptance(material.decisions),
        saturation=None if by == CODER else saturation_of_people(people, whole.human_codings),
        notes=(
            *material.about_codebook,
            *_recoded_today(recoded, material.codebook),
            *model_notes(whole.name, model),
            *notes_of(
                questions,
                sizes,
                assisted=sum(reading.assisted for reading in whole.human_readings),
                without=_without_wave(people, waves),
                attribute=name,
                model=model is not None or by == CODER,
            ),
        ),
    )


def _waves(
    study: Study, transcripts: Sequence[Transcript], by: str, name: str, adjust: Sequence[str]
) -> Waves:
    known = {key for item in study.transcripts for key in item.attributes}
    for wanted in (name, *adjust):
        if wanted not in known:
            raise StateError(
                f"no transcript of {study.name} has the attribute {wanted!r}; they have "
                f"{', '.join(sorted(known)) or 'none'}. Name another with --attribute, or import "
                "a table of attributes."
            )
    make = waves_by_halves if by == DATE else waves_by_attribute
    waves = make(transcripts, name, adjust=adjust)
    if by == DATE:
        _check_dates(study, name)
    if len(waves.names) < 2:
        raise StateError(
            f"the transcripts of {study.name} that were read without suggestions have "
            f"{'one value' if waves.names else 'no value'} of {name!r}; a comparison needs two."
            + (f" See {command('matrix', study.name, '--by', name)}" if by in (WAVE, CODER) else "")
        )
    return waves


def _check_dates(study: Study, name: str) -> None:
    for item in study.transcripts:
        value = item.attributes.get(name, "").strip()
        try:
            if value:
                datetime.fromisoformat(value)
        except ValueError:
            raise StateError(
                f"{item.name} has {name} {value!r}, which is no date like 2026-03-31. Mend it in "
                "the table of attributes and import it again."
            ) from None


def _with_versions(study: Study, versions: Mapping[str, int]) -> Study:
    """The study whose transcripts have the codebook version that they were read under."""
    return replace(
        study,
        transcripts=tuple(
            replace(item, attributes={**item.attributes, CODEBOOK: str(versions[item.name])})
            if item.name in versions
            else item
            for item in study.transcripts
        ),
    )


def _answers(asked: Asked, by: str, model: DriftModel | None) -> tuple[Answers, ...]:
    if by == CODER:
        return (coders_of(asked),)
    told = () if model is None else (model_of(asked, model.held),)
    return (use_of(asked), *told, coders_of(asked))


def _texts(study: Study, model: DriftModel | None, by: str, name: str) -> tuple[TextShift, ...]:
    """Of all transcripts, read or not: the model looked at every one."""
    if model is None:
        return ()
    return text_shifts(model, _waves(study, study.transcripts, by, name, ()), study, seed=SEED)


def _without_wave(people: CodingTable, waves: Waves) -> list[str]:
    return [name for name, wave in zip(people.transcripts, waves.wave, strict=True) if wave < 0]


def _charts(people: CodingTable, study: Study) -> tuple[ControlChart, ...]:
    """A chart for each coder, the transcripts in the order in which the coder coded them."""
    first: dict[tuple[str, str], datetime] = {}
    for coding in study.human_codings:
        if coding.coded_at is not None:
            key = (coding.coder, coding.transcript)
            first[key] = min(first.get(key, coding.coded_at), coding.coded_at)
    charts = []
    for one in against_others(people):
        own = {name: moment for (coder, name), moment in first.items() if coder == one.coder}
        chart = chart_of(one, people.transcripts, sorted(own, key=lambda at: own[at]), seed=SEED)
        if chart is not None:
            charts.append(chart)
    return tuple(charts)


def _sizes(people: CodingTable, waves: Waves) -> tuple[WaveSize, ...]:
    sizes = []
    for name in waves.names:
        inside = waves.members(name)[people.clusters]
        read = people.read & inside
        sizes.append(
            WaveSize(
                name=name,
                transcripts=len(np.unique(people.clusters[read.any(axis=0)])),
                segments=int(read.any(axis=0).sum()),
                coders=tuple(people.coders[at] for at in np.flatnonzero(read.any(axis=1))),
            )
        )
    return tuple(sizes)


def _acceptance(decisions: Sequence[DecisionRecord]) -> tuple[Acceptance, ...]:
    """By model version, the share of shown suggestions that were kept as they were."""
    versions: dict[str, dict[str, dict[str, int]]] = {}
    for one in decisions:
        if one.model_version and one.kind != "added":
            counts = versions.setdefault(one.model_version, {}).setdefault(
                one.transcript, {"accepted": 0, "changed": 0, "rejected": 0}
            )
            counts[str(one.kind)] += 1
    found = []
    for version, transcripts in versions.items():
        kinds = np.array([list(one.values()) for one in transcripts.values()], dtype=np.float64)
        total = kinds.sum(axis=1)
        (share,) = jackknife(
            leave_one_out(
                np.stack([kinds[:, 0], total], axis=-1)[:, np.newaxis],
                lambda part: part[..., 0] / part[..., 1],
                used=total[:, np.newaxis] > 0,
            ),
            scale=Scale.LOGIT,
            n=[int(total.sum())],
            min_clusters=MIN_A_WAVE,
        )
        accepted, changed, rejected = (int(one) for one in kinds.sum(axis=0))
        found.append(
            Acceptance(
                version=version,
                transcripts=len(transcripts),
                accepted=accepted,
                changed=changed,
                rejected=rejected,
                share=share,
            )
        )
    return tuple(found)


def _recoded_today(recoded: Sequence[RecodedRound], codebook: int | None) -> tuple[str, ...]:
    if not recoded or codebook is None:
        return ()
    return ("What coders coded again is compared under the newest version of the codebook.",)

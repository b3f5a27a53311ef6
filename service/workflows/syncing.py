"""Annotations back from Label Studio: codings, readings, and decisions on suggestions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from annotations.codings import Coding, Reading
from annotations.decisions import Decision, ShownSpan, decide
from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import Region, decode
from annotations.study import units_changed
from annotations.transcripts import Transcript
from service.house import House
from service.label_studio.adjudication import AgreedCoding, agreed_codings
from service.label_studio.client import Client
from service.label_studio.records import Annotation
from service.storage.records import AnnotationRecord, StoredSuggestion, TaskLink
from service.workflows.choosing import take_choices
from service.workflows.labelling import client_of, config_of, connection_of, known_labels
from service.workflows.recoded import Taken, take_recodings
from service.workflows.training import Progress

_TOGETHER = 50
"""Annotations that are stored at once: others wait to write meanwhile, so not too many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """What a synchronisation found; `notes` say what could not be taken over and why.

    `changed` counts annotations that are new or different, `skipped` those that a coder
    skipped, which say nothing about any suggestion. `chosen` counts choices after a split,
    `recoded` old excerpts that were coded again, which are no codings of the study.
    """

    study: str
    annotations: int
    changed: int
    removed: int
    skipped: int
    chosen: int
    recoded: int
    notes: tuple[str, ...]


def sync(
    house: House,
    study: str,
    *,
    annotation_ids: Sequence[int] | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Synced:
    """Fetch annotations from Label Studio and bring codings and decisions up to date.

    With `annotation_ids`, these alone, as a webhook hinted; an id that is gone, or belongs to
    another project, is removed here. Without, all, the adjudicated ones too: what is not there
    any more is removed.
    """
    with house.database.reading() as work:
        connection = connection_of(work, study)
        before = work.studies.load(study)
        links = {link.task_id: link for link in work.label_studio.tasks(study)}
        codes = known_labels(work, study)
        shown = work.suggestions.shown_versions(study)
        mirrored = set(work.label_studio.annotation_ids(study))
    client = client_of(connection)
    config = config_of(client, connection, codes)
    progress("fetching annotations", 0, len(annotation_ids or ()))
    agreed: tuple[AgreedCoding, ...] = ()
    chosen = 0
    again = Taken(changed=0, notes=())
    if annotation_ids is None:
        found = list(client.annotations(connection.project_id))
        agreed = agreed_codings(client, connection.project_id, codes)
        chosen = take_choices(house, study, client, connection)
        again = take_recodings(house, study, client, codes)
        gone = mirrored - {one.id for one in found} - {one.annotation.id for one in agreed}
    else:
        looked = {number: client.annotation(number) for number in annotation_ids}
        found = [one for one in looked.values() if one and one.project == connection.project_id]
        gone = mirrored & (looked.keys() - {one.id for one in found})
    wanted = None
    if annotation_ids is not None:
        wanted = {links[one.task].transcript for one in found if one.task in links}
    with house.database.reading() as work:
        transcripts = {item.name: item for item in work.studies.transcripts(study, wanted)}
    versions = _Versions(client, connection.project_id, links.values())
    notes = list(again.notes)
    mirrors: list[_Mirror] = []
    for one in found:
        link = links.get(one.task)
        if link is None:
            notes.append(
                f"task {one.task} was not pushed from here: its annotation {one.id} is left alone"
            )
            continue
        mirror = _mirror(
            one,
            transcripts[link.transcript],
            config,
            shown_version=versions.of(one.parent_prediction) or shown.get(link.transcript),
        )
        notes.extend(f"annotation {one.id}: {message}" for message in mirror.refused)
        mirrors.append(mirror)
    for one_agreed in agreed:
        transcript = transcripts.get(one_agreed.transcript)
        if transcript is None:
            notes.append(f"{one_agreed.transcript!r} was adjudicated and is not in {study}")
            continue
        mirror = _mirror(one_agreed.annotation, transcript, one_agreed.config, shown_version=None)
        notes.extend(f"adjudication of {transcript.name}: {why}" for why in mirror.refused)
        mirrors.append(mirror)
    changed = 0
    for start in range(0, len(mirrors), _TOGETHER):
        some = mirrors[start : start + _TOGETHER]
        changed += _store(house, study, some)
        progress("storing annotations", start + len(some), len(mirrors))
    removed = 0
    if gone:
        with house.database.unit_of_work() as work:
            removed = work.label_studio.remove_annotations(study, sorted(gone))
            work.commit()
    if changed or removed or chosen:
        with house.database.reading() as work:
            units = units_changed(before, work.studies.load(study))
        if units is not None:
            notes.append(units)
    return Synced(
        study=study,
        annotations=len(found) + len(agreed),
        changed=changed,
        removed=removed,
        skipped=sum(one.was_cancelled for one in [*found, *(one.annotation for one in agreed)]),
        chosen=chosen,
        recoded=again.changed,
        notes=tuple(notes),
    )


def mirrored(
    house: House, study: str, annotation: Annotation, transcript: Transcript, config: LabelConfig
) -> None:
    """Mirror one annotation as it is, with what its coder had seen when it was mirrored last."""
    with house.database.reading() as work:
        before = work.label_studio.annotation(study, annotation.id)
        shown = (
            before.shown_version
            if before is not None
            else work.suggestions.shown_versions(study).get(transcript.name)
        )
    _store(house, study, [_mirror(annotation, transcript, config, shown_version=shown)])


class _Versions:
    """Which model version a prediction was of; Label Studio is asked at most once."""

    def __init__(self, client: Client, project: int, links: Iterable[TaskLink]) -> None:
        self._client, self._project = client, project
        self._known = {
            link.prediction_id: link.pushed_version for link in links if link.prediction_id
        }
        self._asked = False

    def of(self, prediction: int | None) -> str | None:
        if prediction is None:
            return None
        if prediction not in self._known and not self._asked:
            self._asked = True
            for one in self._client.predictions(self._project):
                self._known.setdefault(one.id, one.model_version)
        return self._known.get(prediction)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mirror:
    """An annotation as this study understands it."""

    record: AnnotationRecord
    codings: tuple[Coding, ...]
    readings: tuple[Reading, ...]
    regions: tuple[Region, ...]
    refused: tuple[str, ...]


def _mirror(
    annotation: Annotation,
    transcript: Transcript,
    config: LabelConfig,
    *,
    shown_version: str | None,
) -> _Mirror:
    """Read an annotation. A submitted one says that its coder read the whole transcript.

    A coder who started from an empty page had the suggestions before them all the same.
    """
    record = AnnotationRecord(
        annotation_id=annotation.id,
        task_id=annotation.task,
        transcript=transcript.name,
        coder=annotation.coder,
        created_at=annotation.created_at,
        updated_at=annotation.updated_at,
        cancelled=annotation.was_cancelled,
        assisted=shown_version is not None,
        parent_prediction=annotation.parent_prediction,
        shown_version=shown_version,
        result=annotation.result,
        lead_time=annotation.lead_time,
    )
    if annotation.was_cancelled:
        return _Mirror(record=record, codings=(), readings=(), regions=(), refused=())
    decoded = decode([dict(item) for item in annotation.result], transcript, config)
    return _Mirror(
        record=record,
        codings=tuple(
            Coding(
                transcript=transcript.name,
                turn=region.turn,
                start=region.start,
                end=region.end,
                code=code,
                coder=annotation.coder,
                coded_at=annotation.updated_at,
                memo=region.memo,
            )
            for region in decoded.regions
            for code in region.codes
        ),
        readings=tuple(
            Reading(
                transcript=transcript.name,
                turn=turn.index,
                coder=annotation.coder,
                assisted=record.assisted,
            )
            for turn in transcript.turns
        ),
        regions=decoded.regions,
        refused=decoded.refused,
    )


def _store(house: House, study: str, mirrors: Sequence[_Mirror]) -> int:
    """Keep them with their decisions, all in one; how many changed anything."""
    changed = 0
    with house.database.unit_of_work() as work:
        history = work.codebooks.history(study)
        for mirror in mirrors:
            record = mirror.record
            # An annotation with a code that is new makes a version.
            history = work.codebooks.history(study, history)
            decisions: tuple[Decision, ...] = ()
            if record.shown_version is not None and not record.cancelled:
                shown = work.suggestions.of(
                    study,
                    version=record.shown_version,
                    transcript=record.transcript,
                    known=history,
                )
                decisions = decide(_shown_spans(shown, mirror.regions), mirror.regions)
            outcome = work.label_studio.replace_annotation(
                study,
                record,
                codings=mirror.codings,
                readings=mirror.readings,
                decisions=decisions,
                known=history,
            )
            changed += outcome.is_news
        work.commit()
    return changed


def _shown_spans(
    shown: Sequence[StoredSuggestion], regions: Sequence[Region]
) -> Iterable[ShownSpan]:
    """What was shown, in the codes of today's labels.

    A code that was split since counts as the part that the coder made of it.
    """
    for one in shown:
        place = one.suggestion
        code = place.code
        if one.options:
            parts = (
                part
                for region in regions
                if region.turn == place.turn and region.start < place.end
                if region.end > place.start
                for part in region.codes
                if part in one.options
            )
            code = next(parts, code)
        yield ShownSpan(
            region=one.region_id or "",
            turn=place.turn,
            start=place.start,
            end=place.end,
            code=code,
        )

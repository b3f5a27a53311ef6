"""Label Studio follows the codebook: labels, regions and suggestions, and edits made there.

Every step leaves a state from which the next attempt goes on. First the labels are widened to
old and new ones, then regions are relabelled one annotation at a time, each mirrored before and
after; then the labels are narrowed to those that are needed. A process that dies in between has
lost nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotations.codebook_versions.history import CodebookHistory
from annotations.codebook_versions.reading import Choice, CodebookMap
from annotations.errors import StateError, command
from annotations.formats.label_config import LabelConfig
from annotations.formats.relabelling import edits_between, relabelled_config, relabelled_result
from annotations.formats.results import Json, UnreadableRegion, spans_of
from annotations.transcripts import Transcript
from service.house import House
from service.label_studio.client import Client
from service.label_studio.records import Annotation, Project
from service.storage.records import Connection
from service.workflows.labelling import (
    client_of,
    connection_of,
    kept_labels,
    known_labels,
    note_config,
    proposed_labels,
)
from service.workflows.syncing import mirrored
from service.workflows.training import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """What was done in Label Studio so that it has the codebook of `version`.

    `proposals` counts edits found in the labels there, which wait to be decided on.
    """

    study: str
    version: int
    annotations: int
    predictions: int
    relabelled: bool
    proposals: int


def follow(
    house: House,
    study: str,
    *,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Followed:
    """Bring labels, annotations and predictions in Label Studio to the newest codebook.

    Doing it again changes nothing. Edits that somebody made to the labels there are proposed
    (`codebook proposals`) before anything is written over them; while such are open, the labels
    that they added stay.
    """
    with house.database.reading() as work:
        connection = connection_of(work, study)
        history = work.codebooks.history(study)
    client = client_of(connection)
    project = _project(client, connection)
    found = _propose(house, study, connection, project)
    target = history.current.number
    annotations = predictions = 0
    behind = connection.labels_version != target
    if behind:
        project = _write_config(house, study, client, project, wide=True)
    if behind or _chosen(house, study):
        annotations = _relabel_annotations(house, study, client, connection, history, progress)
    if behind:
        predictions = _relabel_predictions(house, study, client, connection)
    before = project.label_config
    if behind or not found.open:
        project = _write_config(house, study, client, project, wide=False)
    with house.database.unit_of_work() as work:
        work.label_studio.change_connection(study, labels_version=target)
        work.commit()
    return Followed(
        study=study,
        version=target,
        annotations=annotations,
        predictions=predictions,
        relabelled=behind or project.label_config != before,
        proposals=found.new,
    )


def follow_if_connected(
    house: House,
    study: str,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Followed | None:
    """The same for a study that may have no project; None where it has none."""
    with house.database.reading() as work:
        if work.label_studio.connection(study) is None:
            return None
    return follow(house, study, progress=progress)


def _project(client: Client, connection: Connection) -> Project:
    project = client.project(connection.project_id)
    if project is None:
        raise StateError(
            f"Project {connection.project_id} is gone from {connection.url}. Make it again: "
            f"{command('label-studio', 'connect', connection.study)} --url ... --token ..."
        )
    return project


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """Edits in the project's labels: how many are new, and whether any waits for a decision."""

    new: int
    open: bool


def _propose(house: House, study: str, connection: Connection, project: Project) -> _Found:
    """Keep what somebody changed in the labels since they were written from here."""
    with house.database.unit_of_work() as work:
        new = 0
        written = connection.label_config
        if written is not None and not connection.wrote(project.label_config):
            edits = edits_between(written, project.label_config, work.studies.codebook(study))
            new = work.codebooks.propose(study, edits)
        waiting = bool(work.codebooks.proposals(study))
        work.commit()
    # Seen, so that what is declined is not found again.
    note_config(house, study, written=project.label_config)
    return _Found(new=new, open=waiting)


def _write_config(
    house: House, study: str, client: Client, project: Project, *, wide: bool
) -> Project:
    """Write the labels into the project; `wide` has every label that a version ever had."""
    with house.database.reading() as work:
        codebook = work.studies.codebook(study)
        former = work.codebooks.former_names(study)
        kept = former if wide else kept_labels(work, study)
        proposed = proposed_labels(work, study)
        known = known_labels(work, study)
    wanted = relabelled_config(project.label_config, codebook, {**proposed, **kept}, known)
    if not wide and not client.accepts_config(project.id, wanted):
        # A draft or a page that is open somewhere has an old label still.
        wanted = relabelled_config(project.label_config, codebook, {**proposed, **former}, known)
    if wanted.strip() != project.label_config.strip():
        # Noted before it is written: Label Studio tells of the change at once, and whoever
        # looks then must not take it for somebody else's.
        note_config(house, study, writing=wanted)
        project = client.update_project(project.id, {"label_config": wanted})
    note_config(house, study, written=project.label_config)
    return project


def _chosen(house: House, study: str) -> bool:
    """Whether somebody chose for a coding that came in an annotation."""
    with house.database.reading() as work:
        return any(
            one.coding.choices and one.coding.annotation is not None
            for one in work.codebooks.record(study)
        )


def _relabel_annotations(
    house: House,
    study: str,
    client: Client,
    connection: Connection,
    history: CodebookHistory,
    progress: Progress,
) -> int:
    """Relabel the regions of every annotation; how many annotations changed."""
    with house.database.reading() as work:
        links = {link.task_id: link.transcript for link in work.label_studio.tasks(study)}
        transcripts = {item.name: item for item in work.studies.transcripts(study)}
        known = known_labels(work, study)
    config = LabelConfig.parse(_project(client, connection).label_config, known)
    found = [one for one in client.annotations(connection.project_id) if one.task in links]
    changed = 0
    for number, listed in enumerate(found, start=1):
        progress("relabelling annotations", number, len(found))
        transcript = transcripts[links[listed.task]]
        wanted = _relabelled(house, study, listed, transcript, history)
        if wanted is None:
            continue
        # As it is at this moment, and in the record before it is changed.
        latest = client.annotation(listed.id)
        if latest is None:
            continue
        mirrored(house, study, latest, transcript, config)
        wanted = _relabelled(house, study, latest, transcript, history)
        if wanted is None:
            continue
        after = client.update_annotation(latest.id, wanted)
        if after is not None:
            mirrored(house, study, after, transcript, config)
        changed += 1
    return changed


def _relabelled(
    house: House,
    study: str,
    annotation: Annotation,
    transcript: Transcript,
    history: CodebookHistory,
) -> Sequence[Json] | None:
    """The regions with the labels of the newest codebook; None where they have them."""
    read = CodebookMap(history, history.current.number)
    with house.database.reading() as work:
        choices = work.codebooks.choices_in(study, annotation.id)

    def labels_for(item: Json, path: str) -> Sequence[str]:
        bearer = history.bearer(path, at=annotation.updated_at)
        if bearer is None:
            return (path,)
        made = _choices_at(item, transcript, bearer.code, choices)
        fate = read.read(bearer.code, bearer.version, made)
        if not fate.codes or fate.options:
            return (path,)
        return [history.current.by_id[code].path for code in fate.codes]

    return relabelled_result([dict(item) for item in annotation.result], labels_for)


def _choices_at(
    item: Json,
    transcript: Transcript,
    code: int,
    choices: Mapping[tuple[int, int, int, int], tuple[Choice, ...]],
) -> tuple[Choice, ...]:
    """The choices for a code on a region; none where its turns were chosen for differently."""
    try:
        spans = spans_of(item, transcript)
    except UnreadableRegion:
        return ()
    made = {choices.get((span.turn, span.start, span.end, code), ()) for span in spans}
    return next(iter(made)) if len(made) == 1 else ()


def _relabel_predictions(house: House, study: str, client: Client, connection: Connection) -> int:
    """Relabel what is suggested; a region whose code is silent now goes. How many changed."""
    with house.database.reading() as work:
        links = {link.task_id: link.transcript for link in work.label_studio.tasks(study)}
    changed = 0
    for one in client.predictions(connection.project_id):
        if one.task not in links:
            continue
        with house.database.reading() as work:
            stored = work.suggestions.of(
                study, version=one.model_version, transcript=links[one.task]
            )
        now = {
            item.region_id: None if item.silent else item.suggestion.code
            for item in stored
            if item.region_id
        }
        regions = [item for item in one.result if now.get(str(item.get("id")), "") is not None]

        def labels_for(item: Json, path: str, now: Mapping[str, str | None] = now) -> Sequence[str]:
            return (now.get(str(item.get("id"))) or path,)

        wanted = relabelled_result([dict(item) for item in regions], labels_for)
        if wanted is not None or len(regions) != len(one.result):
            client.update_prediction(one.id, wanted if wanted is not None else regions)
            changed += 1
    return changed

"""A study's connection to Label Studio: make it, find it, check it."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import SecretStr

from annotations.codebook_versions.operations import Add, Move, Rename
from annotations.errors import InputError, StateError, command
from annotations.formats.label_config import LabelConfig, label_config_for
from annotations.formats.relabelling import edits_between, path_after, relabelled_config
from annotations.numerals import many
from service.house import House
from service.label_studio import connecting
from service.label_studio.client import Client
from service.label_studio.connecting import ServiceAddress
from service.label_studio.doctor import diagnose
from service.label_studio.records import Finding
from service.settings import ml_password
from service.storage.records import Connection
from service.storage.session import UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectedStudy:
    """A study's project in Label Studio."""

    study: str
    project_id: int
    project_url: str
    created: bool
    backend_id: int | None
    webhook_id: int | None


def connect(
    house: House,
    study: str,
    *,
    url: str,
    token: str,
    ml_url: str | None = None,
    blind: float | None = None,
    coders: int | None = None,
) -> ConnectedStudy:
    """Make the project with its labels, backend and webhook; a second call changes nothing.

    `coders` is how many are to code each transcript, None to leave that as it is.
    `ml_url` is where Label Studio finds this service, which must be running by then.
    """
    with house.database.reading() as work:
        known = work.label_studio.connection(study)
        annotations = len(work.label_studio.annotation_ids(study))
        version = work.codebooks.current(study).number
    client = Client(url=url, token=token)
    if known is not None and known.url != client.url and not _moved(client, known):
        if annotations:
            raise StateError(
                f"{study} has {many(annotations, 'annotation')} from project {known.project_id} at "
                f"{known.url}, which is not at {client.url}; the next sync would take them for "
                f"deleted. Connect to {known.url}, or import the project's JSON export into a "
                "study of another name and connect that."
            )
        known = None
    known_share = known.blind_share if known else house.settings.blind
    secret = known.webhook_secret if known else SecretStr(secrets.token_urlsafe(32))
    made = connecting.connect(
        client,
        title=study,
        label_config=_label_config(house, study, client, known),
        project_id=known.project_id if known else None,
        annotations_per_task=coders,
        service=None if ml_url is None else _address(house, study, ml_url, secret),
    )
    with house.database.unit_of_work() as work:
        if made.created:
            work.label_studio.forget_tasks(study)
        work.label_studio.save_connection(
            Connection(
                study=study,
                url=client.url,
                token=SecretStr(token),
                project_id=made.project.id,
                ml_url=ml_url,
                webhook_id=made.webhook_id,
                webhook_secret=secret,
                blind_share=blind if blind is not None else known_share,
                seed=known.seed if known else 0,
                labels_version=version if made.created or not known else known.labels_version,
                label_config=made.project.label_config,
            )
        )
        work.commit()
    return ConnectedStudy(
        study=study,
        project_id=made.project.id,
        project_url=made.project_url,
        created=made.created,
        backend_id=made.backend_id,
        webhook_id=made.webhook_id,
    )


def known_labels(work: UnitOfWork, study: str) -> tuple[str, ...]:
    """Every path that a label may stand for: those of today, and what codes were called once."""
    return (*work.studies.codebook(study).paths, *work.codebooks.former_names(study))


def kept_labels(work: UnitOfWork, study: str) -> dict[str, str]:
    """Old labels that annotations have to keep, with what became of each.

    Those of retired codes, and of split ones until a coder has chosen.
    """
    former = work.codebooks.former_names(study)
    kept = {
        one.coding.code
        for one in work.codebooks.record(study)
        if one.coding.annotation is not None and (one.fate.options or not one.fate.codes)
    }
    return {
        code.path: former[code.path]
        for version in work.codebooks.history(study).versions
        for code in version.codes
        if code.id in kept and code.path in former
    }


def proposed_labels(work: UnitOfWork, study: str) -> dict[str, str]:
    """Labels that somebody gave the project, and that wait for a decision."""
    labels: dict[str, str] = {}
    paths = work.studies.codebook(study).paths
    for one in work.codebooks.proposals(study):
        if isinstance(one.operation, Add):
            labels[one.operation.code.path] = "added in Label Studio, not decided on yet"
        elif isinstance(one.operation, Rename | Move):
            done = "renamed" if isinstance(one.operation, Rename) else "moved"
            for path in paths:
                if (now := path_after(path, [one.operation])) != path:
                    labels[now] = f"{done} in Label Studio, not decided on yet"
    return labels


def _label_config(house: House, study: str, client: Client, known: Connection | None) -> str:
    """The labels to write: the codebook's, in the project's own config where it has one.

    Until annotations have followed the codebook, the labels that they have are among them.
    """
    project = None if known is None else client.project(known.project_id)
    with house.database.unit_of_work() as work:
        codebook = work.studies.codebook(study)
        behind = known is not None and known.labels_version != work.codebooks.current(study).number
        kept = work.codebooks.former_names(study) if behind else kept_labels(work, study)
        labels = known_labels(work, study)
        kept = {**proposed_labels(work, study), **kept}
        written = known.label_config if known else None
        if project and known and written and not known.wrote(project.label_config):
            # What somebody changed there is not written over unseen.
            work.codebooks.propose(study, edits_between(written, project.label_config, codebook))
            work.commit()
            kept = {**proposed_labels(work, study), **kept}
    wanted = label_config_for(codebook, kept)
    if project is not None:
        with suppress(InputError):
            wanted = relabelled_config(project.label_config, codebook, kept, labels)
        note_config(house, study, writing=wanted)
    return wanted


def note_config(
    house: House, study: str, *, writing: str | None = None, written: str | None = None
) -> None:
    """Note the labels that are about to be written, or that were."""
    with house.database.unit_of_work() as work:
        work.label_studio.change_connection(study, label_config_next=writing)
        if written is not None:
            work.label_studio.change_connection(study, label_config=written)
        work.commit()


def _moved(client: Client, known: Connection) -> bool:
    """Whether the study's project is in this Label Studio too: the same one, at a new address."""
    found = client.project(known.project_id)
    return found is not None and found.title == connecting.title_of(known.study)


def connection_of(work: UnitOfWork, study: str) -> Connection:
    """The study's connection; StateError where it has none."""
    work.studies.codebook(study)
    connection = work.label_studio.connection(study)
    if connection is None:
        raise StateError(
            f"{study} is not connected to Label Studio. Connect it: "
            f"{command('label-studio', 'connect', study)} --url URL --token TOKEN"
        )
    return connection


def client_of(connection: Connection) -> Client:
    """A client for the study's Label Studio."""
    return Client(url=connection.url, token=connection.token.get_secret_value())


def config_of(client: Client, connection: Connection, codes: Sequence[str]) -> LabelConfig:
    """The project's labels as they are now; StateError where the project is gone."""
    project = client.project(connection.project_id)
    if project is None:
        raise StateError(
            f"Project {connection.project_id} is gone from {connection.url}. Make it again: "
            f"{command('label-studio', 'connect', connection.study)} --url ... --token ..."
        )
    return LabelConfig.parse(project.label_config, codes)


def doctor(house: House, study: str) -> tuple[Finding, ...]:
    """Check the connection for every known trap."""
    with house.database.reading() as work:
        connection = connection_of(work, study)
        codebook = work.studies.codebook(study)
        active = work.models.active(study)
        links = work.label_studio.tasks(study)
    version = active.version if active else None
    return diagnose(
        client_of(connection),
        project=connection.project_id,
        codes=codebook.paths,
        version=version,
        service=None
        if connection.ml_url is None
        else _address(house, study, connection.ml_url, connection.webhook_secret),
        tasks=[link.task_id for link in links if version and link.pushed_version == version],
        blind=[link.task_id for link in links if link.blind],
    )


def _address(house: House, study: str, ml_url: str, secret: SecretStr) -> ServiceAddress:
    return ServiceAddress(
        url=f"{ml_url.rstrip('/')}/ml/{quote(study, safe='')}",
        user=house.settings.ml_user,
        password=ml_password(house.settings).get_secret_value(),
        secret=secret.get_secret_value(),
    )

"""A study's connection to Label Studio: make it, find it, check it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import SecretStr

from annotations.errors import StateError, command
from annotations.formats.label_config import LabelConfig, label_config_for
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
        codebook = work.studies.codebook(study)
        known = work.label_studio.connection(study)
        annotations = len(work.label_studio.annotation_ids(study))
    client = Client(url=url, token=token)
    if known is not None and known.url != client.url and not _moved(client, known):
        if annotations:
            raise StateError(
                f"{study} has {annotations} annotations from project {known.project_id} at "
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
        label_config=label_config_for(codebook),
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

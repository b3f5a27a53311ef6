"""Promises about the project, the model connection and the webhook."""

from collections.abc import Callable

import httpx
import pytest

from annotations.codebook import Codebook
from annotations.errors import ExternalError
from annotations.formats.label_config import label_config_for
from service.label_studio.client import Client
from service.label_studio.connecting import EVENTS, ServiceAddress, connect
from service.label_studio.server import LocalLabelStudio, free_port

pytestmark = pytest.mark.integration


@pytest.fixture
def xml(codebook: Codebook) -> str:
    return label_config_for(codebook)


def titles(client: Client) -> list[str]:
    return [project.title for project in client._sdk.projects.list()]


def test_a_project_shows_suggestions_and_takes_empty_annotations(client: Client, xml: str) -> None:
    made = connect(client, title="A study", label_config=xml)
    assert made.created
    assert made.project.show_predictions
    assert made.project.allow_empty
    assert made.project.label_config.strip() == xml.strip()
    assert (made.backend_id, made.webhook_id) == (None, None)


@pytest.mark.parametrize("study", ["x", "a study whose name goes on and on " * 3])
def test_any_name_of_a_study_makes_a_project(client: Client, xml: str, study: str) -> None:
    assert connect(client, title=study, label_config=xml).project.title


def test_there_is_one_webhook_and_it_carries_the_secret(
    client: Client, service: ServiceAddress, xml: str
) -> None:
    made = connect(client, title="A study", label_config=xml, service=service)
    (hook,) = client.webhooks(made.project.id)
    assert hook.id == made.webhook_id
    assert hook.url == f"{service.url}/webhook"
    assert hook.headers == {"X-Second-Coder-Secret": "s3cret"}
    assert hook.actions == EVENTS
    assert not hook.all_actions


def test_the_connection_logs_in_and_leaves_the_shown_version_open(
    client: Client, service: ServiceAddress, xml: str
) -> None:
    made = connect(client, title="A study", label_config=xml, service=service)
    (backend,) = client.backends(made.project.id)
    assert backend.connected
    assert backend.basic_auth
    assert not backend.is_interactive
    assert made.project.model_version == ""


def test_a_second_connect_makes_nothing_new(
    client: Client, service: ServiceAddress, xml: str
) -> None:
    first = connect(client, title="A study", label_config=xml, service=service)
    before = titles(client)
    again = connect(
        client, title="A study", label_config=xml, service=service, project_id=first.project.id
    )
    assert not again.created
    assert (again.project, again.backend_id, again.webhook_id) == (
        first.project,
        first.backend_id,
        first.webhook_id,
    )
    assert titles(client) == before
    assert len(client.webhooks(first.project.id)) == 1
    assert len(client.backends(first.project.id)) == 1


def test_a_second_connect_mends_the_webhook_and_removes_doubles(
    client: Client, service: ServiceAddress, xml: str
) -> None:
    made = connect(client, title="A study", label_config=xml, service=service)
    assert made.webhook_id is not None
    client.update_webhook(made.webhook_id, {"url": service.webhook_url, "headers": {}})
    client.create_webhook(made.project.id, {"url": service.webhook_url})
    connect(client, title="A study", label_config=xml, service=service, project_id=made.project.id)
    (hook,) = client.webhooks(made.project.id)
    assert hook.headers == {"X-Second-Coder-Secret": "s3cret"}
    assert hook.actions == EVENTS


def test_a_service_that_moved_leaves_no_old_connection(
    client: Client, service: ServiceAddress, xml: str
) -> None:
    old = ServiceAddress(
        url=service.url.replace("a-study", "old"), user="user", password="word", secret="old"
    )
    made = connect(client, title="A study", label_config=xml, service=old)
    connect(client, title="A study", label_config=xml, service=service, project_id=made.project.id)
    assert [item.url for item in client.backends(made.project.id)] == [service.url]
    assert [hook.url for hook in client.webhooks(made.project.id)] == [service.webhook_url]


def test_other_webhooks_of_the_project_are_left_alone(
    client: Client, service: ServiceAddress, xml: str
) -> None:
    made = connect(client, title="A study", label_config=xml)
    theirs = client.create_webhook(made.project.id, {"url": "http://127.0.0.1:9/theirs"})
    connect(client, title="A study", label_config=xml, service=service, project_id=made.project.id)
    assert theirs in client.webhooks(made.project.id)
    assert len(client.webhooks(made.project.id)) == 2


def test_new_codes_reach_the_labels_of_the_project(client: Client, xml: str) -> None:
    made = connect(client, title="A study", label_config=xml)
    more = xml.replace("</ParagraphLabels>", '<Label value="Hope"/></ParagraphLabels>')
    again = connect(client, title="A study", label_config=more, project_id=made.project.id)
    assert "Hope" in again.project.label_config


def test_a_project_that_was_deleted_is_made_again(client: Client, xml: str) -> None:
    made = connect(client, title="A study", label_config=xml)
    client.delete_project(made.project.id)
    again = connect(client, title="A study", label_config=xml, project_id=made.project.id)
    assert again.created
    assert again.project.id != made.project.id


def test_a_service_that_is_down_leaves_nothing_half_made(client: Client, xml: str) -> None:
    nobody = ServiceAddress(
        url=f"http://127.0.0.1:{free_port()}", user="user", password="word", secret="s"
    )
    before = titles(client)
    with pytest.raises(ExternalError, match="second-coder serve"):
        connect(client, title="A study", label_config=xml, service=nobody)
    assert titles(client) == before


def test_a_service_that_does_not_let_label_studio_in_is_named_as_such(
    client: Client, service: ServiceAddress, xml: str
) -> None:
    stranger = ServiceAddress(url=service.url, user="user", password="other", secret="s")
    with pytest.raises(ExternalError, match="not let in"):
        connect(client, title="A study", label_config=xml, service=stranger)


def test_a_label_config_that_label_studio_refuses_says_why(client: Client) -> None:
    with pytest.raises(ExternalError, match="label_config"):
        connect(client, title="A study", label_config="<View></View")


@pytest.mark.parametrize("strict", ["SSRF_PROTECTION_ENABLED", "ML_BLOCK_LOCAL_IP"])
def test_the_addresses_that_label_studio_refuses_by_default_are_explained(
    new_label_studio: Callable[..., LocalLabelStudio],
    service: ServiceAddress,
    xml: str,
    strict: str,
) -> None:
    with new_label_studio(**{strict: "true"}) as server:
        client = Client(url=server.url, token=server.token)
        with pytest.raises(ExternalError, match=f"{strict}=false"):
            connect(client, title="A study", label_config=xml, service=service)
        assert titles(client) == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:{free}", "cannot be reached"),
        ("{label_studio}", "token is not accepted"),
        ("{label_studio}/nowhere", "web page"),
        ("127.0.0.1:8080", "not the address of a Label Studio"),
    ],
)
def test_a_wrong_address_or_token_says_what_to_do_and_not_the_token(
    label_studio: LocalLabelStudio, url: str, says: str
) -> None:
    address = url.format(free=free_port(), label_studio=label_studio.url)
    with pytest.raises(ExternalError, match=says) as raised:
        Client(url=address, token="t0psecret").server()
    assert "t0psecret" not in str(raised.value)


# The SDK parses a fresh token with a method that pydantic has renamed.
@pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated")
def test_a_personal_access_token_serves_too(label_studio: LocalLabelStudio) -> None:
    made = httpx.post(
        f"{label_studio.url}/api/token/",
        headers={"Authorization": f"Token {label_studio.token}"},
    )
    client = Client(url=label_studio.url, token=made.json()["token"])
    assert client.server().user == label_studio.email
    assert not client.legacy_token

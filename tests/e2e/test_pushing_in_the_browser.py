"""A lead works with Label Studio from the pages of the service: all parts are real."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from service.label_studio.client import Client
from service.label_studio.server import LocalLabelStudio

if TYPE_CHECKING:
    SecondCoder = Any

pytestmark = pytest.mark.e2e


@pytest.fixture
def client(label_studio: LocalLabelStudio) -> Client:
    return Client(url=label_studio.url, token=label_studio.token)


def connected(second_coder: "SecondCoder", label_studio: LocalLabelStudio) -> int:
    """Connect the study, or what is missing of the connection; its project."""
    made = second_coder.run(
        *("label-studio", "connect", "managers"),
        *("--url", label_studio.url, "--token", label_studio.token),
        *("--ml-url", second_coder.url, "--blind", "0"),
    )
    return int(made["project_id"])


@pytest.fixture
def lead(second_coder: "SecondCoder", chromium: str) -> Iterator[Page]:
    """The page of the study, on which a lead is logged in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{second_coder.url}/studies/managers")
        page.fill("#token", (second_coder.home / "token").read_text().strip())
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/studies/managers")
        yield page
        browser.close()


def ended(page: Page, button: str, kind: str) -> None:
    """Press a button of the study's page, and see its job end well on the page of jobs."""
    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/jobs")
    row = page.locator("tbody tr").first
    expect(row.locator("td").first).to_have_text(kind)
    expect(row.locator(".state")).to_have_text("finished", timeout=120_000)


def test_suggestions_are_pushed_and_annotations_fetched_from_the_page(
    lead: Page,
    second_coder: "SecondCoder",
    label_studio: LocalLabelStudio,
    client: Client,
    tmp_path: Path,
    emoji_interview: str,
) -> None:
    file = tmp_path / "Pushed interview.txt"
    file.write_text(emoji_interview, encoding="utf-8")
    second_coder.run("import", "managers", file)
    project = connected(second_coder, label_studio)
    # Nobody tells the service of an annotation: what arrives was fetched.
    for hook in client.webhooks(project):
        client.delete_webhook(hook.id)
    lead.reload()
    ended(lead, "Push suggestions", "push")
    tasks = {item.data["transcript"]: item.id for item in client.tasks(project)}
    task = tasks[file.stem]
    (prediction,) = [item for item in client.predictions(project) if item.task == task]
    assert prediction.result
    assert second_coder.get("/studies/managers/decisions")["decisions"] == []

    client.submit(task=task, result=prediction.result, parent_prediction=prediction.id)
    lead.goto(f"{second_coder.url}/studies/managers")
    ended(lead, "Fetch annotations", "sync")
    decisions = second_coder.get("/studies/managers/decisions")["decisions"]
    assert len(decisions) == len(prediction.result)
    assert {(item["transcript"], item["kind"]) for item in decisions} == {(file.stem, "accepted")}


def test_a_label_edited_in_label_studio_becomes_a_version_once_the_lead_accepts_it(
    lead: Page,
    second_coder: "SecondCoder",
    label_studio: LocalLabelStudio,
    client: Client,
    eventually: Callable[..., None],
) -> None:
    number = connected(second_coder, label_studio)
    project = client.project(number)
    assert project is not None
    old, new = "Networks > Peer support", "Networks > Support of peers"
    edited = project.label_config.replace(f'value="{old}"', f'value="{new}"').replace(
        f'value="{old.replace(">", "&gt;")}"', f'value="{new.replace(">", "&gt;")}"'
    )
    assert edited != project.label_config
    client.update_project(number, {"label_config": edited})
    path = "/studies/managers/codebook"
    eventually(
        lambda: second_coder.get(f"{path}/proposals")["proposals"],
        "no edit came by the webhook",
    )
    lead.goto(f"{second_coder.url}/studies/managers")
    attention = lead.locator(".attention li", has_text="1 edit of the labels in Label Studio")
    attention.get_by_role("link").click()
    lead.get_by_text(f"rename {old}, to Support of peers").wait_for()
    serious = [
        (one["id"], one["nodes"][0]["html"])
        for one in Axe().run(lead).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    lead.get_by_role("button", name="Accept").click()
    expect(lead.get_by_role("heading", name="Edits found in Label Studio")).to_have_count(0)
    expect(lead.get_by_role("heading", name=new)).to_have_count(1)
    newest = second_coder.get(f"{path}/versions")["versions"][-1]
    assert [one["rename"] for one in newest["operations"]] == [old]
    assert newest["author"] == "page"

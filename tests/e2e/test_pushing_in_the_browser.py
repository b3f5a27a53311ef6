"""A lead pushes suggestions and fetches annotations from the page: all parts are real."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from service.label_studio.client import Client
from service.label_studio.server import LocalLabelStudio

if TYPE_CHECKING:
    SecondCoder = Any

pytestmark = pytest.mark.e2e


def ended(page: Page, button: str, kind: str) -> None:
    """Press a button of the study's page, and see its job end well on the page of jobs."""
    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/jobs")
    row = page.locator("tbody tr").first
    expect(row.locator("td").first).to_have_text(kind)
    expect(row.locator(".state")).to_have_text("finished", timeout=120_000)


def test_suggestions_are_pushed_and_annotations_fetched_from_the_page(
    second_coder: "SecondCoder",
    label_studio: LocalLabelStudio,
    chromium: str,
    tmp_path: Path,
    emoji_interview: str,
) -> None:
    file = tmp_path / "Pushed interview.txt"
    file.write_text(emoji_interview, encoding="utf-8")
    second_coder.run("import", "managers", file)
    project = second_coder.run(
        *("label-studio", "connect", "managers"),
        *("--url", label_studio.url, "--token", label_studio.token),
        *("--ml-url", second_coder.url, "--blind", "0"),
    )["project_id"]
    client = Client(url=label_studio.url, token=label_studio.token)
    # Nobody tells the service of an annotation: what arrives was fetched.
    for hook in client.webhooks(project):
        client.delete_webhook(hook.id)
    study = f"{second_coder.url}/studies/managers"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(study)
        page.fill("#token", (second_coder.home / "token").read_text().strip())
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/studies/managers")

        ended(page, "Push suggestions", "push")
        tasks = {item.data["transcript"]: item.id for item in client.tasks(project)}
        task = tasks[file.stem]
        (prediction,) = [item for item in client.predictions(project) if item.task == task]
        assert prediction.result
        assert second_coder.get("/studies/managers/decisions")["decisions"] == []

        client.submit(task=task, result=prediction.result, parent_prediction=prediction.id)
        page.goto(study)
        ended(page, "Fetch annotations", "sync")
        decisions = second_coder.get("/studies/managers/decisions")["decisions"]
        assert len(decisions) == len(prediction.result)
        assert {(item["transcript"], item["kind"]) for item in decisions} == {
            (file.stem, "accepted")
        }
        browser.close()

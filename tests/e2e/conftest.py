"""A browser in which a coder is logged in to Label Studio."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from service.label_studio.server import LocalLabelStudio

BROWSER = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page(chromium: str, label_studio: LocalLabelStudio) -> Iterator[Page]:
    """A page on which the coder is logged in; nothing that it asks for may leave the machine."""
    elsewhere: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER)
        opened = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        opened.set_default_timeout(60_000)
        opened.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((label_studio.url, "data:", "blob:"))
                else elsewhere.append(request.url)
            ),
        )
        opened.goto(f"{label_studio.url}/user/login")
        opened.fill("input[name=email]", label_studio.email)
        opened.fill("input[name=password]", label_studio.password)
        opened.click("button[type=submit]")
        opened.wait_for_url(lambda url: "login" not in url)
        yield opened
        browser.close()
    assert elsewhere == []

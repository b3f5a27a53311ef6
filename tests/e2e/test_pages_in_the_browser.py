"""A lead at work on the pages: a real browser, the running service, the trained sample study."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

if TYPE_CHECKING:
    SecondCoder = Any

pytestmark = pytest.mark.e2e

BROWSER = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = "document.documentElement.scrollWidth > window.innerWidth + 1"
SPILLS = """[...document.querySelectorAll("td, thead th")]
    .filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.innerText)"""
FOCUSED = "document.activeElement.innerText"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=BROWSER)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser, second_coder: "SecondCoder") -> Iterator[BrowserContext]:
    """Pages that may not complain, and may ask nobody but the service."""
    elsewhere: list[str] = []
    complaints: list[str] = []
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(60_000)
    opened.on(
        "request",
        lambda request: (
            None if request.url.startswith(second_coder.url) else elsewhere.append(request.url)
        ),
    )
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("weberror", lambda error: complaints.append(str(error.error)))
    yield opened
    opened.close()
    assert complaints == []
    assert elsewhere == []


@pytest.fixture
def page(context: BrowserContext, second_coder: "SecondCoder") -> Page:
    """A page of the study, after the login, typed on the keyboard."""
    page = context.new_page()
    page.goto(f"{second_coder.url}/studies/managers")
    assert "/login?next=" in page.url
    page.locator("#token").focus()
    page.keyboard.type((second_coder.home / "token").read_text().strip())
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies/managers")
    return page


def places(page: Page, second_coder: "SecondCoder") -> list[str]:
    """Every page of the study."""
    base = "/studies/managers"
    (version, *_) = [one["version"] for one in second_coder.get(base + "/models")["models"]]
    page.goto(f"{second_coder.url}{base}/transcripts")
    transcript = page.locator("tbody a").first.get_attribute("href")
    return [
        "/studies",
        base,
        f"{base}/codebook",
        f"{base}/codebook/done",
        f"{base}/transcripts",
        str(transcript),
        f"{base}/agreement",
        f"{base}/matrix?by=trust&by=group",
        f"{base}/cooccurrence",
        f"{base}/drift?by=wave&adjust=trust",
        f"{base}/prevalence?by=trust",
        f"{base}/models",
        f"{base}/models/{version}",
        f"{base}/compare?one={version}&other={version}",
        f"{base}/jobs",
    ]


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "dark")], ids=["desktop", "phone in the dark"]
)
def test_every_page_is_accessible_and_fits(
    page: Page, second_coder: "SecondCoder", width: int, scheme: Any
) -> None:
    found = places(page, second_coder)
    page.set_viewport_size({"width": width, "height": 850})
    page.emulate_media(color_scheme=scheme)
    faults = []
    for place in found:
        answer = page.goto(second_coder.url + place)
        assert answer is not None
        assert answer.status == 200, place
        assert not page.evaluate(WIDE), f"{place} is wider than the screen"
        assert page.evaluate(SPILLS) == [], f"{place}: figures run into their neighbours"
        assert page.locator("h1").count() == 1, place
        faults += [
            (place, one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"])
            for one in Axe().run(page).response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
    assert faults == []


def test_the_drift_page_names_the_code_that_moved_and_no_other(
    page: Page, second_coder: "SecondCoder"
) -> None:
    page.goto(f"{second_coder.url}/studies/managers/drift")
    expect(page.locator("#summary li")).to_have_count(1)
    expect(page.locator("#summary li")).to_contain_text(
        "Knowledge > Evidence and data is used more"
    )
    row = page.locator("#use tbody tr", has_text="Evidence and data")
    expect(row).to_contain_text("yes")
    expect(page.locator("#use tbody td", has_text="yes")).to_have_count(1)
    assert page.locator("section li q").count() == 6
    page.get_by_label("Compare by").select_option("coder")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**by=coder**")
    expect(page.locator("#use")).to_have_count(0)
    expect(page.locator("#agreement")).to_be_visible()


def test_a_training_started_from_the_page_moves_and_finishes(
    page: Page, second_coder: "SecondCoder"
) -> None:
    page.get_by_role("button", name="Train in full").click()
    page.wait_for_url("**/jobs")
    page.evaluate("window.untouched = true")
    page.locator("progress").first.wait_for()
    state = page.locator("tbody tr").first.locator(".state")
    expect(state).to_have_text("finished", timeout=300_000)
    expect(page.get_by_role("status")).to_have_text("The last job, train, is finished.")
    # It was the script that looked again, and not a new page.
    assert page.evaluate("window.untouched")
    assert second_coder.get("/studies/managers/jobs")["jobs"][0]["state"] == "finished"


def test_the_pages_are_used_with_the_keyboard_alone(
    page: Page, second_coder: "SecondCoder"
) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.goto(f"{second_coder.url}/studies/managers")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == "Codebook":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/codebook")
    page.locator("blockquote footer a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/transcript?**")
    assert page.locator(".turns > li:target mark").count() >= 1
    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    page.goto(f"{second_coder.url}/studies/managers")
    assert "/login?next=" in page.url


def test_without_scripts_everything_is_there(browser: Browser, second_coder: "SecondCoder") -> None:
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"{second_coder.url}/login")
    page.fill("#token", (second_coder.home / "token").read_text().strip())
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{second_coder.url}/studies/managers/jobs")
    page.get_by_role("button", name="Train in full").click()
    page.get_by_role("link", name="Refresh").click()
    page.get_by_role("button", name="Cancel").first.click()
    page.locator(".state", has_text="stopping").or_(
        page.locator(".state", has_text="cancelled")
    ).first.wait_for()
    plain.close()

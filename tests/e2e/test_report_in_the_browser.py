"""The reliability report of real studies, opened in a real browser."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

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
FIGURES = """() => [...document.querySelectorAll('[data-at]')].map(found => ({
    at: found.dataset.at,
    value: found.getAttribute('value'),
    text: found.textContent,
    visible: found.getClientRects().length > 0,
}))"""
STRAY = """() => [...document.querySelectorAll('td')]
    .filter(cell => !cell.querySelector('[data-at]'))
    .map(cell => cell.textContent).filter(text => /\\d/.test(text))"""
PLOTTED = """name => [...document.querySelectorAll(`#${name} svg text`)]
    .map(text => text.textContent).filter(text => /^-?\\d\\.\\d\\d$/.test(text))"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A study's report as a document and as a file."""

    document: Any
    page: Path


@pytest.fixture(scope="module")
def report_of(
    shared_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
    on_database: Callable[..., AbstractContextManager[str | None]],
) -> Iterator[Callable[[str, str], Report]]:
    """Import a study and report on it with the installed command."""
    home = tmp_path_factory.mktemp("reports")
    imported: set[str] = set()

    def run(*arguments: object) -> str:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "second-coder"), *map(str, arguments)],
            env={**os.environ, "SECOND_CODER_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make(study: str, unit: str) -> Report:
        if study not in imported:
            folder = shared_data / study
            run("import", study, *sorted(folder.glob("*.csv")))
            imported.add(study)
        page = home / f"{study} {unit}.html"
        found = run("agreement", study, "--unit", unit, "--html", page, "--json")
        return Report(document=json.loads(found), page=page)

    with on_database(home):
        yield make


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=BROWSER)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may ask for nothing but itself, and that may not complain."""
    complaints: list[str] = []
    asked: list[str] = []
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert complaints == []
    assert len(asked) == 1, asked


def look_up(whole: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        whole = whole[int(key) if isinstance(whole, list) else key]
    return whole


def written(value: float | None) -> str:
    """A figure as the page writes it: for people, from the document's."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}"


P_VALUES = ("p", "adjusted", "holm", "benjamini_hochberg")


def written_at(place: str, value: Any) -> str:
    """As `written`; a p value has three digits and no zero before them."""
    if value is None or place.rsplit("/", 1)[-1] not in P_VALUES:
        return written(value)
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


@pytest.mark.parametrize(
    ("study", "unit"),
    [("sight", "segment"), ("sight", "character"), ("leoka", "segment"), ("leoka", "turn")],
)
def test_each_figure_of_the_report_is_in_the_document(
    report_of: Callable[[str, str], Report], page: Page, study: str, unit: str
) -> None:
    report = report_of(study, unit)
    page.goto(report.page.as_uri())
    found = page.evaluate(FIGURES)
    assert len(found) > 150
    for figure in found:
        assert figure["visible"], figure
        there = look_up(report.document, figure["at"])
        if isinstance(there, str):
            assert figure["text"] == there
        elif isinstance(there, dict):
            text = written(there["value"])
            if there["low"] is not None:
                text += f" [{written(there['low'])}, {written(there['high'])}]"
            assert figure["text"] == text
            assert figure["value"] == ("" if there["value"] is None else repr(there["value"]))
        else:
            assert figure["text"] == written_at(figure["at"], there)
    assert page.evaluate(STRAY) == [], "no table holds a number of another origin"

    shown = {figure["at"] for figure in found}
    for place in ("pairs", "codes", "by_coder"):
        for number, item in enumerate(report.document[place]):
            missing = [
                f"/{place}/{number}/{name}"
                for name in item
                if name in ("percent", "kappa", "alpha", "prevalence")
                and f"/{place}/{number}/{name}" not in shown
            ]
            assert not missing

    kappas = {
        f"{one['kappa']['value']:.2f}"
        for one in report.document["pairs"]
        if one["kappa"]["value"] is not None
    }
    assert set(page.evaluate(PLOTTED, "pairs")) <= kappas
    shares = [f"{one['share']['value']:.2f}" for one in report.document["confusion"]]
    assert sorted(page.evaluate(PLOTTED, "confusion")) == sorted(shares * 2)
    # One point for each code with an alpha, and one for all; an interval wherever there is one.
    alphas = [one["alpha"] for one in [*report.document["codes"], report.document["pooled"]]]
    points = page.locator("#codes svg .mark-symbol path").count()
    assert points == sum(one["value"] is not None for one in alphas)
    rules = page.locator("#codes svg .mark-rule.role-mark").nth(1).locator("line").count()
    assert rules == sum(one["low"] is not None for one in alphas)


def test_the_report_is_read_with_the_keyboard_in_the_dark_and_on_paper(
    report_of: Callable[[str, str], Report], page: Page
) -> None:
    page.goto(report_of("sight", "segment").page.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the figures"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    # What scrolls sideways can be reached, and says what it is.
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "The study as a whole"
    )
    for table in page.locator("table").all():
        assert table.locator("caption").inner_text()
        assert table.locator("thead th[scope=col]").count() >= 2
    for plot in page.locator("svg").all():
        assert plot.get_attribute("role") == "img"
        assert all(
            page.locator(f"#{name}").text_content()
            for name in str(plot.get_attribute("aria-labelledby")).split()
        )

    colour = "element => getComputedStyle(element).fill"
    words = page.locator("#codes svg text").first
    page.emulate_media(color_scheme="light")
    assert words.evaluate(colour) == "rgb(0, 0, 0)"
    page.emulate_media(color_scheme="dark")
    assert words.evaluate(colour) == "rgb(255, 255, 255)"

    page.emulate_media(media="print", color_scheme="light")
    assert not page.locator("nav").is_visible()
    assert page.locator("#measures table").first.is_visible()
    assert page.locator("#methods blockquote").is_visible()


def test_the_service_shows_the_same_figures_to_a_browser_that_logged_in(
    browser: Browser, second_coder: "SecondCoder"
) -> None:
    token = (second_coder.home / "token").read_text().strip()
    document = second_coder.get("/studies/managers/agreement")
    complaints: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{second_coder.url}/studies/managers/agreement")
    page.fill("#token", token)
    page.keyboard.press("Enter")
    page.wait_for_url("**/agreement")
    # The stylesheet is let through: without it the skip link would be seen.
    hidden = page.locator(".skip").bounding_box()
    assert hidden is not None
    assert hidden["x"] < -100
    for figure in page.evaluate(FIGURES):
        there = look_up(document, figure["at"])
        single = there["value"] if isinstance(there, dict) else there
        expected = single if isinstance(single, str) else written_at(figure["at"], single)
        assert figure["text"].startswith(expected)
    assert page.locator("h2", has_text="May the model stand in for a coder?").count() == 1
    context.close()
    assert complaints == []

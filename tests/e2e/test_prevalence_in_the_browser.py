"""The report on prevalence of an extended study, opened from the service in a real browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    SecondCoder = Any

pytestmark = pytest.mark.e2e

BROWSER = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FIGURES = """() => [...document.querySelectorAll('[data-at]')].map(found => ({
    at: found.dataset.at,
    value: found.getAttribute('value'),
    text: found.textContent,
    visible: found.getClientRects().length > 0,
}))"""
STRAY = """() => [...document.querySelectorAll('td')]
    .filter(cell => !cell.querySelector('[data-at]'))
    .map(cell => cell.textContent).filter(text => /\\d/.test(text))"""


def look_up(whole: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        whole = whole[int(step) if isinstance(whole, list) else step]
    return whole


def written(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}"


P_VALUES = ("p", "adjusted", "holm", "benjamini_hochberg")


def written_at(place: str, value: Any) -> str:
    """As `written`; a p value has three digits and no zero before them."""
    if value is None or place.rsplit("/", 1)[-1] not in P_VALUES:
        return written(value)
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def test_each_figure_of_the_page_is_in_the_document_and_each_estimate_is_drawn(
    second_coder: "SecondCoder", extension: Any, chromium: str, tmp_path: Path
) -> None:
    extension.write(tmp_path / "more")
    second_coder.run("import", "managers", tmp_path / "more")
    drawn = second_coder.run("sample", "managers", "--size", 18, "--by", "trust")
    extension.write_codings(tmp_path / "coded", {one["transcript"] for one in drawn["transcripts"]})
    second_coder.run("import", "managers", tmp_path / "coded")
    document = second_coder.get("/studies/managers/prevalence?by=trust")
    token = (second_coder.home / "token").read_text().strip()
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER)
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{second_coder.url}/studies/managers/prevalence?by=trust")
        page.fill("#token", token)
        page.keyboard.press("Enter")
        page.wait_for_selector("#methods")
        figures = page.evaluate(FIGURES)
        assert len(figures) > 300
        for figure in figures:
            assert figure["visible"], figure
            there = look_up(document, figure["at"])
            if isinstance(there, str):
                assert figure["text"] == there
            elif isinstance(there, dict):
                text = written(there["value"])
                if there["low"] is not None:
                    text += f" [{written(there['low'])}, {written(there['high'])}]"
                assert figure["text"] == text
            else:
                assert figure["text"] == written_at(figure["at"], there)
        assert page.evaluate(STRAY) == [], "no table holds a number of another origin"
        shown = {figure["at"] for figure in figures}
        for number in range(len(document["shares"])):
            assert {
                f"/shares/{number}/{name}" for name in ("corrected", "people", "model")
            } <= shown
        for number in range(len(document["differences"])):
            assert f"/differences/{number}/difference" in shown
        # A circle and a cross for each estimate, a line wherever it has an interval.
        values = [one for one in document["shares"] if one["corrected"]["value"] is not None]
        assert page.locator("#shares svg .mark-symbol path").count() == 2 * len(values)
        lines = sum(one["corrected"]["low"] is not None for one in values)
        assert lines > 0
        assert page.locator("#shares svg .mark-rule.role-mark line").count() == lines
        assert page.locator("#methods blockquote").is_visible()
        browser.close()
    assert complaints == []

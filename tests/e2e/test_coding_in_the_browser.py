"""A coder at work: a real browser, a real Label Studio, the running service."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page

from service.label_studio.client import Client
from service.label_studio.server import LocalLabelStudio

if TYPE_CHECKING:
    SecondCoder = Any

pytestmark = pytest.mark.e2e

ADDED = "they never rang 🚌 back, naïve me"


def highlighted(page: Page) -> set[str]:
    """The words of each marked region, as the page shows them."""
    parts: dict[str, str] = {}
    for mark in page.locator(".htx-highlight").all():
        label = str(mark.get_attribute("class")).split("htx-label-")[-1].split()[0]
        turn = mark.locator("xpath=ancestor::*[starts-with(@data-testid, 'phrase:')]")
        key = f"{label} {turn.get_attribute('data-testid')}"
        parts[key] = parts.get(key, "") + (mark.text_content() or "")
    return set(parts.values())


def select(page: Page, turn: Locator, words: str) -> None:
    """Drag the mouse over words of a turn."""
    start, end = turn.evaluate(
        """(turn, words) => {
            const walk = document.createTreeWalker(turn, NodeFilter.SHOW_TEXT);
            for (let node; (node = walk.nextNode());) {
                const at = node.data.indexOf(words);
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(node, at);
                range.setEnd(node, at + words.length);
                const lines = [...range.getClientRects()];
                const first = lines[0], last = lines[lines.length - 1];
                return [
                    [first.left + 1, (first.top + first.bottom) / 2],
                    [last.right - 1, (last.top + last.bottom) / 2],
                ];
            }
        }""",
        words,
    )
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=8)
    page.mouse.up()


def test_a_coder_reads_the_reason_deletes_adds_and_submits_and_the_decisions_arrive(
    page: Page,
    second_coder: "SecondCoder",
    label_studio: LocalLabelStudio,
    eventually: Callable[..., None],
    tmp_path: Path,
    emoji_interview: str,
) -> None:
    file = tmp_path / "Browser interview.txt"
    file.write_text(emoji_interview, encoding="utf-8")
    second_coder.run("import", "managers", file)
    project = second_coder.run(
        *("label-studio", "connect", "managers"),
        *("--url", label_studio.url, "--token", label_studio.token),
        *("--ml-url", second_coder.url, "--blind", "0"),
    )["project_id"]
    second_coder.run("label-studio", "push", "managers")
    client = Client(url=label_studio.url, token=label_studio.token)
    (task,) = [item.id for item in client.tasks(project) if item.data["transcript"] == file.stem]
    (prediction,) = [item for item in client.predictions(project) if item.task == task]
    suggested = [region["value"]["text"] for region in prediction.result]
    assert len(suggested) >= 2

    page.goto(f"{label_studio.url}/projects/{project}/data?task={task}")
    page.wait_for_selector(".htx-highlight")
    assert highlighted(page) == set(suggested)

    # The reason is one click away, with the sentence that carries the code in a longer span.
    reasons = ["".join(region["meta"]["text"]) for region in prediction.result]
    begins = [words[:20] for words in suggested]
    at = next(
        n
        for n, reason in enumerate(reasons)
        # Where two codes are suggested on the same words, deleting one leaves the other there.
        if reason.startswith("Evidence: “") and begins.count(begins[n]) == 1
    )
    unwanted = page.locator(".htx-highlight", has_text=suggested[at][:20]).first
    unwanted.click()
    page.get_by_text(reasons[at].splitlines()[0]).wait_for()
    page.get_by_text("was coded so by").first.wait_for()

    # Deleting can be undone, and done again.
    page.keyboard.press("Backspace")
    unwanted.wait_for(state="detached")
    page.get_by_role("button", name="Undo").click()
    unwanted.wait_for()
    assert highlighted(page) == set(suggested)
    unwanted.click()
    page.keyboard.press("Backspace")
    unwanted.wait_for(state="detached")

    page.get_by_placeholder("Find a code").fill("Identity")
    page.locator(".codes").get_by_text("Personal > Identity").click()
    turn = page.get_by_test_id("phrase:5")
    turn.scroll_into_view_if_needed()
    select(page, turn, ADDED)
    page.locator(".htx-highlight", has_text=ADDED).wait_for()
    page.get_by_role("button", name="Submit").click()

    def decisions() -> list[tuple[str, str]]:
        found = second_coder.get("/studies/managers/decisions")["decisions"]
        turns = [line.partition(": ")[2] for line in emoji_interview.splitlines()]
        return sorted(
            (item["kind"], turns[item["turn"]][item["start"] : item["end"]])
            for item in found
            if item["transcript"] == file.stem
        )

    eventually(decisions, "no decision arrived")
    assert decisions() == sorted(
        [
            ("rejected", suggested[at]),
            ("added", ADDED),
            *(("accepted", words) for n, words in enumerate(suggested) if n != at),
        ]
    )

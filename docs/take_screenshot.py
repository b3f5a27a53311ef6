"""Retake the pictures in docs/: the sample study in Label Studio, and the service's pages.

Run it from a clone after `make install` and `make label-studio`:
`.venv/bin/python docs/take_screenshot.py`. It starts the demo, looks, and stops it again.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, Route, sync_playwright

from service.demo import EMAIL, PASSWORD, running_demo
from service.house import open_house
from service.settings import api_token, read_settings

PAGES = {
    "study": "",
    "transcript": "/transcript?name=W1-01%20Acute%20clinical",
    "agreement": "/agreement#codes",
    "matrix": "/matrix?by=trust",
}
BROWSER = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description="Retake the screenshots of the docs.")
    parser.add_argument("--home", type=Path, default=Path("var/demo"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="a folder")
    parser.add_argument("--only", choices=("label-studio", "pages"))
    given = parser.parse_args()
    house = open_house(read_settings(home=given.home))
    with running_demo(house, say=_say, progress=lambda *_: None) as demo:
        if given.only != "pages":
            out = given.out / "label-studio.png"
            take(demo.project_url, email=EMAIL, password=PASSWORD, out=out)
            _say(f"wrote {out}")
        if given.only != "label-studio":
            token = api_token(house.settings).get_secret_value()
            take_pages(demo.service_url, study=demo.study, token=token, folder=given.out)


def take(project_url: str, *, email: str, password: str, out: Path) -> None:
    """Log in, open a transcript, select a suggestion, and save what is seen."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    site = project_url.split("/projects/")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(f"{site}/user/login")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "login" not in url)
        task, words = _choose(page, project_url)
        _offer(page, task)
        page.goto(f"{project_url}/data?labeling=1")
        _select(page, words)
        page.screenshot(path=str(out))
        browser.close()


def take_pages(service_url: str, *, study: str, token: str, folder: Path) -> None:
    """Log in, and save what the pages show of a study."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    base = f"{service_url}/studies/{study}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER)
        page = browser.new_context(viewport={"width": 1100, "height": 900}).new_page()
        page.goto(f"{service_url}/login")
        page.fill("#token", token)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/studies")
        for name, place in PAGES.items():
            page.goto(f"{base}{place}")
            out = folder / f"page-{name}.png"
            page.screenshot(path=str(out))
            _say(f"wrote {out}")
        browser.close()


def _choose(page: Page, project_url: str) -> tuple[int, str]:
    """The task with the most suggestions, and the words of the one with the shortest reason.

    A task of the blind sample would show none, a long reason would not fit into the picture.
    """
    site, _, project = project_url.partition("/projects/")
    found = page.request.get(f"{site}/api/predictions?project={project}").json()
    best = max(found, key=lambda item: len(item["result"]))
    shortest = min(
        best["result"][1:], key=lambda item: len(item["value"]["text"] + item["meta"]["text"][0])
    )
    return int(best["task"]), str(shortest["value"]["text"])


def _offer(page: Page, task: int) -> None:
    """Let Label Studio offer this task as the next one, as if a coder had ticked it."""

    def choose(route: Route) -> None:
        asked = {
            **(route.request.post_data_json or {}),
            "selectedItems": {"all": False, "included": [task]},
        }
        route.continue_(post_data=json.dumps(asked))

    page.route("**/api/dm/actions*next_task*", choose)


def _select(page: Page, words: str) -> None:
    region = page.locator(".htx-highlight", has_text=words[:40]).first
    region.click()
    page.get_by_text("was coded so by").first.wait_for()
    # The panel slides in.
    page.wait_for_timeout(1000)


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    main()

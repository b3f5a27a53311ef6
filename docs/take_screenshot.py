"""Retake docs/label-studio.png: the sample study in Label Studio, a suggestion and its reason.

Run it from a clone after `make install` and `make label-studio`:
`.venv/bin/python docs/take_screenshot.py`. It starts the demo, looks, and stops it again.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from service.demo import EMAIL, PASSWORD, running_demo
from service.house import open_house
from service.settings import read_settings

BROWSER = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description="Retake the screenshot of Label Studio.")
    parser.add_argument("--home", type=Path, default=Path("var/demo"))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("label-studio.png"))
    parser.add_argument("--region", type=int, default=2, help="which suggestion is selected")
    given = parser.parse_args()
    house = open_house(read_settings(home=given.home))
    with running_demo(house, say=_say, progress=lambda *_: None) as demo:
        take(demo.project_url, email=EMAIL, password=PASSWORD, out=given.out, region=given.region)
    _say(f"wrote {given.out}")


def take(project_url: str, *, email: str, password: str, out: Path, region: int) -> None:
    """Log in, open the next transcript, select a suggestion, and save what is seen."""
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
        page.goto(f"{project_url}/data?labeling=1")
        _select(page, region)
        page.screenshot(path=str(out))
        browser.close()


def _select(page: Page, region: int) -> None:
    page.wait_for_selector(".htx-highlight")
    page.locator(".htx-highlight-last").nth(region).click()
    page.wait_for_selector("text=ID")
    # The panel slides in.
    page.wait_for_timeout(1000)


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    main()

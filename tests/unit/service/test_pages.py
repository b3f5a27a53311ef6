import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from annotations.codings import Coding, Reading
from annotations.reliability.calibration import calibration_of
from annotations.study import Material, Study
from service.documents import document
from service.house import House
from service.web.page import agreement_page
from service.workflows.agreeing import agreement


@pytest.fixture
def pay(house: House, coded_study: Study) -> str:
    """The study of three coders, in the house."""
    with house.database.unit_of_work() as work:
        work.studies.create("pay")
        work.studies.add(
            "pay",
            Material(
                transcripts=coded_study.transcripts,
                codings=coded_study.codings,
                readings=coded_study.readings,
                codebook=coded_study.codebook,
            ),
        )
        work.commit()
    return "pay"


class Figures(HTMLParser):
    """What the page says at each place of the document, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str | None, str]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.append((tag, held))
        at = held.get("data-at")
        if at is not None:
            self._open.append(at)
            self.found[at] = (held.get("value"), "")
        elif self._open and tag == "span":
            self._open.append(self._open[-1])

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag in ("data", "span"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            value, text = self.found[self._open[-1]]
            self.found[self._open[-1]] = (value, text + data)


def look_up(whole: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        whole = whole[int(step) if isinstance(whole, list) else step]
    return whole


def test_every_figure_on_the_page_is_the_documents(house: House, pay: str) -> None:
    for unit in ("segment", "character"):
        report = document(agreement(house, pay, unit=unit))
        page = Figures()
        page.feed(agreement_page(report).html)
        assert len(page.found) > 100
        for at, (value, text) in page.found.items():
            there = look_up(report, at)
            if isinstance(there, str):
                assert text == there
                continue
            single = there["value"] if isinstance(there, dict) else there
            assert value == ("" if single is None else repr(single))
            shown = [float(part.replace(",", "")) for part in re.findall(r"-?[\d.,]*\d", text)]
            expected = [single]
            if isinstance(there, dict) and there["low"] is not None:
                expected += [there["low"], there["high"]]
            if single is None:
                assert text == "–"
            else:
                assert shown == pytest.approx(expected, abs=0.0051)


def test_the_page_loads_nothing_and_runs_nothing(house: House, pay: str) -> None:
    page = agreement_page(document(agreement(house, pay)))
    seen = Figures()
    seen.feed(page.html)
    assert not {tag for tag, _ in seen.tags} & {"script", "link", "img", "iframe", "object"}
    for _, held in seen.tags:
        assert not [name for name in held if name.startswith("on") or name in ("src", "style")]
        assert (held.get("href") or "#").startswith("#")
    assert "url(" not in page.html
    assert "@import" not in page.html
    (style,) = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none'")


def test_names_from_the_study_are_text_and_never_markup(house: House, coded_study: Study) -> None:
    evil = '<img src=x onerror=alert(1)>"&'
    with house.database.unit_of_work() as work:
        work.studies.create("evil")
        work.studies.add(
            "evil",
            Material(
                transcripts=coded_study.transcripts,
                codings=tuple(
                    Coding(
                        transcript=one.transcript,
                        turn=one.turn,
                        start=one.start,
                        end=one.end,
                        code="<b>bold</b>" if one.code == "Trust" else one.code,
                        coder=evil if one.coder == "ben" else one.coder,
                    )
                    for one in coded_study.codings
                ),
                readings=tuple(
                    Reading(
                        transcript=one.transcript,
                        turn=one.turn,
                        coder=evil if one.coder == "ben" else one.coder,
                    )
                    for one in coded_study.readings
                ),
            ),
        )
        work.commit()
    html = agreement_page(document(agreement(house, "evil", unit="character"))).html
    assert "<img" not in html
    assert "<b>" not in html
    assert "&lt;b" in html


def test_every_plot_has_a_title_a_description_and_a_table_with_the_same_figures(
    house: House, pay: str
) -> None:
    html = agreement_page(document(agreement(house, pay))).html
    plots = re.findall(r"<svg .*?</svg>", html, re.DOTALL)
    assert len(plots) == 3
    for plot in plots:
        (labels,) = re.findall(r'<svg role="img" aria-labelledby="([^"]+)"', plot)
        for label in labels.split():
            assert f'id="{label}"' in plot
        assert "http" not in plot.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_the_reliability_diagram_is_drawn_with_its_bins_in_a_table(house: House, pay: str) -> None:
    rng = np.random.default_rng(1)
    said = rng.random(600)
    found = calibration_of(said, rng.random(600) < said, rng.integers(12, size=600))
    html = agreement_page(document(replace(agreement(house, pay), calibration=found))).html
    (section,) = re.findall(r'<section[^>]*id="calibration".*?</section>', html, re.DOTALL)
    assert "<title" in section
    assert f"{len(found.bins)} bins; on the dashed line" in section
    figures = Figures()
    figures.feed(html)
    for number, one in enumerate(found.bins):
        assert figures.found[f"/calibration/bins/{number}/said"][0] == repr(one.said)
        assert figures.found[f"/calibration/bins/{number}/observed"][0] == repr(one.observed)
    assert figures.found["/calibration/error"][0] == repr(found.error.value)


def test_a_browser_may_open_the_page_with_the_token_as_password(
    client: TestClient, pay: str, api: dict[str, str], ml: tuple[str, str]
) -> None:
    place = f"/studies/{pay}/agreement"
    token = api["Authorization"].removeprefix("Bearer ")
    for answer in (client.get(place, auth=("anyone", token)), client.get(place, headers=api)):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "<h1>Reliability of" in answer.text
    for refused in (
        client.get(place),
        client.get(place, auth=ml),
        client.get(place, auth=(token, "")),
    ):
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic realm=")


def test_the_page_asks_for_what_there_is(client: TestClient, pay: str, api: dict[str, str]) -> None:
    place = f"/studies/{pay}/agreement"
    turn = client.get(place, headers=api, params={"unit": "turn", "level": 1})
    assert 'data-at="/unit">turn<' in turn.text
    assert "Work &gt; Pay" not in turn.text
    assert client.get(place, headers=api, params={"unit": "line"}).status_code == 422
    assert client.get(place, headers=api, params={"level": 9}).status_code == 409
    assert client.get("/studies/none/agreement", headers=api).status_code == 404


def test_a_page_is_made_once_until_the_study_changes(
    client: TestClient, house: House, pay: str, api: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def count(report: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            made.append(named["unit"])
            return report(*arguments, **named)

        return counted

    from service.web import kept

    monkeypatch.setattr(kept.agreeing, "report_on", count(kept.agreeing.report_on))
    place = f"/studies/{pay}/agreement"
    first = client.get(place, headers=api).text
    assert client.get(place, headers=api).text == first
    assert made == ["segment"]
    client.get(place, headers=api, params={"unit": "turn"})
    assert made == ["segment", "turn"]
    with house.database.unit_of_work() as work:
        work.studies.add(pay, Material(readings=(Reading(transcript="T00", turn=0, coder="dora"),)))
        work.commit()
    assert client.get(place, headers=api).text != first
    assert made == ["segment", "turn", "segment"]


def test_the_interface_gives_the_same_document(
    client: TestClient, house: House, pay: str, api: dict[str, str]
) -> None:
    answer = client.get(
        f"/api/v1/studies/{pay}/agreement", headers=api, params={"unit": "turn", "level": 1}
    )
    assert answer.json() == document(agreement(house, pay, unit="turn", level=1))

"""Promises about tasks that are imported into Label Studio by hand, and exported again."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from annotations.codebook import Codebook
from annotations.codings import Coding, Reading
from annotations.formats.label_studio_out import Predicted, tasks_of
from annotations.formats.reading import read_paths
from annotations.formats.regions import PredictedSpan
from annotations.study import Material, Study
from annotations.transcripts import Transcript
from service.label_studio.client import Client
from service.label_studio.records import Project
from service.label_studio.server import LocalLabelStudio

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def study(transcript: Transcript, codebook: Codebook, label_studio: LocalLabelStudio) -> Study:
    """Coded by the account of the server."""
    turns = tuple(replace(turn, interviewer=turn.index == 0) for turn in transcript.turns)
    item = replace(transcript, turns=turns, attributes={"trust": "Acute"})
    text = turns[1].text
    start = text.index("The clinic")
    one = Coding(
        transcript=item.name,
        turn=1,
        start=start,
        end=text.index(" 🚌"),
        code="Access > Distance",
        coder=label_studio.email,
        memo="No bus 🚌 either?",
    )
    whole = replace(one, turn=3, start=0, end=len(turns[3].text), code="Fear", memo="")
    return Study(
        name="exchanged",
        codebook=codebook,
        transcripts=(item,),
        codings=(one, whole),
        readings=tuple(
            Reading(transcript=item.name, turn=turn.index, coder=label_studio.email)
            for turn in turns
        ),
    )


@pytest.fixture
def project(client: Client, study: Study) -> Iterator[Project]:
    made = client.create_project(
        title="Exchanged", settings={"label_config": tasks_of(study, now=NOW).label_config}
    )
    yield made
    client.delete_project(made.id)


def _ask(label_studio: LocalLabelStudio, method: str, path: str, **more: Any) -> httpx.Response:
    login = {"Authorization": f"Token {label_studio.token}"}
    return httpx.request(method, label_studio.url + path, headers=login, timeout=60, **more)


def _again(content: bytes, folder: Path) -> Material:
    path = folder / "exported.json"
    path.write_bytes(content)
    return read_paths([path], known={}, codebook=Codebook(), coder=None)


def test_exported_tasks_go_into_label_studio_and_come_out_the_same(
    study: Study, project: Project, label_studio: LocalLabelStudio, client: Client, tmp_path: Path
) -> None:
    span = PredictedSpan(turn=2, start=0, end=12, code="Fear", score=0.7, reason="Because.")
    predicted = Predicted(version="v7", transcript="interview 1", spans=(span,))
    written = tasks_of(study, now=NOW, predicted=[predicted])
    place = f"/api/projects/{project.id}"
    answer = _ask(label_studio, "POST", f"{place}/import", json=json.loads(written.json))
    assert answer.is_success, answer.text
    (prediction,) = client.predictions(project.id)
    assert prediction.model_version == "v7"
    answer = _ask(label_studio, "GET", f"{place}/export?exportType=JSON")
    found = _again(answer.content, tmp_path)
    assert found.transcripts == study.transcripts
    # Its plain export names whoever coded by number.
    (number,) = {one.coder for one in found.codings}
    assert f"names coders by number ({number})" in found.notes[0].message
    coder = label_studio.email
    codings = {replace(one, coder=coder, coded_at=None) for one in found.codings}
    assert codings == set(study.codings)
    # A prediction was there before the annotation came: coders may have seen it.
    readings = {replace(one, coder=coder, assisted=False) for one in found.readings}
    assert readings == set(study.readings)


def test_tasks_of_a_coder_without_an_account_there_are_refused_as_the_export_tells(
    study: Study, project: Project, label_studio: LocalLabelStudio
) -> None:
    readings = tuple(replace(one, coder="ben") for one in study.readings)
    written = tasks_of(replace(study, readings=readings), now=NOW)
    place = f"/api/projects/{project.id}/import"
    answer = _ask(label_studio, "POST", place, json=json.loads(written.json))
    assert answer.status_code == 400
    assert "Unknown annotator's email ben" in answer.text
    assert "has an account there under that name as its e-mail: ben" in "\n".join(written.notes)

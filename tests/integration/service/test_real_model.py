"""A model that was really trained, behind the protocol and the API."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient

from annotations.formats.label_config import label_config_for
from annotations.formats.regions import task_data_of
from annotations.transcripts import Transcript
from models.encoder import TransformersEncoder
from models.suggester import Suggester
from service.app import create_app
from service.house import House, open_house
from service.settings import read_settings
from service.workflows.importing import import_paths
from service.workflows.training import train_study
from training.options import TrainOptions

pytestmark = [pytest.mark.integration, pytest.mark.once("it is about the model")]

SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "middle_managers"
API = {"Authorization": "Bearer api"}
ML = ("second-coder", "api")


@pytest.fixture(scope="module")
def trained(
    on_database: Callable[..., AbstractContextManager[str | None]],
    tmp_path_factory: pytest.TempPathFactory,
    cut: Callable[[House], str],
) -> Iterator[House]:
    """The sample study with a model; its gates are wide, so that there is something to see."""
    home = tmp_path_factory.mktemp("home")
    with on_database(home):
        house = open_house(read_settings(home=home, api_token="api"))
        import_paths(house, "managers", [SAMPLE])
        train_study(house, cut(house), TrainOptions(min_support=5, min_kappa=0.0, folds=3))
        yield house
        house.database.close()


@pytest.fixture(scope="module")
def client(trained: House) -> Iterator[TestClient]:
    with TestClient(create_app(trained)) as client:
        yield client


@pytest.fixture(scope="module")
def version(client: TestClient) -> str:
    answer = client.post("/ml/few/setup", json={"project": "1.1"}, auth=ML)
    return str(answer.json()["model_version"])


@pytest.fixture(scope="module")
def transcripts(trained: House) -> tuple[Transcript, ...]:
    with trained.database.reading() as work:
        return work.studies.transcripts("few")


def predict(client: TestClient, config: str, *data: dict[str, Any]) -> list[dict[str, Any]]:
    tasks = [{"id": 1000 + number, "data": item} for number, item in enumerate(data)]
    body = {"tasks": tasks, "label_config": config, "project": "1.1"}
    answer = client.post("/ml/few/predict", json=body, auth=ML)
    assert answer.status_code == 200
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_transcripts_get_regions_that_quote_their_turns(
    client: TestClient, trained: House, version: str, transcripts: tuple[Transcript, ...]
) -> None:
    with trained.database.reading() as work:
        config = label_config_for(work.studies.codebook("few"))
    results = predict(client, config, *(task_data_of(item) for item in transcripts[:4]))
    assert len(results) == 4
    regions = [
        (transcript, region)
        for transcript, result in zip(transcripts, results, strict=False)
        for region in result["result"]
    ]
    assert regions
    for transcript, region in regions:
        value = region["value"]
        turn = transcript.turns[int(value["start"])]
        utf16 = turn.text.encode("utf-16-le")
        quoted = utf16[2 * value["startOffset"] : 2 * value["endOffset"]].decode("utf-16-le")
        assert value["text"] == quoted
        assert 0 < region["score"] <= 1
        assert "coded so" in region["meta"]["text"][0]
    assert {result["model_version"] for result in results} == {version}


@pytest.mark.parametrize(
    ("tag", "label"), [("Labels", "Label"), ("Taxonomy", "Choice"), ("Choices", "Choice")]
)
def test_plain_documents_get_codes_too(
    client: TestClient, trained: House, transcripts: tuple[Transcript, ...], tag: str, label: str
) -> None:
    with trained.database.reading() as work:
        codes = [path.replace(">", "&gt;") for path in work.studies.codebook("few").paths]
    labels = "".join(f'<{label} value="{code}"/>' for code in codes)
    config = (
        f'<View><Text name="t" value="$text"/><{tag} name="c" toName="t">{labels}</{tag}></View>'
    )
    texts = [{"text": turn.text} for item in transcripts[:3] for turn in item.turns]
    results = predict(client, config, *texts)
    assert len(results) == len(texts)
    found = [region for result in results for region in result["result"]]
    assert found
    assert {region["type"] for region in found} == {tag.lower()}


def test_text_goes_in_and_codes_come_out(
    client: TestClient, version: str, transcripts: tuple[Transcript, ...]
) -> None:
    turns = [{"speaker": turn.speaker, "text": turn.text} for turn in transcripts[0].turns]
    body = {"transcripts": [{"name": "new", "turns": turns}], "all_codes": True}
    answer = client.post("/api/v1/studies/few/suggest", json=body, headers=API).json()
    assert answer["model_version"] == version
    assert answer["suggestions"]
    for suggestion in answer["suggestions"]:
        text = turns[suggestion["turn"]]["text"]
        assert suggestion["text"] == text[suggestion["start"] : suggestion["end"]]
        assert suggestion["score"] >= suggestion["threshold"]
        assert suggestion["because"]
    assert len(answer["scores"]) >= len(turns)
    plain = client.post(
        "/api/v1/studies/few/suggest",
        json={"transcripts": [{"text": turns[1]["text"]}]},
        headers=API,
    ).json()
    assert plain.get("scores") is None


def test_the_model_is_listed_and_can_be_chosen(client: TestClient, version: str) -> None:
    (listed,) = client.get("/api/v1/studies/few/models", headers=API).json()["models"]
    assert (listed["version"], listed["active"]) == (version, True)
    assert listed["figures"]["kappa"]["low"] is not None
    chosen = client.put("/api/v1/studies/few/models", json={"version": version}, headers=API)
    assert chosen.json()["version"] == version
    unknown = client.put("/api/v1/studies/few/models", json={"version": "x"}, headers=API)
    assert unknown.status_code == 404
    assert version in unknown.json()["error"]["message"]


@pytest.mark.parametrize("unit", ["segment", "turn"])
def test_agreement_carries_intervals_and_sets_the_model_beside_the_coders(
    client: TestClient, version: str, unit: str
) -> None:
    path = f"/api/v1/studies/few/agreement?unit={unit}"
    report = client.get(path, headers=API).json()
    assert len(report["pairs"]) >= 3
    alpha = report["pooled"]["alpha"]
    assert alpha["low"] < alpha["value"] < alpha["high"]
    assert set(alpha) == {"value", "low", "high", "n", "clusters", "method", "reason"}
    assert report["model"]["version"] == version
    assert report["model"]["against"]
    wrong = client.get("/api/v1/studies/few/agreement?unit=word", headers=API)
    assert wrong.status_code == 422


def test_twenty_coders_at_once_get_what_each_would_get_alone(
    client: TestClient, trained: House, transcripts: tuple[Transcript, ...]
) -> None:
    with trained.database.reading() as work:
        config = label_config_for(work.studies.codebook("few"))
    sent = [task_data_of(item) for item in transcripts[:4]]
    alone = [predict(client, config, item) for item in sent]
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(predict, client, config, sent[at % 4]) for at in range(20)]
        together = [call.result() for call in calls]
    assert together == [alone[at % 4] for at in range(20)]
    assert any(one["result"] for answer in alone for one in answer)


def test_decisions_in_bfloat16_are_those_in_float32(
    trained: House, version: str, transcripts: tuple[Transcript, ...]
) -> None:
    decided = []
    for precision in (torch.bfloat16, torch.float32):
        suggester = Suggester.load(trained.artifacts / version)
        encoder = TransformersEncoder.load(precision=precision)
        suggester._encoder = encoder
        decided.append([set(one.codes) for one in suggester.decisions(transcripts)])
    coarse, exact = decided
    assert sum(map(len, exact)) > 0
    differing = sum(len(one ^ other) for one, other in zip(coarse, exact, strict=True))
    assert differing <= 0.005 * len(exact) * len(suggester.codes)

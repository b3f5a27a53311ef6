import threading
from collections.abc import Callable, Sequence

import anyio
import httpx
import pytest
from fastapi import FastAPI

from annotations.errors import ArtifactError
from annotations.transcripts import Transcript, Turn
from models.suggestions import Suggestion, SuggestionBatch
from service.house import House
from service.models_loaded import LoadedModels
from service.storage.records import ModelRecord

TEXT = '<View><Text name="text" value="$text"/><Labels name="l" toName="text"><Label value="Support"/></Labels></View>'  # noqa: E501 - as Label Studio sends it


class Fake:
    """Suggests one code for the first turn of each transcript."""

    def __init__(self, version: str) -> None:
        self._version = version

    def suggest(
        self, transcripts: Sequence[Transcript], *, all_codes: bool = False
    ) -> SuggestionBatch:
        return SuggestionBatch(
            model_version=self._version,
            suggestions=tuple(
                Suggestion(
                    transcript=item.name,
                    turn=0,
                    start=0,
                    end=len(item.turns[0].text),
                    text=item.turns[0].text,
                    code="Support",
                    score=0.75,
                    threshold=0.5,
                    model_version=self._version,
                )
                for item in transcripts
            ),
        )


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions that were loaded, each a stand-in: loading is what these tests look at."""
    versions: list[str] = []

    def load(_self: LoadedModels, version: str) -> Fake:
        versions.append(version)
        return Fake(version)

    monkeypatch.setattr(LoadedModels, "_load", load)
    return versions


@pytest.fixture
def use(house: House, study: str) -> Callable[[str], None]:
    """Makes a version the one in use."""

    def put(version: str) -> None:
        with house.database.unit_of_work() as work:
            work.models.add(
                study, ModelRecord(version=version, encoder="e", size_bytes=1, figures={})
            )
            work.commit()

    return put


def transcript(text: str) -> Transcript:
    return Transcript(name="t", turns=(Turn(index=0, speaker="", text=text),))


def test_a_version_is_loaded_once_however_many_ask(house: House, loads: list[str]) -> None:
    models = LoadedModels(house)
    threads = [
        threading.Thread(target=models.suggest, args=("a", [transcript("x")])) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == ["a"]


def test_the_versions_used_last_are_kept(house: House, loads: list[str]) -> None:
    models = LoadedModels(house, keep=2)
    for version in ("a", "b", "a", "c", "a", "b"):
        models.suggest(version, [transcript("x")])
    assert loads == ["a", "b", "c", "b"]
    assert models.versions == ("a", "b")


def test_a_model_whose_files_are_gone_says_what_to_do(house: House) -> None:
    with pytest.raises(ArtifactError, match="choose another version"):
        LoadedModels(house).suggest("gone", [transcript("x")])


def test_setup_and_health_answer_while_a_model_loads(
    app: FastAPI,
    house: House,
    study: str,
    use: Callable[[str], None],
    ml: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use("v1")
    loading, loaded = threading.Event(), threading.Event()

    def load(_self: LoadedModels, version: str) -> Fake:
        loading.set()
        assert loaded.wait(60)
        return Fake(version)

    monkeypatch.setattr(LoadedModels, "_load", load)
    task = {"id": 1, "data": {"text": "My sister helps"}}
    answers: list[httpx.Response] = []

    async def talk() -> None:
        transport = httpx.ASGITransport(app=app)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://service", auth=ml) as client,
            anyio.create_task_group() as group,
        ):

            async def predict() -> None:
                body = {"tasks": [task], "label_config": TEXT, "project": "1.1"}
                answers.append(await client.post(f"/ml/{study}/predict", json=body))

            # More than there are threads in the pool that answers everything else.
            for _ in range(60):
                group.start_soon(predict)
            while not loading.is_set():
                await anyio.sleep(0.01)
            with anyio.fail_after(30):
                assert (await client.get("/health")).status_code == 200
                setup = await client.post(f"/ml/{study}/setup", json={"project": "1.1"})
                assert setup.json() == {"model_version": "v1"}
                versions = await client.get(f"/ml/{study}/versions")
                assert versions.json() == {"versions": ["v1"]}
            assert answers == []
            loaded.set()

    anyio.run(talk)
    assert len(answers) == 60
    for answer in answers:
        (result,) = answer.json()["results"]
        assert result["model_version"] == "v1"
        assert result["result"][0]["value"]["labels"] == ["Support"]


def test_twenty_predictions_at_once_each_get_their_own(
    app: FastAPI, study: str, use: Callable[[str], None], ml: tuple[str, str], loads: list[str]
) -> None:
    use("v1")
    got: dict[int, httpx.Response] = {}

    async def talk() -> None:
        transport = httpx.ASGITransport(app=app)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://service", auth=ml) as client,
            anyio.create_task_group() as group,
        ):

            async def predict(number: int) -> None:
                tasks = [{"id": number, "data": {"text": f"Text {number}"}}] * (number % 3)
                body = {"tasks": tasks, "label_config": TEXT, "project": "1.1"}
                got[number] = await client.post(f"/ml/{study}/predict", json=body)

            for number in range(20):
                group.start_soon(predict, number)

    anyio.run(talk)
    for number, answer in got.items():
        results = answer.json()["results"]
        assert len(results) == number % 3
        for result in results:
            assert result["result"][0]["value"]["text"] == f"Text {number}"
    assert loads == ["v1"]

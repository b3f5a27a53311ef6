"""What follows a training that nobody sits beside."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from service import queue
from service.handlers import Reins, handle
from service.house import House, open_house
from service.settings import read_settings
from service.storage.records import Connection
from service.workflows.training import train_study


@pytest.fixture
def house(
    on_database: Callable[..., AbstractContextManager[str | None]], tmp_path: Path
) -> Iterator[House]:
    with on_database(tmp_path / "home", trained=True):
        house = open_house(read_settings(home=tmp_path / "home"))
        yield house
        house.database.close()


REINS = Reins(progress=lambda _stage, _done, _total: None, should_stop=lambda: False)


@pytest.mark.parametrize("connected", [True, False])
def test_coders_get_the_suggestions_of_a_newly_trained_model(house: House, connected: bool) -> None:
    if connected:
        with house.database.unit_of_work() as work:
            work.label_studio.save_connection(
                Connection(
                    study="managers",
                    url="http://127.0.0.1:1",
                    token=SecretStr("t"),
                    project_id=1,
                    ml_url=None,
                    webhook_id=None,
                    webhook_secret=SecretStr("s"),
                    blind_share=0.0,
                    seed=0,
                )
            )
            work.commit()
    job = queue.enqueue(house, queue.TRAIN, "managers")
    result = handle(house, job, REINS)
    with house.database.reading() as work:
        waiting = [one.kind for one in work.jobs.list("managers") if one.kind == queue.PUSH]
    assert waiting == ([queue.PUSH] if connected else [])
    assert ("push_job" in result) is connected


@pytest.mark.once("it is about training")
@pytest.mark.parametrize("payload", [{}, {"full": True}])
def test_a_training_goes_on_from_the_model_unless_a_full_one_is_asked_for(
    house: House, payload: dict[str, bool]
) -> None:
    with house.database.reading() as work:
        before = work.models.active("managers")
    stages: set[str] = set()

    def progress(name: str, _done: int, _total: int) -> None:
        stages.add(name)

    job = queue.enqueue(house, queue.TRAIN, "managers", payload)
    result = handle(house, job, replace(REINS, progress=progress))
    assert ("cross-validating" in stages) == bool(payload)
    # Nothing was coded since: the version is the same either way.
    assert before is not None
    assert result["model_version"] == before.version


@pytest.mark.once("it is about training")
def test_a_training_that_finds_nothing_new_still_puts_the_model_where_others_fetch_it(
    on_database: Callable[..., AbstractContextManager[str | None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECOND_CODER_ARTIFACTS", str(tmp_path / "shared"))
    with on_database(tmp_path / "home", trained=True):
        house = open_house(read_settings(home=tmp_path / "home"))
        report = train_study(house, "managers")
        house.database.close()
    assert report.notes[-1].startswith("Nothing was coded since")
    assert (tmp_path / "shared" / report.model_version / "report.json").is_file()

"""`train --refresh` as a user types it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.house import open_house
from service.settings import read_settings
from service.workflows.drift_model import model_notes, open_model

pytestmark = pytest.mark.once("it is about training")

SAYINGS = {
    "Money": ("The budget was cut by a tenth.", "Finance found savings.", "We overspent."),
    "Staff": ("Nurses leave us faster than we hire.", "The rota is short.", "Agency staff again."),
}


def _files(transcripts: int) -> dict[str, str]:
    turns, codings = ["transcript,turn,speaker,text"], ["transcript,turn,start,end,code,coder"]
    for number in range(transcripts):
        said = [(code, text) for code, texts in SAYINGS.items() for text in texts]
        for turn, (code, text) in enumerate(said):
            turns.append(f"t{number},{turn},P{number},{text} That was in year {number} of it.")
            codings.append(f"t{number},{turn},,,{code},asha")
    return {"transcripts": "\n".join(turns) + "\n", "codings": "\n".join(codings) + "\n"}


def test_what_was_coded_since_is_learned_with_what_was_asked_for_then(
    run: Callable, folder: Callable
) -> None:
    run("import", "trust", folder(**_files(10)))
    first = run("train", "trust", "--tier", "fast", "--folds", "3", "--min-support", "4", "--json")
    run("import", "trust", folder(**_files(12)))
    found = run("train", "trust", "--refresh", "--json").document
    assert found["refreshed"] == {
        "base": first.document["model_version"],
        "whole": first.document["model_version"],
        "new": 2,
        "recoded": 0,
        "gone": 0,
    }
    assert (found["folds"], found["asked"]["min_support"]) == (3, 4)
    listed = run("models", "trust", "--json").document["models"]
    assert [one["version"] for one in listed if one["active"]] == [found["model_version"]]
    table = run("models", "trust").out
    assert f"refreshed from {first.document['model_version']}" in table
    assert "in full" in table
    again = run("train", "trust", "--refresh")
    assert again.code == 0
    assert "2 transcripts came, 0 were coded otherwise and 0 went" in again.err
    assert found["model_version"] in again.out
    assert len(run("models", "trust", "--json").document["models"]) == 2


def test_other_options_beside_it_are_refused(run: Callable, folder: Callable) -> None:
    run("import", "trust", folder(**_files(3)))
    outcome = run("train", "trust", "--refresh", "--tier", "fast", "--folds", "2")
    assert outcome.code == 2
    assert "--tier" in outcome.err
    assert "--folds" in outcome.err


def test_the_first_model_is_trained_in_full(run: Callable, folder: Callable) -> None:
    run("import", "trust", folder(**_files(4)))
    found = run("train", "trust", "--refresh", "--json")
    assert found.code == 0
    assert found.document["refreshed"] is None
    assert "no model to go on from" in found.err


def test_drift_asks_a_refreshed_model_about_what_was_cross_validated_with_it(
    run: Callable, folder: Callable, home: Path
) -> None:
    run("import", "trust", folder(**_files(10)))
    run("train", "trust", "--tier", "fast", "--folds", "3")
    run("import", "trust", folder(**_files(12)))
    assert run("train", "trust", "--refresh", "--json").document["refreshed"]["new"] == 2
    house = open_house(read_settings(home=home))
    with house.database.reading() as work:
        study, record = work.studies.load("trust"), work.models.active("trust")
    assert record is not None
    model = open_model(house, record, study, None)
    assert {key[0] for key in model.held.keys} == {f"t{number}" for number in range(10)}
    assert set(model.since) == {"t10", "t11"}
    (note,) = model_notes("trust", model)
    assert "2 transcripts came or were coded otherwise" in note
    assert "second-coder train trust" in note
    house.database.close()

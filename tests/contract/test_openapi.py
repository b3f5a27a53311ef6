"""The description of the interface and what it does are the same, whatever it is sent."""

from dataclasses import replace

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from service.app import create_app
from service.house import House
from service.sessions import Attempts

API = {"Authorization": "Bearer api"}

# A body of the right shape may still be refused: a label config is XML, names must differ.
NOT_CHECKED = [positive_data_acceptance]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_one_that_the_description_promises(
    house: House, mode: GenerationMode
) -> None:
    app = create_app(house)
    # The checks send wrong tokens by the dozen, which is no guessing.
    app.state.serving = replace(app.state.serving, guesses=Attempts(free=10_000))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=API)
    tried: set[str] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        # Any text may be a study's name, so only a body can be of the wrong shape.
        if mode is GenerationMode.NEGATIVE and not operation.body:
            continue

        @settings(
            max_examples=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: Case) -> None:
            # Otherwise nearly every example names a study that is not there.
            if len(str(case.path_parameters.get("study", "long"))) < 3:
                case.path_parameters["study"] = "probe"
            case.call_and_validate(headers=API, excluded_checks=NOT_CHECKED)

        answers()
        tried.add(operation.label)
    assert len(tried) >= 10

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from annotations.codings import Coding
from annotations.errors import StateError
from annotations.reliability.methods import Versions
from annotations.reliability.report import report_of
from annotations.study import Material, Study
from models.suggestions import Suggestion
from service.house import House
from service.storage.records import ModelRecord, TaskLink
from service.workflows.agreeing import agreement, gather

NEW, OLD = "new", "old"


@pytest.fixture
def pay(house: House, coded_study: Study) -> str:
    """Twelve transcripts: 0 to 3 shown by an old model, 4 to 6 blind, the rest never sent."""
    with house.database.unit_of_work() as work:
        work.studies.create("pay")
        work.studies.add(
            "pay",
            Material(
                transcripts=coded_study.transcripts,
                codings=coded_study.codings,
                readings=tuple(
                    replace(one, assisted=one.transcript < "T04") for one in coded_study.readings
                ),
                codebook=coded_study.codebook,
            ),
        )
        for version in (OLD, NEW):
            work.models.add(
                "pay", ModelRecord(version=version, encoder="e", size_bytes=1, figures={})
            )
        work.label_studio.save_tasks(
            "pay",
            [
                TaskLink(
                    task_id=at,
                    transcript=f"T{at:02}",
                    blind=at >= 4,
                    pushed_version=OLD if at < 4 else None,
                )
                for at in range(7)
            ],
        )
        # The new model has not looked at the last blind one, and at one shown by the old.
        for version, at in [*((OLD, at) for at in range(4)), (NEW, 0), (NEW, 4), (NEW, 5)]:
            work.suggestions.store(
                "pay",
                version=version,
                transcript=f"T{at:02}",
                suggestions=[
                    Suggestion(
                        transcript=f"T{at:02}",
                        turn=1,
                        start=0,
                        end=5,
                        text="words",
                        code="Trust" if version == OLD else "Work > Pay",
                        score=0.9,
                        threshold=0.5,
                        model_version=version,
                    )
                ],
                shown=version == OLD,
            )
        work.commit()
    return "pay"


def test_what_coders_saw_and_what_was_withheld_is_gathered(house: House, pay: str) -> None:
    found = gather(house, pay)
    assert found.record is not None
    assert found.record.version == NEW
    assert found.shown == {"T00", "T01", "T02", "T03"}
    assert found.suggested is not None
    assert found.suggested.version == "new, old"
    assert found.suggested.transcripts == {"T00", "T01", "T02", "T03", "T04", "T05"}
    codes = {one.transcript: one.code for one in found.suggested.codings}
    assert codes == {
        **dict.fromkeys(["T00", "T01", "T02", "T03"], "Trust"),
        **dict.fromkeys(["T04", "T05"], "Work > Pay"),
    }
    report = report_of(
        found.study,
        unit="turn",
        versions=Versions(software="1", model=NEW, codebook="", data=""),
        suggested=found.suggested,
    )
    assert report.anchoring is not None
    assert (report.anchoring.blind, report.anchoring.shown) == (2, 4)


def test_what_was_suggested_is_read_at_once_for_all_transcripts(
    house: House,
    pay: str,
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    with statements() as before:
        gather(house, pay)
    with house.database.unit_of_work() as work:
        for at in (7, 8, 9, 10, 11):
            work.suggestions.store(
                pay, version=OLD, transcript=f"T{at:02}", suggestions=[], shown=True
            )
        work.commit()
    with statements() as after:
        found = gather(house, pay).suggested
    assert found is not None
    assert len(found.transcripts) == 11
    assert len(after) == len(before)


def test_the_digest_changes_with_the_study_and_with_nothing_else(house: House, pay: str) -> None:
    first = gather(house, pay).digest
    assert gather(house, pay).digest == first
    with house.database.unit_of_work() as work:
        work.studies.add(
            pay,
            Material(
                codings=(
                    Coding(transcript="T00", turn=0, start=0, end=3, code="Trust", coder="asha"),
                )
            ),
        )
        work.commit()
    second = gather(house, pay).digest
    assert second != first
    with house.database.unit_of_work() as work:
        work.models.use(pay, OLD)
        work.commit()
    assert gather(house, pay).digest not in (first, second)


def test_a_study_without_codings_says_what_to_do(house: House) -> None:
    with house.database.unit_of_work() as work:
        work.studies.create("empty")
        work.commit()
    with pytest.raises(StateError, match="second-coder import empty"):
        agreement(house, "empty")


def test_the_service_starts_without_what_draws() -> None:
    seen = subprocess.run(
        [sys.executable, "-c", "import sys, service.app; print('altair' in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert seen.stdout.strip() == "False"

"""Old excerpts go to a real Label Studio unmarked, are coded again there, and come back apart."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import PredictedSpan, result_of
from annotations.recoding import excerpt_of
from annotations.study import Study
from service.house import House
from service.label_studio.client import Client
from service.label_studio.records import Annotation, Task
from service.label_studio.server import LocalLabelStudio
from service.storage.records import RecodeExcerpt
from service.workflows.agreeing import agreement
from service.workflows.drifting import drift
from service.workflows.exporting import export
from service.workflows.importing import import_paths
from service.workflows.labelling import connect
from service.workflows.recoded import recode_report
from service.workflows.recoding import PushedExcerpts, recode_sample
from service.workflows.syncing import sync

pytestmark = pytest.mark.integration

SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "middle_managers"
ADDED = "Networks > Brokering"


def study_of(house: House) -> Study:
    with house.database.reading() as work:
        return work.studies.load("managers")


def drawn(house: House) -> dict[str, RecodeExcerpt]:
    with house.database.reading() as work:
        (draw,) = work.recodings.list("managers")
    return {one.key: one for one in draw.excerpts}


def push(house: House, *, coder: str = "asha") -> PushedExcerpts:
    (plan,) = recode_sample(house, "managers", coders=[coder], size=14, to_label_studio=True).coders
    assert plan.pushed is not None
    return plan.pushed


def code_again(
    house: House,
    client: Client,
    project: int,
    task: Task,
    *,
    extra: str | None = None,
    on_context: bool = False,
) -> Annotation:
    """Submit what was coded the first time, and more on the whole turn on request."""
    whole = study_of(house)
    one = drawn(house)[task.data["excerpt"]]
    (transcript,) = [item for item in whole.transcripts if item.name == one.transcript]
    small = excerpt_of(transcript, one.turn)
    assert [turn["text"] for turn in task.data["turns"]] == [turn.text for turn in small.turns]
    last = len(small.turns) - 1
    spans = [(last, coding.start, coding.end, coding.code) for coding in one.before]
    if extra is not None:
        spans.append((last, 0, len(small.turns[last].text), extra))
    if on_context:
        spans.append((0, 0, 5, ADDED))
    found = client.project(project)
    assert found is not None
    result: list[dict[str, Any]] = result_of(
        [
            PredictedSpan(turn=turn, start=start, end=end, code=code, score=1, reason="")
            for turn, start, end, code in dict.fromkeys(spans)
        ],
        small,
        LabelConfig.parse(found.label_config, whole.codebook.paths),
    )
    return client.submit(task=task.id, result=result)


def everything_told(house: House, folder: Path) -> tuple[object, ...]:
    """All that a re-coding must not change: the study, its agreement, counts and exports."""
    export(house, "managers", folder)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    found = agreement(house, "managers")
    with house.database.reading() as work:
        summary = work.studies.summary("managers")
    return (study_of(house), found.pooled, found.coders, summary, files)


def test_excerpts_go_out_unmarked_and_in_no_order(house: House, client: Client) -> None:
    pushed = push(house)
    project = client.project(pushed.project_id)
    assert project is not None
    tasks = client.tasks(pushed.project_id)
    assert (pushed.created, pushed.tasks, len(tasks)) == (14, 14, 14)
    assert client.predictions(pushed.project_id) == ()
    assert {tuple(sorted(task.data)) for task in tasks} == {("excerpt", "turns")}
    whole = study_of(house)
    told = json.dumps([project.title, [task.data for task in tasks]])
    assert not any(word in told for word in ("asha", "W1-", "W2-", *whole.codebook.paths))
    assert "asha" not in project.label_config
    excerpts = drawn(house)
    places = [
        (excerpts[task.data["excerpt"]].transcript, excerpts[task.data["excerpt"]].turn)
        for task in tasks
    ]
    assert places != sorted(places)
    assert {one.stratum for one in excerpts.values()} >= {"", ADDED}
    # Once more makes nothing twice; what was lost on the way is made.
    assert push(house) == PushedExcerpts(
        project_id=pushed.project_id, project_url=pushed.project_url, created=0, tasks=14
    )
    client._sdk.tasks.delete(str(tasks[0].id))
    assert push(house).created == 1


def test_what_comes_back_is_the_coders_agreement_with_themself_and_nothing_else(
    house: House, client: Client, tmp_path: Path
) -> None:
    before = everything_told(house, tmp_path / "before")
    pushed = push(house)
    assert sync(house, "managers").recoded == 0
    (waiting,) = recode_report(house, "managers").rounds
    assert (waiting.excerpts, waiting.agreement) == (0, ())
    assert drift(house, "managers").recoded == ()

    first, second, skipped, *rest = client.tasks(pushed.project_id)
    made = code_again(house, client, pushed.project_id, first)
    code_again(house, client, pushed.project_id, second, extra=ADDED, on_context=True)
    client.submit(task=skipped.id, result=(), was_cancelled=True)
    synced = sync(house, "managers")
    assert (synced.recoded, synced.changed, synced.annotations) == (2, 0, 0)
    assert [note for note in synced.notes if "lies on what comes before the excerpt" in note]
    assert sync(house, "managers").recoded == 0
    (half,) = recode_report(house, "managers").rounds
    assert (half.drawn, half.excerpts, half.annotators) == (14, 2, (made.coder,))

    for task in rest:
        code_again(house, client, pushed.project_id, task, extra=ADDED)
    assert sync(house, "managers").recoded == 11
    (whole,) = recode_report(house, "managers").rounds
    assert whole.excerpts == 13
    by_code = {one.code: one for one in whole.agreement}
    assert by_code[ADDED].before < by_code[ADDED].after < by_code[ADDED].alpha.n
    assert by_code[ADDED].shift.value > 0
    assert by_code["Personal > Identity"].alpha.value == pytest.approx(1.0)
    assert whole.days is not None
    assert whole.days.shortest > 100

    # Nothing of it is a coding of the study, and the report on drift tells of it.
    assert everything_told(house, tmp_path / "after") == before
    told = drift(house, "managers")
    assert told.recoded == (whole,)
    assert any(one.startswith("Coded again, blind: asha") for one in told.summary)
    plain = [one for one in told.questions if one.name == "use"]
    assert plain[0].comparisons[0].changes

    # Label Studio is the truth: what is deleted there was not coded again.
    client._sdk.annotations.delete(made.id)
    assert sync(house, "managers").recoded == 1
    assert recode_report(house, "managers").rounds[0].excerpts == 12
    # A project that somebody cleared away takes nothing with it, nor does another of its number.
    client.delete_project(pushed.project_id)
    with house.database.reading() as work:
        (draw,) = work.recodings.list("managers")
        connection = work.label_studio.connection("managers")
    assert connection is not None
    for number in (pushed.project_id, connection.project_id):
        with house.database.unit_of_work() as work:
            work.recodings.pushed("managers", draw.key, number)
            work.commit()
        gone = sync(house, "managers")
        assert gone.recoded == 0
        assert any("is gone; what had come back stays" in note for note in gone.notes)
        assert recode_report(house, "managers").rounds[0].excerpts == 12


def test_only_the_coder_themself_counts_where_they_have_an_account(
    house: House, client: Client, tmp_path: Path, label_studio: LocalLabelStudio
) -> None:
    """Whoever coded in Label Studio has an account there, whose name is the coder's."""
    me = client.server().user
    # Of this run of the test alone: the Label Studio is the same for all.
    someone = f"else-{uuid4().hex[:8]}@example.org"
    files = tmp_path / "files"
    files.mkdir()
    (files / "transcripts.csv").write_text(
        "transcript,turn,speaker,text\n" + "".join(f"A,{at},P,words\n" for at in range(3))
    )
    (files / "codings.csv").write_text(
        "transcript,turn,start,end,code,coder,coded_at\n"
        + "".join(
            f"A,{at},,,Pay,{name},2026-01-01T10:00:00\n"
            for at in range(3)
            for name in (me, someone)
        )
    )
    client._sdk.users.create(username=someone[:13], email=someone, first_name="", last_name="")
    import_paths(house, "pay", [files])
    connect(house, "pay", url=label_studio.url, token=label_studio.token)
    mine, other = recode_sample(house, "pay", coders=[me, someone], to_label_studio=True).coders
    assert mine.pushed is not None
    assert other.pushed is not None
    for plan in (mine.pushed, other.pushed):
        client.submit(task=client.tasks(plan.project_id)[0].id, result=())
    synced = sync(house, "pay")
    assert synced.recoded == 1
    assert any(f"{someone}'s to code again" in note for note in synced.notes)
    found = {one.coder: one.excerpts for one in recode_report(house, "pay").rounds}
    assert found == {me: 1, someone: 0}

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Add
from annotations.codings import Coding, Reading
from annotations.study import Material, Study
from annotations.transcripts import Transcript, Turn
from models.suggestions import Suggestion
from service import queue
from service.house import House
from service.routes.pages import extent
from service.storage.records import Connection, ModelRecord, TaskLink
from service.workflows import glancing
from service.workflows.exporting import export

PAGE = {"Accept": "text/html"}
SECRET_CODE = "Guesses > Of the machine"


@pytest.fixture
def two_models(house: House, study: str) -> str:
    """The study with two versions, the newer in use."""
    estimate = {
        **{"value": 0.5, "low": 0.25, "high": 0.75, "n": 9, "clusters": 9},
        **{"method": "jackknife", "reason": None},
    }
    code = dict.fromkeys(("kappa", "precision", "recall", "f1"), estimate)
    closed = {"code": "Support", "support": 1, "threshold": 0.5, "gate": "closed", **code}
    closed["reason"] = "1 segment carries it, 8 are needed"
    figures = {"kappa": estimate, "transcripts": 1, "codes": [closed]}
    with house.database.unit_of_work() as work:
        # The models know it: that a code of the codebook is new to one is no secret.
        known = work.codebooks.revise(
            study, [Add(code=Code(path=SECRET_CODE))], author="asha", reason=""
        )
        for version in ("older", "newer"):
            work.models.add(
                study,
                ModelRecord(
                    version=version,
                    encoder="e",
                    size_bytes=1,
                    figures=figures,
                    codebook_version=known.number,
                ),
            )
        work.commit()
    return study


@pytest.fixture
def blind(house: House, two_models: str) -> str:
    """The study's transcript `drawn` is in the blind sample, with a suggestion that is stored."""
    turns = tuple(Turn(index=at, speaker="P", text=f"words {at}") for at in range(2))
    with house.database.unit_of_work() as work:
        work.studies.add(two_models, Material(transcripts=(Transcript(name="drawn", turns=turns),)))
        work.label_studio.save_connection(
            Connection(
                study=two_models,
                url="http://127.0.0.1:1",
                token=SecretStr("t"),
                project_id=1,
                ml_url=None,
                webhook_id=None,
                webhook_secret=SecretStr("s"),
                blind_share=1 - 1e-9,
                seed=0,
            )
        )
        work.label_studio.save_tasks(
            two_models, [TaskLink(task_id=1, transcript="drawn", blind=True)]
        )
        suggestion = Suggestion(
            transcript="drawn",
            turn=0,
            start=0,
            end=5,
            text="words",
            code=SECRET_CODE,
            score=0.875,
            threshold=0.5,
            model_version="newer",
            because=(),
        )
        work.suggestions.store(
            two_models,
            version="newer",
            transcript="drawn",
            suggestions=[suggestion],
            shown=False,
        )
        work.commit()
    return two_models


def read(house: House, study: str, *turns: int) -> None:
    with house.database.unit_of_work() as work:
        readings = tuple(Reading(transcript="drawn", turn=turn, coder="ana") for turn in turns)
        work.studies.add(study, Material(readings=readings))
        work.commit()


def test_how_deep_the_codes_are_is_known_without_reading_codings(
    app: FastAPI, study: str, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    with statements() as said:
        assert extent(app.state.serving, study) == {"depth": 1, "newest": 1}
    assert said
    assert not [one for one in said if "codings.memo" in one]


def test_an_empty_service_tells_how_to_begin(browser: TestClient) -> None:
    assert "second-coder import STUDY PATH..." in browser.get("/studies").text


def test_a_study_without_codings_has_every_page(browser: TestClient, house: House) -> None:
    with house.database.unit_of_work() as work:
        work.studies.create("new")
        work.commit()
    for page in (
        *("", "/codebook", "/codebook/done", "/transcripts"),
        *("/models", "/jobs", "/jobs/now"),
    ):
        assert browser.get(f"/studies/new{page}").status_code == 200
    assert "Nobody has coded in new yet" in browser.get("/studies/new/codebook/done").text
    assert "There is no transcript yet" in browser.get("/studies/new").text
    for page in ("agreement", "matrix", "cooccurrence"):
        shown = browser.get(f"/studies/new/{page}")
        assert shown.status_code == 200
        assert "Nothing yet" in shown.text
        assert "second-coder import new PATH..." in shown.text
        assert 'href="/studies/new/jobs"' in shown.text
        asked = browser.get(f"/studies/new/{page}", headers={"Accept": "application/json"})
        assert asked.status_code == 409
    with house.database.unit_of_work() as work:
        turns = (Turn(index=0, speaker="P", text="words"),)
        work.studies.add("new", Material(transcripts=(Transcript(name="one", turns=turns),)))
        work.commit()
    assert "second-coder label-studio connect new" in browser.get("/studies/new").text


def test_a_codebook_is_told_to_be_done_or_not_though_the_model_is_gone(
    browser: TestClient, two_models: str
) -> None:
    shown = browser.get(f"/studies/{two_models}/codebook/done")
    assert shown.status_code == 200
    assert "The files of model newer are not at" in shown.text
    assert "Transcripts in the order of coding" in shown.text
    assert "codebook/done" in browser.get(f"/studies/{two_models}/codebook").text


def test_a_code_that_others_are_below_tells_whose_codings_are_whose(
    browser: TestClient, house: House
) -> None:
    turns = (Turn(index=0, speaker="P", text="words"),)
    codings = tuple(
        Coding(transcript="one", turn=0, start=0, end=5, code=code, coder="ana")
        for code in ("Care > Waiting", "Care > Waiting > At night", "Carers")
    )
    with house.database.unit_of_work() as work:
        work.studies.create("deep")
        work.studies.add(
            "deep",
            Material(
                transcripts=(Transcript(name="one", turns=turns),),
                codings=codings,
            ),
        )
        work.commit()
    text = re.sub(r"<[^>]+>", " ", browser.get("/studies/deep/codebook").text)
    assert "not itself; the codes below it: 2 codings" in text
    assert "1 coding in 1 transcript; the codes below it: 1 coding" in text


def test_errors_are_pages_for_browsers_and_documents_for_programs(
    browser: TestClient, study: str, api: dict[str, str]
) -> None:
    for place, status in (
        ("/studies/none", 404),
        (f"/studies/{study}/transcript?name=none", 404),
        (f"/studies/{study}/transcript", 422),
        (f"/studies/{study}/transcript?name=ward&first=99", 409),
        (f"/studies/{study}/models/none", 404),
        (f"/studies/{study}/compare?one=a&other=b", 404),
        (f"/studies/{study}/matrix?by=none", 409),
        ("/nothing", 404),
    ):
        page = browser.get(place)
        assert page.status_code == status
        assert page.headers["content-type"].startswith("text/html")
        document = browser.get(place, headers={"Accept": "application/json"})
        assert document.status_code == status
        assert document.json()["error"]["message"]


def test_pages_take_attributes_one_by_one_and_with_commas(
    browser: TestClient, house: House
) -> None:
    with house.database.unit_of_work() as work:
        work.studies.create("wards")
        transcripts = tuple(
            Transcript(
                name=f"T{at}",
                turns=(Turn(index=0, speaker="P", text="Yes."),),
                attributes={"site": "north", "role": "nurse", "pay, hours": "low"},
            )
            for at in range(2)
        )
        codings = tuple(
            Coding(transcript=one.name, turn=0, start=0, end=4, code="A", coder="ana")
            for one in transcripts
        )
        readings = tuple(Reading(transcript=o.name, turn=0, coder="ana") for o in transcripts)
        book = Codebook.of([Code(path="A")], declared=False)
        material = Material(
            transcripts=transcripts, codings=codings, readings=readings, codebook=book
        )
        work.studies.add("wards", material)
        work.commit()
    for query in ("by=&by=site&by=role", "by=site,role", "by=site,+role&by="):
        page = browser.get(f"/studies/wards/matrix?{query}")
        assert page.status_code == 200, page.text
        assert page.text.count(" checked") == 2
    for page, field in (("matrix", "by"), ("prevalence", "by"), ("drift", "adjust")):
        for query in ("site,role", "pay, hours"):
            shown = browser.get(f"/studies/wards/{page}", params={field: query})
            assert shown.status_code == 200
            assert "no attribute" not in shown.text
            assert shown.text.count(" checked") == (1 if " " in query else 2)


@pytest.mark.parametrize("finished", [(), (0,), (0, 1)])
def test_no_page_tells_what_is_withheld_before_a_person_has_read_it_all(
    browser: TestClient,
    house: House,
    api: dict[str, str],
    tmp_path: Path,
    blind: str,
    finished: tuple[int, ...],
) -> None:
    if finished:
        read(house, blind, *finished)
    pages = {
        page: browser.get(f"/studies/{blind}{page}")
        for page in ("", "/transcripts", "/transcript?name=drawn", "/jobs", "/models")
    }
    assert {page.status_code for page in pages.values()} == {200}
    # A score, and not the end of a moment such as 10:40:50.88.
    told = [
        name
        for name, page in pages.items()
        if "Of the machine" in page.text or re.search(r"(?<![\d.:])0\.88(?!\d)", page.text)
    ]
    counted = browser.get(f"/api/v1/studies/{blind}/matrix?coded_by=model", headers=api)
    export(house, blind, tmp_path, formats=["label-studio"])
    assert "Of the machine" not in (tmp_path / "tasks.json").read_text()
    if finished == (0, 1):
        assert told == ["", "/transcript?name=drawn"]
        assert "Score 0.88, suggested from 0.50." in pages["/transcript?name=drawn"].text
        assert "Of the machine" in counted.text
    else:
        assert told == []
        assert "Of the machine" not in counted.text
        assert "Withheld: this transcript" in pages["/transcript?name=drawn"].text
        assert "<td>withheld</td>" in pages["/transcripts"].text


def test_the_next_push_would_draw_it_so_it_is_withheld_already(
    browser: TestClient, house: House, blind: str
) -> None:
    with house.database.unit_of_work() as work:
        work.label_studio.forget_tasks(blind)
        work.commit()
    assert "Of the machine" not in browser.get(f"/studies/{blind}/transcript?name=drawn").text


def test_an_interviewers_turns_need_not_be_read(
    browser: TestClient, house: House, blind: str
) -> None:
    with house.database.unit_of_work() as work:
        drawn = work.studies.transcript(blind, "drawn")
        marked = replace(drawn, turns=(drawn.turns[0], replace(drawn.turns[1], interviewer=True)))
        work.studies.add(blind, Material(transcripts=(marked,), interviewers=("P",)))
        work.commit()
    place = f"/studies/{blind}/transcript?name=drawn"
    assert "Of the machine" not in browser.get(place).text
    read(house, blind, 0)
    assert "Of the machine" in browser.get(place).text
    assert "(interviewer, not coded)" in browser.get(place).text


def test_what_models_coded_in_files_is_withheld_as_well(
    browser: TestClient, house: House, blind: str
) -> None:
    coding = Coding(
        transcript="drawn", turn=1, start=0, end=5, code="Filed away", coder="model:other"
    )
    with house.database.unit_of_work() as work:
        work.studies.add(blind, Material(codings=(coding,)))
        work.commit()
    place = f"/studies/{blind}/transcript?name=drawn"
    assert "Filed away" not in browser.get(place).text
    read(house, blind, 0, 1)
    assert "Filed away" in browser.get(place).text


def test_the_study_says_what_needs_attention(browser: TestClient, blind: str) -> None:
    text = browser.get(f"/studies/{blind}").text
    assert "not suggested for lack of support: Support" in text
    assert "The blind sample (1 transcript) is not coded yet" in text
    assert "One coder alone has coded" in text
    assert "1 segment carries it, 8 are needed" in text


def test_codes_that_need_a_training_are_told_with_the_page_that_says_why(
    browser: TestClient, two_models: str, house: House
) -> None:
    place = f"/studies/{two_models}"
    assert "a training" not in browser.get(place).text
    with house.database.unit_of_work() as work:
        added = [Add(code=Code(path=f"New {number}")) for number in range(6)]
        made = work.codebooks.revise(two_models, added, author="asha", reason="")
        work.commit()
    shown = browser.get(place).text
    assert (
        "6 codes need a training, since the model knows version 2 of the codebook and there is "
        f"version {made.number}: New 0, New 1, New 2, New 3, New 4 and 1 more."
    ) in shown
    attention = shown.split('id="attention"')[1].split("</section>")[0]
    assert f'href="{place}/models"' in attention
    models = browser.get(f"{place}/models").text
    assert "New 5: it is new since the model was trained." in models


def test_a_failed_job_and_a_waiting_one_are_told(
    browser: TestClient, house: House, study: str
) -> None:
    with house.database.unit_of_work() as work:
        job = work.jobs.create(queue.TRAIN, study)
        work.jobs.claim(job.id, "w")
        work.jobs.heartbeat(job.id, "w", stage="folds", done=2, total=6)
        work.commit()
    running = browser.get(f"/studies/{study}/jobs/now").text
    assert 'value="2" max="6"' in running
    assert "data-moving" in running
    with house.database.unit_of_work() as work:
        work.jobs.fail(job.id, "w", "Too few codings.")
        work.commit()
    assert "The last train failed: Too few codings." in browser.get(f"/studies/{study}").text
    assert "data-moving" not in browser.get(f"/studies/{study}/jobs/now").text


def test_pages_read_the_last_jobs_and_all_that_wait_or_run(
    browser: TestClient, house: House, study: str
) -> None:
    with house.database.unit_of_work() as work:
        running = work.jobs.create(queue.TRAIN, study).id
        work.jobs.claim(running, "w")
        for _ in range(glancing.MANY + 1):
            latest = work.jobs.create(queue.SYNC_ANNOTATIONS, study).id
            work.jobs.claim(latest, "w")
            work.jobs.finish(latest, "w")
        work.commit()
    place = f"/studies/{study}/jobs"

    def shown(where: str) -> list[int]:
        return [
            int(at) for at in re.findall(r'<th scope="row">(\d+)</th>', browser.get(where).text)
        ]

    oldest = latest - glancing.MANY + 1
    assert shown(place) == shown(f"{place}/now") == [*range(latest, oldest - 1, -1), running]
    assert shown(f"{place}/now?few=1") == [running, *range(latest, latest - 4, -1)]
    assert "Older jobs are not shown." in browser.get(place).text
    assert "Older jobs" not in browser.get(f"{place}/now?few=1").text


def test_forms_do_what_they_say_and_go_back(
    browser: TestClient,
    two_models: str,
    house: House,
    jobs: Callable[[], list[tuple[str, str]]],
    form_token: Callable[..., str],
) -> None:
    base = f"/studies/{two_models}"
    token = {"form_token": form_token(browser, f"{base}/jobs")}
    for kind in ("train", "train", "sync", "push"):
        answer = browser.post(f"{base}/jobs", data={**token, "kind": kind})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{base}/jobs")
    assert jobs() == [("train", "queued"), ("sync", "queued"), ("push", "queued")]
    assert browser.post(f"{base}/jobs/1/cancel", data=token).status_code == 303
    assert jobs()[0] == ("train", "cancelled")
    assert browser.post(f"{base}/jobs", data={**token, "kind": "delete"}).status_code == 422
    assert browser.post(f"{base}/jobs/99/cancel", data=token).status_code == 404
    assert browser.post(f"{base}/models/older/use", data=token).status_code == 303
    with house.database.reading() as work:
        active = work.models.active(two_models)
    assert active is not None
    assert active.version == "older"


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("wrong", {}),
        ("right", {"Origin": "https://evil.example"}),
        ("right", {"Origin": "null"}),
        ("right", {"Sec-Fetch-Site": "cross-site"}),
        ("right", {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_form_of_another_site_does_nothing(
    browser: TestClient,
    study: str,
    jobs: Callable[[], list[tuple[str, str]]],
    form_token: Callable[..., str],
    token: str,
    headers: dict[str, str],
) -> None:
    place = f"/studies/{study}/jobs"
    given = form_token(browser, place) if token == "right" else token
    answer = browser.post(place, data={"kind": "train", "form_token": given}, headers=headers)
    assert answer.status_code == 403
    assert jobs() == []


def test_a_form_of_another_login_does_nothing(
    browser: TestClient,
    app: FastAPI,
    study: str,
    jobs: Callable[[], list[tuple[str, str]]],
    form_token: Callable[..., str],
) -> None:
    other = TestClient(app, headers=PAGE, follow_redirects=False)
    other.post("/login", data={"token": "the-token-of-the-api"})
    place = f"/studies/{study}/jobs"
    data = {"kind": "train", "form_token": form_token(other, place)}
    assert browser.post(place, data=data).status_code == 403
    # A password that the browser sends by itself is no proof either.
    basic = TestClient(app, headers=PAGE)
    basic.auth = ("anyone", "the-token-of-the-api")
    assert basic.post(place, data={"kind": "train"}).status_code == 403
    assert TestClient(app).post(place, data={"kind": "train"}).status_code == 401
    assert jobs() == []


def test_names_are_text_whatever_is_in_them(
    browser: TestClient, house: House, coded_study: Study
) -> None:
    evil = "<img src=x onerror=alert(1)> | 🙂 \"'& " + "long " * 60
    evil = " ".join(evil.split())
    names = {"Trust": evil.replace(">", "")}
    with house.database.unit_of_work() as work:
        work.studies.create("a?b#c%d <i>")
        work.studies.add(
            "a?b#c%d <i>",
            Material(
                transcripts=tuple(
                    replace(one, name=f"{one.name}/<b>..&", attributes={"<u>": "<s>"})
                    for one in coded_study.transcripts
                ),
                codings=tuple(
                    replace(
                        one,
                        transcript=f"{one.transcript}/<b>..&",
                        code=names.get(one.code, one.code),
                        coder=f"{one.coder}<script>",
                    )
                    for one in coded_study.codings
                ),
                readings=tuple(
                    replace(
                        one, transcript=f"{one.transcript}/<b>..&", coder=f"{one.coder}<script>"
                    )
                    for one in coded_study.readings
                ),
                codebook=Codebook.of(
                    [
                        Code(path=names.get(code.path, code.path))
                        for code in coded_study.codebook.codes
                    ],
                    declared=False,
                ),
            ),
        )
        work.commit()
    (base,) = re.findall(r'<th scope="row"><a href="([^"]+)"', browser.get("/studies").text)
    pages = ("codebook", "transcripts", "agreement", "matrix?by=<u>", "cooccurrence", "jobs")
    seen = ["/studies", base, *(f"{base}/{page}" for page in pages)]
    links = re.findall(r'href="([^"]+/transcript\?[^"]+)"', browser.get(f"{base}/codebook").text)
    seen += [links[0].replace("&amp;", "&").split("#")[0]]
    for place in seen:
        answer = browser.get(place)
        assert answer.status_code == 200, place
        for tag in ("<img", "<b>", "<i>", "<u>", "<s>", "<script>"):
            assert tag not in answer.text, place


def test_a_transcript_tells_no_code_from_not_read_and_filters(
    browser: TestClient, house: House, coded_study: Study
) -> None:
    turns = tuple(Turn(index=at, speaker="P", text=f"word {at} 🙂 end") for at in range(700))
    with house.database.unit_of_work() as work:
        work.studies.create("long")
        work.studies.add(
            "long",
            Material(
                transcripts=(Transcript(name="L", turns=turns),),
                codings=(
                    Coding(transcript="L", turn=650, start=0, end=8, code="Late", coder="ana"),
                    Coding(transcript="L", turn=650, start=5, end=12, code="Late", coder="ben"),
                    Coding(
                        transcript="L",
                        turn=3,
                        start=0,
                        end=6,
                        code="Early",
                        coder="ana",
                        memo="Why <so>?",
                    ),
                ),
                readings=(
                    *(Reading(transcript="L", turn=at, coder="ana") for at in range(700)),
                    Reading(transcript="L", turn=650, coder="ben"),
                ),
            ),
        )
        work.commit()
    place = "/studies/long/transcript?name=L"
    whole = browser.get(place).text
    assert whole.count('<li id="turn-') == 300
    assert 'id="turn-699"' in browser.get(f"{place}&first=600").text
    late = browser.get(f"{place}&code=Late&coded=1").text
    assert re.findall(r'<li id="turn-(\d+)"', late) == ["650"]
    assert re.findall(r'<mark class="by-(\d)">([^<]*)</mark>', late) == [
        ("1", "word "),
        ("2", "650"),
        ("1", " 🙂 e"),
    ]
    only = browser.get(f"{place}&coded=1").text
    assert re.findall(r'<li id="turn-(\d+)"', only) == ["3", "650"]
    assert re.findall(r"<dt>not read</dt><dd>([^<]*)</dd>", only) == ["ben"]
    assert only.count("Memo: Why &lt;so&gt;?") == only.count("Memo: ") == 1

"""The command by which coders code old excerpts again, as a user runs it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from annotations.codings import Coding
from service.house import House, open_house
from service.settings import read_settings

ADDED = "Networks > Brokering"


@pytest.fixture
def house(run: Callable, sample: Path, tmp_path: Path) -> Iterator[House]:
    """The sample study, in the home of the commands."""
    assert run("import", "managers", sample).code == 0
    opened = open_house(read_settings(home=tmp_path / "home"))
    yield opened
    opened.database.close()


def come_back(house: House, *, add: str | None) -> None:
    """Everything drawn comes back as it was coded, with a code more where asked for."""
    with house.database.unit_of_work() as work:
        for draw in work.recodings.list("managers"):
            for at, one in enumerate(draw.excerpts):
                more = Coding(
                    transcript=one.transcript,
                    turn=one.turn,
                    start=0,
                    end=10_000,
                    code=add or "",
                    coder=draw.coder,
                )
                work.recodings.take(
                    "managers",
                    one.key,
                    [*one.before, *([more] if add and at % 2 else [])],
                    annotator=draw.coder,
                    at=datetime.now(UTC) + timedelta(minutes=1),
                )
        work.commit()


def plans(document: Any) -> list[tuple[str, int, bool]]:
    return [(one["coder"], one["excerpts"], one["before"]) for one in document["coders"]]


def test_a_draw_stands_until_another_is_asked_for(run: Callable, house: House) -> None:
    first = run("recode-sample", "managers", "--json").document
    assert plans(first) == [(name, 60, False) for name in ("asha", "ben", "carys")]
    again = run("recode-sample", "managers", "--json").document
    assert plans(again) == [(name, 60, True) for name in ("asha", "ben", "carys")]
    assert [replace_before(one) for one in again["coders"]] == first["coders"]
    # Nobody was sent the first draw: the next one takes its place.
    other = run("recode-sample", "managers", "--coder", "ben", "--size", "20", "--json").document
    assert plans(other) == [("ben", 20, False)]
    with house.database.unit_of_work() as work:
        found = work.recodings.list("managers")
        assert [(one.coder, len(one.excerpts)) for one in found] == [
            ("asha", 60),
            ("carys", 60),
            ("ben", 20),
        ]
        work.recodings.pushed("managers", found[-1].key, 7)
        work.commit()
    # One that was sent stands, and a further round draws from the others.
    assert plans(
        run("recode-sample", "managers", "--coder", "ben", "--seed", "1", "--json").document
    ) == [("ben", 60, False)]
    with house.database.reading() as work:
        _, _, sent, round_two = work.recodings.list("managers")
    places = [{(one.transcript, one.turn) for one in draw.excerpts} for draw in (sent, round_two)]
    assert not places[0] & places[1]
    shown = run("recode-sample", "managers")
    assert "Drawn before for ben: 60 excerpts" in shown.out
    assert "no code" in shown.out


def replace_before(plan: dict[str, Any]) -> dict[str, Any]:
    return {**plan, "before": False}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--coder", "zed"), "There is no coder 'zed' in managers. The coders are: asha, ben"),
        (("--size", "5"), "have 12 codes and none: ask for --size 13 at least"),
        (("--older-than", "100000"), "asha has coded nothing that is 100,000 days old"),
        (("--push",), "managers is not connected to Label Studio. Connect it: second-coder"),
        (("--report",), "Draw some: second-coder recode-sample managers --push"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    run: Callable, house: House, options: tuple[str, ...], words: str
) -> None:
    outcome = run("recode-sample", "managers", *options)
    assert outcome.code == 1
    assert words in outcome.err
    with house.database.reading() as work:
        assert work.recodings.list("managers") == ()


def test_the_report_goes_with_nothing_else(run: Callable, house: House) -> None:
    outcome = run("recode-sample", "managers", "--report", "--push")
    assert outcome.code == 2
    assert "goes with --json alone" in outcome.err


def test_what_was_coded_with_suggestions_in_sight_or_not_at_all_cannot_be_drawn(
    run: Callable, folder: Callable
) -> None:
    files = folder(transcripts="transcript,turn,speaker,text\nA,0,P,words\nA,1,P,more words\n")
    assert run("import", "tea", files).code == 0
    assert "nobody has coded tea yet" in run("recode-sample", "tea").err
    files = folder(
        codings="transcript,turn,start,end,code,coder,coded_at\nA,0,,,Tea,ann,\nA,1,,,Tea,bo,\n",
        readings="transcript,turn,coder,assisted\nA,0,ann,true\nA,1,bo,false\n",
    )
    assert run("import", "tea", files).code == 0
    refused = run("recode-sample", "tea", "--coder", "ann")
    assert refused.code == 1
    assert "ann has coded nothing without suggestions in sight" in refused.err
    # The other one's is drawn, and the first named.
    outcome = run("recode-sample", "tea")
    assert outcome.code == 0, outcome.err
    assert "Drawn for bo: 1 excerpt from 1 transcript, coded nobody knows when" in outcome.out
    assert "ann has coded nothing" in outcome.err


def test_the_report_and_that_on_drift_say_who_moved(
    run: Callable, house: House, tmp_path: Path
) -> None:
    assert run("recode-sample", "managers", "--coder", "asha", "--size", "60").code == 0
    empty = run("recode-sample", "managers", "--report")
    assert "asha: 0 of 60 excerpts came back so far" in empty.out
    assert "recode-sample managers --push" in empty.err
    come_back(house, add=ADDED)
    told = run("recode-sample", "managers", "--report", "--json").document
    (found,) = told["rounds"]
    assert [one["code"] for one in found["agreement"] if one["moved"]] == [None, ADDED]
    assert any(f"{ADDED} is applied more than before" in one for one in found["words"])
    shown = run("recode-sample", "managers", "--report")
    assert "asha agrees with their earlier coding with alpha" in shown.out
    assert "moved" in shown.out
    page = tmp_path / "drift.html"
    document = run("drift", "managers", "--html", page, "--json").document
    assert document["recoded"] == told["rounds"]
    html = page.read_text(encoding="utf-8")
    assert "Coders beside their own earlier coding" in html
    assert "asha: 60 of 60 excerpts drawn on" in html
    # What was coded again is nobody's use of a code.
    assert [one["subject"] for one in document["findings"]] == ["Knowledge > Evidence and data"]


def test_who_codes_as_before_is_said_to_and_a_backup_keeps_it(
    run: Callable, house: House, tmp_path: Path
) -> None:
    assert run("recode-sample", "managers", "--coder", "carys").code == 0
    come_back(house, add=None)
    told = run("recode-sample", "managers", "--report", "--json").document
    (found,) = told["rounds"]
    assert found["agreement"][0]["alpha"]["value"] == pytest.approx(1.0)
    assert not any(one["moved"] for one in found["agreement"])
    with house.database.reading() as work:
        before = work.recodings.list("managers")
    backup = tmp_path / "managers.backup"
    assert run("backup", "managers", backup).code == 0
    assert run("restore", backup, "--as", "copy").code == 0
    with house.database.reading() as work:
        after = work.recodings.list("copy")
    assert [replace(one, excerpts=()) for one in after] == [
        replace(one, excerpts=()) for one in before
    ]
    assert set(after[0].excerpts) == set(before[0].excerpts)


def test_who_moved_away_from_the_others_is_advised_to_code_again(
    run: Callable, folder: Callable
) -> None:
    places = [(at, turn) for at in range(20) for turn in range(5)]
    files = folder(
        transcripts="transcript,turn,speaker,text\n"
        + "".join(f"t{at:02},{turn},P,words of turn {turn}\n" for at, turn in places),
        codings="transcript,turn,start,end,code,coder,coded_at\n"
        + "".join(
            f"t{at:02},{turn},,,{'Tea' if turn == 0 or (strayed and turn < 4) else ''},{name},\n"
            for at, turn in places
            for name, strayed in (("ann", False), ("cy", False), ("Bo B.", at >= 10))
        ),
        attributes="transcript,wave\n" + "".join(f"t{at:02},{1 + at // 10}\n" for at in range(20)),
    )
    assert run("import", "tea", files).code == 0
    found = run("drift", "tea", "--by", "coder", "--json").document["findings"]
    advice = {one["subject"]: one["advice"] for one in found if one["question"] == "leaning"}
    # The three moved apart: one finding, and the same advice from each side.
    assert len(set(advice.values())) == 1
    (told,) = set(advice.values())
    command = "second-coder recode-sample tea --coder 'Bo B.' --coder ann --coder cy --push"
    assert command in told

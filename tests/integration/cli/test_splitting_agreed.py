"""A split where the team had agreed: what it overruled stays so, and what waits is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TRANSCRIPTS = "transcript,turn,speaker,text\nA,0,P,It is hard. I am tired.\n"
SPLIT = "- split: Y\n  into: [Y1, Y2]\n"


@pytest.fixture
def split(run: Callable, folder: Callable, tmp_path: Path) -> Callable[..., Any]:
    """Make a study of codings (turn, coder, code) in transcript A, and run what is asked of it."""

    def split_(*rows: tuple[int, str, str], transcripts: str = TRANSCRIPTS) -> None:
        codings = "transcript,turn,start,end,code,coder\n" + "".join(
            f"A,{turn},0,11,{code},{coder}\n" for turn, coder, code in rows
        )
        files = folder(transcripts=transcripts, codings=codings)
        assert run("import", "s", files).code == 0
        (tmp_path / "edits.yaml").write_text(SPLIT)
        done = run("codebook", "apply", "s", tmp_path / "edits.yaml", "--yes")
        assert done.code == 0, done.err

    return split_


AGREED = (
    (0, "ana", "X"),
    (0, "ana", "Y"),
    (0, "ben", "Z"),
    (0, "adjudicated", "X"),
    (0, "adjudicated", "Y"),
)
TWO_TURNS = TRANSCRIPTS + "A,1,P,It is hard. I am tired.\n"
ELSEWHERE = ((1, "ana", "X"), (1, "ben", "Z"))


def quoted(run: Callable, code: str, *more: str) -> list[tuple[int, int]]:
    found = run("quotes", "s", "--code", code, *more, "--json")
    assert found.code == 0, found.err
    groups = found.document["groups"]
    return [(one["turn"], one["start"]) for group in groups for one in group["quotations"]]


def counted(run: Callable, *more: str) -> dict[str, int]:
    found = run("matrix", "s", *more, "--json")
    assert found.code == 0, found.err
    return {row["code"]: row["cells"][-1]["references"] for row in found.document["rows"]}


@pytest.mark.parametrize(
    "agreed", [AGREED, tuple(one for one in AGREED if one[1:] != ("adjudicated", "X"))]
)
def test_what_the_team_overruled_is_neither_quoted_nor_counted_after_a_split(
    run: Callable, split: Callable, agreed: tuple[tuple[int, str, str], ...]
) -> None:
    split(*agreed, *ELSEWHERE, transcripts=TWO_TURNS)
    assert quoted(run, "Z") == [(1, 0)]
    assert quoted(run, "X") == [(0, 0), (1, 0)][agreed is not AGREED :]
    assert quoted(run, "Z", "--coded-by", "ben") == [(0, 0), (1, 0)]
    assert counted(run)["Z"] == 1
    # Of the turn that counts, half say so: a tie.
    assert counted(run, "--coded-by", "majority")["Z"] == 0
    assert quoted(run, "Z", "--coded-by", "majority") == []


def test_a_majority_is_quoted_of_those_who_have_no_choice_to_make(
    run: Callable, split: Callable
) -> None:
    # Both who can be counted say X; what ana and ann did not apply is not known yet.
    split((0, "ana", "Y"), (0, "ann", "Y"), (0, "ben", "X"), (0, "cy", "X"), (0, "cy", "Z"))
    assert quoted(run, "X", "--coded-by", "majority") == [(0, 0)]
    assert quoted(run, "Z", "--coded-by", "majority") == []


def test_what_waits_for_the_team_is_told(run: Callable, split: Callable, tmp_path: Path) -> None:
    split(*AGREED, *ELSEWHERE, transcripts=TWO_TURNS)
    told = (
        "Waiting for a choice, because the code was split: 2 codings. Turns with them count as "
        "not read by their coders until then, and 1 turn by nobody, since the adjudicated coding "
        "waits there. What was coded there otherwise is left out too: 3 codings."
    )
    assert told in run("matrix", "s").err
    outcome = run("export", "s", "--out", tmp_path / "out", "--format", "csv")
    assert (
        "Not among the codings written: 2 codings that wait for a choice, because their code was "
        "split; 3 codings of other codes on turns where their coder, or the adjudicated coding, "
        "has such a choice to make." in outcome.err
    )
    lines = (tmp_path / "out" / "codings.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(AGREED) + len(ELSEWHERE) - 2 - 3
    waiting = run("codebook", "worklist", "s", "--json").document["items"]
    assert {one["coder"] for one in waiting} == {"ana", "adjudicated"}
    shown = run("show", "s", "--json").document
    # What counts: on the second turn alone.
    assert (shown["codings"], shown["coded"]) == (2, 1)
    assert [(one["coder"], one["turns"], one["codings"]) for one in shown["coders"]] == [
        ("adjudicated", 0, 0),
        ("ana", 1, 1),
        ("ben", 1, 1),
    ]
    assert told in run("show", "s").err
    unread = shown["unread"]
    assert (unread["waiting"], unread["beside"], unread["unsettled"]) == (2, 3, 1)


def test_what_was_coded_beside_the_only_one_that_waits_is_quoted(
    run: Callable, split: Callable
) -> None:
    split((0, "ana", "X"), (0, "ana", "Y"), (0, "adjudicated", "X"), (0, "adjudicated", "Y"))
    for by in ((), ("--coded-by", "adjudicated"), ("--coded-by", "ana")):
        assert quoted(run, "X", *by) == [(0, 0)]
        assert quoted(run, "Y1", *by) == []


@pytest.mark.parametrize("by", ["people", "majority", "adjudicated"])
def test_where_everything_waits_nobody_is_told_to_import(
    run: Callable, split: Callable, by: str
) -> None:
    split((0, "adjudicated", "X"), (0, "adjudicated", "Y"))
    outcome = run("matrix", "s", "--coded-by", by)
    assert outcome.code == 1
    whose = "adjudicated" if by == "adjudicated" else "people"
    assert f"All that {whose} coded in s is on turns that wait for a choice" in outcome.err
    assert "second-coder codebook worklist s" in outcome.err
    assert "no coder 'zoe'" in run("matrix", "s", "--coded-by", "zoe").err

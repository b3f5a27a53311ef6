"""Tables on a terminal."""

import io

import pytest
from rich.console import Console

from annotations.reliability.estimate import Estimate
from service.cli import present


def printed(monkeypatch: pytest.MonkeyPatch, width: int) -> list[str]:
    file = io.StringIO()
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(present, "_out", Console(file=file, width=width, soft_wrap=True))
    columns = ["code", *(f"Specialist × group {number}" for number in range(6))]
    rows = [[f"A code {row}", *(f"{row}{at} (9)" for at in range(6))] for row in range(3)]
    present.show_wide_table("Counts", columns, rows)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 500])
def test_a_table_wider_than_the_terminal_comes_in_parts_and_breaks_no_figure(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    lines = printed(monkeypatch, width)
    assert max(len(line.rstrip()) for line in lines) <= width
    titles = [line for line in lines if line.startswith("Counts")]
    assert len(titles) == {40: 6, 80: 2, 500: 1}[width]
    assert ("part" in titles[0]) == (width < 500)
    for row in range(3):
        assert sum(f"A code {row}" in line for line in lines) == len(titles)
        for at in range(6):
            assert sum(f"{row}{at} (9)" in line for line in lines) == 1


def test_a_zero_has_no_minus_and_a_small_p_is_a_bound_aligned_as_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(present, "_out", Console(file=file, width=80, soft_wrap=True))
    nearly = Estimate(value=-0.001, low=-0.004, high=0.004, n=9, clusters=9, method="t")
    rows = [
        ("A", -0.0004, nearly, present.p_cell(0.0004)),
        ("B", 1.25, nearly, present.p_cell(0.25)),
        ("C", None, nearly, present.p_cell(None)),
    ]
    present.show_table("Changes", ["code", "figure", "with interval", "p"], rows)
    assert [line.split() for line in file.getvalue().splitlines()[2:]] == [
        ["A", "0.00", "0.00", "[0.00,", "0.00]", "<.001"],
        ["B", "1.25", "0.00", "[0.00,", "0.00]", ".250"],
        ["C", "–", "0.00", "[0.00,", "0.00]", "–"],
    ]
    ends = {len(line.rstrip()) for line in file.getvalue().splitlines()[2:]}
    assert len(ends) == 1


def test_reasons_of_one_kind_are_one_line_that_names_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(present, "_out", Console(file=file, width=400, soft_wrap=True))

    def short(told: str, value: float = 0.5) -> Estimate:
        return Estimate.bare(value, told, n=9, clusters=9)

    few = "insufficient: {} a coder, an interval needs 10"
    rows: list[tuple[str, Estimate]] = [
        (f"Code {at}", short(few.format(told)))
        for at, told in enumerate(["1 coding", "6.29 codings", "3 codings"])
    ]
    rows += [(f"Code 1{at}", short(few.format("1,200 codings"))) for at in range(8)]
    rows += [("Code 3", short("insufficient: 4 transcripts of wave 2, an interval needs 10"))]
    rows += [("Code 4", short("insufficient: 9 transcripts of wave 3, an interval needs 10"))]
    rows += [("Code 5", short("nobody applied it", float("nan")))]
    present.show_table("Agreement", ["code", "alpha"], rows)
    assert [line for line in file.getvalue().splitlines() if line.startswith("  ")] == [
        "  no interval: insufficient: 1 to 1,200 codings a coder, an interval needs 10: Code 0; "
        "Code 1; Code 2; Code 10; Code 11; Code 12; Code 13; Code 14 and 3 more",
        "  no interval: insufficient: 4 transcripts of wave 2, an interval needs 10",
        "  no interval: insufficient: 9 transcripts of wave 3, an interval needs 10",
        "  – nobody applied it",
    ]

"""Tables on a terminal."""

import io

import pytest
from rich.console import Console

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

"""Results on a terminal: tables on standard output, progress and messages on standard error."""

import json
import math
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from annotations.numerals import decimals, many, p_text

# Estimate and document are imported where they are used: `--help` must not wait for numpy.
if TYPE_CHECKING:
    from annotations.reliability.estimate import Estimate

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

_WIDE = 1000
"""Characters a line of a table may have where no terminal's width limits it."""

_BETWEEN = 2
"""Blanks beside a column."""

_NAMED = 8
"""Rows that a line below a table names."""

_FIRST_NUMBER = re.compile(r"(?<![^ ])\d+(?:[.,]\d+)*(?= )")

_PLURAL = re.compile(r"^( \w+?)s?\b")
"""The noun that a number counts, without the s of more than one."""

_SILENCE = 10.0
"""Seconds after which long work that is not watched on a terminal says again how far it is."""


class Report(Protocol):
    """What long work calls to say how far it is: stage, done, total."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say that `done` of `total` steps of the stage are behind us."""


def show_json(value: object) -> None:
    """Print one JSON document to standard output."""
    from service.documents import document

    print(json.dumps(document(value), ensure_ascii=False, indent=2, allow_nan=False))  # noqa: T201 - this is the output


def say(message: str) -> None:
    """Print a message for people to standard error."""
    _err.print(escape(message))


def warn(message: str) -> None:
    """Print a warning for people to standard error."""
    _err.print(f"[yellow]{escape(message)}[/yellow]")


def fail(message: str) -> None:
    """Print why the command could not do its work."""
    _err.print(f"[bold red]Error:[/bold red] {escape(message)}")


def show_line(text: str) -> None:
    """Print a line of result to standard output."""
    _out.print(escape(text))


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers are aligned right, and why an interval is missing stands below."""
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=None)
    given = [list(row) for row in rows]
    kept = [[_cell(value) for value in row] for row in given]
    numeric = [
        bool(kept) and all(_looks_numeric(row[position]) for row in kept)
        for position in range(len(columns))
    ]
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(escape(name), justify="right" if right else "left", overflow="fold")
    for row in kept:
        table.add_row(*(escape(value) for value in row))
    _to_hold_all(_out).print(table)
    for line in _reasons(given):
        _out.print(f"  {escape(line)}")


def show_wide_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table that may be wider than the terminal: in parts, each with the first column."""
    width = _to_hold_all(_out).width
    cells = [[_cell(value) for value in row] for row in rows]
    wide = [
        max(cell_len(name), *(cell_len(row[at]) for row in cells), 0) + _BETWEEN
        for at, name in enumerate(columns)
    ]
    # Long names in the first column are folded before a figure is.
    left = width - min(wide[0], width // 2)
    parts: list[list[int]] = [[]]
    for at in range(1, len(columns)):
        if parts[-1] and sum(wide[one] for one in (*parts[-1], at)) > left:
            parts.append([])
        parts[-1].append(at)
    for number, part in enumerate(parts, 1):
        which = f", part {number} of {len(parts)}" if len(parts) > 1 else ""
        shown = (0, *part)
        show_table(
            f"{title}{which}",
            [columns[at] for at in shown],
            [[row[at] for at in shown] for row in rows],
        )


def estimate_text(estimate: "Estimate") -> str:
    """`.62 [.55, .68]`, or the value with why it has no interval."""
    if not math.isfinite(estimate.value):
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{decimals(estimate.value)} [no interval]"
    return f"{decimals(estimate.value)} [{decimals(estimate.low)}, {decimals(estimate.high)}]"


def p_cell(p: float | None) -> str | None:
    """A p value as a cell of a table, None where nothing was tested."""
    return None if p is None else p_text(p)


@contextmanager
def progress() -> Iterator[Report]:
    """A progress bar on a terminal; elsewhere a line a stage, and one now and then."""
    if not _err.is_terminal:
        yield _in_lines()
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_err,
        transient=True,
    ) as bars:
        tasks: dict[str, int] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(escape(stage), total=total)
            bars.update(bars.task_ids[list(tasks).index(stage)], completed=done, total=total)

        yield report


class LongReport(Protocol):
    """What a long run calls to say how far it is; see `long_run`."""

    def __call__(
        self, share: float, before: float, transcripts: int, words: int, seconds: float
    ) -> None:
        """Say that `share` (0 to 1) is done, `before` of it by an earlier run."""


@contextmanager
def long_run() -> Iterator[LongReport]:
    """A bar with rate and remaining time on a terminal; elsewhere a line now and then."""
    told = time.monotonic()

    def words_of(share: float, before: float, transcripts: int, words: int, seconds: float) -> str:
        text = (
            f"{many(transcripts, 'transcript')}, "
            f"{many(round(words / max(seconds, 1e-9)), 'word')} a second"
        )
        if share > before and words:
            left = round(seconds * (1 - share) / (share - before))
            text += f", about {timedelta(seconds=left)} left"
        return text

    if not _err.is_terminal:

        def line(share: float, before: float, transcripts: int, words: int, seconds: float) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= _SILENCE:
                told = now
                how_far = words_of(share, before, transcripts, words, seconds)
                say(f"coding: {share:.0%}, {how_far}")

        yield line
        return
    columns = (
        TextColumn("coding"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=_err, transient=True) as bars:
        task = bars.add_task("", total=1.0)

        def bar(share: float, before: float, transcripts: int, words: int, seconds: float) -> None:
            how_far = words_of(share, before, transcripts, words, seconds)
            bars.update(task, completed=share, description=how_far)

        yield bar


def _in_lines() -> Report:
    """Progress for a log or a file: what begins, then how far it is every few seconds."""
    told: dict[str, float] = {}

    def report(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage not in told or (done < total and now - told[stage] >= _SILENCE):
            told[stage] = now
            say(f"{stage}: {done} of {total}")

    return report


def _reasons(rows: Sequence[Sequence[object]]) -> list[str]:
    """Why intervals or values are missing, a line for each kind, with the rows that it is of.

    Reasons that differ in their first number alone are of one kind.
    """
    from annotations.reliability.estimate import Estimate

    kinds: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for row in rows:
        for value in row:
            if isinstance(value, Estimate) and value.reason:
                told = value.reason.removeprefix("no interval: ")
                mark = "no interval: " if math.isfinite(value.value) else "– "
                start, _, rest = _around_a_number(told)
                kinds.setdefault((mark, start, _PLURAL.sub(r"\1", rest)), []).append(
                    (told, str(row[0]))
                )
    return sorted(_of_a_kind(mark, told, len(rows)) for (mark, _, _), told in kinds.items())


def _around_a_number(reason: str) -> tuple[str, str, str]:
    """What stands before the first number that is a word of its own, the number, and the rest."""
    found = _FIRST_NUMBER.search(reason)
    if found is None:
        return reason, "", ""
    return reason[: found.start()], found.group(), reason[found.end() :]


def _of_a_kind(mark: str, told: Sequence[tuple[str, str]], rows: int) -> str:
    parts = [_around_a_number(reason) for reason, _ in told]
    numbers = {float(part[1].replace(",", "")): part for part in parts if part[1]}
    line = f"{mark}{told[0][0]}"
    if len(numbers) > 1:
        start, most, rest = numbers[max(numbers)]
        line = f"{mark}{start}{numbers[min(numbers)][1]} to {most}{rest}"
    names = list(dict.fromkeys(name.removesuffix(" *") for _, name in told))
    if not 1 < len(names) < rows:
        return line
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{line}: {'; '.join(names[:_NAMED])}{more}"


def _to_hold_all(console: Console) -> Console:
    """The console, or where it is no terminal one that folds nothing for want of width."""
    if console.is_terminal:
        return console
    # A width that the environment gives holds from now on, not from when this was imported.
    width = None if "COLUMNS" in os.environ else _WIDE
    return Console(file=console.file, highlight=False, soft_wrap=True, width=width)


def _cell(value: object) -> str:
    from annotations.reliability.estimate import Estimate

    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, Estimate):
        return estimate_text(value)
    if value is None:
        return "–"
    if isinstance(value, float):
        return decimals(value)
    return str(value)


def _looks_numeric(text: str) -> bool:
    return (
        text == "–"
        or text.lstrip("<")
        .replace(".", "")
        .replace(",", "")
        .replace("-", "")
        .split(" ")[0]
        .isdigit()
    )

"""The commands that the README tells people to type."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_the_readme_commands_work_in_their_order(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/second")]
    assert len(commands) >= 5
    for command in commands:
        outcome = run(*command)
        assert outcome.code == 0, (command, outcome.err)
        assert outcome.out


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_every_command_named_in_the_docs_exists(run: Callable, page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(r"second-coder ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)", text)
    for words in named:
        command = words.split()
        group = command[0] in ("label-studio", "codebook")
        outcome = run(*command[: 2 if group else 1], "--help")
        assert outcome.code == 0, (page, words)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    place = ROOT / page
    for target in re.findall(r"\]\(([^)]+)\)", place.read_text()):
        if not target.startswith("http"):
            assert (place.parent / target.split("#")[0]).exists(), target

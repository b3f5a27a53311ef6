"""The commands that the README tells people to type."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.once("what its commands do has tests of its own, which run on both")

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


def test_the_commands_on_codebooks_work_in_their_order(
    run: Callable, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "codebook.md").read_text()
    (edits,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "edits.yaml").write_text(edits)
    assert run("import", "managers", sample).code == 0
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
        for line in block.split("\n")
    ]
    for command in [shlex.split(line)[1:] for line in lines if line]:
        outcome = run(*command)
        assert outcome.code == 0, (command, outcome.err)
    assert (tmp_path / "codebook-2.yaml").read_text().startswith("# The codebook of managers")
    # The sample's codebook is exported as it came in, and the exported edits make another study's.
    old = (sample / "codebook.csv").read_text(encoding="utf-8").split("\n")
    assert [row.split(",")[0] for row in old] == [
        row.split(",")[0] for row in (tmp_path / "codebook.csv").read_text().split("\n")
    ]
    assert run("import", "other", sample / "transcripts.csv").code == 0
    assert run("codebook", "apply", "other", "codebook-2.yaml", "--yes").code == 0
    codes = [
        [one["code"] for one in run("codebook", "show", study, "--json").document["codes"]]
        for study in ("managers", "other")
    ]
    assert codes[0] == codes[1]
    assert len(codes[0]) == 17


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

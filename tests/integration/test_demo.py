"""What `make demo` runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.once("each step of it has tests of its own, which run on both"),
]


def test_the_demo_does_the_main_job_and_a_rerun_finds_it_done(
    home: Path, label_studio_executable: Path
) -> None:
    command = [
        str(Path(sys.executable).parent / "second-coder"),
        "demo",
        "--exit-when-ready",
        "--home",
        str(home),
    ]
    first = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert first.returncode == 0, first.stderr
    assert "Krippendorff" in first.stdout
    (sent,) = re.findall(r"(\d+) suggestions were sent now", first.stdout)
    assert int(sent) > 0
    assert re.search(r"Open http://127.0.0.1:\d+/projects/\d+", first.stdout)

    again = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert again.returncode == 0, again.stderr
    assert "0 suggestions were sent now" in again.stdout
    assert "Training" not in again.stderr
    numbers = [re.findall(r"projects/(\d+)", run.stdout) for run in (first, again)]
    assert numbers[0] == numbers[1]

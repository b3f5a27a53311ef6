"""Extreme files: read or refused within memory, measured in a process of its own."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MOST_MEMORY = 500
"""Mebibytes."""

READ = r"""
import re, sys
from pathlib import Path
from annotations.codebook import Codebook
from annotations.errors import InputError
from annotations.formats.reading import read_paths

try:
    found = read_paths([Path(sys.argv[1])], known={}, codebook=Codebook(), coder="ana")
    print(sum(len(item.turns) for item in found.transcripts))
except InputError as error:
    print(error)
# Of this program alone: getrusage counts what the process was before it became this one.
print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""
LINES = 20_000


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv.gz", gzip.compress(b"transcript,turn,speaker,text\n" * 3_000_000), "64 MiB"),
        ("a.json.gz", gzip.compress(b"[" + b"[]," * 4_000_000 + b"1]"), "values"),
        ("b.json.gz", gzip.compress(b"[" + b" " * 80 * 2**20), "64 MiB"),
        ("a.csv", b"a,b\n" + b"x\n" * 2_000_000, "1 field, expected 2"),
        ("a.txt", b"Int: How was it on the ward?\nNurse: Busy.\n" * LINES, str(2 * LINES)),
    ],
    ids=["csv", "values", "spaces", "faulty", "lines"],
)
def test_memory_stays_within_bounds(
    put: Callable[[str, bytes], Path], name: str, content: bytes, told: str
) -> None:
    path = put(name, content)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    *said, memory = done.stdout.splitlines()
    assert told in "\n".join(said)
    assert int(memory) < MOST_MEMORY

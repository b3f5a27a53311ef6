"""A service as it is run, with a model of the sample study, for the benchmarks that ask it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from machine import SAMPLE

PASSWORD = "benchmark"
STUDY = "managers"
CONFIG = """<View><ParagraphLabels name="code" toName="transcript" choice="multiple">{labels}
</ParagraphLabels><Paragraphs name="transcript" value="$turns" layout="dialogue"
nameKey="speaker" textKey="text"/></View>"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A running service: its process, its address, and the label config of its study."""

    process: int
    address: str
    label_config: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, auth=("u", PASSWORD), timeout=120)

    def body(self, turns: list[dict[str, str]], number: int) -> dict[str, Any]:
        """What Label Studio 1.23 sends for one task."""
        task = {
            "id": number,
            "data": {"turns": turns},
            "meta": {},
            "created_at": "2026-01-22T18:40:42.053379Z",
            "updated_at": "2026-01-22T18:40:42.053406Z",
            "is_labeled": False,
            "overlap": 1,
            "inner_id": number,
            "total_annotations": 0,
            "cancelled_annotations": 0,
            "total_predictions": 0,
            "comment_count": 0,
            "unresolved_comment_count": 0,
            "last_comment_updated_at": None,
            "project": 1,
            "updated_by": None,
            "file_upload": None,
            "comment_authors": [],
            "annotations": [],
            "predictions": [],
        }
        return {
            "tasks": [task],
            "project": "1.1795372841",
            "label_config": self.label_config,
            "params": {"login": None, "password": None, "context": None},
        }

    def memory(self) -> int:
        """Resident bytes of the service."""
        text = Path(f"/proc/{self.process}/status").read_text()
        return 1024 * int(text.split("VmRSS:")[1].split()[0])


@contextmanager
def running() -> Iterator[Service]:
    """Import and train the sample study in a new home, and serve it."""
    from service.house import open_house
    from service.settings import read_settings
    from service.workflows.importing import import_paths
    from service.workflows.training import train_study

    with tempfile.TemporaryDirectory() as folder:
        house = open_house(read_settings(home=Path(folder) / "home", api_token=PASSWORD))
        import_paths(house, STUDY, [SAMPLE])
        train_study(house, STUDY)
        with house.database.reading() as work:
            paths = work.studies.codebook(STUDY).paths
        house.database.close()
        labels = "".join(f'<Label value="{path.replace(">", "&gt;")}"/>' for path in paths)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", "from service.cli import main; main()", "serve"),
                *("--home", str(Path(folder) / "home"), "--port", str(port)),
            ],
            env={**os.environ, "SECOND_CODER_API_TOKEN": PASSWORD, "SECOND_CODER_ML_USER": "u"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        service = Service(
            process=process.pid,
            address=f"http://127.0.0.1:{port}",
            label_config=CONFIG.format(labels=labels),
        )
        try:
            _wait(service, process)
            yield service
        finally:
            process.terminate()
            process.wait(60)


def _wait(service: Service, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        try:
            httpx.get(f"{service.address}/health").raise_for_status()
        except httpx.HTTPError:
            if process.poll() is not None:
                raise SystemExit("the service did not start") from None
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the service did not answer within a minute")

"""The whole path on the fictional sample study, in a real Label Studio, start to end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from annotations.errors import ExternalError, NotFound
from service.house import House
from service.label_studio.server import LocalLabelStudio, free_port
from service.workflows.importing import import_paths
from service.workflows.labelling import connect
from service.workflows.modelling import list_models
from service.workflows.pushing import push
from service.workflows.training import Progress, train_study

STUDY = "middle managers"
SAMPLE = Path(__file__).resolve().parents[1] / "examples" / "middle_managers"
EMAIL = "coder@example.org"
PASSWORD = "second-coder"  # noqa: S105 - of the demo's own Label Studio, on this machine alone
LABEL_STUDIO_PORT, SERVICE_PORT = 8080, 9090
BLIND = 0.35
"""Of four uncoded transcripts the usual share draws none; this one draws one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """What runs now, and where to look."""

    project_url: str
    service_url: str
    study: str
    suggestions: int
    shown: int
    withheld: int


@contextmanager
def running_demo(house: House, *, say: Callable[[str], None], progress: Progress) -> Iterator[Demo]:
    """Bring everything up, do the main job, and stop all of it at the end.

    What an earlier run did (the import, the model, the project) is found and used again.
    """
    if not SAMPLE.is_dir():
        raise NotFound(f"the sample study is not at {SAMPLE}; run the demo from a clone")
    home = house.settings.home
    say("Importing the sample study: thirty interviews, three coders, all fictional")
    import_paths(house, STUDY, [SAMPLE])
    if not any(model.active for model in list_models(house, STUDY)):
        say("Training on what the coders coded")
        train_study(house, STUDY, progress=progress)
    say("Starting Label Studio (the first start takes half a minute)")
    label_studio = LocalLabelStudio(
        data=home / "label-studio",
        port=free_port(LABEL_STUDIO_PORT),
        email=EMAIL,
        password=PASSWORD,
        token=_token(home / "label-studio-token"),
    )
    with label_studio, _service(house, free_port(SERVICE_PORT)) as address:
        say("Connecting, and sending transcripts and suggestions")
        made = connect(
            house,
            STUDY,
            url=label_studio.url,
            token=label_studio.token,
            ml_url=address,
            blind=BLIND,
        )
        sent = push(house, STUDY, progress=progress)
        yield Demo(
            project_url=made.project_url,
            service_url=address,
            study=STUDY,
            suggestions=sent.suggestions,
            shown=sent.shown,
            withheld=sent.withheld,
        )


def wait_for_interrupt() -> None:
    """Return on Ctrl-C or when asked to terminate."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(0.5):
        pass


def _token(place: Path) -> str:
    """The demo's Label Studio token, the same at each run."""
    if not place.exists():
        place.touch(mode=0o600)
        place.write_text(os.urandom(20).hex(), encoding="utf-8")
    return place.read_text(encoding="utf-8")


@contextmanager
def _service(house: House, port: int) -> Iterator[str]:
    """The service with its worker, as a child process; its address."""
    log = house.settings.home / "service.log"
    address = f"http://127.0.0.1:{port}"
    command = [Path(sys.executable).parent / "second-coder", "--home", house.settings.home, "serve"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [*map(str, command), "--port", str(port), "--with-worker"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(f"{address}/health", process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    with httpx.Client(trust_env=False, timeout=2) as http:
        for _ in range(240):
            if process.poll() is not None:
                break
            try:
                if http.get(url).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.25)
    raise ExternalError(f"The service did not start; its log is {log}")

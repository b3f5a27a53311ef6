"""A local Label Studio as a child process, for the demo and the tests."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from annotations.errors import ExternalError, SettingsError

EXECUTABLE = "SECOND_CODER_LABEL_STUDIO"
"""Environment variable that names the label-studio command."""

_QUIET = {
    # A transcript must not leave the machine, so neither does anything about its coders.
    "COLLECT_ANALYTICS": "False",
    "LATEST_VERSION_CHECK": "False",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "FEATURE_FLAGS_OFFLINE": "True",
}
_LOCAL_BACKEND = {"ML_BLOCK_LOCAL_IP": "false", "SSRF_PROTECTION_ENABLED": "false"}
_ERRORS_SHOWN = 5


def find_executable() -> Path:
    """The label-studio command; SettingsError says how to get one.

    In this order: what SECOND_CODER_LABEL_STUDIO names, `.venv-label-studio` beside the
    environment that runs this or in the working directory, the search path.
    """
    named = os.environ.get(EXECUTABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise SettingsError(
                f"{EXECUTABLE} is {named!r}, which is not a program; "
                "give the path of the label-studio command"
            )
        return Path(found)
    for folder in (Path(sys.prefix).parent, Path.cwd()):
        beside = folder / ".venv-label-studio" / "bin" / "label-studio"
        if os.access(beside, os.X_OK):
            return beside
    found = shutil.which("label-studio")
    if found is None:
        raise SettingsError(
            "Label Studio is not installed: run `make label-studio`, which puts it into an "
            f"environment of its own, or set {EXECUTABLE} to the label-studio command"
        )
    return Path(found)


def free_port(preferred: int | None = None) -> int:
    """`preferred` if nobody listens there, else any free port of this machine."""
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ExternalError("no free port on 127.0.0.1; stop a program that listens there")


class LocalLabelStudio:
    """A Label Studio on 127.0.0.1 with one user, in a process group of its own.

    Use it as a context manager, or call `start` and, whatever happens, `stop`. Its data stay
    in `data`; the next start on the same folder finds them and takes seconds.
    """

    def __init__(
        self,
        *,
        data: Path,
        port: int | None = None,
        email: str = "coder@example.org",
        password: str | None = None,
        token: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data.resolve()
        self.port = port or free_port()
        self.email = email
        self.password = password or secrets.token_urlsafe(12)
        self.token = token or secrets.token_hex(20)
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.data / "label-studio.log"

    def start(
        self, *, progress: Callable[[float], None] = lambda _seconds: None, timeout: float = 240
    ) -> Self:
        """Start and wait until it answers; `progress` gets the seconds waited so far.

        The first start on an empty folder makes the database, which takes a minute at most.
        """
        if self._process is not None:
            return self
        command = [
            str(find_executable()),
            "start",
            "--no-browser",
            "--enable-legacy-api-token",
            *("--port", str(self.port)),
            *("--internal-host", "127.0.0.1"),
        ]
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                command,
                cwd=self.data,
                env=self._variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(progress, timeout)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it and everything it started; harmless when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                break
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue
        process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _variables(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SECOND_CODER_", "LABEL_STUDIO_", "DJANGO_"))
        }
        direct = ",".join(
            part for part in (kept.get("NO_PROXY", ""), "127.0.0.1", "localhost") if part
        )
        # Secrets go through the environment, since a command line is there for all to read.
        return {
            **kept,
            "NO_PROXY": direct,
            "no_proxy": direct,
            **_QUIET,
            **_LOCAL_BACKEND,
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.data),
            "LABEL_STUDIO_USERNAME": self.email,
            "LABEL_STUDIO_PASSWORD": self.password,
            "LABEL_STUDIO_USER_TOKEN": self.token,
            **self._environment,
        }

    def _wait(self, progress: Callable[[float], None], timeout: float) -> None:
        process = self._process
        began = time.monotonic()
        with httpx.Client(trust_env=False, timeout=2) as http:
            while (waited := time.monotonic() - began) < timeout:
                if process is None or process.poll() is not None:
                    raise ExternalError(f"Label Studio stopped while starting.\n{self._tail()}")
                try:
                    if http.get(f"{self.url}/health").is_success:
                        return
                except httpx.HTTPError:
                    pass
                progress(waited)
                time.sleep(0.25)
        raise ExternalError(
            f"Label Studio did not answer at {self.url} within {timeout:.0f} s.\n{self._tail()}"
        )

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_ERRORS_SHOWN:]
        return "\n".join(["Its last words, the rest is in " + str(self.log) + ":", *lines])

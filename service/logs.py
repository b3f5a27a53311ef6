"""What the service writes about itself: ids and times, never text of interviews, never tokens."""

import logging
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def configure(level: str = "INFO") -> None:
    """Send the service's own log to standard error, times in UTC.

    Libraries are kept to warnings: some of them print arguments, which here may be speech.
    """
    formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("service").setLevel(level.upper())


def failure(error: BaseException) -> str:
    """Where an unexpected error came from, on one line and without its message.

    The message of a library's error may quote the value that it stumbled over.
    """
    kinds = [type(error).__name__]
    trace: TracebackType | None = error.__traceback__
    cause = error.__cause__ or error.__context__
    while cause is not None and len(kinds) < 5:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    places = [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-8:]
    ]
    return f"{' from '.join(kinds)} at {' > '.join(places) or 'an unknown place'}"

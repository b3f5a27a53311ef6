"""What the service writes about itself: ids and times, never text of interviews, never tokens."""

import json
import logging
import re
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType

_PAIR = re.compile(r"\b([a-z_]+)=(\S+)")
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class JsonLines(logging.Formatter):
    """A line of JSON for each message; what it says as name=value is a field of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The record without tracebacks, which may quote what they stumbled over."""
        message = record.getMessage()
        document = {
            **dict(_PAIR.findall(message)),
            "time": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
        }
        return json.dumps(document, ensure_ascii=False)


def configure(level: str = "INFO", form: str = "text") -> None:
    """Send the service's own log to standard error, times in UTC; `form` is text or json.

    Libraries are kept to warnings: some of them print arguments, which here may be speech.
    """
    kind = JsonLines if form == "json" else logging.Formatter
    formatter = kind(FORMAT, datefmt="%Y-%m-%dT%H:%M:%SZ")
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

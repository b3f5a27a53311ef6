"""Small things of REFI-QDA's XML: identifiers, texts and times."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid5

NAMESPACE = UUID("6f5c1f52-3f0b-5c58-9a0e-5d0b8b6c2f11")
"""Where the identifiers that are written come from: the same study gives the same ones."""

_GUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Names:
    """Names that were given out; none is given out twice."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def free(self, name: str) -> str:
        """The name, or where it was given out already the name with a number."""
        found = name
        while found in self._taken:
            self._taken[name] += 1
            found = f"{name} ({self._taken[name]})"
        self._taken[found] = 1
        return found


def new_guid(*words: object) -> str:
    """An identifier that belongs to these words."""
    return str(uuid5(NAMESPACE, "\x1f".join(map(repr, words))))


def guid_of(text: str | None) -> str:
    """An identifier as it is compared: lower case, no braces; what is none stays as it is."""
    text = (text or "").strip()
    match = _GUID.fullmatch(text)
    return match[1].lower() if match else text.lower()


def writable(text: str) -> str:
    """A text as XML can hold it: line feeds alone, and U+FFFD for characters it may not have."""
    return _NOT_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def time_text(moment: datetime) -> str:
    """A moment as an XML `dateTime`, in UTC. One without a zone is taken to be UTC already."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")


def time_of(text: str | None) -> datetime | None:
    """The moment that an XML `dateTime` says, in UTC; None for none and for what is no time."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None

"""Who is logged in on the pages: signed sessions that expire, and a brake on guessing."""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import monotonic, time
from urllib.parse import urlsplit

from service.security import same

COOKIE = "second-coder-session"
HOURS = 12
"""How long a login lasts."""

_KEPT = 10_000
"""How many addresses, or ended sessions, are remembered at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A login: `name` is random, `ends` a Unix time. It holds nothing else."""

    name: str
    ends: int


class Sessions:
    """Makes and reads the cookie's values, which say when they end and are signed.

    The key follows from the API token, so that another token ends every session; the token
    itself cannot be had from a cookie. A session that was logged out is refused as long as
    this process lives, and after that by its time.
    """

    def __init__(self, api_token: str, *, now: Callable[[], float] = time) -> None:
        self._key = _mac(api_token.encode("utf-8", "surrogatepass"), "second-coder pages")
        self._now = now
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return "Sessions(...)"

    def begin(self) -> str:
        """The cookie of a new session."""
        session = Session(name=secrets.token_urlsafe(24), ends=int(self._now()) + HOURS * 3600)
        return f"{session.ends}.{session.name}.{self._signature(session)}"

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None where it is forged, over or logged out."""
        ends, _, rest = (cookie or "").partition(".")
        name, _, signature = rest.partition(".")
        if not (ends.isascii() and ends.isdigit() and len(ends) < 13 and name):
            return None
        session = Session(name=name, ends=int(ends))
        if not same(signature, self._signature(session)) or session.ends <= self._now():
            return None
        with self._guard:
            return None if name in self._ended else session

    def end(self, session: Session) -> None:
        """Log out: the cookie is worth nothing from now on, wherever it was copied to."""
        with self._guard:
            self._ended[session.name] = None
            while len(self._ended) > _KEPT:
                self._ended.popitem(last=False)

    def form_token(self, caller: str) -> str:
        """What a form of this caller's own pages carries, and another site cannot know."""
        return _mac(self._key, f"form {caller}").hex()

    def _signature(self, session: Session) -> str:
        return _mac(self._key, f"session {session.ends} {session.name}").hex()


class Attempts:
    """Slows down the guessing of the token: after some failures an address has to wait.

    The wait doubles with each further failure, up to `longest` seconds. Nobody's thread is held.
    """

    def __init__(self, *, free: int = 5, longest: float = 60.0) -> None:
        self._free, self._longest = free, longest
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._guard = threading.Lock()

    def wait(self, address: str) -> int:
        """Seconds until this address may try again, 0 for at once."""
        with self._guard:
            _, until = self._failed.get(address, (0, 0.0))
        return max(0, ceil(until - monotonic()))

    def failed(self, address: str) -> None:
        """Note a wrong token."""
        with self._guard:
            times = self._failed.pop(address, (0, 0.0))[0] + 1
            over = times - self._free
            pause = 0.0 if over < 0 else min(self._longest, 2.0 ** min(over, 20))
            self._failed[address] = (times, monotonic() + pause)
            while len(self._failed) > _KEPT:
                self._failed.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        with self._guard:
            self._failed.pop(address, None)


def place_within(given: str, *, otherwise: str = "/studies") -> str:
    """Where to go after the login: an address of this service alone, else `otherwise`."""
    # Browsers take a backslash for a slash, and leave out tabs and line ends.
    if not given.startswith("/") or given.startswith("//") or "\\" in given:
        return otherwise
    if not given.isprintable() or len(given) > 2000:
        return otherwise
    try:
        parts = urlsplit(given)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc or parts.path == "/login" else given


def from_own_pages(*, host: str | None, origin: str | None, fetch_site: str | None) -> bool:
    """Whether a form was sent by a page of this service, as far as the browser says.

    `origin` and `fetch_site` are the headers Origin and Sec-Fetch-Site. The scheme is left
    out of account, since a proxy in front may have ended the encryption.
    """
    if fetch_site not in (None, "same-origin", "none"):
        return False
    if origin is None:
        return True
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == str(host).lower()
    except ValueError:
        return False


def _mac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode("utf-8", "surrogatepass"), hashlib.sha256)

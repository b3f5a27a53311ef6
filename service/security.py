"""Who may call: the API's bearer token, and the name and password that Label Studio sends."""

import base64
import binascii
import secrets
from dataclasses import dataclass

WEBHOOK_HEADER = "X-Second-Coder-Secret"
"""The header in which Label Studio's webhooks carry the secret of their project."""


def same(given: str, expected: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ.

    An empty expectation matches nothing, so that an unset secret opens no door.
    """
    return bool(expected) and secrets.compare_digest(_bytes(given), _bytes(expected))


@dataclass(frozen=True, kw_only=True, slots=True)
class Basic:
    """What a header of basic auth says."""

    user: str
    password: str


def bearer_of(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header, None where there is none."""
    scheme, _, value = (header or "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def basic_of(header: str | None) -> Basic | None:
    """The name and password of an `Authorization: Basic` header, None where there are none."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(":")
    return Basic(user=user, password=password) if colon else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """The service's secrets, which appear in no repr and no log."""

    api_token: str
    ml_user: str
    ml_password: str

    def __repr__(self) -> str:
        return "Keys(...)"

    def is_token(self, given: str) -> bool:
        """Whether this is the API token, as typed into the login."""
        return same(given, self.api_token)

    def open_api(self, header: str | None) -> bool:
        """Whether an `Authorization` header opens the service's own interface."""
        given = bearer_of(header)
        return given is not None and same(given, self.api_token)

    def open_page(self, header: str | None) -> bool:
        """Whether it opens a page: as the API, or with the token as password of any name."""
        basic = basic_of(header)
        return self.open_api(header) if basic is None else same(basic.password, self.api_token)

    def open_backend(self, header: str | None) -> bool:
        """Whether an `Authorization` header opens the interface that Label Studio calls."""
        basic = basic_of(header)
        if basic is None:
            return self.open_api(header)
        # Both are always compared, so that the time does not tell which one was wrong.
        return same(basic.user, self.ml_user) & same(basic.password, self.ml_password)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

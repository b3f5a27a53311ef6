import base64

import pytest

from service.security import Keys, basic_of, bearer_of, same

KEYS = Keys(api_token="api", ml_user="u", ml_password="p")


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(given: bytes, expected: bytes) -> bool:
        compared.append((given, expected))
        return given == expected

    monkeypatch.setattr("secrets.compare_digest", compare)
    assert KEYS.open_api("Bearer api")
    assert not KEYS.open_backend(basic("wrong:p"))
    # The password is compared although the name was wrong already.
    assert compared == [(b"api", b"api"), (b"wrong", b"u"), (b"p", b"p")]


@pytest.mark.parametrize(
    ("given", "expected", "equal"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("", "", False),
        ("a", "", False),
        ("é", "é", True),
        ("\udcff", "a", False),
    ],
)
def test_an_unset_secret_opens_nothing(given: str, expected: str, equal: bool) -> None:
    assert same(given, expected) is equal


@pytest.mark.parametrize(
    ("header", "opens"),
    [
        ("Bearer api", True),
        ("bearer api", True),
        ("Bearer wrong", False),
        ("Bearer ", False),
        ("api", False),
        ("", False),
        (None, False),
        (basic("u:p"), False),
    ],
)
def test_the_api_opens_to_its_bearer_token_alone(header: str | None, opens: bool) -> None:
    assert KEYS.open_api(header) is opens


@pytest.mark.parametrize(
    ("header", "opens"),
    [
        (basic("u:p"), True),
        (basic("u:wrong"), False),
        (basic("someone:p"), False),
        (basic("u"), False),
        (basic(":"), False),
        ("Basic !!!", False),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), False),
        ("Bearer api", True),
        (None, False),
    ],
)
def test_the_backend_opens_to_its_name_and_password(header: str | None, opens: bool) -> None:
    assert KEYS.open_backend(header) is opens


def test_a_password_may_have_colons() -> None:
    found = basic_of(basic("u:a:b"))
    assert found is not None
    assert found.password == "a:b"
    assert bearer_of("Bearer  padded ") == "padded"


def test_keys_do_not_show_in_their_repr() -> None:
    assert "api" not in repr(KEYS).replace("Keys(...)", "")

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.sessions import COOKIE, HOURS, Attempts, Sessions, from_own_pages, place_within

TOKEN = "the-token-of-the-api"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    """A browser: it asks for pages, keeps cookies, and is shown where it is sent."""
    return TestClient(app, headers=PAGE, follow_redirects=False)


@pytest.fixture
def log_in(browser: TestClient) -> Callable[..., str]:
    """Logs the browser in; the cookie as it was set."""

    def send(**form: str) -> str:
        answer = browser.post("/login", data={"token": TOKEN, **form})
        assert answer.status_code == 303
        return answer.headers["set-cookie"]

    return send


def test_a_browser_without_login_is_led_to_it_and_back(browser: TestClient, study: str) -> None:
    asked = browser.get(f"/studies/{study}/agreement?unit=turn")
    assert asked.status_code == 303
    form = browser.get(asked.headers["location"])
    assert 'value="/studies/trust/agreement?unit=turn"' in form.text
    answer = browser.post(
        "/login", data={"token": TOKEN, "next": f"/studies/{study}/agreement?unit=turn"}
    )
    assert answer.headers["location"] == f"/studies/{study}/agreement?unit=turn"
    assert browser.get("/", follow_redirects=True).status_code == 200


def test_programs_are_told_in_json_and_by_the_status(client: TestClient, study: str) -> None:
    refused = client.get(f"/studies/{study}")
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "not_allowed"
    assert refused.headers["www-authenticate"].startswith("Basic realm=")
    assert client.get("/").json() == {"status": "UP"}


def test_the_cookie_is_not_the_token_and_is_for_the_browser_alone(
    app: FastAPI, log_in: Callable[..., str]
) -> None:
    cookie = log_in()
    assert TOKEN not in cookie
    for part in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={HOURS * 3600}"):
        assert part in cookie
    assert "Secure" not in cookie
    encrypted = TestClient(app, base_url="https://testserver", follow_redirects=False)
    assert "Secure" in encrypted.post("/login", data={"token": TOKEN}).headers["set-cookie"]


def test_a_session_ends_by_time_by_logout_and_with_the_token() -> None:
    clock = [1000.0]
    sessions = Sessions("token", now=lambda: clock[0])
    cookie = sessions.begin()
    session = sessions.read(cookie)
    assert session is not None
    assert Sessions("other", now=lambda: clock[0]).read(cookie) is None
    assert sessions.form_token(session.name) != Sessions("other").form_token(session.name)
    clock[0] += HOURS * 3600 - 1
    assert sessions.read(cookie) is not None
    clock[0] += 1
    assert sessions.read(cookie) is None
    later = sessions.begin()
    known = sessions.read(later)
    assert known is not None
    sessions.end(known)
    assert sessions.read(later) is None


@pytest.mark.parametrize("change", ["longer", "name", "none", "empty", "noise", "unicode"])
def test_a_forged_cookie_opens_nothing(change: str) -> None:
    sessions = Sessions("token")
    ends, name, signature = sessions.begin().split(".")
    forged = {
        "longer": f"{int(ends) + 1}.{name}.{signature}",
        "name": f"{ends}.{name}x.{signature}",
        "none": None,
        "empty": "",
        "noise": "1.2.3.4",
        "unicode": f"{ends}.{name}.\udce4",
    }[change]
    assert sessions.read(forged) is None


def test_a_logout_ends_the_session_even_for_a_copied_cookie(
    browser: TestClient, app: FastAPI, log_in: Callable[..., str], form_token: Callable[..., str]
) -> None:
    log_in()
    copied = browser.cookies[COOKIE]
    answer = browser.post("/logout", data={"form_token": form_token(browser, "/studies")})
    assert answer.headers["location"] == "/login"
    thief = TestClient(app, headers=PAGE, follow_redirects=False, cookies={COOKIE: copied})
    assert thief.get("/studies").status_code == 303


def test_guessing_is_slowed_down_also_for_the_right_token(browser: TestClient) -> None:
    for _ in range(5):
        wrong = browser.post("/login", data={"token": "guess"})
        assert wrong.status_code == 401
        assert "guess" not in wrong.text
    for token in ("guess", TOKEN):
        answer = browser.post("/login", data={"token": token})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
    assert "set-cookie" not in answer.headers


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each refusal had its caller wait, in seconds; nobody waits here."""
    found: list[float] = []

    async def note(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr("service.serving.anyio.sleep", note)
    return found


@pytest.mark.parametrize("place", ["/api/v1/studies", "/studies", "/ml/trust/versions", "/large"])
def test_guessing_in_a_header_is_slowed_down_and_a_right_token_is_not(
    client: TestClient, study: str, place: str, pauses: list[float]
) -> None:
    def send(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        answer = (
            client.post("/webhook", headers=headers, content=b"x" * 100_000)
            if place == "/large"
            else client.get(place, headers=headers)
        )
        return answer.status_code

    assert {send("guess") for _ in range(5)} == {401}
    assert not any(pauses[:4])
    assert pauses[4] > 0.9
    before = len(pauses)
    assert send(TOKEN) != 401
    assert not any(pauses[before:])
    # A browser that logs in is another matter: what programs guess does not hold it up.
    assert client.post("/login", data={"token": TOKEN}).status_code == 200


def test_who_sends_no_credentials_does_not_guess(client: TestClient, pauses: list[float]) -> None:
    for _ in range(10):
        assert client.get("/api/v1/studies").status_code == 401
    assert not any(pauses)


def test_one_address_waits_longer_each_time_and_others_do_not() -> None:
    attempts = Attempts(free=2, longest=30)
    waits = []
    for _ in range(8):
        attempts.failed("10.0.0.1")
        waits.append(attempts.wait("10.0.0.1"))
    assert waits[0] == 0
    assert waits == sorted(waits)
    assert waits[-1] == 30
    assert attempts.wait("10.0.0.2") == 0
    attempts.succeeded("10.0.0.1")
    assert attempts.wait("10.0.0.1") == 0


@pytest.mark.parametrize(
    "given",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/studies\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/login?next=/login",
        "//[",
    ],
)
def test_the_login_leads_nowhere_else(browser: TestClient, given: str) -> None:
    answer = browser.post("/login", data={"token": TOKEN, "next": given})
    assert answer.headers["location"] == "/studies"
    assert place_within("/studies/a%20b?x=1#c") == "/studies/a%20b?x=1#c"


@pytest.mark.parametrize(
    ("host", "origin", "fetch_site", "ours"),
    [
        ("sc.example", "https://sc.example", "same-origin", True),
        ("sc.example", None, None, True),
        ("sc.example", "http://sc.example", None, True),
        ("sc.example:9090", "http://sc.example:8080", None, False),
        ("sc.example", "https://evil.example", None, False),
        ("sc.example", "null", None, False),
        ("sc.example", "https://sc.example", "same-site", False),
        ("sc.example", "https://sc.example", "cross-site", False),
        (None, "https://sc.example", None, False),
    ],
)
def test_forms_of_other_sites_are_known(
    host: str | None, origin: str | None, fetch_site: str | None, ours: bool
) -> None:
    assert from_own_pages(host=host, origin=origin, fetch_site=fetch_site) is ours


def test_a_login_sent_from_another_site_is_refused(browser: TestClient) -> None:
    answer = browser.post(
        "/login", data={"token": TOKEN}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_pages_are_kept_nowhere_load_nothing_foreign_and_tell_nobody(
    browser: TestClient, log_in: Callable[..., str], study: str
) -> None:
    log_in()
    for place in ("/login", "/studies", f"/studies/{study}", "/studies/none", "/nothing"):
        headers = browser.get(place).headers
        policy = dict(
            part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert {policy[name] for name in ("script-src", "style-src", "form-action")} == {"'self'"}
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_the_files_of_pages_are_there_and_no_others(client: TestClient) -> None:
    script = client.get("/assets/pages.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert client.get("/assets/icon.svg").headers["content-type"] == "image/svg+xml"
    assert client.get("/assets/layout.html").status_code == 404
    assert client.get("/assets/..%2Fpage.py").status_code == 404

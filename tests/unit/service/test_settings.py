import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from annotations.errors import SettingsError
from service.settings import api_token, ml_password, read_settings, short_secrets


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("SECOND_CODER_"):
            monkeypatch.delenv(name)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_CODER_HOME", "/data/coder")
    monkeypatch.setenv("SECOND_CODER_BLIND", "0.3")
    monkeypatch.setenv("SECOND_CODER_DATABASE_URL", "postgresql://ana:hush@host/study")
    settings = read_settings()
    assert settings.home == Path("/data/coder")
    assert settings.blind == 0.3
    assert settings.database_url == SecretStr("postgresql://ana:hush@host/study")


def test_what_is_given_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_CODER_HOME", "/data/coder")
    assert read_settings(home=Path("/here")).home == Path("/here")
    assert read_settings(home=None).home == Path("/data/coder")


def test_secrets_are_not_in_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_TOKEN", "ML_PASSWORD", "DATABASE_URL"):
        monkeypatch.setenv(f"SECOND_CODER_{name}", "hush")
    assert "hush" not in repr(read_settings())
    assert "hush" not in str(read_settings().model_dump())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "hush"),
        ("PORT", "0"),
        ("BLIND", "1"),
        ("BLIND", "-0.1"),
        ("RETRAIN_AFTER", "-1"),
        ("LOG_LEVEL", "hush"),
        ("API_TOKEN", "  "),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"SECOND_CODER_{name}", value)
    with pytest.raises(SettingsError, match=f"SECOND_CODER_{name}: ") as refused:
        read_settings()
    assert "hush" not in str(refused.value)


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path / "home")
    token = api_token(settings).get_secret_value()
    assert len(token) >= 32
    assert api_token(settings).get_secret_value() == token
    place = tmp_path / "home" / "token"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [path.name for path in place.parent.iterdir()] == ["token"]


def test_homes_have_different_tokens(tmp_path: Path) -> None:
    tokens = {
        api_token(read_settings(home=tmp_path / name)).get_secret_value() for name in ("a", "b")
    }
    assert len(tokens) == 2


def test_processes_that_start_together_agree_on_the_token(tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path)
    tokens: list[str] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        tokens.append(api_token(settings).get_secret_value())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1


def test_a_token_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    place = tmp_path / "token"
    place.write_text("chosen-by-hand\n")
    place.chmod(0o644)
    assert api_token(read_settings(home=tmp_path)) == SecretStr("chosen-by-hand")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    with pytest.raises(SettingsError, match="empty"):
        api_token(read_settings(home=tmp_path))


def test_a_token_that_is_set_makes_no_file(tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path, api_token="mine")
    assert api_token(settings) == SecretStr("mine")
    assert list(tmp_path.iterdir()) == []


def test_label_studio_has_a_password_in_any_case(tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path, api_token="mine")
    assert ml_password(settings) == SecretStr("mine")
    assert ml_password(read_settings(home=tmp_path, ml_password="theirs")) == SecretStr("theirs")


def test_short_secrets_are_named(tmp_path: Path) -> None:
    long = "sixteen letters!"
    assert short_secrets(read_settings(home=tmp_path)) == ()
    assert short_secrets(read_settings(home=tmp_path, api_token=long)) == ()
    assert short_secrets(read_settings(home=tmp_path, api_token=long, ml_password="hush")) == (
        "SECOND_CODER_ML_PASSWORD",
    )
    assert "SECOND_CODER_API_TOKEN" in short_secrets(read_settings(home=tmp_path, api_token="a"))


def test_importing_reads_no_setting(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import service.house, service.settings"],
        cwd=tmp_path,
        env={**os.environ, "SECOND_CODER_PORT": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_blank_home_is_not_the_folder_where_one_happens_to_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECOND_CODER_HOME", "")
    with pytest.raises(SettingsError, match=r"SECOND_CODER_HOME.*name a folder"):
        read_settings()

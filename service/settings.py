"""The service's settings, read from the environment (SECOND_CODER_*) when somebody asks."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from annotations.errors import SettingsError

PREFIX = "SECOND_CODER_"
LONG_ENOUGH = 16
"""Characters that a token or a password should have."""


def _not_blank(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("must not be blank; leave the variable unset instead")
    return value


def _a_place(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("must name a folder; leave the variable unset for ./var")
    return value


Secret = Annotated[SecretStr, AfterValidator(_not_blank)]


class Settings(BaseSettings):
    """Everything that can be set, each by the variable SECOND_CODER_ and its name in capitals.

    `home` holds the database, the models, the embedding cache and the queue. `database_url` is
    `postgresql://...` for teams; without it a SQLite file in `home` serves. `api_token` opens
    the API and the pages; without it one is made and kept in `home/token` (see `api_token`).
    `ml_user` and `ml_password` are what Label Studio sends with its calls; the password is the
    API token if none is set. `artifacts` is where several machines share models: a folder or
    an fsspec URL. `log_format` is text for people or json for a log collector. `retrain_after`
    new or changed annotations start a training, 0 never does. `blind` is the share of
    transcripts whose suggestions are withheld.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    home: Annotated[Path, BeforeValidator(_a_place)] = Path("var")
    database_url: Secret | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=9090, ge=1, le=65535)
    api_token: Secret | None = None
    ml_user: str = "second-coder"
    ml_password: Secret | None = None
    artifacts: str | None = None
    log_format: Literal["text", "json"] = "text"
    retrain_after: int = Field(default=25, ge=0)
    blind: float = Field(default=0.15, ge=0, lt=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_body_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)


def read_settings(**given: Any) -> Settings:
    """The settings of the environment; what is given (and not None) comes first.

    Raises SettingsError that names each wrong variable without repeating its value.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(
            f"{PREFIX}{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise SettingsError(f"Settings that cannot be used: {wrong}") from None


def api_token(settings: Settings) -> SecretStr:
    """The token that opens the API and the pages.

    Where none is set, one is made once and kept in `home/token`, readable by its owner alone.
    """
    if settings.api_token is not None:
        return settings.api_token
    place = settings.home / "token"
    if not place.exists():
        _write_once(place, secrets.token_urlsafe(32))
    token = place.read_text(encoding="utf-8").strip()
    if not token:
        raise SettingsError(
            f"The token file {place} is empty. Delete it to have a new one made, "
            f"or set {PREFIX}API_TOKEN."
        )
    place.chmod(0o600)
    return SecretStr(token)


def ml_password(settings: Settings) -> SecretStr:
    """The password that Label Studio sends with its calls to the backend."""
    return settings.ml_password or api_token(settings)


def short_secrets(settings: Settings) -> tuple[str, ...]:
    """The variables whose secret is short enough to be guessed in time."""
    found = {"API_TOKEN": api_token(settings), "ML_PASSWORD": settings.ml_password}
    return tuple(
        PREFIX + name
        for name, secret in found.items()
        if secret is not None and len(secret.get_secret_value()) < LONG_ENOUGH
    )


def _write_once(place: Path, text: str) -> None:
    """Write a private file; whoever comes second keeps what the first wrote."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        with suppress(FileExistsError):
            os.link(draft, place)
    finally:
        draft.unlink()

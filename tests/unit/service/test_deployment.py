"""The files for Docker, as far as they can be checked without it."""

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.queue import LANES
from service.settings import PREFIX, Settings
from service.worker import GRACE

ROOT = Path(__file__).resolve().parents[3]
OURS = ("service", "worker")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """What compose.yaml says, anchors resolved."""
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8")))


def _names(text: str) -> set[str]:
    return set(re.findall(rf"{PREFIX}([A-Z_]+)", text))


def test_nothing_runs_as_root_or_can_become_it(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert name in OURS or one["user"] not in ("root", "0"), name
        assert name == "label-studio" or one["read_only"] is True, name
    assert "\nUSER 10001:10001\n" in (ROOT / "Dockerfile").read_text()


def test_everything_is_watched_and_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert name == "service" or one["healthcheck"]["test"][0] == "CMD", name
        for needed, how in one.get("depends_on", {}).items():
            assert needed in compose["services"]
            assert how == {"condition": "service_healthy"}
        for place in one["volumes"]:
            source = place.split(":")[0]
            assert source in compose["volumes"] or source.startswith("./")
        assert set(one["networks"]) <= compose["networks"].keys()
        for port in one.get("ports", ()):
            assert port.startswith("127.0.0.1:")
    assert "\nHEALTHCHECK " in (ROOT / "Dockerfile").read_text()


def test_everything_has_the_time_that_it_takes_to_end(compose: dict[str, Any]) -> None:
    for name in (*OURS, "database", "label-studio-database"):
        seconds = int(compose["services"][name]["stop_grace_period"].removesuffix("s"))
        assert seconds > len(LANES) * GRACE, name


def test_secrets_and_interviews_beside_it_get_into_no_commit_and_no_image() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    written = re.findall(r"^docker compose exec .* > (\S+)$", page, re.MULTILINE)
    assert written
    for ignored in (".gitignore", ".dockerignore"):
        names = {line.strip("/") for line in (ROOT / ignored).read_text().splitlines()}
        assert names >= {".env", "data", "out", *written}, ignored


def test_every_variable_is_a_setting_and_no_secret_is_written_down(
    compose: dict[str, Any],
) -> None:
    settings = {name.upper() for name in Settings.model_fields}
    for file in ("Dockerfile", "compose.yaml", "docs/deployment.md"):
        assert _names((ROOT / file).read_text(encoding="utf-8")) <= settings, file
    for one in compose["services"].values():
        for name, value in one["environment"].items():
            if re.search("PASSWORD|TOKEN", name):
                assert value.startswith("${"), name


def test_label_studio_tells_its_maker_nothing(compose: dict[str, Any]) -> None:
    said = compose["services"]["label-studio"]["environment"]
    assert said["COLLECT_ANALYTICS"] == "False"
    assert said["LATEST_VERSION_CHECK"] == "False"
    assert said["SENTRY_DSN"] == said["FRONTEND_SENTRY_DSN"] == ""


def test_no_network_has_a_way_out(compose: dict[str, Any]) -> None:
    inside, outside = compose["networks"]["inside"], compose["networks"]["outside"]
    assert len(compose["networks"]) == 2
    assert inside["internal"] is True
    assert outside["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"] == "false"


def test_everything_that_is_copied_is_there() -> None:
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for name in line.split()[1:-1]:
                assert (ROOT / name).exists(), name


def test_what_the_page_reads_and_writes_in_a_container_is_there(compose: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    found = re.findall(r"^docker compose (?:exec|run) (?:-\S+ )*(\S+) (.*)", text, re.MULTILINE)
    assert {name for name, _ in found} >= {"service", "worker", "label-studio"}
    for name, command in found:
        mounted = {place.split(":")[1] for place in compose["services"][name]["volumes"]}
        for path in re.findall(r"(?<= )/[a-z/-]+", command):
            assert any(f"{path}/".startswith(f"{place}/") for place in mounted), command


def test_label_studio_accepts_the_address_that_the_page_gives_for_the_service(
    compose: dict[str, Any],
) -> None:
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    (host,) = set(re.findall(r"--ml-url http://([^:/ ]+):9090", text))
    assert "." in host
    assert host in compose["services"]["service"]["networks"]["inside"]["aliases"]


def test_what_the_proxy_says_is_believed_and_label_studio_takes_logins_through_it(
    compose: dict[str, Any],
) -> None:
    (net,) = compose["networks"]["outside"]["ipam"]["config"]
    gateway = ipaddress.ip_address(net["gateway"])
    assert gateway in ipaddress.ip_network(net["subnet"])
    assert compose["services"]["service"]["environment"]["FORWARDED_ALLOW_IPS"] == str(gateway)
    said = compose["services"]["label-studio"]["environment"]
    assert said["CSRF_TRUSTED_ORIGINS"].startswith("${LABEL_STUDIO_ORIGIN:?")
    assert said["SESSION_COOKIE_SECURE"] == "1"
    assert all(one["logging"]["options"]["max-size"] for one in compose["services"].values())

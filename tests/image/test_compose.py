"""compose.yaml: our commands with our settings, nothing published but on loopback, no password of
its own."""

from __future__ import annotations

import re
import tomllib
from pathlib import PurePosixPath
from typing import Any

import pytest
from click import Context
from ruamel.yaml import YAML

from cli.main import postern
from core.document import read_document
from core.settings import read_settings, secret_names
from tests.image.dockerfile import Ignored, read_dockerfile
from tests.image.replay import ROOT

COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: it for name, it in SERVICES.items() if "build" in it}
SERVERS = {name: it for name, it in SERVICES.items() if "build" not in it}
EXAMPLE = ROOT / "examples" / "postern.yaml"

_VARIABLE = re.compile(r"\$\{(\w+)(:\?[^}]*|:-[^}]*)?\}")


def filled(text: str) -> str:
    return _VARIABLE.sub(lambda found: f"x{found[1].lower()}", text)


def words(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(map(str, value))


def example() -> dict[str, str]:
    """The lines of .env.example."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row and not row.startswith("#")]
    return {name: value for name, _, value in (row.partition("=") for row in rows)}


def test_the_parts_are_those_of_the_distributed_form() -> None:
    assert set(OURS) == {"migrate", "gateway", "consumers", "sandbox"}
    assert set(SERVERS) == {"rabbitmq", "postgres"}
    assert {name for name, it in SERVICES.items() if it.get("profiles")} == {"sandbox"}


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_ours_with_options_that_it_has(name: str) -> None:
    first, *rest = OURS[name]["command"]
    command = postern.commands[first]
    command.make_context(first, [str(each) for each in rest]).close()
    assert "entrypoint" not in OURS[name]


def test_a_wrong_option_would_be_noticed() -> None:
    command = postern.commands["sandbox"]
    with pytest.raises(Exception, match="No such option"):
        command.make_context("sandbox", ["--lissten", ":8181"])
    assert isinstance(command.make_context("sandbox", []), Context)


@pytest.mark.parametrize("name", OURS)
def test_each_setting_is_one_of_ours_and_is_read(name: str) -> None:
    """With the example's configuration, whose secrets come from .env."""
    given = {key: filled(value) for key, value in OURS[name]["environment"].items()}
    allowed = secret_names(read_document(EXAMPLE).data)
    settings = read_settings({**given, **example()}, also_allowed=allowed | {"x"})
    assert settings.broker == "amqp://postern:xrabbitmq_password@rabbitmq:5672/"
    assert settings.journal == "postgresql://postern:xpostgres_password@postgres:5432/postern"


@pytest.mark.parametrize("name", OURS)
def test_each_container_of_ours_can_write_only_where_it_must(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    (mounted,) = service["volumes"]
    _source, target, mode = re.sub(r":-", "", mounted).rsplit(":", 2)
    assert (target, mode) == ("/etc/postern/postern.yaml", "ro")
    configured = read_dockerfile(ROOT / "Dockerfile").stages[-1].one("ENV").pairs
    assert configured["POSTERN_CONFIG"] == target


def test_what_is_published_is_published_on_loopback() -> None:
    """The broker's page and the database are nobody's business outside."""
    published = {port for it in SERVICES.values() for port in it.get("ports", [])}
    assert published == {f"127.0.0.1:{port}:{port}" for port in (8080, 9080, 8181)}
    assert not any("ports" in it for it in SERVERS.values())


def test_no_password_has_a_default() -> None:
    """Compose stops where one is not set; the example has none that could be left as it is."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    asked: dict[str, set[str]] = {}
    for name, rest in _VARIABLE.findall(text):
        asked.setdefault(name, set()).add(rest[:2])
    assert asked == {
        "RABBITMQ_PASSWORD": {":?"},
        "POSTGRES_PASSWORD": {":?"},
        "CONFIG": {":-"},
    }
    assert not re.search(r"guest|trust|changeme|HOST_AUTH", text)
    assert set(example().values()) == {""}
    assert set(example()) == {"RABBITMQ_PASSWORD", "POSTGRES_PASSWORD"} | secret_names(
        read_document(EXAMPLE).data
    )


def test_the_filled_in_example_is_kept_out_of_git_and_image() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in ignored
    assert PurePosixPath(".env") in Ignored(ROOT / ".dockerignore")
    assert all(it["env_file"] == [".env"] for it in OURS.values())


def test_each_waits_for_what_it_needs_and_for_no_more() -> None:
    """The gateway takes events without the journal; what it waits for has a check to wait for."""
    needs = {
        name: {on: how["condition"] for on, how in it["depends_on"].items()}
        for name, it in OURS.items()
    }
    assert needs == {
        "migrate": {"postgres": "service_healthy"},
        "gateway": {"rabbitmq": "service_healthy"},
        "consumers": {
            "rabbitmq": "service_healthy",
            "migrate": "service_completed_successfully",
        },
        "sandbox": {"consumers": "service_started"},
    }
    for service in SERVERS.values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["volumes"]
    assert OURS["migrate"]["restart"] == "no"


def test_the_image_is_this_version_and_the_servers_are_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {it["image"] for it in OURS.values()} == {f"postern:{project['project']['version']}"}
    assert re.fullmatch(r"rabbitmq:4\.\d+-management", SERVERS["rabbitmq"]["image"])
    assert re.fullmatch(r"postgres:17-bookworm", SERVERS["postgres"]["image"])


def test_a_stop_lasts_no_longer_than_compose_waits() -> None:
    """The gateway: its grace and ten seconds. Consumers: the longest call of a provider."""
    grace = OURS["gateway"]["environment"]["POSTERN_GRACE"]
    assert read_settings({"POSTERN_GRACE": grace}).grace.total_seconds() + 10 < 20
    assert OURS["gateway"]["stop_grace_period"] == "20s"
    assert OURS["consumers"]["stop_grace_period"] == "60s"


def test_the_sandbox_is_where_the_example_looks_for_it() -> None:
    """On the consumers' loopback; otherwise the example would need another address here."""
    assert SERVICES["sandbox"]["network_mode"] == "service:consumers"
    port = words(SERVICES["sandbox"]["command"]).rsplit(":", 1)[1]
    urls = {it["url"] for it in read_document(EXAMPLE).data["providers"].values()}
    assert {url.split("/")[2] for url in urls} == {f"127.0.0.1:{port}"}

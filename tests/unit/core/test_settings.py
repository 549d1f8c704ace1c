"""Process settings: defaults, strictness, messages that name the variable, never its value."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.settings import (
    VARIABLES,
    Address,
    config_path,
    parse_address,
    read_settings,
    secret_names,
)


def test_without_anything_said_all_is_embedded_and_on_loopback() -> None:
    settings = read_settings({})
    assert settings.broker == "embedded:postern-data/broker.db"
    assert settings.journal == "sqlite:postern-data/journal.db"
    assert settings.listen == Address(host="127.0.0.1", port=8080)
    assert settings.admin == Address(host="127.0.0.1", port=9080)
    assert settings.config == Path("postern.yaml")
    assert settings.log_level == "info"
    assert settings.traces == "off"


def test_the_data_directory_moves_the_embedded_files() -> None:
    settings = read_settings({"POSTERN_DATA": "/var/lib/postern"})
    assert settings.broker == "embedded:/var/lib/postern/broker.db"
    assert settings.journal == "sqlite:/var/lib/postern/journal.db"


def test_the_command_line_wins_over_the_environment() -> None:
    environ = {"POSTERN_DATA": "/a", "POSTERN_CONFIG": "/a.yaml"}
    settings = read_settings(environ, data="/b", config="/b.yaml")
    assert (settings.data, settings.config) == (Path("/b"), Path("/b.yaml"))
    assert config_path(environ) == Path("/a.yaml")


def test_servers_are_taken_as_they_are_named() -> None:
    settings = read_settings(
        {"POSTERN_BROKER": "amqp://u:p@b/v", "POSTERN_JOURNAL": "postgresql://u:p@j/d"}
    )
    assert (settings.broker, settings.journal) == ("amqp://u:p@b/v", "postgresql://u:p@j/d")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("POSTERN_BROKER", "kafka://tell-tale", "amqp://"),
        ("POSTERN_BROKER", "embedded:", "embedded:PATH"),
        ("POSTERN_JOURNAL", "mysql://tell-tale", "postgresql://"),
        ("POSTERN_LISTEN", "8080", "HOST:PORT"),
        ("POSTERN_LISTEN", "::1:80", "[IPV6]:PORT"),
        ("POSTERN_ADMIN", "127.0.0.1:70000", "0 to 65535"),
        ("POSTERN_LOG_LEVEL", "chatty", "debug, info, warning, error"),
        ("POSTERN_LOG_FORMAT", "xml", "json, console, auto"),
        ("POSTERN_TRACES", "tell-tale", "off, otlp"),
    ],
)
def test_a_wrong_value_is_told_by_name_and_expectation(
    name: str, value: str, expected: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({name: value})
    assert caught.value.field == name
    assert expected in str(caught.value)
    assert "tell-tale" not in str(caught.value)


def test_a_mistyped_variable_stops_the_start_with_a_guess() -> None:
    with pytest.raises(ConfigurationError, match=r"POSTERN_BORKER.*did you mean POSTERN_BROKER"):
        read_settings({"POSTERN_BORKER": "amqp://localhost/"})


def test_variables_of_tests_of_others_and_of_the_configuration_are_let_be() -> None:
    environ = {"POSTERN_TEST_BROKER": "x", "PATH": "/bin", "POSTERN_SHOP_KEY": "x"}
    document = {"sources": {"shop": {"verify": {"secrets": [{"env": "POSTERN_SHOP_KEY"}]}}}}
    read_settings(environ, also_allowed=secret_names(document))
    with pytest.raises(ConfigurationError, match="POSTERN_SHOP_KEY"):
        read_settings(environ)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read_settings({"POSTERN_LISTEN": ""}).listen.port == 8080


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]:8080", "::1", 8080),
        ("0.0.0.0:80", "0.0.0.0", 80),
        (":8080", "", 8080),
        ("gate.local:1", "gate.local", 1),
    ],
)
def test_addresses_are_read_and_shown_alike(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert address == Address(host=host, port=port)
    assert str(address) == text


@pytest.mark.parametrize(
    ("form", "terminal", "json"),
    [
        ("json", True, True),
        ("console", False, False),
        ("auto", True, False),
        ("auto", False, True),
    ],
)
def test_the_log_format_follows_the_terminal_only_when_told_to(
    form: str, terminal: bool, json: bool
) -> None:
    settings = read_settings({"POSTERN_LOG_FORMAT": form})
    assert settings.json_logs(terminal=terminal) is json


def test_printing_the_settings_shows_no_password() -> None:
    settings = read_settings(
        {
            "POSTERN_BROKER": "amqp://u:tell-tale@b/",
            "POSTERN_JOURNAL": "postgresql://u:tell-tale@j/",
        }
    )
    assert "tell-tale" not in repr(settings)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read_settings({}).log_level = "debug"  # type: ignore[misc]


def test_every_variable_that_is_documented_is_taken() -> None:
    plain = read_settings({})
    for name in VARIABLES:
        assert read_settings({name: ""}) == plain, "empty is as good as not set"

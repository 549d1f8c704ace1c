"""The settings of a process, from environment and command line, built once and frozen.

What must not go in: sources, providers and rules (the configuration file), and fetching settings
from anywhere later: whoever needs one is handed it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.configuration import Secret, parse_duration
from core.errors import ConfigurationError
from core.logs import LEVELS

PREFIX = "POSTERN_"
TEST_PREFIX = "POSTERN_TEST_"

_BROKERS = ("embedded:", "amqp://", "amqps://")
_JOURNALS = ("sqlite:", "postgresql://")
_PUBLISHERS = ("pipelined", "aio-pika")
_TRACES = ("off", "otlp")
_LOG_FORMATS = ("json", "console", "auto")
_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]*)):(?P<port>[0-9]{1,5})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to listen. Port 0: the system picks a free one. An empty host means every interface."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a process needs to know before it reads its configuration file."""

    broker: str = field(repr=False)
    """`embedded:PATH`, `amqp://...` or `amqps://...`; may hold a password, so it is not printed."""
    publisher: str
    """`pipelined` or `aio-pika`: by what messages go to RabbitMQ."""
    journal: str = field(repr=False)
    """`sqlite:PATH` or `postgresql://...`; may hold a password, so it is not printed."""
    listen: Address
    admin: Address
    data: Path
    spool: Path | None
    config: Path
    grace: timedelta
    """From SIGTERM to the end of listening: how long others may take to hear of it."""
    log_level: str
    log_format: str
    operators: Secret | None
    """Names and keys of those who may operate over HTTP, as they were given."""
    traces: str
    """`off` or `otlp`. Where they go is said by the standard OTEL_... variables."""

    @property
    def broker_system(self) -> str:
        """What kind of broker it is, as OpenTelemetry's `messaging.system`."""
        return "postern" if self.broker.startswith("embedded:") else "rabbitmq"

    def json_logs(self, *, terminal: bool) -> bool:
        """Whether to log JSON, given whether standard error is a terminal."""
        return self.log_format == "json" or (self.log_format == "auto" and not terminal)


VARIABLES: dict[str, str] = {
    "POSTERN_BROKER": "embedded:PATH, amqp://... or amqps://... (default embedded:DATA/broker.db)",
    "POSTERN_PUBLISHER": "pipelined or aio-pika, for RabbitMQ (default pipelined)",
    "POSTERN_JOURNAL": "sqlite:PATH or postgresql://... (default sqlite:DATA/journal.db)",
    "POSTERN_LISTEN": "HOST:PORT for events (default 127.0.0.1:8080)",
    "POSTERN_ADMIN": "HOST:PORT for probes and metrics (default 127.0.0.1:9080)",
    "POSTERN_DATA": "directory of the embedded broker and journal (default ./postern-data)",
    "POSTERN_SPOOL": "directory in which a gateway keeps events while the broker is away "
    "(default: none)",
    "POSTERN_CONFIG": "the configuration file (default ./postern.yaml)",
    "POSTERN_GRACE": "how long a gateway goes on serving after SIGTERM (default 5s)",
    "POSTERN_LOG_LEVEL": "debug, info, warning or error (default info)",
    "POSTERN_LOG_FORMAT": "json, console or auto (default auto: console on a terminal)",
    "POSTERN_TRACES": "off or otlp (default off); OTEL_EXPORTER_OTLP_ENDPOINT says where to",
    "POSTERN_OPERATOR_KEYS": "NAME:KEY,... or file:PATH with one a line (default: nobody operates "
    "over HTTP)",
}
"""Every variable of ours and what it takes."""


def read_settings(
    environ: Mapping[str, str],
    *,
    data: str | Path | None = None,
    config: str | Path | None = None,
    also_allowed: Collection[str] = (),
) -> Settings:
    """The settings of this process. `data` and `config` are the command line's and win.

    `also_allowed`: names that the configuration file uses for secrets (see `secret_names`). Raises
    ConfigurationError naming the variable and what was expected, never the value.
    """
    refuse_unknown(environ, also_allowed=also_allowed)
    directory = Path(data or environ.get("POSTERN_DATA") or "postern-data")
    return Settings(
        broker=_url(environ, "POSTERN_BROKER", _BROKERS, f"embedded:{directory / 'broker.db'}"),
        publisher=_choice(environ, "POSTERN_PUBLISHER", _PUBLISHERS, "pipelined"),
        journal=_url(environ, "POSTERN_JOURNAL", _JOURNALS, f"sqlite:{directory / 'journal.db'}"),
        listen=_address(environ, "POSTERN_LISTEN", "127.0.0.1:8080"),
        admin=admin_address(environ),
        data=directory,
        spool=Path(environ["POSTERN_SPOOL"]) if environ.get("POSTERN_SPOOL") else None,
        config=config_path(environ, config),
        grace=_duration(environ, "POSTERN_GRACE", "5s"),
        log_level=_choice(environ, "POSTERN_LOG_LEVEL", tuple(LEVELS), "info"),
        log_format=_choice(environ, "POSTERN_LOG_FORMAT", _LOG_FORMATS, "auto"),
        operators=_secret(environ, "POSTERN_OPERATOR_KEYS"),
        traces=_choice(environ, "POSTERN_TRACES", _TRACES, "off"),
    )


def config_path(environ: Mapping[str, str], given: str | Path | None = None) -> Path:
    """Which configuration file is meant: `secret_names` looks into it before settings are built."""
    return Path(given or environ.get("POSTERN_CONFIG") or "postern.yaml")


def admin_address(environ: Mapping[str, str]) -> Address:
    """Where a process with this environment answers probes; raises ConfigurationError. For those
    who ask it without needing any other setting."""
    return _address(environ, "POSTERN_ADMIN", "127.0.0.1:9080")


def refuse_unknown(environ: Mapping[str, str], *, also_allowed: Collection[str] = ()) -> None:
    """A mistyped variable would otherwise silently leave a default in place."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith(TEST_PREFIX):
            continue
        if name in VARIABLES or name in also_allowed:
            continue
        near = difflib.get_close_matches(name, [*VARIABLES, *sorted(also_allowed)], n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f"there is no such setting{meant}", field=name)


def secret_names(document: Any) -> frozenset[str]:
    """The environment variables that a configuration refers to by `{env: NAME}`, wherever in it."""
    return frozenset(_env_names(document))


def parse_address(text: str) -> Address:
    """`host:port`, `:port` or `[::1]:port`; raises ValueError saying what was expected."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match["port"]) > 65535:
        raise ValueError("expected HOST:PORT or [IPV6]:PORT with a port from 0 to 65535")
    return Address(host=match["v6"] or match["host"] or "", port=int(match["port"]))


def _url(environ: Mapping[str, str], name: str, schemes: tuple[str, ...], default: str) -> str:
    value = environ.get(name) or default
    scheme = next((scheme for scheme in schemes if value.startswith(scheme)), None)
    if scheme is None or len(value) == len(scheme):
        raise ConfigurationError(f"expected {VARIABLES[name]}", field=name)
    return value


def _secret(environ: Mapping[str, str], name: str) -> Secret | None:
    """Set and empty is taken for not set, as it is elsewhere."""
    return Secret(environ[name]) if environ.get(name) else None


def _duration(environ: Mapping[str, str], name: str, default: str) -> timedelta:
    try:
        found: timedelta = parse_duration(environ.get(name) or default)
    except ValueError as error:
        raise ConfigurationError(str(error), field=name) from None
    return found


def _address(environ: Mapping[str, str], name: str, default: str) -> Address:
    try:
        return parse_address(environ.get(name) or default)
    except ValueError as error:
        raise ConfigurationError(str(error), field=name) from None


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = (environ.get(name) or default).lower()
    if value not in choices:
        raise ConfigurationError(f"expected one of {', '.join(choices)}", field=name)
    return value


def _env_names(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key == "env" and isinstance(value, str):
                yield value
            else:
                yield from _env_names(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _env_names(value)

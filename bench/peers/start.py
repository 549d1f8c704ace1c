"""Which peers there are, and how each is started. What must not go in: measuring them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError

_HERE = Path(__file__).parent
_BIN = _HERE.parents[1] / ".tools" / "peers" / "bin"
_FASTIFY = _HERE / "fastify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


def peers(broker: str, key: str, ports: Sequence[int]) -> list[Peer]:
    """One process each (gunicorn has a parent, which does nothing). Raises ConfigurationError if
    they are not installed."""
    if not (_BIN / ".." / ".stamp").exists() or not (_FASTIFY / "node_modules").exists():
        raise ConfigurationError("the peers are not installed: run scripts/setup-peers")
    commands = {
        "FastAPI + FastStream": (f"{_BIN}/python", f"{_HERE}/fastapi_faststream.py"),
        "Flask + Celery": (
            f"{_BIN}/gunicorn",
            *("--workers=1", "--threads=64", "--keep-alive=60", "--log-level=warning"),
            *(f"--bind=127.0.0.1:{ports[1]}", f"--chdir={_HERE}", "flask_celery:app"),
        ),
        "Fastify + amqplib": ("node", f"{_FASTIFY}/server.mjs"),
    }
    told = {"BROKER": broker, "KEY": key}
    return [
        Peer(name=name, command=command, environment={**told, "PORT": str(port)})
        for (name, command), port in zip(commands.items(), ports, strict=True)
    ]

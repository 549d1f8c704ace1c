"""The second port of every process: is it alive, may it be given work, and its metrics.

A listener of its own, so that it answers even when the public one is swamped. What must not go in:
anything about events, and any dependency of liveness on others.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from core.settings import Address
from core.web import add_headers, answer_json, listener


def new_registry() -> CollectorRegistry:
    """For one process: with what every process of ours tells of itself, its version, memory and
    files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    ProcessMetrics(registry).info.labels(installed_version(), platform.python_version()).set(1)
    return registry


class ProcessMetrics:
    """What a process is, whatever it does."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.info = Gauge(
            "postern_build_info",
            "1; the versions of Postern and of Python are its labels.",
            ("version", "python"),
            registry=registry,
        )


def installed_version() -> str:
    """Of Postern; `unknown` where it runs without being installed."""
    try:
        return version("postern")
    except PackageNotFoundError:
        return "unknown"


class Readiness(Protocol):
    """Whether the process may be given work."""

    def why_not(self) -> str | None:
        """Why it may not; None when it may."""
        ...


READINESS: web.AppKey[Readiness] = web.AppKey("readiness")
REGISTRY = web.AppKey("registry", CollectorRegistry)


@asynccontextmanager
async def open_admin(
    address: Address, registry: CollectorRegistry, readiness: Readiness
) -> AsyncIterator[Address]:
    """Serve `/livez`, `/readyz` and `/metrics`; yields the address that is really bound.

    Raises ConfigurationError if the address is taken.
    """
    app = web.Application()
    app[READINESS] = readiness
    app[REGISTRY] = registry
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.on_response_prepare.append(add_headers)
    async with listener(
        web.AppRunner(app, access_log=None, shutdown_timeout=1.0), address, "POSTERN_ADMIN"
    ) as bound:
        yield bound


async def livez(_request: web.Request) -> web.Response:
    """Alive means that the event loop turns, which answering shows."""
    return answer_json({"alive": True})


async def readyz(request: web.Request) -> web.Response:
    why = request.app[READINESS].why_not()
    if why is None:
        return answer_json({"ready": True})
    return answer_json({"ready": False, "why": why}, status=503)


async def metrics(request: web.Request) -> web.Response:
    body = generate_latest(request.app[REGISTRY])
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

"""Probes and metrics of all workers on the one address that their gateway has for them.

A worker that has ended keeps what it had counted, so that no sum falls. What must not go in: how
metrics are merged (see `merging`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from core.settings import Address
from core.telemetry import livez
from core.web import add_headers, answer_json, listener
from gateway.workers.merging import Page, merged, written

_PATIENCE = aiohttp.ClientTimeout(total=2)
_NONE_SERVES = "no worker serves"


class Asked(Protocol):
    """A worker, as far as it is asked something."""

    @property
    def number(self) -> int: ...

    @property
    def admin(self) -> str | None:
        """Where; None while it does not serve."""
        ...

    @property
    def starts(self) -> int:
        """Tells one process of this worker from the next."""
        ...


class Stopping(Protocol):
    def is_set(self) -> bool: ...


@asynccontextmanager
async def open_admin(
    address: Address, registry: CollectorRegistry, workers: Sequence[Asked], stop: Stopping
) -> AsyncIterator[Address]:
    """Serve `/livez`, `/readyz` and `/metrics`; yields the address that is really bound.
    `registry`: what the parent counts itself.

    Raises ConfigurationError if the address is taken.
    """
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        asking = _Asking(session, registry, workers, stop)
        app = web.Application()
        app.router.add_get("/livez", livez)
        app.router.add_get("/readyz", asking.readyz)
        app.router.add_get("/metrics", asking.metrics)
        app.on_response_prepare.append(add_headers)
        async with listener(
            web.AppRunner(app, access_log=None, shutdown_timeout=1.0), address, "POSTERN_ADMIN"
        ) as bound:
            yield bound


class _Asking:
    def __init__(
        self,
        session: aiohttp.ClientSession,
        registry: CollectorRegistry,
        workers: Sequence[Asked],
        stop: Stopping,
    ) -> None:
        self._session = session
        self._registry = registry
        self._workers = workers
        self._stop = stop
        self._turn = asyncio.Lock()
        self._ended = Page([])
        """What was counted by processes that are no more."""
        self._last: dict[int, tuple[int, Page]] = {}
        """By worker: of which process, and what it had counted when it was asked last."""

    async def readyz(self, _request: web.Request) -> web.Response:
        """Those that serve have to be ready, and one has to serve: the system hands no connection
        to a worker that is being started."""
        why = "stopping" if self._stop.is_set() else await self._why_not()
        if why is None:
            return answer_json({"ready": True})
        return answer_json({"ready": False, "why": why}, status=503)

    async def metrics(self, _request: web.Request) -> web.Response:
        # One at a time: of two, one could count what the other takes for ended.
        async with self._turn:
            pages = await asyncio.gather(*map(self._page, self._workers))
            own = Page.read(generate_latest(self._registry).decode("utf-8"))
            body = written(merged([own, self._ended, *pages]))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def _why_not(self) -> str | None:
        serving = [worker.admin for worker in self._workers if worker.admin is not None]
        if not serving:
            return _NONE_SERVES
        reasons = await asyncio.gather(*map(self._problem, serving))
        return next((reason for reason in reasons if reason is not None), None)

    async def _problem(self, admin: str) -> str | None:
        try:
            async with self._session.get(f"http://{admin}/readyz") as response:
                told = await response.json()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return "a worker does not answer"
        return None if told.get("ready") else str(told.get("why"))

    async def _page(self, worker: Asked) -> Page:
        """Of one that serves what it says now, of any other what it had counted."""
        start = worker.starts
        fresh = await self._fetched(worker.admin) if worker.admin is not None else None
        known = self._last.get(worker.number)
        if fresh is None or (known is not None and known[0] > start):
            return known[1] if known is not None else Page([])
        if known is not None and known[0] < start:
            self._ended = merged([self._ended, known[1]])
        self._last[worker.number] = (start, fresh.counted())
        return fresh

    async def _fetched(self, admin: str) -> Page | None:
        try:
            async with self._session.get(f"http://{admin}/metrics") as response:
                return Page.read(await response.text())
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

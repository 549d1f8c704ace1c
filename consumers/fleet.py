"""The providers that are being served, and how that changes while the process runs.

When the configuration changes, a provider that is new or different is (re)started and one that is
gone is stopped; the others do not notice. What a stopped one holds is finished first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from consumers.load import Configuration
from consumers.waiting import first_of
from core.errors import ConfigurationError
from core.logs import get_logger
from vendors.provider import Provider

log = get_logger()

AGAIN_AFTER = timedelta(seconds=10)
"""Between tries of a configuration that was refused."""

Serve = Callable[[str, Provider, frozenset[str], asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Serving:
    provider: Provider
    stopping: asyncio.Event
    task: asyncio.Task[None]


class Fleet:
    """Keeps one task per provider. `load` reads the configuration anew; `serve` serves one
    provider; `reloaded` is told whether a changed configuration was taken over."""

    def __init__(
        self,
        first: Configuration,
        *,
        load: Callable[[], Configuration],
        serve: Serve,
        reloaded: Callable[[bool], None],
    ) -> None:
        self.current = first
        self._load = load
        self._serve = serve
        self._reloaded = reloaded
        self._asked = asyncio.Event()
        self._serving: dict[str, _Serving] = {}
        self._refused: str | None = None

    def ask(self) -> None:
        """Have the configuration read again soon; for a signal handler and the watch of the
        file."""
        self._asked.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set and everything held is finished."""
        async with asyncio.TaskGroup() as group:
            self._arrange(group, self.current)
            while not stopping.is_set():
                await self._wait(stopping)
                if not stopping.is_set() and (self._asked.is_set() or self._refused is not None):
                    if self._asked.is_set():
                        self._refused = None  # another one, and told even if its fault is the same
                    self._asked.clear()
                    await self._reload(group)
            for serving in self._serving.values():
                serving.stopping.set()

    async def _wait(self, stopping: asyncio.Event) -> None:
        """For a change; while the newest configuration is refused, not long: a file that it names
        may come later than it, and is not watched yet."""
        limit = AGAIN_AFTER.total_seconds() if self._refused is not None else None
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await first_of(stopping.wait(), self._asked.wait())

    async def _reload(self, group: asyncio.TaskGroup) -> None:
        try:
            fresh = await asyncio.to_thread(self._load)
        except ConfigurationError as error:
            if self._refused != str(error):
                log.warning("reload_refused", error=error)
                self._reloaded(False)
            self._refused = str(error)
            return
        gone = [
            name
            for name, serving in self._serving.items()
            if fresh.providers.get(name) != serving.provider
            or fresh.allow_hosts != self.current.allow_hosts
        ]
        for name in gone:
            self._serving[name].stopping.set()
        await asyncio.gather(*(self._serving.pop(name).task for name in gone))
        self.current, self._refused = fresh, None
        self._arrange(group, fresh)
        self._reloaded(True)

    def _arrange(self, group: asyncio.TaskGroup, configuration: Configuration) -> None:
        for name, provider in configuration.providers.items():
            if name not in self._serving:
                stopping = asyncio.Event()
                work = self._serve(name, provider, configuration.allow_hosts, stopping)
                task = group.create_task(_awaited(work))
                self._serving[name] = _Serving(provider, stopping, task)


async def _awaited(work: Awaitable[None]) -> None:
    await work

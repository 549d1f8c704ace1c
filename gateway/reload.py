"""Taking over a changed configuration while requests go on.

A bad file is refused as a whole and the running one stays. Queues of new providers stand before
the rules that use them are swapped in, so that no event of theirs is answered 503. What must not
go in: what is in a configuration.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from core.broker.topology import Topology
from core.clock import Clock
from core.errors import BrokerError, ConfigurationError, TopologyMismatch
from core.logs import get_logger
from gateway.metrics import Metrics
from gateway.running import Configuration, Running

log = get_logger()

AGAIN_AFTER = 2.0
REFUSED_AGAIN_AFTER = 10.0


class Reloader:
    """Swaps the running configuration when asked to (a signal, or `core.watch`)."""

    def __init__(
        self,
        *,
        running: Running,
        load: Callable[[], Configuration],
        declare: Callable[[Topology], Awaitable[None]],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._running = running
        self._load = load
        self._declare = declare
        self._metrics = metrics
        self._clock = clock
        self._asked = asyncio.Event()
        self._refused: str | None = None

    def ask(self) -> None:
        """Have the configuration read again soon; for a signal handler."""
        self._asked.set()

    async def run(self) -> None:
        """Serve `ask` until cancelled. A broker that is away is waited for, or for the next
        change."""
        while True:
            await self._wait()
            if self._asked.is_set():
                self._refused = None  # another one, and told even if its fault is the same
            self._asked.clear()
            while not await self.reload():
                pause = AGAIN_AFTER * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, no secret
                try:
                    async with asyncio.timeout(pause):
                        await self._asked.wait()
                    self._asked.clear()
                except TimeoutError:
                    continue

    async def _wait(self) -> None:
        """For a change; while the newest configuration is refused, not long: a file that it names
        may come later than it, and is not watched yet."""
        limit = REFUSED_AGAIN_AFTER if self._refused is not None else None
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._asked.wait()

    async def reload(self) -> bool:
        """Read, check, declare, swap. False: the queues cannot be declared now, which is worth
        another try."""
        try:
            # Compiling many rules takes a while, and requests go on meanwhile.
            fresh = await asyncio.to_thread(self._load)
            # Applied even if the text is the same: a secret in a file of its own may have changed.
            if set(fresh.topology.queues) - set(self._running.current.topology.queues):
                await self._declare(fresh.topology)
        except (ConfigurationError, TopologyMismatch) as error:
            if self._refused != str(error):
                self._metrics.reloads.labels("refused").inc()
                self._metrics.reload_failing.set(1)
                log.warning("reload_refused", error=error)
            self._refused = str(error)
            return True
        except BrokerError:
            # Away, or somebody deletes there what is declared here.
            log.warning("reload_waits_for_broker")
            return False
        self._running.current, self._refused = fresh, None
        self._metrics.reloads.labels("applied").inc()
        self._metrics.reload_failing.set(0)
        self._metrics.show_rules(fresh.planner.version, sorted(fresh.rule_ids), self._clock.now())
        self._metrics.show_sources(fresh.sources)
        log.info("reload_applied", rules_version=fresh.planner.version)
        return True

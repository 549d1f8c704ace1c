"""Making the queues stand: once at the start, and later if the broker was away then.

What must not go in: publishing.
"""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from core.broker.port import Broker
from core.errors import BrokerError, BrokerUnavailable, TopologyMismatch
from core.logs import get_logger
from gateway.http.readiness import Readiness
from gateway.running import Running

log = get_logger()

AGAIN_AFTER = 1.0
LOOK_AGAIN_AFTER = 0.05


class Declaring:
    """Declares the running configuration's queues until they stand, and says so to `readiness`."""

    def __init__(self, *, broker: Broker, running: Running, readiness: Readiness) -> None:
        self._broker = broker
        self._running = running
        self._readiness = readiness

    async def first(self, within: timedelta) -> None:
        """One try at the start. Raises TopologyMismatch, which stops it; goes on without a
        broker."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._declare()
        except (TimeoutError, BrokerUnavailable):
            log.warning("broker_away_at_start")

    async def run(self) -> None:
        """Try until the queues stand. A mismatch is told once and waits for a person: the process
        stays up, not ready, since only another restart or an operator at the broker can mend
        it."""
        told = False
        while not self._readiness.declared:
            await asyncio.sleep(AGAIN_AFTER * random.uniform(0.75, 1.25))  # noqa: S311 - jitter
            try:
                await self._declare()
            except TopologyMismatch as error:
                self._readiness.broker_problem = str(error)
                if not told:
                    log.warning("topology_mismatch", error=error)
                told = True
            except BrokerError:
                continue

    async def _declare(self) -> None:
        await self._broker.declare(self._running.current.topology)
        # Queues may be declared on a connection of their own: ready is who can publish.
        while not self._broker.connected:  # noqa: ASYNC110 - the port has no event for it
            await asyncio.sleep(LOOK_AGAIN_AFTER)
        self._readiness.declared = True

"""Making the queues stand: at the start, later if the broker was away then, and again when one of
them is found missing.

What must not go in: retrying a publish. Who was refused is told so, and comes again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta

from core.broker.port import Broker, Outgoing, Told
from core.errors import BrokerError, BrokerUnavailable, TopologyMismatch, Unroutable
from core.logs import get_logger
from gateway.http.readiness import Readiness
from gateway.running import Running

log = get_logger()

AGAIN_AFTER = 1.0
LOOK_AGAIN_AFTER = 0.05
MISSING_REST = 5.0
"""Seconds between two declarations because of a missing queue: each is a connection of its own."""


class Declaring:
    """Declares the running configuration's queues until they stand, and says so to `readiness`.

    It is the publisher of the gateway as well, so that it hears of a queue that is missing.
    """

    def __init__(self, *, broker: Broker, running: Running, readiness: Readiness) -> None:
        self._broker = broker
        self._running = running
        self._readiness = readiness
        self._missing = asyncio.Event()
        self._mismatch: str | None = None

    @property
    def connected(self) -> bool:
        return self._broker.connected

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """As the broker's. Somebody who deleted a queue, a binding or the exchange has its senders
        refused only until it stands again."""
        try:
            await self._broker.publish(messages)
        except Unroutable:
            self._miss(messages)
            raise

    @property
    def posts(self) -> bool:
        return self._broker.posts

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        """As the broker's, and as `publish`."""

        def heard(error: BrokerError | None) -> None:
            if isinstance(error, Unroutable):
                self._miss(messages)
            told(error)

        return self._broker.post(messages, heard)

    def _miss(self, messages: Sequence[Outgoing]) -> None:
        # What the spool still holds for a provider that is gone finds no queue for ever.
        if {message.queue for message in messages} <= {*self._running.current.topology.queues}:
            self._missing.set()

    async def first(self, within: timedelta) -> None:
        """One try at the start. Raises TopologyMismatch, which stops it; goes on without a
        broker."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._declare()
        except (TimeoutError, BrokerUnavailable, Unroutable):
            log.warning("broker_away_at_start")

    async def run(self) -> None:
        """Try until the queues stand, and again whenever one was missing. A mismatch is told once
        and waits for a person: the process stays up, not ready if it never was, since only another
        restart or an operator at the broker can mend it."""
        while not self._readiness.declared:
            await _rest(MISSING_REST if self._mismatch else AGAIN_AFTER)
            await self._try()
        while True:
            await self._missing.wait()
            self._missing.clear()
            log.warning("queues_missing", hint="a message found none; they are declared again")
            while not await self._try():
                await _rest(AGAIN_AFTER)
            await _rest(MISSING_REST)

    async def _try(self) -> bool:
        """False: the broker did not answer."""
        try:
            await self._declare()
        except TopologyMismatch as error:
            self._readiness.broker_problem = str(error)
            if self._mismatch != str(error):
                log.warning("topology_mismatch", error=error)
            self._mismatch = str(error)
        except BrokerError:
            return False
        return True

    async def _declare(self) -> None:
        await self._broker.declare(self._running.current.topology)
        # Queues may be declared on a connection of their own: ready is who can publish.
        while not self._broker.connected:  # noqa: ASYNC110 - the port has no event for it
            await asyncio.sleep(LOOK_AGAIN_AFTER)
        self._readiness.declared = True


async def _rest(seconds: float) -> None:
    await asyncio.sleep(seconds * random.uniform(0.75, 1.25))  # noqa: S311 - jitter

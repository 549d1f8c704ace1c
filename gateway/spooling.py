"""Taking events while the broker cannot: into the spool, and out of it again in order of arrival.

Only for sources that say `durability: spool`: their senders would not send again. What must not go
in: how a file is kept (see `core.broker.embedded.spool`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from core.broker.port import Outgoing, Publisher
from core.broker.spool import KeptMessages, Spooled
from core.clock import Clock
from core.errors import BrokerBlocked, BrokerError, SpoolFull
from core.logs import get_logger
from gateway.metrics import Metrics

log = get_logger()

BATCH = 100
REST = timedelta(milliseconds=250)
FAILED_REST = timedelta(seconds=1)
LEFT_REST = timedelta(seconds=5)
"""How often messages that their queue does not take are tried again; the others go past them
meanwhile."""

BROKER_SHARE = 0.5
"""Of the time that a request has: then the spool takes over, and must have time to sync."""


class ConnectedPublisher(Publisher, Protocol):
    @property
    def connected(self) -> bool: ...


class Spooling:
    """A publisher that falls back on the spool, and empties it while its context runs."""

    def __init__(
        self,
        spool: KeptMessages,
        broker: ConnectedPublisher,
        *,
        deadline: timedelta,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._spool = spool
        self._broker = broker
        self._patience = deadline.total_seconds() * BROKER_SHARE
        self._metrics = metrics
        self._clock = clock
        self._wanted = asyncio.Event()
        self._stuck: frozenset[str] = frozenset()
        """Queues that took nothing when the spool was last gone through."""
        self._left = 0
        """Messages that were left in it then."""
        metrics.spool_messages.set_function(lambda: float(spool.holding.messages))
        metrics.spool_bytes.set_function(lambda: float(spool.holding.size))
        metrics.spool_oldest.set_function(self._age)

    async def publish(self, messages: Sequence[Outgoing]) -> bool:
        """Whether they went to the broker; False: they are in the spool.

        While the spool holds anything that may go out soon, what comes goes behind it. Raises
        SpoolFull, or BrokerUnavailable if the spool's disk fails.
        """
        goes_behind = self._goes_behind(messages)
        if not goes_behind and await self._confirmed(messages):
            return True
        try:
            await self._spool.put(messages)
        except SpoolFull as error:
            if goes_behind and await self._confirmed(messages):
                return True
            self._metrics.spool_refused.inc(len(messages))
            log.error("spool_full", reason=str(error))  # noqa: TRY400 - no frames to tell
            raise
        self._metrics.spooled.inc(len(messages))
        self._wanted.set()
        return False

    def _goes_behind(self, messages: Sequence[Outgoing]) -> bool:
        if any(message.queue in self._stuck for message in messages):
            return True
        return self._spool.holding.messages > self._left

    async def _confirmed(self, messages: Sequence[Outgoing]) -> bool:
        """Whether the broker has taken them."""
        if not self._broker.connected:
            return False
        try:
            async with asyncio.timeout(self._patience):
                await self._broker.publish(messages)
        except (BrokerError, TimeoutError) as error:
            # Some may stand there already: the same messages twice do no harm.
            log.warning("spooling", reason=str(error) or "no confirm in time")
            return False
        return True

    async def run(self) -> None:
        """Empty the spool whenever the broker takes what is in it. Ends only by cancellation."""
        while True:
            if not self._spool.holding.messages:
                self._wanted.clear()
                # A request whose time ran out may have left something that nobody told of.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LEFT_REST.total_seconds()):
                        await self._wanted.wait()
            try:
                rest = await self._drain() if self._broker.connected else REST
            except BrokerError as error:
                log.warning("spool_cannot_drain", reason=str(error))
                rest = FAILED_REST
            await asyncio.sleep(rest.total_seconds())

    async def _drain(self) -> timedelta:
        """Everything once, in order; how long to rest before the next time.

        A queue that takes nothing (it is full, has no majority, or is gone with its provider) is
        left alone for this time, and the others go past it.
        """
        after, drained, left = 0, 0, 0
        stuck: set[str] = set()
        while batch := await self._spool.oldest(after=after, limit=BATCH):
            after = batch[-1].id
            gone = await self._published(batch, stuck)
            await self._spool.remove(gone)
            drained += len(gone)
            left += len(batch) - len(gone)
            self._metrics.drained.inc(len(gone))
        self._stuck, self._left = frozenset(stuck), left
        if drained:
            log.info("spool_drained", messages=drained, left=self._spool.holding.messages)
        return LEFT_REST if left and not drained else REST

    async def _published(self, batch: Sequence[Spooled], stuck: set[str]) -> list[int]:
        """The numbers of those that the broker has taken; queues that took nothing are added to
        `stuck`. Raises BrokerError if it is not about a queue."""
        going = [each for each in batch if each.message.queue not in stuck]
        if not going:
            return []
        try:
            await self._broker.publish([each.message for each in going])
        except BrokerError as error:
            if isinstance(error, BrokerBlocked) or not self._broker.connected:
                raise
            queues = sorted({each.message.queue for each in going})
            if len(queues) == 1:
                stuck.update(queues)
                log.error("spool_queue_stuck", queue=queues[0], reason=str(error))  # noqa: TRY400
                return []
            gone: list[int] = []
            for queue in queues:
                gone += await self._published(
                    [each for each in going if each.message.queue == queue], stuck
                )
            return gone
        return [each.id for each in going]

    def _age(self) -> float:
        oldest = self._spool.holding.oldest
        return (self._clock.now() - oldest).total_seconds() if oldest is not None else 0.0

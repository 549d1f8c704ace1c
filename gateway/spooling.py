"""Taking events while the broker cannot: into the spool, and out of it again in order of arrival.

Only for sources that say `durability: spool`: their senders would not send again. What must not go
in: how a file is kept (see `core.broker.embedded.spool`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from core.broker.port import Outgoing, Publisher
from core.broker.spool import KeptMessages, Spooled
from core.clock import Clock
from core.errors import BrokerError, SpoolFull, Unroutable
from core.logs import get_logger
from gateway.metrics import Metrics

log = get_logger()

BATCH = 100
REST = timedelta(milliseconds=250)
FAILED_REST = timedelta(seconds=1)
LEFT_REST = timedelta(seconds=5)
"""How often messages that no queue takes are tried again; the others go past them meanwhile."""

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
        metrics.spool_messages.set_function(lambda: float(spool.holding.messages))
        metrics.spool_bytes.set_function(lambda: float(spool.holding.size))
        metrics.spool_oldest.set_function(self._age)

    async def publish(self, messages: Sequence[Outgoing]) -> bool:
        """Whether they went to the broker; False: they are in the spool.

        While anything is in the spool, what comes goes behind it. Raises SpoolFull, or
        BrokerUnavailable if the spool's disk fails.
        """
        if not self._spool.holding.messages and self._broker.connected:
            try:
                async with asyncio.timeout(self._patience):
                    await self._broker.publish(messages)
            except (BrokerError, TimeoutError) as error:
                # Some may stand there already: the same messages twice do no harm.
                log.warning("spooling", reason=str(error) or "no confirm in time")
            else:
                return True
        try:
            await self._spool.put(messages)
        except SpoolFull as error:
            self._metrics.spool_refused.inc(len(messages))
            log.error("spool_full", reason=str(error))  # noqa: TRY400 - no frames to tell
            raise
        self._metrics.spooled.inc(len(messages))
        self._wanted.set()
        return False

    async def run(self) -> None:
        """Empty the spool whenever the broker takes what is in it. Ends only by cancellation."""
        while True:
            if not self._spool.holding.messages:
                self._wanted.clear()
                await self._wanted.wait()
            try:
                rest = await self._drain() if self._broker.connected else REST
            except BrokerError as error:
                log.warning("spool_cannot_drain", reason=str(error))
                rest = FAILED_REST
            await asyncio.sleep(rest.total_seconds())

    async def _drain(self) -> timedelta:
        """Everything once, in order; how long to rest before the next time."""
        after, drained = 0, 0
        while batch := await self._spool.oldest(after=after, limit=BATCH):
            after = batch[-1].id
            gone = await self._published(batch)
            await self._spool.remove(gone)
            drained += len(gone)
            self._metrics.drained.inc(len(gone))
        if drained:
            log.info("spool_drained", messages=drained, left=self._spool.holding.messages)
        return LEFT_REST if self._spool.holding.messages and not drained else REST

    async def _published(self, batch: Sequence[Spooled]) -> list[int]:
        """The numbers of those that the broker has taken. Raises BrokerError for all but a queue
        that is not there: one message of a provider that is gone must not hold up the rest."""
        try:
            await self._broker.publish([each.message for each in batch])
        except Unroutable:
            if len(batch) == 1:
                queue = batch[0].message.queue
                log.error("spooled_message_unroutable", queue=queue)  # noqa: TRY400 - as above
                return []
            gone: list[int] = []
            for each in batch:
                gone += await self._published([each])
            return gone
        return [each.id for each in batch]

    def _age(self) -> float:
        oldest = self._spool.holding.oldest
        return (self._clock.now() - oldest).total_seconds() if oldest is not None else 0.0

"""Taking events while the broker cannot: into the spool, and out of it again, for each queue in
order of arrival.

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
"""How often a queue that took nothing is tried again; the others go past it meanwhile."""
PATIENCE = 10
"""And at most a tenth of the time."""

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
        self._stuck: set[str] = set()
        """Queues that took nothing."""
        self._try_at = 0.0
        """When they are tried again."""
        self._passed = 0
        """Up to this number everything in the spool is for one of them."""
        self._left = 0
        """How many that are."""
        metrics.spool_messages.set_function(lambda: float(spool.holding.messages))
        metrics.spool_bytes.set_function(lambda: float(spool.holding.size))
        metrics.spool_oldest.set_function(self._age)

    async def publish(self, messages: Sequence[Outgoing]) -> bool:
        """Whether they went to the broker; False: they are in the spool.

        While the spool holds anything that may go out soon, what comes goes behind it; where it
        does not fit there, the broker is asked first. Raises SpoolFull, or BrokerUnavailable if
        the spool's disk fails.
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
            if self._spool.holding.messages <= self._left:
                self._wanted.clear()
                # Also without being told: a request whose time ran out may have left something.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LEFT_REST.total_seconds()):
                        await self._wanted.wait()
            try:
                if self._broker.connected:
                    await self._drain()
                    await self._try_stuck()
                rest = REST
            except BrokerError as error:
                log.warning("spool_cannot_drain", reason=str(error))
                rest = FAILED_REST
            await asyncio.sleep(rest.total_seconds())

    async def _drain(self) -> None:
        """What has come since the last time, in order. What is for a queue that takes nothing (it
        is full, has no majority, or is gone with its provider) is left behind, and the rest goes
        past it."""
        drained = 0
        while batch := await self._spool.oldest(after=self._passed, limit=BATCH):
            gone = await self._published(batch)
            if gone:
                await self._spool.remove(gone)
            drained += len(gone)
            self._left += len(batch) - len(gone)
            self._passed = batch[-1].id
            self._metrics.drained.inc(len(gone))
        if drained:
            log.info("spool_drained", messages=drained, left=self._spool.holding.messages)

    async def _published(self, batch: Sequence[Spooled]) -> list[int]:
        """The numbers of those that the broker has taken. Raises BrokerError if it is not about a
        queue."""
        going = [each for each in batch if each.message.queue not in self._stuck]
        if not going:
            return []
        try:
            await self._broker.publish([each.message for each in going])
        except BrokerError as error:
            self._must_be_about_a_queue(error)
            queues = sorted({each.message.queue for each in going})
            if len(queues) == 1:
                self._stuck.update(queues)
                self._try_at = self._clock.monotonic() + LEFT_REST.total_seconds()
                log.error("spool_queue_stuck", queue=queues[0], reason=str(error))  # noqa: TRY400
                return []
            gone: list[int] = []
            for queue in queues:
                gone += await self._published(
                    [each for each in going if each.message.queue == queue]
                )
            return gone
        return [each.id for each in going]

    async def _try_stuck(self) -> None:
        """One message of each queue that took nothing. One that takes it is no longer stuck."""
        began = self._clock.monotonic()
        if not self._stuck or began < self._try_at:
            return
        for queue in sorted(self._stuck):
            first = await self._spool.oldest(limit=1, queue=queue)
            try:
                if first:
                    await self._broker.publish([each.message for each in first])
            except BrokerError as error:
                self._must_be_about_a_queue(error)
                continue
            await self._spool.remove([each.id for each in first])
            self._metrics.drained.inc(len(first))
            log.info("spool_queue_takes_again", queue=queue)
            self._stuck.discard(queue)
            self._passed = self._left = 0
        ended = self._clock.monotonic()
        # One that does not answer costs seconds, in which nothing else is emptied.
        rest = max(LEFT_REST.total_seconds(), (ended - began) * PATIENCE)
        self._try_at = ended + rest

    def _must_be_about_a_queue(self, error: BrokerError) -> None:
        if isinstance(error, BrokerBlocked) or not self._broker.connected:
            raise error

    def _age(self) -> float:
        oldest = self._spool.holding.oldest
        return (self._clock.now() - oldest).total_seconds() if oldest is not None else 0.0

"""A worker serves one lane of one provider: takes its messages and has each carried out.

It consumes only while the journal is there and the breaker is not open. What becomes of one message
stands in `carrier`.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from consumers.breaker import Breaker, BreakerState
from consumers.carrier import Carrier
from consumers.pauses import Pauses
from consumers.presence import Presence
from consumers.rates import Stopping
from consumers.waiting import first_of, pause, stopped_by
from core.broker.port import Broker, Delivery
from core.broker.topology import work_queue
from core.errors import BrokerError, JournalUnavailable
from core.logs import get_logger
from core.messages import Lane

log = get_logger()

_PAUSE = timedelta(seconds=1)
"""Between tries when the queue cannot be consumed."""


class Worker:
    """Up to `prefetch` messages are in hand at a time; half-open, one."""

    def __init__(
        self,
        *,
        carrier: Carrier,
        breaker: Breaker,
        broker: Broker,
        presence: Presence,
        pauses: Pauses,
        lane: Lane,
        prefetch: int,
        drain: timedelta,
    ) -> None:
        self._carrier = carrier
        self._breaker = breaker
        self._broker = broker
        self._presence = presence
        self._pauses = pauses
        self._lane = lane
        self._prefetch = prefetch
        self._queue = work_queue(carrier.provider_name, lane)
        self._drain = drain

    async def serve(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping` is set; then finish what is held, at most for the drain time."""
        while not stopping.is_set():
            await first_of(stopping.wait(), self._presence.returns())
            if self._pauses.provider(self._carrier.provider_name):
                await first_of(stopping.wait(), self._pauses.next_change.wait())
                continue
            if self._breaker.state is BreakerState.OPEN:
                await pause(self._breaker.pause_left, stopping)
                continue
            if stopping.is_set():
                return
            try:
                await self._consume(stopping)
            except BrokerError as error:
                log.warning("worker_cannot_consume", queue=self._queue, reason=str(error))
                await pause(_PAUSE, stopping)

    async def _consume(self, stopping: asyncio.Event) -> None:
        """One stretch of consuming. It ends when the process stops, the journal goes away, a
        message could not be handled at all, or the breaker moves: it opened, or it closed and the
        lane gets all that it may hold back."""
        moved, paused = self._breaker.next_move, self._pauses.next_change
        prefetch = 1 if self._breaker.state is BreakerState.HALF_OPEN else self._prefetch
        broken = asyncio.Event()

        async with (
            self._broker.subscribe(self._queue, prefetch=prefetch) as subscription,
            stopped_by(
                first_of(
                    stopping.wait(),
                    self._presence.leaves(),
                    moved.wait(),
                    paused.wait(),
                    broken.wait(),
                ),
                subscription,
            ),
        ):
            tasks: set[asyncio.Task[None]] = set()
            try:
                async for delivery in subscription:
                    task = asyncio.create_task(self._carry(delivery, broken))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
            finally:
                await self._finish(tasks, stopping)
        if broken.is_set():
            await pause(_PAUSE, stopping)

    async def _finish(self, tasks: set[asyncio.Task[None]], stopping: asyncio.Event) -> None:
        """Wait for what is held: a call that was cut off, or an outcome that was not recorded while
        the journal was away, would be unknown for nothing. Only a process that stops has no time:
        what is not done then is left as it is, unacknowledged, under a lease that runs out."""
        held = list(tasks)
        try:
            if held:
                await first_of(asyncio.wait(held), stopping.wait())
                await asyncio.wait(held, timeout=self._drain.total_seconds())
        finally:
            for task in held:
                task.cancel()
            await asyncio.gather(*held, return_exceptions=True)

    async def _carry(self, delivery: Delivery, broken: asyncio.Event) -> None:
        """Without an acknowledgement the broker hands the message out again, and counts how
        often."""
        try:
            await self._carrier.carry(delivery.body, self._lane)
        except JournalUnavailable as error:
            self._presence.lost(error)
        except Stopping:
            return  # not begun: whoever gets it next begins it
        except Exception:
            # Whatever it is, the message must come again.
            log.exception("message_broken", queue=self._queue)
            broken.set()
        else:
            await delivery.ack()

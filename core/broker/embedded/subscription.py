"""Handing the messages of one embedded queue to one consumer.

At most `prefetch` messages are out at a time, in the buffer or with the consumer. What must not go
in: the order and the counting of messages, which are the store's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from core.broker.embedded.rounds import Demand, Rounds
from core.broker.embedded.store import Handed, Store
from core.broker.port import Delivery
from core.errors import BrokerUnavailable
from core.logs import get_logger

log = get_logger()


class EmbeddedDelivery:
    """One message handed out; stale once its subscription is closed."""

    __slots__ = ("_handed", "_subscription")

    def __init__(self, subscription: EmbeddedSubscription, handed: Handed) -> None:
        self._subscription = subscription
        self._handed = handed

    @property
    def queue(self) -> str:
        return self._subscription.queue

    @property
    def body(self) -> bytes:
        return self._handed.body

    @property
    def stale(self) -> bool:
        return self._subscription.closed

    async def ack(self) -> None:
        await self._subscription.acknowledge(self._handed.id)


class EmbeddedSubscription:
    """A running consumer. Opened and closed by the broker."""

    def __init__(self, rounds: Rounds[Store], queue: str, *, prefetch: int) -> None:
        self.queue = queue
        self.closed = False
        self._rounds = rounds
        self._prefetch = prefetch
        self._buffer: deque[Handed] = deque()
        self._seen: dict[int, None] = {}
        self._arrived = asyncio.Event()
        self._demand: Demand | None = None
        self._stopped = False
        self._ask()

    @property
    def consuming(self) -> bool:
        return not self.closed

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self

    async def __anext__(self) -> Delivery:
        while not self._buffer and not self._stopped:
            self._arrived.clear()
            await self._arrived.wait()
        if self._stopped:
            raise StopAsyncIteration
        handed = self._buffer.popleft()
        self._seen[handed.id] = None
        return EmbeddedDelivery(self, handed)

    async def acknowledge(self, message: int) -> None:
        if self.closed or message not in self._seen:
            return

        def acknowledge(store: Store) -> None:
            store.acknowledge(self.queue, message)

        await self._rounds.do(acknowledge)
        self._seen.pop(message, None)
        self._ask()

    async def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._arrived.set()
        if self._demand is not None:
            self._rounds.withdraw(self._demand)
            # An answer may be on its way; it is here before the answer to anything asked later.
            await self._settle([], [])
        unseen = [handed.id for handed in self._buffer]
        self._buffer.clear()
        if unseen:
            await self._settle([], unseen)

    async def close(self) -> None:
        """Give back everything that is not acknowledged."""
        await self.stop()
        self.closed = True
        seen = list(self._seen)
        self._seen.clear()
        if seen:
            await self._settle(seen, [])

    def _ask(self) -> None:
        room = self._prefetch - len(self._buffer) - len(self._seen)
        if room > 0 and self._demand is None and not self._stopped:
            self._demand = Demand(self.queue, room, self._take)
            self._rounds.demand(self._demand)

    def _take(self, handed: list[Handed]) -> None:
        self._demand = None
        self._buffer.extend(handed)
        self._arrived.set()
        self._ask()

    async def _settle(self, seen: list[int], unseen: list[int]) -> None:
        def give_back(store: Store) -> None:
            store.give_back(seen, unseen)

        try:
            await self._rounds.do(give_back)
        except BrokerUnavailable as error:
            # They stay marked as handed out until the file is opened the next time.
            log.warning("embedded_messages_not_given_back", queue=self.queue, reason=str(error))

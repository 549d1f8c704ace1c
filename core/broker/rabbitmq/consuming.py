"""Subscriptions: one channel each, deliveries handed over to whoever iterates.

The library's callback only stores what came: it is cancelled when the connection drops, and work in
it would be cut off in the middle. Nothing is ever rejected; closing the channel gives
unacknowledged messages back. What must not go in: working on a message.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import timedelta

import aiormq.abc
from aiormq.channel import Channel

from core.broker.failures import library_failures
from core.broker.port import Delivery
from core.broker.rabbitmq.library import LibraryConnection, close_channel
from core.broker.rabbitmq.link import Link, pause
from core.errors import BrokerError
from core.logs import get_logger

log = get_logger()

_LIMIT = timedelta(seconds=5)

RENEW_IDLE = timedelta(seconds=60)
"""After so long without a message a subscription takes a new channel. The broker can lose a
consumer and not say so (3.10 does when a queue is deleted and declared again within a moment)."""


class _Session:
    """The time that one channel lives. What came on it is stale afterwards."""

    def __init__(self, channel: aiormq.abc.AbstractChannel) -> None:
        self.channel = channel
        self.ended = asyncio.Event()
        self.received = 0
        self.acknowledged = 0

    @property
    def over(self) -> bool:
        return self.ended.is_set() or self.channel.is_closed

    def end(self, *_: object) -> None:
        self.ended.set()


class RabbitMQDelivery:
    """One message on the channel it came on: only there its tag means anything."""

    __slots__ = ("_message", "_queue", "_session")

    def __init__(self, queue: str, session: _Session, message: aiormq.abc.DeliveredMessage) -> None:
        self._queue = queue
        self._session = session
        self._message = message

    @property
    def queue(self) -> str:
        return self._queue

    @property
    def body(self) -> bytes:
        return self._message.body

    @property
    def stale(self) -> bool:
        return self._session.over

    async def ack(self) -> None:
        tag = self._message.delivery_tag
        if self.stale or tag is None:
            return
        try:
            with library_failures("acknowledging"):
                async with asyncio.timeout(_LIMIT.total_seconds()):
                    await self._session.channel.basic_ack(tag)
            self._session.acknowledged += 1
        except BrokerError as error:
            # The broker hands the message out again; the journal recognises it.
            log.debug("broker_ack_lost", queue=self._queue, reason=str(error))


class RabbitMQSubscription:
    """A consumer that goes on after a lost connection, a restart, a deleted and declared queue."""

    def __init__(
        self,
        link: Link[LibraryConnection],
        queue: str,
        *,
        prefetch: int,
        renew_idle: timedelta = RENEW_IDLE,
    ) -> None:
        self._renew_idle = renew_idle.total_seconds()
        self._link = link
        self._queue = queue
        self._prefetch = prefetch
        self._buffer: deque[RabbitMQDelivery] = deque()
        self._arrived = asyncio.Event()
        self._session: _Session | None = None
        self._consumer_tag: str | None = None
        self._stopped = False
        self._reported: str | None = None

    @property
    def consuming(self) -> bool:
        return self._stopped or self._consumer_tag is not None

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self

    async def __anext__(self) -> Delivery:
        while not self._stopped:
            while self._buffer:
                delivery = self._buffer.popleft()
                if not delivery.stale:
                    return delivery
            self._arrived.clear()
            await self._arrived.wait()
        raise StopAsyncIteration

    async def stop(self) -> None:
        self._stopped = True
        self._buffer.clear()
        self._arrived.set()
        await self._cancel_consumer()

    async def run(self) -> None:
        """Consume on whatever connection there is. Ends when stopped and the channel is gone."""
        while not self._stopped:
            connection = await self._link.connected()
            renewed = False
            try:
                renewed = await self._consume(connection)
            except BrokerError as error:
                self._report(error)
            if not renewed:
                await asyncio.sleep(pause())

    async def _consume(self, connection: LibraryConnection) -> bool:
        """Consume until the channel is gone (False), or was idle and is to be renewed (True)."""
        channel: Channel | None = None
        try:
            with library_failures(f"consuming {self._queue}"):
                async with asyncio.timeout(_LIMIT.total_seconds()):
                    channel = await connection.open_channel()
                    await channel.basic_qos(prefetch_count=self._prefetch)
                    session = _Session(channel)
                    channel.closing.add_done_callback(session.end)
                    channel.on_consumer_cancel_callbacks.add(session.end)
                    self._session = session
                    started = await channel.basic_consume(self._queue, self._receiver(session))
            self._consumer_tag = started.consumer_tag
            self._reported = None
            if self._stopped:
                await self._cancel_consumer()
            if await self._idle(session):
                return True
            if not self._stopped:
                log.warning("broker_subscription_interrupted", queue=self._queue)
            return False
        finally:
            if self._session is not None:
                self._session.end()
            self._session, self._consumer_tag = None, None
            self._buffer.clear()
            if channel is not None:
                await close_channel(channel)

    async def _idle(self, session: _Session) -> bool:
        """Wait for the session's end (False), or until it is idle with nothing out (True)."""
        while not session.over:
            received = session.received
            try:
                async with asyncio.timeout(self._renew_idle):
                    await session.ended.wait()
            except TimeoutError:
                quiet = received == session.received == session.acknowledged
                if quiet and not self._stopped:
                    return True
        return False

    def _receiver(self, session: _Session) -> aiormq.abc.ConsumerCallback:
        async def receive(message: aiormq.abc.DeliveredMessage) -> None:
            session.received += 1
            # The broker sends no more than the prefetch before acks, which bounds the buffer.
            if not self._stopped:
                self._buffer.append(RabbitMQDelivery(self._queue, session, message))
                self._arrived.set()

        return receive

    async def _cancel_consumer(self) -> None:
        session, tag = self._session, self._consumer_tag
        if session is None or tag is None or session.over:
            return
        self._consumer_tag = None
        try:
            with library_failures(f"stopping {self._queue}"):
                async with asyncio.timeout(_LIMIT.total_seconds()):
                    await session.channel.basic_cancel(tag)
        except BrokerError as error:
            log.debug("broker_consumer_not_cancelled", queue=self._queue, reason=str(error))

    def _report(self, error: BrokerError) -> None:
        """Each new reason once at warning level, not one line for every try."""
        reason = str(error)
        if reason == self._reported:
            log.debug("broker_subscription_failed", queue=self._queue, reason=reason)
        else:
            self._reported = reason
            log.warning("broker_subscription_failed", queue=self._queue, reason=reason)

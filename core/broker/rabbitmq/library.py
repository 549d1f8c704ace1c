"""aio-pika's connection as a link holds it, and its way of publishing: a task for each message.

Publishing by it is chosen by `POSTERN_PUBLISHER=aio-pika`; consuming and declaring always use it.
What must not go in: coming back after a loss (see `link`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import cast

import aio_pika
from aio_pika import DeliveryMode
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ConnectionClosed
from aiormq.channel import Channel
from pamqp.commands import Basic

from core.broker.failures import library_failures, raise_as_ours
from core.broker.port import Outgoing, Told
from core.broker.rabbitmq.link import CLOSE_LIMIT, CONNECT_LIMIT, HEARTBEAT
from core.broker.topology import EXCHANGE
from core.errors import BrokerError, BrokerUnavailable, PublishRefused, Unroutable
from core.logs import get_logger

log = get_logger()

_ABANDON_LIMIT = timedelta(milliseconds=500)
_OPEN_LIMIT = timedelta(seconds=5)
_PERSISTENT = DeliveryMode.PERSISTENT.value


class LibraryConnection:
    """One plain connection of aio-pika's."""

    def __init__(self, connection: AbstractConnection) -> None:
        self.library = connection

    @property
    def is_down(self) -> bool:
        transport = self.library.transport
        return transport is None or transport.connection.is_closed

    def when_down(self, tell: Callable[[], None]) -> None:
        self.library.close_callbacks.add(lambda *_: tell())

    async def open_confirm_channel(self, limit: timedelta) -> LibraryConfirmChannel:
        channel = self.library.channel(publisher_confirms=True, on_return_raises=True)
        await channel.initialize()
        # The library's type does not tell that publishing need not wait for the socket.
        return LibraryConfirmChannel(
            channel, cast("Channel", await channel.get_underlay_channel()), limit
        )

    async def open_channel(self) -> Channel:
        """One of aiormq's, without confirms, for what opens channels again and again: of each
        channel that was closed aio-pika keeps some kilobytes until its connection ends (10.2 with
        aiormq 7.2: it takes its callbacks off another future than it has put them on)."""
        transport = self.library.transport
        if transport is None:
            raise ConnectionClosed("the connection is closed")
        channel = await transport.connection.channel(publisher_confirms=False)
        return cast("Channel", channel)

    async def answer(self) -> None:
        channel = await self.open_channel()
        await channel.close()

    async def close(self) -> None:
        try:
            with library_failures("closing"):
                async with asyncio.timeout(CLOSE_LIMIT.total_seconds()):
                    await self.library.close()
        except BrokerError as error:
            log.debug("broker_connection_not_closed_in_order", reason=str(error))


async def connect(url: str, name: str) -> LibraryConnection:
    """One connection, or one of our errors."""
    attempt = asyncio.create_task(
        aio_pika.connect(
            url,
            heartbeat=HEARTBEAT,
            client_properties={"connection_name": f"postern {name}"},
        )
    )
    try:
        with library_failures(f"connecting for {name}"):
            done, _ = await asyncio.wait({attempt}, timeout=CONNECT_LIMIT.total_seconds())
            if not done:
                raise TimeoutError
            return LibraryConnection(await attempt)
    except BaseException:
        await _abandon(attempt)
        raise


async def _abandon(attempt: asyncio.Task[AbstractConnection]) -> None:
    """End an attempt. The library forgets a connection it has just made if it is cancelled in that
    moment, and leaves it open for ever; so an attempt gets the chance to end by itself."""
    await asyncio.wait({attempt}, timeout=_ABANDON_LIMIT.total_seconds())
    attempt.cancel()
    await asyncio.wait({attempt})
    if not attempt.cancelled() and attempt.exception() is None:
        await LibraryConnection(attempt.result()).close()


class LibraryConfirmChannel:
    """A channel in confirm mode."""

    def __init__(self, channel: AbstractChannel, wire: Channel, limit: timedelta) -> None:
        self._channel = channel
        self._wire = wire
        self._limit = limit.total_seconds()
        self.confirms = 0
        self.blocked = False
        """The library does not tell; a blocked broker shows as silence."""

    @property
    def is_closed(self) -> bool:
        return self._channel.is_closed

    def when_closed(self, tell: Callable[[], None]) -> None:
        self._channel.close_callbacks.add(lambda *_: tell())

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        with library_failures("publishing"):
            async with asyncio.timeout(self._limit):
                verdicts = await asyncio.gather(
                    *(self._publish_one(message) for message in messages), return_exceptions=True
                )
        _judge(verdicts)

    @property
    def posts(self) -> bool:
        return False

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:  # noqa: ARG002 - the port's
        """Never: the library has a task for each message."""
        return False

    async def close(self) -> None:
        await close_channel(self._channel)

    async def _publish_one(self, message: Outgoing) -> None:
        frame = await self._wire.basic_publish(
            message.body,
            exchange=EXCHANGE,
            routing_key=message.queue,
            mandatory=True,
            properties=Basic.Properties(
                delivery_mode=_PERSISTENT,
                # Returns are matched by this id, so it must be new for every attempt: with an id
                # used twice the message that was lost would be reported as taken.
                message_id=uuid.uuid4().hex,
            ),
            wait=False,
        )
        if not isinstance(frame, Basic.Ack):
            raise PublishRefused(f"publishing: the broker answered {type(frame).__name__}")
        self.confirms += 1


async def close_channel(channel: AbstractChannel | Channel) -> None:
    """Close if it is still open; what is unacknowledged on it goes back to its queue."""
    try:
        with library_failures("closing a channel"):
            async with asyncio.timeout(_OPEN_LIMIT.total_seconds()):
                await channel.close()
    except BrokerError as error:
        log.debug("broker_channel_not_closed_in_order", reason=str(error))


def _judge(verdicts: Sequence[BaseException | None]) -> None:
    """Raise the verdict that says most: a missing queue needs a person, a full one time, the rest
    is unknown."""
    errors: list[BrokerError] = []
    for verdict in verdicts:
        if verdict is None:
            continue
        try:
            raise_as_ours(verdict, "publishing")
        except BrokerError as error:
            errors.append(error)
    for kind in (Unroutable, PublishRefused, BrokerUnavailable):
        for found in errors:
            if isinstance(found, kind):
                raise found

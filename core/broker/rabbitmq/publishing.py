"""Publishing with confirms: success means confirmed and routed; every call has a verdict in time.

What must not go in: retries. Whoever publishes decides what an unknown outcome means.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from aio_pika import DeliveryMode
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.channel import Channel
from pamqp.commands import Basic

from core.broker.failures import library_failures, raise_as_ours, really_cancelled
from core.broker.port import Outgoing
from core.broker.rabbitmq.link import Link, pause
from core.broker.topology import EXCHANGE
from core.errors import BrokerError, BrokerUnavailable, PublishRefused, Unroutable
from core.logs import get_logger

log = get_logger()

# So many calls one after the other without one confirm in their whole time: the peer is asked for a
# sign of life, and taken for dead without one, long before heartbeats would tell. With one, a queue
# may be about to change its leader, and this channel is told who follows (a new channel would wait
# for the old one, on 3.10 for a minute). Only after the larger number the connection is given up
# all the same: another node may see a majority.
_SILENT_CALLS = 2
_SILENT_CALLS_WITH_SIGNS = 8
# A caller with a deadline of its own gives up before the call does: it counts after this share of
# the call's time, otherwise silence would never count under such callers.
_SILENT_SHARE = 0.4
_SIGN_LIMIT = timedelta(seconds=2)
_PERSISTENT = DeliveryMode.PERSISTENT.value
_OPEN_LIMIT = timedelta(seconds=5)


class Publishing:
    """The publishing side: one connection, one channel."""

    def __init__(self, link: Link, *, limit: timedelta) -> None:
        self._link = link
        self._limit = limit.total_seconds()
        self._channel: Channel | None = None
        self._confirms = 0
        self._silent = 0
        self._doubted = asyncio.Event()

    @property
    def ready(self) -> bool:
        return self._channel is not None

    async def run(self) -> None:
        """Keep a channel open on whatever connection there is. Ends only by cancellation."""
        while True:
            connection = await self._link.connected()
            try:
                await self._keep_channel(connection)
            except BrokerError as error:
                log.warning("broker_channel_failed", reason=str(error))
                self._link.tried.set()
                self._link.drop(connection)
            await asyncio.sleep(0 if self._link.connection is connection else pause())

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """As the port says. All are written before the first confirm is waited for."""
        if not messages:
            return
        channel = self._channel
        if channel is None:
            raise BrokerUnavailable("publishing: not connected")
        connection, confirms, silent = self._link.connection, self._confirms, self._silent
        now = asyncio.get_running_loop().time
        started = now()
        try:
            with library_failures("publishing"):
                async with asyncio.timeout(self._limit):
                    verdicts = await asyncio.gather(
                        *(self._publish_one(channel, message) for message in messages),
                        return_exceptions=True,
                    )
        except (BrokerUnavailable, asyncio.CancelledError) as error:
            waited = now() - started >= self._limit * _SILENT_SHARE
            if (waited or isinstance(error, BrokerUnavailable)) and (
                self._confirms == confirms and self._silent == silent
            ):
                self._note_silence(connection)
            raise
        _judge(verdicts)

    def _note_silence(self, connection: AbstractConnection | None) -> None:
        self._silent += 1
        if self._silent >= _SILENT_CALLS_WITH_SIGNS and connection is not None:
            self._link.drop(connection)
        elif self._silent >= _SILENT_CALLS:
            self._doubted.set()

    async def _publish_one(self, channel: Channel, message: Outgoing) -> None:
        frame = await channel.basic_publish(
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
        self._confirms += 1
        self._silent = 0

    async def _keep_channel(self, connection: AbstractConnection) -> None:
        with library_failures("opening a channel"):
            async with asyncio.timeout(_OPEN_LIMIT.total_seconds()):
                channel = connection.channel(publisher_confirms=True, on_return_raises=True)
                await channel.initialize()
                # The library's type does not tell that publishing need not wait for the socket.
                wire = cast("Channel", await channel.get_underlay_channel())
        try:
            self._doubted.clear()
            channel.close_callbacks.add(lambda *_: self._doubted.set())
            if not channel.is_closed:
                self._confirms, self._silent = 0, 0
                self._channel = wire
                self._link.tried.set()
                await self._watch(connection, channel)
                log.warning("broker_channel_closed", channel="publishing")
        finally:
            self._channel = None
            await close_channel(channel)

    async def _watch(self, connection: AbstractConnection, channel: AbstractChannel) -> None:
        """Return when the channel is closed. Raises BrokerUnavailable if the node is dead."""
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            if channel.is_closed:
                return
            try:
                await _sign_of_life(connection)
            except BrokerError:
                # At once: the channel of a dead node takes its time to close.
                self._link.drop(connection)
                raise
            if really_cancelled():
                # Closing a channel, the library swallows it.
                raise asyncio.CancelledError


async def _sign_of_life(connection: AbstractConnection) -> None:
    """Return if the node answers; it does so without asking any queue. Raises BrokerUnavailable."""
    with library_failures("asking for a sign of life"):
        async with asyncio.timeout(_SIGN_LIMIT.total_seconds()):
            channel = connection.channel(publisher_confirms=False)
            await channel.initialize()
            await channel.close()


async def close_channel(channel: AbstractChannel) -> None:
    """Close if it is still open; what is unacknowledged on it goes back to its queue."""
    if not channel.is_initialized:
        return
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

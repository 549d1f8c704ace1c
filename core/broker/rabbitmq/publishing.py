"""Publishing with confirms: success means confirmed and routed; every call has a verdict in time.

Two ways keep `PublishingConnection`: `pipelined`, our own frames, and `library`, aio-pika's. What
must not go in: retries. Whoever publishes decides what an unknown outcome means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from core.broker.failures import library_failures, really_cancelled
from core.broker.port import Outgoing, Told
from core.broker.rabbitmq.link import Connection, Link, pause
from core.errors import BrokerBlocked, BrokerError, BrokerUnavailable
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
_OPEN_LIMIT = timedelta(seconds=5)


class ConfirmChannel(Protocol):
    """A channel in confirm mode."""

    @property
    def is_closed(self) -> bool: ...

    @property
    def confirms(self) -> int:
        """How many the broker has sent on it."""
        ...

    @property
    def blocked(self) -> bool:
        """Whether the broker has said that it takes nothing for now."""
        ...

    def when_closed(self, tell: Callable[[], None]) -> None: ...

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """As the broker port says. Everything is written before the first confirm is waited
        for."""
        ...

    @property
    def posts(self) -> bool:
        """As the broker port says."""
        ...

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        """As the broker port says."""
        ...

    async def close(self) -> None: ...


class PublishingConnection(Connection, Protocol):
    async def open_confirm_channel(self, limit: timedelta) -> ConfirmChannel:
        """`limit`: what a publish on it may take."""
        ...

    async def answer(self) -> None:
        """Returns once the node has answered something that needs no queue."""
        ...


class Publishing:
    """The publishing side: one connection, one channel."""

    def __init__(self, link: Link[PublishingConnection], *, limit: timedelta) -> None:
        self._link = link
        self._limit = limit
        self._patience = limit.total_seconds() * _SILENT_SHARE
        self._channel: ConfirmChannel | None = None
        self._silent = 0
        self._doubted = asyncio.Event()

    @property
    def ready(self) -> bool:
        return self._channel is not None and not self._channel.blocked

    @property
    def blocked(self) -> bool:
        return self._channel is not None and self._channel.blocked

    @property
    def posts(self) -> bool:
        return self._channel is not None and self._channel.posts

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
        """As the port says."""
        if not messages:
            return
        channel = self._channel
        if channel is None:
            raise BrokerUnavailable("publishing: not connected")
        connection, confirms, silent = self._link.connection, channel.confirms, self._silent
        now = asyncio.get_running_loop().time
        started = now()
        try:
            await channel.publish(messages)
        except BrokerBlocked:
            raise
        except (BrokerError, asyncio.CancelledError) as error:
            waited = now() - started >= self._patience
            if channel.confirms != confirms:
                self._silent = 0
            elif (waited or isinstance(error, BrokerUnavailable)) and (
                # A broker that blocks reads no question either.
                self._silent == silent and not channel.blocked
            ):
                self._note_silence(connection)
            raise
        self._silent = 0

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        """As the port says."""
        channel = self._channel
        if channel is None or not messages:
            return False
        connection, confirms, silent = self._link.connection, channel.confirms, self._silent

        def settled(error: BrokerError | None) -> None:
            if error is None or channel.confirms != confirms:
                self._silent = 0
            elif (
                isinstance(error, BrokerUnavailable)
                and not isinstance(error, BrokerBlocked)
                and self._silent == silent
                and not channel.blocked
            ):
                self._note_silence(connection)
            try:
                told(error)
            except Exception:
                # It must not, and whoever comes after it is to hear of his own messages.
                log.exception("broker_verdict_not_taken")

        return channel.post(messages, settled)

    def _note_silence(self, connection: PublishingConnection | None) -> None:
        self._silent += 1
        if self._silent >= _SILENT_CALLS_WITH_SIGNS and connection is not None:
            self._link.drop(connection)
        elif self._silent >= _SILENT_CALLS:
            self._doubted.set()

    async def _keep_channel(self, connection: PublishingConnection) -> None:
        with library_failures("opening a channel"):
            async with asyncio.timeout(_OPEN_LIMIT.total_seconds()):
                channel = await connection.open_confirm_channel(self._limit)
        try:
            self._doubted.clear()
            channel.when_closed(self._doubted.set)
            if not channel.is_closed:
                self._silent = 0
                self._channel = channel
                self._link.tried.set()
                await self._watch(connection, channel)
                log.warning("broker_channel_closed", channel="publishing")
        finally:
            self._channel = None
            await channel.close()

    async def _watch(self, connection: PublishingConnection, channel: ConfirmChannel) -> None:
        """Return when the channel is closed. Raises BrokerUnavailable if the node is dead."""
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            if channel.is_closed:
                return
            if channel.blocked:
                continue
            try:
                await _sign_of_life(connection)
            except BrokerError:
                # At once: the channel of a dead node takes its time to close.
                self._link.drop(connection)
                raise
            if really_cancelled():
                # Closing a channel, the library swallows it.
                raise asyncio.CancelledError


async def _sign_of_life(connection: PublishingConnection) -> None:
    """Return if the node answers; it does so without asking any queue. Raises BrokerUnavailable."""
    with library_failures("asking for a sign of life"):
        async with asyncio.timeout(_SIGN_LIMIT.total_seconds()):
            await connection.answer()

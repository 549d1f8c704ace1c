"""One connection of our own: handshake, heartbeats, blocked or not, one write for each turn of the
event loop.

Whoever asks something waits for its answer; a connection that ends answers all of them with why.
What must not go in: what is published, and coming back after a loss (see `link`).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from typing import TypeVar, cast

from pamqp import base, commands
from pamqp.heartbeat import Heartbeat

from core.broker.failures import describe
from core.broker.rabbitmq import link
from core.broker.rabbitmq.pipelined.address import MECHANISMS, Address, read_address
from core.broker.rabbitmq.pipelined.channel import ConfirmChannel
from core.broker.rabbitmq.pipelined.frames import (
    GREETING,
    HEARTBEAT,
    BadFrame,
    Confirm,
    Reader,
    Received,
    marshal,
)
from core.errors import BrokerUnavailable, LoginRefused, Unroutable
from core.logs import get_logger

log = get_logger()

FRAME_MAX = 131_072
_CHANNELS = 16
_PUBLISHING, _ASKING = 1, 2
_WRITTEN_AHEAD = 1 << 20
"""Bytes that may wait for the peer to read; beyond, publishers wait."""
_MISSED = 3
"""Heartbeats without a sign from the peer, after which it is taken for dead."""

F = TypeVar("F", bound=base.Frame)


class PipelinedConnection(asyncio.Protocol):
    """Made by `connect`."""

    def __init__(self, address: Address, name: str) -> None:
        self._address = address
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = Reader()
        self._waiting: dict[int, asyncio.Future[base.Frame]] = {}
        self._channel: ConfirmChannel | None = None
        self._unsent: list[bytes] = []
        self._beat: asyncio.TimerHandle | None = None
        self._heard = self._sent = self._loop.time()
        self._heartbeat = 0.0
        self._tell: list[Callable[[], None]] = []
        self._over: str | None = None
        self.frame_max = FRAME_MAX
        self.blocked: str | None = None
        """Why the broker takes nothing for now, in its words; None: it does."""
        self.paused = False
        """While the peer does not read what was written."""

    # As link and publishing need it.

    @property
    def is_down(self) -> bool:
        return self._over is not None

    def when_down(self, tell: Callable[[], None]) -> None:
        self._tell.append(tell)

    async def open_confirm_channel(self, limit: timedelta) -> ConfirmChannel:
        await self.ask(_PUBLISHING, commands.Channel.Open(), commands.Channel.OpenOk)
        # Known before it is confirmed: an end that comes with the answer must reach it.
        channel = self._channel = ConfirmChannel(self, _PUBLISHING, limit)
        try:
            await self.ask(_PUBLISHING, commands.Confirm.Select(), commands.Confirm.SelectOk)
        except BaseException:
            channel.end("it was not opened")
            raise
        return channel

    async def answer(self) -> None:
        await self.ask(_ASKING, commands.Channel.Open(), commands.Channel.OpenOk)
        await self.ask(_ASKING, commands.Channel.Close(200, "", 0, 0), commands.Channel.CloseOk)

    async def close(self) -> None:
        if not self.is_down:
            closing = commands.Connection.Close(200, "", 0, 0)
            try:
                async with asyncio.timeout(link.CLOSE_LIMIT.total_seconds()):
                    await self.ask(0, closing, commands.Connection.CloseOk)
            except (BrokerUnavailable, TimeoutError) as error:
                log.debug("broker_connection_not_closed_in_order", reason=describe(error))
        self.end("it was closed")

    # As the channel needs it.

    async def ask(self, channel: int, method: base.Frame, answer: type[F]) -> F:
        """Raises BrokerUnavailable if something else is answered, or the connection ends."""
        if self._over is not None:
            raise BrokerUnavailable(self._over)
        if channel in self._waiting:
            raise BrokerUnavailable("the broker has not answered what was asked before")
        waiting = self._waiting[channel] = self._loop.create_future()
        self.write([marshal(method, channel)])
        try:
            found = await waiting
        finally:
            self._waiting.pop(channel, None)
        if not isinstance(found, answer):
            raise BrokerUnavailable(f"the broker answered {_what(found)}")
        return found

    def write(self, parts: list[bytes]) -> None:
        """Goes out, with all that is written in the same turn of the loop, at its end."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent += parts

    def forget_channel(self) -> None:
        self._channel = None

    # The handshake.

    async def begin(self) -> None:
        """Raises BrokerUnavailable, LoginRefused."""
        if self._over is not None:
            raise BrokerUnavailable(self._over)
        start = self._loop.create_future()
        self._waiting[0] = start
        self.write([GREETING])
        try:
            found = await start
        finally:
            self._waiting.pop(0, None)
        if not isinstance(found, commands.Connection.Start):
            raise BrokerUnavailable(f"the broker answered {_what(found)}")
        if self._address.mechanism not in MECHANISMS:
            raise LoginRefused(
                f"expected auth=plain or auth=external, not {self._address.mechanism}"
            )
        if self._address.mechanism not in (found.mechanisms or "").split():
            raise LoginRefused(f"the broker does not know the login {self._address.mechanism}")
        tune = await self._log_in()
        self.frame_max = min(tune.frame_max or FRAME_MAX, FRAME_MAX)
        self._reader.largest = self.frame_max
        self._heartbeat = link.HEARTBEAT
        agreed = commands.Connection.TuneOk(
            min(tune.channel_max or _CHANNELS, _CHANNELS), self.frame_max, link.HEARTBEAT
        )
        self.write([marshal(agreed, 0)])
        opening = commands.Connection.Open(virtual_host=self._address.vhost)
        await self.ask(0, opening, commands.Connection.OpenOk)
        self._keep_beating()

    async def _log_in(self) -> commands.Connection.Tune:
        login = commands.Connection.StartOk(
            client_properties={
                "product": "postern",
                "version": _version(),
                "connection_name": f"postern {self._name}",
                "capabilities": {
                    "authentication_failure_close": True,
                    "basic.nack": True,
                    "connection.blocked": True,
                    "publisher_confirms": True,
                },
            },
            mechanism=self._address.mechanism,
            response=self._address.response,
        )
        return await self.ask(0, login, commands.Connection.Tune)

    # As asyncio calls it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITTEN_AHEAD)
        wire = transport.get_extra_info("socket")
        if wire is not None:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, error: Exception | None) -> None:
        self.end(describe(error) if error is not None else "the broker closed the connection")

    def eof_received(self) -> None:
        # Left alone, it would wait until the peer has read all that was written.
        self.end("the broker closed the connection")

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self._wake()

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            for channel, found in self._reader.feed(data):
                self._take(channel, found)
        except BadFrame as error:
            self.end(str(error))

    def _take(self, channel: int, found: Confirm | Received) -> None:
        if isinstance(found, Confirm):
            if channel == _PUBLISHING and self._channel is not None:
                self._channel.confirmed(found)
            return
        if isinstance(found, Heartbeat):
            return
        match found:
            case commands.Connection.Close():
                self.write([marshal(commands.Connection.CloseOk(), 0)])
                self._flush()
                self.end(*_refusal(found))
            case commands.Connection.Blocked():
                self.blocked = found.reason or "no reason given"
                log.warning("broker_blocked", connection=self._name, reason=self.blocked)
                self._wake()
            case commands.Connection.Unblocked():
                self.blocked = None
                log.info("broker_unblocked", connection=self._name)
            case commands.Channel.Close():
                self.write([marshal(commands.Channel.CloseOk(), channel)])
                self._refuse(channel, found)
            case base.Frame() if (waiting := self._waiting.get(channel)) and not waiting.done():
                waiting.set_result(found)
            case _ if channel == _PUBLISHING and self._channel is not None:
                self._channel.take(found)

    def _refuse(self, channel: int, found: commands.Channel.Close) -> None:
        """The broker has closed a channel, and with it all that was under way on it."""
        reason = f"{found.reply_code} {found.reply_text}"
        waiting = self._waiting.get(channel)
        if waiting is not None and not waiting.done():
            waiting.set_exception(BrokerUnavailable(reason))
        if channel == _PUBLISHING and self._channel is not None:
            self._channel.end(reason, Unroutable if found.reply_code == 404 else BrokerUnavailable)

    def end(self, reason: str, kind: type[BrokerUnavailable] = BrokerUnavailable) -> None:
        """Once; everybody who waits is told why."""
        if self._over is not None:
            return
        self._over = reason
        if self._beat is not None:
            self._beat.cancel()
        if self._transport is not None:
            # Not `close`: that waits until the peer has read everything, and it may never.
            self._transport.abort()
        self._unsent.clear()
        self.paused = False
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(kind(reason))
        if self._channel is not None:
            self._channel.end(reason)
        for tell in self._tell:
            tell()

    def _wake(self) -> None:
        if self._channel is not None:
            self._channel.wake()

    def _flush(self) -> None:
        if self._unsent and self._transport is not None and not self._transport.is_closing():
            unsent, self._unsent = self._unsent, []
            self._sent = self._loop.time()
            self._transport.write(b"".join(unsent))

    def _keep_beating(self) -> None:
        now = self._loop.time()
        if now - self._heard > _MISSED * self._heartbeat:
            self.end("the broker gave no sign of life")
            return
        if now - self._sent >= self._heartbeat / 2:
            self.write([HEARTBEAT])
        self._beat = self._loop.call_later(self._heartbeat / 4, self._keep_beating)


async def connect(url: str, name: str) -> PipelinedConnection:
    """One connection. Raises BrokerUnavailable, LoginRefused."""
    doing = f"connecting for {name}"
    connection: PipelinedConnection | None = None
    try:
        async with asyncio.timeout(link.CONNECT_LIMIT.total_seconds()):
            address = read_address(url)
            connection = PipelinedConnection(address, name)
            await _reach(address, connection)
            await connection.begin()
    except BaseException as error:
        if connection is not None:
            connection.end("it was given up")
        match error:
            case BrokerUnavailable():
                raise type(error)(f"{doing}: {error}") from error
            case TimeoutError() | OSError() | ValueError():
                # ssl's errors are OSErrors, a certificate that does not fit is a ValueError.
                raise BrokerUnavailable(f"{doing}: {describe(error)}") from error
        raise
    return connection


async def _reach(address: Address, connection: PipelinedConnection) -> None:
    loop = asyncio.get_running_loop()
    tls: ssl.SSLContext | None = None
    if address.certificates is not None:
        tls = await asyncio.to_thread(address.certificates.context)
    await loop.create_connection(lambda: connection, address.host, address.port, ssl=tls)


def _refusal(found: commands.Connection.Close) -> tuple[str, type[BrokerUnavailable]]:
    """RabbitMQ's codes: 403 to a login, 530 to a virtual host, or where it is full. Its texts name
    the user."""
    if found.reply_code == 403:
        return "the broker refused the user name or password", LoginRefused
    if found.reply_code == 530:
        reason = "the broker does not open this virtual host for this user, or no more connections"
        return reason, BrokerUnavailable
    return f"the broker closed it: {found.reply_code} {found.reply_text}", BrokerUnavailable


def _what(found: base.Frame) -> str:
    return str(found.name)


def _version() -> str:
    return version("postern")

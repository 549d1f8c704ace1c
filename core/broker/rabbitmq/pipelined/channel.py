"""The channel in confirm mode: many publishes under way at once, each with a verdict in time.

What must not go in: sockets, and what to do about a verdict.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pamqp import commands
from pamqp.header import ContentHeader

from core.broker.port import Outgoing, Told
from core.broker.rabbitmq.pipelined.flight import Call, Flight
from core.broker.rabbitmq.pipelined.frames import ID_LENGTH, Confirm, Received, Writer
from core.broker.topology import EXCHANGE
from core.errors import BrokerBlocked, BrokerError, BrokerUnavailable
from core.logs import get_logger

if TYPE_CHECKING:
    from core.broker.rabbitmq.pipelined.connection import PipelinedConnection

log = get_logger()

MOST = 20_000
"""Messages under way; more would only wait at the broker, in memory of both."""
_LOOKS = 25
"""How often in the time of a call it is looked for calls whose time is over."""
_CLOSE_LIMIT = timedelta(seconds=5)
_TOO_LATE = "publishing: no answer in time"


class ConfirmChannel:
    """Opened by `PipelinedConnection`."""

    def __init__(self, connection: PipelinedConnection, number: int, limit: timedelta) -> None:
        self._connection = connection
        self._number = number
        self._limit = limit.total_seconds()
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(number, connection.frame_max, EXCHANGE)
        self._flight = Flight()
        # Returns are matched by it and the tag. An id of an earlier channel must not be taken for
        # one of this: the message that was lost would be reported as taken.
        self._nonce = os.urandom(4).hex().encode()
        self._moved = asyncio.Event()
        self._looking: asyncio.TimerHandle | None = None
        self._is_returning = False
        self._over: str | None = None
        self._tell: list[Callable[[], None]] = []

    @property
    def is_closed(self) -> bool:
        return self._over is not None

    @property
    def confirms(self) -> int:
        return self._flight.confirms

    @property
    def blocked(self) -> bool:
        return self._connection.blocked is not None

    def when_closed(self, tell: Callable[[], None]) -> None:
        self._tell.append(tell)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self._has_room:
            await self._sent(messages)
            return
        try:
            async with asyncio.timeout(self._limit):
                await self._wait_for_room()
                await self._sent(messages)
        except TimeoutError:
            # The broker confirms too slowly, or does not read at all.
            raise (self._blocked() if self.blocked else BrokerUnavailable(_TOO_LATE)) from None

    @property
    def posts(self) -> bool:
        return self._has_room and self._over is None and not self.blocked

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        if not self.posts:
            return False
        try:
            self._send(messages, told)
        except BrokerError:
            return False
        return True

    def wake(self) -> None:
        """Those who wait for room look again."""
        self._moved.set()

    async def close(self) -> None:
        if self._over is not None:
            return
        self.end("it was closed")
        try:
            async with asyncio.timeout(_CLOSE_LIMIT.total_seconds()):
                await self._connection.ask(
                    self._number, commands.Channel.Close(200, "", 0, 0), commands.Channel.CloseOk
                )
        except (BrokerUnavailable, TimeoutError) as error:
            log.debug("broker_channel_not_closed_in_order", reason=str(error))

    def confirmed(self, found: Confirm) -> None:
        self._flight.confirmed(found.tag, multiple=found.multiple, taken=found.taken)
        if len(self._flight) < MOST:
            self.wake()

    def take(self, found: Received) -> None:
        """A message that comes back: the method, its header, its body."""
        if isinstance(found, commands.Basic.Return):
            self._is_returning = True
        elif isinstance(found, ContentHeader) and self._is_returning:
            self._is_returning = False
            message_id = getattr(found.properties, "message_id", None) or ""
            if message_id.encode().startswith(self._nonce):
                self._flight.returned(int(message_id[len(self._nonce) :], 16))

    def end(self, reason: str, kind: type[BrokerError] = BrokerUnavailable) -> None:
        """`kind`: the error that what is under way gets."""
        if self._over is not None:
            return
        self._over = reason
        if self._looking is not None:
            self._looking.cancel()
        self._connection.forget_channel()
        self.wake()
        self._flight.end_all(kind(f"publishing: {reason}"))
        for tell in self._tell:
            tell()

    @property
    def _has_room(self) -> bool:
        return len(self._flight) < MOST and not self._connection.paused

    async def _wait_for_room(self) -> None:
        """Also returns when there will be none any more."""
        while not self._has_room and self._over is None and self._connection.blocked is None:
            self._moved.clear()
            await self._moved.wait()

    async def _sent(self, messages: Sequence[Outgoing]) -> None:
        """Returns with the verdict."""
        verdict = self._loop.create_future()

        def settle(error: BrokerError | None) -> None:
            if verdict.done():
                return  # whoever asked has gone
            if error is None:
                verdict.set_result(None)
            else:
                verdict.set_exception(error)

        self._send(messages, settle)
        await verdict

    def _send(
        self, messages: Sequence[Outgoing], settle: Callable[[BrokerError | None], None]
    ) -> None:
        if self._over is not None:
            raise BrokerUnavailable(f"publishing: {self._over}")
        if self._connection.blocked is not None:
            raise self._blocked()
        flight, message = self._flight, self._writer.message
        tag = flight.last
        parts: list[bytes] = []
        for outgoing in messages:
            tag += 1
            parts += message(outgoing.queue, outgoing.body, b"%s%016x" % (self._nonce, tag))
        # Only now: a tag that is counted and not written would give every later message the
        # confirm of another one.
        flight.add(Call(len(messages), settle, self._loop.time() + self._limit))
        self._connection.write(parts)
        if self._looking is None:
            # Not at once: who is told of a verdict may post again, from within this very look.
            self._looking = self._loop.call_later(self._limit / _LOOKS, self._look)

    def _look(self) -> None:
        """A timer for all calls, instead of one for each."""
        if self._connection.blocked is not None:
            error: BrokerUnavailable = self._blocked()
        else:
            error = BrokerUnavailable(_TOO_LATE)
        self._flight.end_overdue(self._loop.time(), error)
        if len(self._flight) >= MOST and self._flight.is_held_up(MOST // 2) and not self.blocked:
            log.warning("broker_confirms_missing", messages=len(self._flight))
            self._connection.end("too many messages were never confirmed")
        self._looking = None
        if self._over is None and self._flight.next_deadline is not None:
            self._looking = self._loop.call_later(self._limit / _LOOKS, self._look)

    def _blocked(self) -> BrokerBlocked:
        return BrokerBlocked(f"publishing: the broker takes nothing ({self._connection.blocked})")


assert ID_LENGTH == 24  # noqa: S101 - a nonce of 8, a tag of 16

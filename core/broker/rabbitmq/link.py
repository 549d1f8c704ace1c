"""One connection to RabbitMQ that comes back by itself, with jitter so that a fleet does not come
at once.

Opening it never fails: a gateway starts without its broker. What must not go in: channels and
topology, and which library speaks to the broker.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

from core.errors import BrokerError, LoginRefused
from core.logs import get_logger

log = get_logger()

HEARTBEAT = 10
"""Seconds. A dead peer is noticed after three times this and a little, a half-dead one by confirm
timeouts."""
CONNECT_LIMIT = timedelta(seconds=5)
CLOSE_LIMIT = timedelta(seconds=4)
_CANCEL_AGAIN = timedelta(seconds=10)
_RETRY = timedelta(seconds=1)
_RETRY_REFUSED = timedelta(seconds=5)


def pause(at_least: timedelta = _RETRY) -> float:
    """Seconds to wait before the next try: between one and two times `at_least`."""
    return at_least.total_seconds() * random.uniform(1, 2)  # noqa: S311 - jitter, not a secret


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` beside the body and end it with the body; the body's errors go on as they are."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        # The library swallows a cancellation at times, and the process would never end.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_CANCEL_AGAIN.total_seconds())
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("broker_task_failed", exc_info=error)


class Connection(Protocol):
    """An open connection, by whichever library."""

    @property
    def is_down(self) -> bool: ...

    def when_down(self, tell: Callable[[], None]) -> None:
        """`tell` is called once it is down, not before."""
        ...

    async def close(self) -> None:
        """Close in order if the peer still answers, and be done in a bounded time if it does
        not."""
        ...


C = TypeVar("C", bound=Connection)


class Link(Generic[C]):
    """Keeps one connection open while it runs. `connect` raises BrokerError."""

    def __init__(self, connect: Callable[[], Awaitable[C]], name: str) -> None:
        self._connect = connect
        self._name = name
        self._connection: C | None = None
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._reported: str | None = None
        self.tried = asyncio.Event()
        """Set once the first attempt has ended, well or not."""

    @property
    def connection(self) -> C | None:
        """The open connection, or None while there is none."""
        return self._connection

    async def connected(self) -> C:
        """Wait until there is a connection."""
        while self._connection is None:
            await self._up.wait()
        return self._connection

    def drop(self, connection: C) -> None:
        """Give up a connection that does not answer any more; a new one is made."""
        if self._connection is connection and not self._down.is_set():
            log.warning("broker_connection_dropped", connection=self._name)
            self._down.set()

    async def run(self) -> None:
        """Connect, wait for the loss, connect again. Ends only by cancellation."""
        while True:
            wait = _RETRY
            try:
                connection = await self._connect()
            except BrokerError as error:
                self._report(error)
                self.tried.set()
                if isinstance(error, LoginRefused):
                    wait = _RETRY_REFUSED
            else:
                await self._hold(connection)
            await asyncio.sleep(pause(wait))

    async def _hold(self, connection: C) -> None:
        self._down.clear()
        connection.when_down(self._down.set)
        self._connection = connection
        self._up.set()
        self._reported = None
        log.info("broker_connected", connection=self._name)
        try:
            if not connection.is_down:
                await self._down.wait()
            log.warning("broker_connection_lost", connection=self._name)
        finally:
            self._connection = None
            self._up.clear()
            await connection.close()

    def _report(self, error: BrokerError) -> None:
        """Each new reason once at warning level: an outage of hours is not a line a second."""
        reason = str(error)
        if reason == self._reported:
            log.debug("broker_away", connection=self._name, reason=reason)
        else:
            self._reported = reason
            log.warning("broker_away", connection=self._name, reason=reason)

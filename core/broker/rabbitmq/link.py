"""One connection to RabbitMQ that comes back by itself, with jitter so that a fleet does not come
at once.

Opening it never fails: a gateway starts without its broker. What must not go in: channels and
topology.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AuthenticationError, ProbableAuthenticationError

from core.broker.failures import library_failures
from core.errors import BrokerError
from core.logs import get_logger

log = get_logger()

# A dead peer is noticed after three times this and a little, a half-dead one by confirm timeouts.
_HEARTBEAT = 10
_CONNECT_LIMIT = timedelta(seconds=5)
_ABANDON_LIMIT = timedelta(milliseconds=500)
_CLOSE_LIMIT = timedelta(seconds=4)
_CANCEL_AGAIN = timedelta(seconds=10)
_RETRY = timedelta(seconds=1)
_RETRY_REFUSED = timedelta(seconds=5)


def pause(at_least: timedelta = _RETRY) -> float:
    """Seconds to wait before the next try: between one and two times `at_least`."""
    return at_least.total_seconds() * random.uniform(1, 2)  # noqa: S311 - jitter, not a secret


async def connect(url: str, name: str) -> AbstractConnection:
    """One plain connection, or one of our errors."""
    attempt = asyncio.create_task(
        aio_pika.connect(
            url,
            heartbeat=_HEARTBEAT,
            client_properties={"connection_name": f"postern {name}"},
        )
    )
    try:
        with library_failures(f"connecting for {name}"):
            done, _ = await asyncio.wait({attempt}, timeout=_CONNECT_LIMIT.total_seconds())
            if not done:
                raise TimeoutError
            connection = await attempt
    except BaseException:
        await _abandon(attempt)
        raise
    return connection


async def _abandon(attempt: asyncio.Task[AbstractConnection]) -> None:
    """End an attempt. The library forgets a connection it has just made if it is cancelled in that
    moment, and leaves it open for ever; so an attempt gets the chance to end by itself."""
    await asyncio.wait({attempt}, timeout=_ABANDON_LIMIT.total_seconds())
    attempt.cancel()
    await asyncio.wait({attempt})
    if not attempt.cancelled() and attempt.exception() is None:
        await close(attempt.result())


async def close(connection: AbstractConnection) -> None:
    """Close in order if the peer still answers, and be done in a bounded time if it does not."""
    try:
        with library_failures("closing"):
            async with asyncio.timeout(_CLOSE_LIMIT.total_seconds()):
                await connection.close()
    except BrokerError as error:
        log.debug("broker_connection_not_closed_in_order", reason=str(error))


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


class Link:
    """Keeps one connection open while it runs."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: AbstractConnection | None = None
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._reported: str | None = None
        self.tried = asyncio.Event()
        """Set once the first attempt has ended, well or not."""

    @property
    def connection(self) -> AbstractConnection | None:
        """The open connection, or None while there is none."""
        return self._connection

    async def connected(self) -> AbstractConnection:
        """Wait until there is a connection."""
        while self._connection is None:
            await self._up.wait()
        return self._connection

    def drop(self, connection: AbstractConnection) -> None:
        """Give up a connection that does not answer any more; a new one is made."""
        if self._connection is connection and not self._down.is_set():
            log.warning("broker_connection_dropped", connection=self._name)
            self._down.set()

    async def run(self) -> None:
        """Connect, wait for the loss, connect again. Ends only by cancellation."""
        while True:
            wait = _RETRY
            try:
                connection = await connect(self._url, self._name)
            except BrokerError as error:
                self._report(error)
                self.tried.set()
                if isinstance(error.__cause__, AuthenticationError | ProbableAuthenticationError):
                    wait = _RETRY_REFUSED
            else:
                await self._hold(connection)
            await asyncio.sleep(pause(wait))

    async def _hold(self, connection: AbstractConnection) -> None:
        self._down.clear()
        connection.close_callbacks.add(self._lost)
        self._connection = connection
        self._up.set()
        self._reported = None
        log.info("broker_connected", connection=self._name)
        try:
            if not _is_down(connection):
                await self._down.wait()
            log.warning("broker_connection_lost", connection=self._name)
        finally:
            self._connection = None
            self._up.clear()
            await close(connection)

    def _lost(self, *_: object) -> None:
        self._down.set()

    def _report(self, error: BrokerError) -> None:
        """Each new reason once at warning level: an outage of hours is not a line a second."""
        reason = str(error)
        if reason == self._reported:
            log.debug("broker_away", connection=self._name, reason=reason)
        else:
            self._reported = reason
            log.warning("broker_away", connection=self._name, reason=reason)


def _is_down(connection: AbstractConnection) -> bool:
    transport = connection.transport
    return transport is None or transport.connection.is_closed

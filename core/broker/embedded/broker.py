"""The embedded broker's side of the port: everything is work for the next round."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from core.broker.embedded.file import FileLock, open_database
from core.broker.embedded.rounds import Rounds
from core.broker.embedded.store import Store
from core.broker.embedded.subscription import EmbeddedSubscription
from core.broker.port import Outgoing, Subscription, Told
from core.broker.topology import DEAD_QUEUE, WORK_QUEUE_LENGTH, Topology
from core.errors import BrokerUnavailable


class EmbeddedBroker:
    """Durable queues in one file, for this process. Used as a context manager."""

    def __init__(
        self,
        path: Path,
        *,
        queue_length: int = WORK_QUEUE_LENGTH,
        publish_limit: timedelta = timedelta(seconds=2.5),
    ) -> None:
        self._path = path
        self._queue_length = queue_length
        self._publish_limit = publish_limit
        self._lock: FileLock | None = None
        self._rounds: Rounds[Store] | None = None

    async def __aenter__(self) -> Self:
        """Raises ConfigurationError if the file cannot be used or another process runs on it."""
        self._lock = FileLock(self._path)

        def keep(database: sqlite3.Connection) -> Store:
            return Store(database, queue_length=self._queue_length)

        rounds = Rounds(self._path, open_file=open_database, keep=keep)
        try:
            await rounds.start()
        except BaseException:
            await rounds.stop()
            self._lock.release()
            raise
        self._rounds = rounds
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._rounds is not None and self._lock is not None:
            rounds, self._rounds = self._rounds, None
            await rounds.stop()
            self._lock.release()

    @property
    def connected(self) -> bool:
        return self._rounds is not None

    @property
    def blocked(self) -> bool:
        return False

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        def publish(store: Store) -> None:
            store.publish(messages)

        try:
            async with asyncio.timeout(self._publish_limit.total_seconds()):
                await self._running().do(publish)
        except TimeoutError:
            raise BrokerUnavailable("the embedded broker's disk is too slow") from None

    @property
    def posts(self) -> bool:
        return False

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:  # noqa: ARG002 - the port's
        """Never: a round on the disk has to be waited for."""
        return False

    async def declare(self, topology: Topology) -> None:
        def declare(store: Store) -> None:
            store.declare((DEAD_QUEUE, *topology.queues))

        await self._running().do(declare)

    @asynccontextmanager
    async def subscribe(self, queue: str, *, prefetch: int) -> AsyncIterator[Subscription]:
        subscription = EmbeddedSubscription(self._running(), queue, prefetch=prefetch)
        try:
            yield subscription
        finally:
            await subscription.close()

    async def depth(self, queue: str) -> int:
        def ready(store: Store) -> int:
            return store.ready(queue)

        return int(await self._running().do(ready))

    def _running(self) -> Rounds[Store]:
        if self._rounds is None:
            raise BrokerUnavailable("the embedded broker is not open")
        return self._rounds
